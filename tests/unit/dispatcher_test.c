/* What the sinks are told about each other, and what of it survives a restart. */
#include "core/dispatcher.h"

#include "tests/sim/sim_sinks.h"
#include "tests/sim/sim_store.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TICKETS, NOC, SINKS };

struct world {
    struct sim sim;
    struct sim_process process;
    struct sim_store store;
    struct sim_store_port *store_port;
    struct sim_sink sinks[SINKS];
    struct sim_sink_port *sink_ports[SINKS];
    struct sink_port ports[SINKS];
    struct sink_config sink_configs[SINKS];
    struct config config;
    struct dispatcher *dispatcher;
    uint64_t sequence;
};

static const struct route_config everything = {.types = (const char *const[]){"*"},
                                               .type_count = 1,
                                               .sinks = (const size_t[]){TICKETS, NOC},
                                               .sink_count = SINKS};

static void restore(void *arg, const struct stored_value *value)
{
    dispatcher_restore(arg, value);
}

static void start(struct world *world)
{
    struct store_port store = sim_store_port(world->store_port);
    struct dispatcher_options options = {
        .config = &world->config, .sinks = world->ports, .store = store, .seed = 3};
    world->dispatcher = dispatcher_create(&options);
    struct failure why;
    assert_int_equal(store.visit_values(store.self, restore, world->dispatcher, &why), STATUS_OK);
}

static struct world *world_create(void)
{
    struct world *world = alloc(sizeof *world);
    sim_init(&world->sim, 1, false);
    world->process = (struct sim_process){.sim = &world->sim, .calls_until_crash = -1};
    sim_store_init(&world->store, &world->sim);
    world->store_port = sim_store_port_create(&world->store, &world->process);
    for (size_t i = 0; i < SINKS; i++) {
        world->sink_configs[i] = (struct sink_config){.name = i == TICKETS ? "tickets" : "noc",
                                                      .kind = SINK_WEBHOOK,
                                                      .in_flight_max = 4,
                                                      .failing_after_ms = 60000,
                                                      .retry = {5000, HOUR_MS, 7 * DAY_MS}};
        sim_sink_init(&world->sinks[i], &world->sim, &world->sink_configs[i]);
        world->sink_ports[i] = sim_sink_port_create(&world->sinks[i], &world->process);
        world->ports[i] = sim_sink_port(world->sink_ports[i]);
    }
    world->config = (struct config){
        .sinks = world->sink_configs, .sink_count = SINKS, .routes = &everything, .route_count = 1};
    start(world);
    return world;
}

static int64_t turn(void *arg, struct instant now)
{
    struct world *world = arg;
    return dispatcher_turn(world->dispatcher, now);
}

static void run(struct world *world, int64_t duration_ms)
{
    sim_play(&world->sim, duration_ms, turn, world);
}

static void stop(struct world *world)
{
    dispatcher_stop(world->dispatcher);
    while (!dispatcher_is_idle(world->dispatcher)) {
        run(world, 1000);
    }
    dispatcher_destroy(world->dispatcher);
}

static void world_destroy(struct world *world)
{
    stop(world);
    sim_store_port_destroy(world->store_port);
    for (size_t i = 0; i < SINKS; i++) {
        sim_sink_port_destroy(world->sink_ports[i]);
        sim_sink_fini(&world->sinks[i]);
    }
    sim_store_fini(&world->store);
    sim_fini(&world->sim);
    free(world);
}

/* An event of an order of its own, for one sink. */
static void add(struct world *world, const char *sink_name)
{
    char order_id[24];
    (void)snprintf(order_id, sizeof order_id, "A-%d", (int)++world->sequence);
    struct planned_delivery plan = {
        .sink_name = sink_name, .lane = order_id, .due_wall_ms = world->sim.now.wall_ms};
    struct new_event news = {.event = {.type = EVENT_ORDER_CREATED,
                                       .source_name = "orange",
                                       .order_id = order_id,
                                       .appointment_id = "",
                                       .sequence = 1,
                                       .json = span_of("{}")},
                             .deliveries = &plan,
                             .delivery_count = 1};
    struct commit commit = {.events = &news, .event_count = 1};
    sim_store_apply(&world->store, &commit, NULL);
    dispatcher_expect_news(world->dispatcher);
}

