/* The ground of the simulated world: one virtual clock, one seed, one queue, one trace. */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "core/base.h"
#include "core/random.h"

struct sim;

/* One life of the daemon. Once it is dead, whatever its objects still ask of their ports has no
 * effect on the world. */
struct sim_process {
    struct sim *sim;
    uint32_t number;
    bool is_dead;
    int64_t calls_until_crash; /* counted down by each port call; below 0: no crash is planned */
};

/* is_alive false: the process died; answer its caller with a failure and touch nothing else. */
typedef void sim_task_fn(void *self, bool is_alive);

struct sim_task {
    struct sim_task *next;
    struct sim_process *process; /* NULL: the world's own */
    int64_t due_mono_ms;
    sim_task_fn *run;
    void *self;
};

struct sim {
    uint64_t seed;
    struct instant now;
    int64_t woke_mono_ms; /* the machine slept until then */
    struct random random;
    struct sim_task *tasks; /* by due time, then as they came */
    uint64_t trace_hash;
    uint64_t trace_count;
    bool is_traced;
};

void sim_init(struct sim *sim, uint64_t seed, bool is_traced);
void sim_fini(struct sim *sim);

void sim_spawn(struct sim *sim, struct sim_process *process, int64_t delay_ms, sim_task_fn *run,
               void *self);
int64_t sim_next_due_mono_ms(const struct sim *sim); /* INSTANT_NEVER: nothing is waiting */
bool sim_run_one(struct sim *sim);                   /* false: nothing is due now */
bool sim_abandon_one(struct sim *sim, const struct sim_process *process); /* of a dead process */
typedef int64_t sim_turn_fn(void *arg, struct instant now); /* when the next turn is wanted */
/* Tasks and turns, one after the other, for so long; and then the clocks stand at its end. */
void sim_play(struct sim *sim, int64_t duration_ms, sim_turn_fn *turn, void *arg);
void sim_advance(struct sim *sim, int64_t mono_ms); /* both clocks, to this monotonic time */

/* Every port call asks first: false, the process is dead (this very call may have been its last).
 */
bool sim_call(struct sim_process *process);

bool sim_chance(struct sim *sim, int64_t permille);
int64_t sim_between(struct sim *sim, int64_t low, int64_t high); /* both included */

void sim_trace(struct sim *sim, const char *format, ...) PRINTF_LIKE(2, 3);
/* The oracle's verdict: prints and ends the program with the seed to replay. */
_Noreturn void sim_violation(struct sim *sim, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
