#include "tests/sim/world.h"

#include "core/secret.h"

#include <inttypes.h>
#include <stdlib.h>

#define TURNS_AT_ONE_TIME_MAX 20000
#define QUIET_MS (20 * MINUTE_MS)

/* --- the world ----------------------------------------------------------------------------- */

static const struct sim_state_sink state_sinks[] = {{"orange", "noc"}};

struct world *world_create(uint64_t seed, bool is_traced, enum plant_kind plant)
{
    struct world *world = alloc(sizeof *world);
    struct sim *sim = &world->sim;
    sim_init(sim, seed, is_traced);
    world->plant = plant;
    world_init_config(world);
    world->storm_permille = sim_chance(sim, 150) ? 0 : sim_between(sim, 50, 1000);
    world->upstream.has_example = world->source.is_adaptive;
    sim_upstream_init(&world->upstream, sim, (size_t)sim_between(sim, 1, 14));
    sim_api_init(&world->api, sim, &world->upstream, &world->source);
    world->upstream.is_steady = world->api.has_validators;
    world->api.total_lie = sim_chance(sim, 80) ? sim_between(sim, 1, 7) : 0;
    sim_store_init(&world->store, sim);
    world->store.state_sinks = state_sinks;
    world->store.state_sink_count = ARRAY_COUNT(state_sinks);
    oracle_init(&world->oracle, &world->store, &world->upstream, &world->config);
    world->store.watch = oracle_store_watch(&world->oracle);
    for (size_t i = 0; i < WORLD_SINKS; i++) {
        sim_sink_init(&world->sinks[i], sim, &world->sink_configs[i]);
        world->sinks[i].watch = oracle_sink_watch(&world->oracle);
    }
    return world;
}

/* The simulated texts are in normal form already. */
static void normalize(struct span bytes, struct text *out)
{
    text_add(out, bytes);
}

/* --- lives of the daemon ------------------------------------------------------------------- */

static void start_life(struct world *world, bool is_once)
{
    struct world_process *life = alloc(sizeof *life);
    world->life = life;
    life->process = (struct sim_process){
        .sim = &world->sim, .number = ++world->life_count, .calls_until_crash = -1};
    life->plant = plant_create(world->plant, &life->process);
    life->store_port = sim_store_port_create(&world->store, &life->process);
    life->api_port = sim_api_port_create(&world->api, &life->process);
    for (size_t i = 0; i < WORLD_SINKS; i++) {
        life->sink_ports[i] = sim_sink_port_create(&world->sinks[i], &life->process);
        life->sinks[i] = plant_sink(life->plant, sim_sink_port(life->sink_ports[i]));
    }
    struct monitor_options options = {
        .config = world->plant == PLANT_MAINTENANCE_UNKNOWN ? &world->deaf_config : &world->config,
        .http = sim_api_port(life->api_port),
        .store = plant_store(life->plant, sim_store_port(life->store_port)),
        .query = sim_query_port(life->store_port),
        .unicode = {.normalize = normalize},
        .sinks = life->sinks,
        .seed = random_next(&world->sim.random),
        .is_once = is_once};
    sim_trace(&world->sim, "process %" PRIu32 " starts", life->process.number);
    life->monitor = monitor_create(&options);
    struct failure why;
    if (monitor_load(life->monitor, &why) != STATUS_OK) {
        sim_violation(&world->sim, "cannot load: %s", why.detail);
    }
    for (size_t i = 0; i < WORLD_SINKS; i++) {
        sim_sink_port_connect(life->sink_ports[i]);
    }
}

static void free_life(struct world *world)
{
    struct world_process *life = world->life;
    world->look_up_count += poller_status(monitor_poller(life->monitor, 0)).look_up_count;
    monitor_destroy(life->monitor);
    sim_store_port_destroy(life->store_port);
    sim_api_port_destroy(life->api_port);
    for (size_t i = 0; i < WORLD_SINKS; i++) {
        sim_sink_port_destroy(life->sink_ports[i]);
    }
    plant_destroy(life->plant);
    free(life);
    world->life = NULL;
}

/* A dead process has no effect any more; its objects are only brought to their end to be freed. */
static void bury(struct world *world)
{
    struct world_process *life = world->life;
    struct instant now = world->sim.now;
    monitor_stop(life->monitor);
    int turns = 0;
    do {
        turns++;
        CHECK(turns < 1000);
        (void)monitor_turn(life->monitor, now);
        while (sim_abandon_one(&world->sim, &life->process)) {
        }
        now.mono_ms += MINUTE_MS;
        now.wall_ms += MINUTE_MS;
    } while (!monitor_is_idle(life->monitor));
    free_life(world);
}