static size_t count_news(const struct world *world, enum event_type type)
{
    size_t count = 0;
    for (size_t i = 0; i < world->store.event_count; i++) {
        count += world->store.events[i]->type == type;
    }
    return count;
}

static const struct event *latest_news(const struct world *world, enum event_type type)
{
    for (size_t i = world->store.event_count; i-- > 0;) {
        if (world->store.events[i]->type == type) {
            return world->store.events[i];
        }
    }
    CHECK(!"there was no such news");
}

static void test_failing_and_recovered_are_told_to_the_other_sink(void **state)
{
    (void)state;
    struct world *world = world_create();
    world->sinks[TICKETS].is_away = true;
    add(world, "tickets");
    run(world, 55000);
    assert_int_equal(count_news(world, EVENT_SINK_FAILING), 0);
    run(world, 10000);
    const struct event *failing = latest_news(world, EVENT_SINK_FAILING);
    assert_int_equal(count_news(world, EVENT_SINK_FAILING), 1);
    assert_int_equal(failing->sequence, 1);
    assert_non_null(strstr(failing->json.data, "sinks/tickets"));
    assert_int_equal(world->store.row_count, 2); /* one for noc, none for tickets itself */
    assert_string_equal(world->store.rows[1].sink_name, "noc");
    assert_int_equal(world->store.rows[1].state, ROW_DELIVERED);
    world->sinks[TICKETS].is_away = false;
    dispatcher_available(world->dispatcher, TICKETS);
    run(world, 5000);
    assert_int_equal(latest_news(world, EVENT_SINK_RECOVERED)->sequence, 2);
    run(world, HOUR_MS);
    assert_int_equal(count_news(world, EVENT_SINK_RECOVERED), 1);
    world_destroy(world);
}

static void test_a_restart_repeats_no_news(void **state)
{
    (void)state;
    struct world *world = world_create();
    world->sinks[TICKETS].is_away = true;
    add(world, "tickets");
    run(world, 70000);
    stop(world);
    start(world);
    run(world, HOUR_MS);
    assert_int_equal(count_news(world, EVENT_SINK_FAILING), 1);
    assert_int_equal(count_news(world, EVENT_SINK_RECOVERED), 0);
    world->sinks[TICKETS].is_away = false;
    run(world, HOUR_MS);
    assert_int_equal(count_news(world, EVENT_SINK_RECOVERED), 1);
    world_destroy(world);
}

static void test_parked_deliveries_are_told_together(void **state)
{
    (void)state;
    struct world *world = world_create();
    world->sinks[TICKETS].reject_permille = 1000;
    for (int i = 0; i < 20; i++) {
        add(world, "tickets");
    }
    run(world, 9 * MINUTE_MS);
    assert_in_range(count_news(world, EVENT_SINK_PARKED), 1, 1);
    run(world, 5 * MINUTE_MS);
    const struct event *latest = latest_news(world, EVENT_SINK_PARKED);
    size_t count = count_news(world, EVENT_SINK_PARKED);
    assert_in_range(count, 1, 2);
    assert_non_null(strstr(latest->json.data, "\"parked_in_all\":20"));
    run(world, DAY_MS);
    assert_int_equal(count_news(world, EVENT_SINK_PARKED), count);
    world_destroy(world);
}

static void test_what_was_parked_before_a_crash_is_told_after_it(void **state)
{
    (void)state;
    struct world *world = world_create();
    add(world, "tickets");
    world->store.rows[0].state = ROW_PARKED; /* durable, but the news of it was not */
    run(world, 5000);
    assert_int_equal(count_news(world, EVENT_SINK_PARKED), 1);
    world_destroy(world);
}

