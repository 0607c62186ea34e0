#include "tests/bench/support/latency.h"

#include "core/arena.h"
#include "core/dispatcher.h"
#include "core/event_sample.h"
#include "edge/http_client.h"
#include "edge/loop.h"
#include "edge/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct latency_run {
    struct latency *latency;
    void (*measure_bare)(struct latency *);
    const char *sink_name;
    struct loop *loop;
    struct store_port store;
    struct dispatcher *dispatcher;
    struct arena *arena;
    size_t committed, heard;
    bool is_committing;
    int64_t committed_ns;
    int64_t ours_ns[LATENCY_COUNT_MAX];
};

int64_t latency_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int compare(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static double percentile_us(int64_t *times, size_t count, size_t percent)
{
    qsort(times, count, sizeof times[0], compare);
    size_t index = (count - 1) * percent / 100;
    return (double)times[index] / 1000;
}

/* What is open stays open: the process ends here. */
static _Noreturn void finish(struct latency_run *run)
{
    struct latency *latency = run->latency;
    run->measure_bare(latency);
    (void)printf("%.0f %.0f %.0f %.0f\n", percentile_us(run->ours_ns, latency->count, 99),
                 percentile_us(latency->bare_ns, latency->count, 99),
                 percentile_us(run->ours_ns, latency->count, 50),
                 percentile_us(latency->bare_ns, latency->count, 50));
    (void)fflush(stdout);
    _exit(0);
}

static void on_committed(void *arg, enum status status, const char *detail)
{
    struct latency_run *run = arg;
    (void)detail;
    CHECK(status == STATUS_OK);
    run->committed_ns = latency_now_ns();
    run->is_committing = false;
    run->committed++;
}

static void commit_one(struct latency_run *run, struct instant now)
{
    arena_reset(run->arena);
    struct event event;
    event_sample(EVENT_ORDER_UPDATED, run->arena, &event);
    (void)snprintf(event.id, sizeof event.id, "%032zx", run->committed);
    event.order_id = arena_format(run->arena, "%zu", run->committed);
    event.sequence = 1;
    run->latency->body_size = event.json.size;
    struct planned_delivery plan = {
        .sink_name = run->sink_name, .lane = event.order_id, .due_wall_ms = now.wall_ms};
    struct new_event news = {.event = event, .deliveries = &plan, .delivery_count = 1};
    struct commit commit = {.events = &news, .event_count = 1};
    run->is_committing = true;
    run->store.commit(run->store.self, &commit, on_committed, run);
    dispatcher_expect_news(run->dispatcher);
}

/* The receiver's thread may be later than the answer to us. */
static bool is_over(const struct latency_run *run)
{
    uint64_t delivered = dispatcher_status(run->dispatcher, 0).delivered;
    return !run->is_committing && delivered == run->committed &&
           (run->committed == 0 || atomic_load(&run->latency->heard_ns) > run->committed_ns);
}

static int64_t on_turn(void *arg, struct instant now)
{
    struct latency_run *run = arg;
    if (!is_over(run)) {
        return earlier(dispatcher_turn(run->dispatcher, now), now.mono_ms + 1);
    }
    if (run->committed != 0) {
        run->ours_ns[run->committed - 1] = atomic_load(&run->latency->heard_ns) - run->committed_ns;
    }
    if (run->committed == run->latency->count) {
        finish(run);
    }
    commit_one(run, now);
    return dispatcher_turn(run->dispatcher, now); /* after the commit, as in a monitor's turn */
}

static void on_available(void *arg)
{
    const struct latency_run *run = arg;
    dispatcher_available(run->dispatcher, 0);
}

static void ignore_signal(void *arg)
{
    (void)arg;
}

_Noreturn void latency_measure(struct latency *latency, const char *folder,
                               struct sink_config *sink, sink_open_fn *open,
                               void (*measure_bare)(struct latency *))
{
    static struct latency_run run;
    run.latency = latency;
    run.measure_bare = measure_bare;
    run.sink_name = sink->name;
    struct config config = {.sinks = sink, .sink_count = 1};
    const struct config *in_force = &config;
    struct failure why;
    struct http_client *http = NULL;
    struct store *store = NULL;
    struct sink_port port;
    char path[512];
    (void)snprintf(path, sizeof path, "%s/latency.db", folder);
    CHECK(loop_create(&run.loop, &why) == STATUS_OK);
    struct store_options options = {.uv = loop_uv(run.loop), .path = path};
    CHECK(http_client_create(loop_uv(run.loop), &http, &why) == STATUS_OK);
    CHECK(store_open(&options, &store, &why) == STATUS_OK);
    run.store = store_port(store);
    struct sink_environment environment = {
        .uv = loop_uv(run.loop), .http = http, .config = &in_force, .version = "bench"};
    CHECK(open(sink, &environment, &port, &why) == STATUS_OK);
    struct dispatcher_options dispatch = {
        .config = &config, .sinks = &port, .store = run.store, .seed = 1};
    run.dispatcher = dispatcher_create(&dispatch);
    run.arena = arena_create();
    const struct sink_listener listener = {
        .arg = &run, .on_available = on_available, .on_state_lost = ignore_signal};
    if (port.ops->listen != NULL) {
        port.ops->listen(port.self, &listener);
    }
    struct loop_events events = {
        .on_turn = on_turn, .on_terminate = ignore_signal, .on_reload = ignore_signal, .arg = &run};
    /* Until the last one is measured, which is the end of the process. */
    loop_run(run.loop, &events);
    CHECK(!"the loop ended");
}