static void crash(struct world *world)
{
    struct world_process *life = world->life;
    life->process.is_dead = true;
    world->crash_count++;
    sim_trace(&world->sim, "process %" PRIu32 " is dead", life->process.number);
    sim_store_port_crash(life->store_port);
    for (size_t i = 0; i < WORLD_SINKS; i++) {
        sim_sink_port_crash(life->sink_ports[i]);
    }
    bury(world);
}

static bool has_life(const struct world *world)
{
    return world->life != NULL && !world->life->process.is_dead;
}

/* The daemon's turn; when the next one is, or when something happens. */
static int64_t turn(struct world *world, int64_t end_mono_ms)
{
    int64_t next = end_mono_ms;
    if (has_life(world)) {
        next = earlier(next, world_reload_turn(world));
    }
    if (has_life(world)) {
        next = earlier(next, monitor_turn(world->life->monitor, world->sim.now));
    }
    return earlier(next, sim_next_due_mono_ms(&world->sim));
}

/* Lets the world and the daemon go on until this time, or until the daemon dies. */
static void run_until(struct world *world, int64_t end_mono_ms)
{
    struct sim *sim = &world->sim;
    int turns = 0;
    while (world->life == NULL || !world->life->process.is_dead) {
        while (sim_run_one(sim)) {
        }
        oracle_watch_clock(&world->oracle);
        int64_t next = turn(world, end_mono_ms);
        if (sim->now.mono_ms >= end_mono_ms) {
            return;
        }
        turns = next > sim->now.mono_ms ? 0 : turns + 1;
        if (turns > TURNS_AT_ONE_TIME_MAX) {
            sim_violation(sim, "the daemon turns and turns without getting anywhere");
        }
        sim_advance(sim, next > sim->now.mono_ms ? next : sim->now.mono_ms);
    }
}

/* --- weather ------------------------------------------------------------------------------- */

static int64_t draw_permille(struct world *world, int64_t max)
{
    struct sim *sim = &world->sim;
    if (world->is_ending || !sim_chance(sim, world->storm_permille / 2)) {
        return 0;
    }
    return sim_between(sim, 0, max);
}

/* Never a source's own: that has no slash. */
static const char *draw_refused_topics(struct world *world)
{
    static const char *const patterns[] = {"*/*1*", "*/*2*", "*/*3", "*/*/config", "*/?*"};
    bool is_some = draw_permille(world, 1000) > 300;
    return is_some ? patterns[random_below(&world->sim.random, (int64_t)ARRAY_COUNT(patterns))]
                   : NULL;
}

static void change_sink(struct world *world, size_t index)
{
    struct sim *sim = &world->sim;
    struct sim_sink *sink = &world->sinks[index];
    bool was_away = sink->is_away;
    sink->is_away = draw_permille(world, 1000) > 300;
    sink->is_gone = draw_permille(world, 1000) > 960;
    sink->later_permille = draw_permille(world, 700);
    sink->lost_ack_permille = draw_permille(world, 300);
    sink->reject_permille = draw_permille(world, 100);
    sink->divide_permille = draw_permille(world, 1000);
    sink->answer_ms_max = draw_permille(world, 1000) > 500 ? 30000 : 50;
    sink->connection += was_away != sink->is_away;
    sink->busy_ms = draw_permille(world, 1000) > 700 ? sim_between(sim, 1, 300) * 1000 : 0;
    sink->refused_topics = draw_refused_topics(world);
    if (was_away && !sink->is_away) {
        if (sim_chance(sim, 500)) {
            sim_sink_forget_topics(sink);
        }
        if (world->life != NULL) {
            sim_sink_port_connect(world->life->sink_ports[index]);
        }
    }
    sim_trace(sim, "weather at %s: away %d, gone %d, later %d, lost %d", sink->config->name,
              sink->is_away, sink->is_gone, (int)sink->later_permille,
              (int)sink->lost_ack_permille);
}