static void test_two_sinks_that_refuse_all_do_not_feed_each_other(void **state)
{
    (void)state;
    struct world *world = world_create();
    world->sinks[TICKETS].reject_permille = 1000;
    world->sinks[NOC].reject_permille = 1000;
    add(world, "tickets");
    add(world, "noc");
    run(world, 30 * DAY_MS);
    assert_in_range(count_news(world, EVENT_SINK_PARKED), 1, 4);
    world_destroy(world);
}

static void test_gone_survives_a_restart_until_resumed(void **state)
{
    (void)state;
    struct world *world = world_create();
    world->sinks[TICKETS].is_gone = true;
    add(world, "tickets");
    run(world, 5000);
    assert_int_equal(dispatcher_status(world->dispatcher, TICKETS).circuit, CIRCUIT_DISABLED);
    world->sinks[TICKETS].is_gone = false;
    stop(world);
    start(world);
    add(world, "tickets");
    run(world, 5000);
    assert_int_equal(world->sinks[TICKETS].receipt_count, 0);
    assert_int_equal(dispatcher_status(world->dispatcher, TICKETS).counts.parked, 2);
    dispatcher_resume(world->dispatcher, TICKETS);
    add(world, "tickets");
    run(world, 5000);
    assert_int_equal(world->sinks[TICKETS].receipt_count, 1);
    stop(world);
    start(world);
    run(world, 1000);
    assert_int_equal(dispatcher_status(world->dispatcher, TICKETS).circuit, CIRCUIT_CLOSED);
    world_destroy(world);
}

static bool is_asked_to_wait(const struct world *world)
{
    return dispatcher_status(world->dispatcher, TICKETS).asked_until_mono_ms >
           world->sim.now.mono_ms;
}

static void test_a_pause_that_was_asked_for_survives_a_restart(void **state)
{
    (void)state;
    struct world *world = world_create();
    world->sinks[TICKETS].busy_ms = HOUR_MS;
    add(world, "tickets");
    run(world, 5000);
    world->sinks[TICKETS].busy_ms = 0;
    for (int i = 0; i < 2; i++) {
        stop(world);
        start(world);
        add(world, "tickets");
        run(world, 25 * MINUTE_MS);
        assert_true(is_asked_to_wait(world));
        assert_int_equal(world->sinks[TICKETS].receipt_count, 0);
    }
    run(world, 15 * MINUTE_MS);
    assert_false(is_asked_to_wait(world));
    assert_int_equal(world->sinks[TICKETS].receipt_count, 3);
    world_destroy(world);
}

static void test_somebody_may_end_a_pause_that_was_asked_for(void **state)
{
    (void)state;
    struct world *world = world_create();
    world->sinks[TICKETS].busy_ms = HOUR_MS;
    add(world, "tickets");
    run(world, 5000);
    world->sinks[TICKETS].busy_ms = 0;
    add(world, "tickets");
    sim_sink_port_resume(world->sink_ports[TICKETS]);
    dispatcher_resume(world->dispatcher, TICKETS);
    run(world, 1000);
    assert_int_equal(world->sinks[TICKETS].receipt_count, 1);
    stop(world);
    start(world);
    add(world, "tickets");
    run(world, 1000);
    assert_int_equal(world->sinks[TICKETS].receipt_count, 2);
    world_destroy(world);
}

/* By how much is not known: the receiver says it again. */
static void test_a_clock_that_went_back_ends_a_pause(void **state)
{
    (void)state;
    struct world *world = world_create();
    world->sinks[TICKETS].busy_ms = HOUR_MS;
    add(world, "tickets");
    run(world, 5000);
    world->sinks[TICKETS].busy_ms = 0;
    stop(world);
    world->sim.now.wall_ms -= 10 * HOUR_MS;
    start(world);
    sim_sink_port_resume(world->sink_ports[TICKETS]);
    add(world, "tickets");
    run(world, HOUR_MS + MINUTE_MS);
    assert_false(is_asked_to_wait(world));
    assert_true(world->sinks[TICKETS].receipt_count >= 1);
    world_destroy(world);
}

