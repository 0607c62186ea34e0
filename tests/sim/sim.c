#include "tests/sim/sim.h"

#include "core/hash.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void sim_init(struct sim *sim, uint64_t seed, bool is_traced)
{
    *sim = (struct sim){.seed = seed, .random = {.state = seed}, .is_traced = is_traced};
    sim->now.mono_ms = 1000;
    sim->now.wall_ms = INT64_C(1800000000000); /* 2027-01-15 */
}

void sim_fini(struct sim *sim)
{
    CHECK(sim->tasks == NULL);
}

void sim_spawn(struct sim *sim, struct sim_process *process, int64_t delay_ms, sim_task_fn *run,
               void *self)
{
    struct sim_task *task = alloc(sizeof *task);
    task->process = process;
    task->due_mono_ms = sim->now.mono_ms + delay_ms;
    task->run = run;
    task->self = self;
    struct sim_task **place = &sim->tasks;
    while (*place != NULL && (*place)->due_mono_ms <= task->due_mono_ms) {
        place = &(*place)->next;
    }
    task->next = *place;
    *place = task;
}

int64_t sim_next_due_mono_ms(const struct sim *sim)
{
    return sim->tasks != NULL ? sim->tasks->due_mono_ms : INSTANT_NEVER;
}

static void run_and_free(struct sim_task *task)
{
    task->run(task->self, task->process == NULL || !task->process->is_dead);
    free(task);
}

bool sim_run_one(struct sim *sim)
{
    struct sim_task *task = sim->tasks;
    if (task == NULL || task->due_mono_ms > sim->now.mono_ms) {
        return false;
    }
    sim->tasks = task->next;
    run_and_free(task);
    return true;
}

bool sim_abandon_one(struct sim *sim, const struct sim_process *process)
{
    CHECK(process->is_dead);
    for (struct sim_task **place = &sim->tasks; *place != NULL; place = &(*place)->next) {
        struct sim_task *task = *place;
        if (task->process == process) {
            *place = task->next;
            run_and_free(task);
            return true;
        }
    }
    return false;
}

void sim_advance(struct sim *sim, int64_t mono_ms)
{
    CHECK(mono_ms >= sim->now.mono_ms);
    sim->now.wall_ms += mono_ms - sim->now.mono_ms;
    sim->now.mono_ms = mono_ms;
}

void sim_play(struct sim *sim, int64_t duration_ms, sim_turn_fn *turn, void *arg)
{
    int64_t end = sim->now.mono_ms + duration_ms;
    for (int turns_at_once = 0;;) {
        while (sim_run_one(sim)) {
        }
        int64_t next = turn(arg, sim->now);
        next = earlier(next, sim_next_due_mono_ms(sim));
        if (next > end) {
            break;
        }
        CHECK(++turns_at_once < 1000);
        if (next > sim->now.mono_ms) {
            turns_at_once = 0;
            sim_advance(sim, next);
        }
    }
    sim_advance(sim, end);
}

bool sim_call(struct sim_process *process)
{
    if (process->is_dead) {
        return false;
    }
    if (process->calls_until_crash >= 0 && process->calls_until_crash-- == 0) {
        process->is_dead = true;
        sim_trace(process->sim, "process %" PRIu32 " dies", process->number);
        return false;
    }
    return true;
}

bool sim_chance(struct sim *sim, int64_t permille)
{
    return random_below(&sim->random, 1000) < permille;
}

int64_t sim_between(struct sim *sim, int64_t low, int64_t high)
{
    return low + random_below(&sim->random, high - low + 1);
}

static void trace_line(struct sim *sim, const char *line, size_t size)
{
    uint64_t pair[2] = {sim->trace_hash, hash64((struct span){.data = line, .size = size})};
    sim->trace_hash = hash64((struct span){.data = (const char *)pair, .size = sizeof pair});
    sim->trace_count++;
    if (sim->is_traced) {
        (void)printf("%10" PRId64 "  %s\n", sim->now.mono_ms, line);
    }
}

void sim_trace(struct sim *sim, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    CHECK(size >= 0);
    trace_line(sim, line, (size_t)size < sizeof line ? (size_t)size : sizeof line - 1);
}

void sim_violation(struct sim *sim, const char *format, ...)
{
    char line[900];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    (void)printf("VIOLATION seed %" PRIu64 " at %" PRId64 " ms: %s\n", sim->seed, sim->now.mono_ms,
                 line);
    (void)fflush(stdout);
    _Exit(1);
}