static void change_weather(struct world *world)
{
    struct sim *sim = &world->sim;
    for (size_t i = 0; i < WORLD_SINKS; i++) {
        change_sink(world, i);
    }
    world->api.fault_permille = draw_permille(world, 500);
    bool is_liar =
        world->api.total_lie != 0; /* then nothing else shows that elements are missing */
    world->api.short_page_permille = is_liar ? 0 : draw_permille(world, 400);
    world->api.bend_permille = is_liar ? 0 : draw_permille(world, 300);
    world->api.token_fault_permille = draw_permille(world, 500);
    world->api.answer_ms_max = draw_permille(world, 1000) > 600 ? 20000 : 300;
    world->store.full_permille = draw_permille(world, 300);
    world->store.unavailable_permille = draw_permille(world, 100);
    world->api.is_store_failing =
        world->store.full_permille != 0 || world->store.unavailable_permille != 0;
    if (draw_permille(world, 1000) > 800) {
        static const int64_t jumps_ms[] = {1000, 70000, HOUR_MS, DAY_MS};
        int64_t jump = jumps_ms[random_below(&sim->random, (int64_t)ARRAY_COUNT(jumps_ms))];
        sim->now.wall_ms += sim_chance(sim, 500) ? jump : -jump;
        sim_trace(sim, "the wall clock jumps: %" PRId64, sim->now.wall_ms);
    }
    if (draw_permille(world, 1000) > 850) {
        world->sleep_count++;
        sim_advance(sim, sim->now.mono_ms + sim_between(sim, 1, 120) * MINUTE_MS);
        sim->woke_mono_ms = sim->now.mono_ms;
        sim_trace(sim, "the machine slept until now");
    }
}

/* Wherever the daemon rests, what is retained equals the store: not only at the end. */
static void check_quiet_topics(struct world *world)
{
    const struct sim_sink *sink = &world->sinks[1];
    if (world->life != NULL && !world->life->process.is_dead && !sink->is_away &&
        sim_sink_port_is_quiet(world->life->sink_ports[1]) &&
        !sim_store_has_stale(&world->store, sink->config->name) &&
        !sim_store_has_refused(&world->store, sink->config->name) &&
        sim_sink_topic(sink, world->source.name) != NULL) {
        sim_trace(&world->sim, "all is quiet: the topics are looked at");
        oracle_check_topics(&world->oracle, sink);
    }
}

static void on_weather(void *self, bool is_alive)
{
    struct world *world = self;
    CHECK(is_alive);
    check_quiet_topics(world);
    if (!world->is_ending) {
        change_weather(world);
        sim_spawn(&world->sim, NULL, sim_between(&world->sim, 1, 30) * MINUTE_MS, on_weather,
                  world);
    }
}

static void on_edit(void *self, bool is_alive)
{
    struct world *world = self;
    CHECK(is_alive);
    if (!world->is_ending) {
        sim_upstream_edit(&world->upstream);
        sim_spawn(&world->sim, NULL, sim_between(&world->sim, 1, 120) * 1000, on_edit, world);
    }
}

static void on_reload(void *self, bool is_alive)
{
    struct world *world = self;
    CHECK(is_alive);
    if (world->is_ending) {
        return;
    }
    if (has_life(world)) {
        world_begin_reload(world);
    }
    sim_spawn(&world->sim, NULL, sim_between(&world->sim, 1, INT64_C(40) * 60) * 1000, on_reload,
              world);
}

/* --- the story ----------------------------------------------------------------------------- */

void world_live(struct world *world)
{
    struct sim *sim = &world->sim;
    int64_t end = sim->now.mono_ms + sim_between(sim, 1, 4) * HOUR_MS;
    bool may_crash = sim_chance(sim, 700);
    sim_spawn(sim, NULL, sim_between(sim, 0, HOUR_MS), on_weather, world);
    sim_spawn(sim, NULL, sim_between(sim, 0, 10 * MINUTE_MS), on_edit, world);
    if (sim_chance(sim, 600)) {
        sim_spawn(sim, NULL, sim_between(sim, 0, 30 * MINUTE_MS), on_reload, world);
    }
    if (sim_chance(sim, 300)) {
        sim_spawn(sim, NULL, sim_between(sim, 5, 60) * MINUTE_MS, world_on_silence, world);
    }
    while (sim->now.mono_ms < end) {
        start_life(world, false);
        if (may_crash && sim_chance(sim, 800)) {
            world->life->process.calls_until_crash = sim_between(sim, 1, 600);
        }
        run_until(world, end);
        if (world->life->process.is_dead || sim->now.mono_ms >= end) {
            crash(world);
            run_until(world, sim->now.mono_ms + sim_between(sim, 0, 10) * MINUTE_MS);
        }
    }
}

static void resume_sinks(struct world *world)
{
    for (size_t i = 0; i < WORLD_SINKS; i++) {
        dispatcher_resume(monitor_dispatcher(world->life->monitor), i);
    }
}