/* The file is from elsewhere. */
static void test_no_pause_is_longer_than_can_be_asked_for(void **state)
{
    (void)state;
    struct world *world = world_create();
    char memory[128];
    int64_t until_wall_ms = world->sim.now.wall_ms + 400 * DAY_MS;
    (void)snprintf(memory, sizeof memory,
                   "{\"sequence\":0,\"parked_told\":0,\"held_until\":%" PRId64 "}", until_wall_ms);
    const struct stored_value value = {.key = "sink/tickets", .value = span_of(memory)};
    dispatcher_restore(world->dispatcher, &value);
    add(world, "tickets");
    run(world, DAY_MS - HOUR_MS);
    assert_int_equal(world->sinks[TICKETS].receipt_count, 0);
    run(world, 2 * HOUR_MS);
    assert_int_equal(world->sinks[TICKETS].receipt_count, 1);
    world_destroy(world);
}

static void test_what_is_parked_falls_back(void **state)
{
    (void)state;
    struct world *world = world_create();
    world->sink_configs[TICKETS].fallback = "noc";
    world->sinks[TICKETS].reject_permille = 1000;
    add(world, "tickets");
    run(world, 5000);
    const struct sim_row *last = &world->store.rows[1];
    assert_string_equal(last->sink_name, "noc");
    assert_int_equal(last->event->type, EVENT_ORDER_CREATED);
    assert_int_equal(last->state, ROW_DELIVERED);
    world_destroy(world);
}

static void test_drained_means_counted_too(void **state)
{
    (void)state;
    struct world *world = world_create();
    assert_false(dispatcher_is_drained(world->dispatcher));
    add(world, "tickets");
    run(world, 2000);
    assert_true(dispatcher_is_drained(world->dispatcher));
    assert_int_equal(dispatcher_status(world->dispatcher, TICKETS).counts.delivered, 1);
    assert_int_equal(dispatcher_status(world->dispatcher, TICKETS).delivered, 1);
    world_destroy(world);
}

static void test_a_flush_does_not_wait_for_a_sink_that_stays_away(void **state)
{
    (void)state;
    struct world *world = world_create();
    world->sinks[TICKETS].is_away = true;
    add(world, "tickets");
    dispatcher_flush(world->dispatcher);
    run(world, 5000);
    assert_false(dispatcher_is_drained(world->dispatcher));
    run(world, 15000);
    assert_true(dispatcher_is_drained(world->dispatcher));
    assert_int_equal(dispatcher_status(world->dispatcher, TICKETS).counts.pending, 1);
    world_destroy(world);
}

static void test_a_paused_sink_keeps_what_it_has(void **state)
{
    (void)state;
    struct world *world = world_create();
    dispatcher_pause(world->dispatcher, TICKETS, true);
    add(world, "tickets");
    run(world, HOUR_MS);
    assert_int_equal(world->sinks[TICKETS].receipt_count, 0);
    dispatcher_pause(world->dispatcher, TICKETS, false);
    run(world, 1000);
    assert_int_equal(world->sinks[TICKETS].receipt_count, 1);
    world_destroy(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failing_and_recovered_are_told_to_the_other_sink),
        cmocka_unit_test(test_a_restart_repeats_no_news),
        cmocka_unit_test(test_parked_deliveries_are_told_together),
        cmocka_unit_test(test_what_was_parked_before_a_crash_is_told_after_it),
        cmocka_unit_test(test_two_sinks_that_refuse_all_do_not_feed_each_other),
        cmocka_unit_test(test_gone_survives_a_restart_until_resumed),
        cmocka_unit_test(test_a_pause_that_was_asked_for_survives_a_restart),
        cmocka_unit_test(test_somebody_may_end_a_pause_that_was_asked_for),
        cmocka_unit_test(test_a_clock_that_went_back_ends_a_pause),
        cmocka_unit_test(test_no_pause_is_longer_than_can_be_asked_for),
        cmocka_unit_test(test_what_is_parked_falls_back),
        cmocka_unit_test(test_drained_means_counted_too),
        cmocka_unit_test(test_a_flush_does_not_wait_for_a_sink_that_stays_away),
        cmocka_unit_test(test_a_paused_sink_keeps_what_it_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