static void stop_life(struct world *world)
{
    monitor_stop(world->life->monitor);
    int64_t give_up = world->sim.now.mono_ms + HOUR_MS;
    while (!monitor_is_idle(world->life->monitor)) {
        if (world->sim.now.mono_ms > give_up) {
            sim_violation(&world->sim, "the daemon does not stop");
        }
        run_until(world, world->sim.now.mono_ms + 1000);
    }
    free_life(world);
}

static void expect_no_news(struct world *world)
{
    uint64_t before = world->oracle.change_count;
    start_life(world, false);
    run_until(world, world->sim.now.mono_ms + QUIET_MS);
    if (world->oracle.change_count != before) {
        sim_violation(&world->sim, "a restart without any change made events");
    }
    stop_life(world);
}

static bool has_parked(const struct world *world)
{
    for (size_t i = 0; i < world->store.row_count; i++) {
        if (world->store.rows[i].state == ROW_PARKED) {
            return true;
        }
    }
    return false;
}

/* What waits for the end of quiet hours is what may be left: nothing makes it come before. */
static bool has_only_planned(const struct world *world)
{
    size_t count = 0;
    for (size_t i = 0; i < world->store.row_count; i++) {
        const struct sim_row *row = &world->store.rows[i];
        bool is_planned = row->event->type == EVENT_DIGEST ||
                          (!row->is_retry && row->due_wall_ms > world->sim.now.wall_ms);
        if (row->state == ROW_PENDING && !is_planned) {
            return false;
        }
        count += row->state == ROW_PENDING ? 1 : 0;
    }
    return count != 0;
}

static void expect_once(struct world *world, enum once_outcome expected)
{
    world->oracle.is_once = true;
    start_life(world, true);
    int64_t give_up = world->sim.now.mono_ms + QUIET_MS;
    while (monitor_once_outcome(world->life->monitor) == ONCE_RUNNING &&
           world->sim.now.mono_ms < give_up) {
        run_until(world, world->sim.now.mono_ms + 1000);
    }
    enum once_outcome outcome = monitor_once_outcome(world->life->monitor);
    bool is_only_left =
        outcome == ONCE_PENDING && expected == ONCE_DELIVERED && has_only_planned(world);
    if (outcome != expected && !is_only_left) {
        sim_violation(&world->sim, "run --once ends with %d, not with %d", (int)outcome,
                      (int)expected);
    }
    stop_life(world);
    world->oracle.is_once = false;
}

static void wait_until_settled(struct world *world)
{
    int64_t calm_since = world->sim.now.mono_ms;
    int64_t give_up = calm_since + 2 * DAY_MS;
    while (!oracle_is_settled(&world->oracle) && world->sim.now.mono_ms < give_up) {
        run_until(world, world->sim.now.mono_ms + MINUTE_MS);
        resume_sinks(world);
        oracle_check_waits(&world->oracle, calm_since);
    }
}

void world_settle(struct world *world)
{
    world->is_ending = true;
    world->api.is_steady = true;
    change_weather(world);
    start_life(world, false);
    resume_sinks(world);
    wait_until_settled(world);
    run_until(world, world->sim.now.mono_ms + QUIET_MS);
    wait_until_settled(world); /* reminders come by themselves */
    oracle_check_end(&world->oracle);
    oracle_check_topics(&world->oracle, &world->sinks[1]);
    stop_life(world);
    expect_no_news(world);
    expect_once(world, has_parked(world) ? ONCE_PENDING : ONCE_DELIVERED);
    world->api.is_down = true;
    expect_once(world, ONCE_UNSWEPT);
    oracle_check_end(&world->oracle);
}

void world_destroy(struct world *world)
{
    CHECK(world->life == NULL);
    while (sim_next_due_mono_ms(&world->sim) != INSTANT_NEVER) {
        sim_advance(&world->sim, sim_next_due_mono_ms(&world->sim));
        (void)sim_run_one(&world->sim);
    }
    for (size_t i = 0; i < WORLD_SINKS; i++) {
        sim_sink_fini(&world->sinks[i]);
    }
    oracle_fini(&world->oracle);
    sim_store_fini(&world->store);
    sim_api_fini(&world->api);
    sim_upstream_fini(&world->upstream);
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): it is our own */
    secret_destroy((struct secret *)(uintptr_t)world->source.oauth2.client_secret);
    sim_fini(&world->sim);
    free(world);
}
