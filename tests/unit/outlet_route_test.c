/* Quiet hours hold for what was due before them and could not leave, too. */
#include "core/event_sample.h"
#include "core/zone.h"

#include "tests/support/outlet_world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* The simulated day begins at 08:00 UTC. */
static const char *const all_types[] = {"*"};
static const size_t only_sink[] = {0};

static struct world *world_with_quiet(int from_minute, int to_minute)
{
    struct world *world = world_create();
    world->route = (struct route_config){.types = all_types,
                                         .type_count = 1,
                                         .sinks = only_sink,
                                         .sink_count = 1,
                                         .quiet = {.is_set = true,
                                                   .from_minute = from_minute,
                                                   .to_minute = to_minute,
                                                   .zone = zone_utc(),
                                                   .has_exception = true,
                                                   .exception = SEVERITY_CRITICAL}};
    world->whole.route_count = 1;
    open_outlet(world);
    return world;
}

static void add_sample(struct world *world, const char *lane, enum event_type type)
{
    struct arena *arena = arena_create();
    struct event event;
    event_sample(type, arena, &event);
    add_event(world, lane, event.json, world->sim.now.wall_ms);
    arena_destroy(arena);
}

/* Due at 08:00, while the receiver is away until 09:10, in the quiet hours from 09:00 to 11:00. */
static void an_outage_does_not_end_in_the_night(void **state)
{
    (void)state;
    struct world *world = world_with_quiet(9 * 60, 11 * 60);
    add_sample(world, "a", EVENT_APPOINTMENT_RESCHEDULED);
    world->sink.is_away = true;
    run(world, 70 * MINUTE_MS);
    world->sink.is_away = false;
    sim_sink_port_connect(world->sink_port);
    run(world, 100 * MINUTE_MS);
    assert_string_equal(world->receipts, "");
    run(world, 20 * MINUTE_MS);
    assert_string_equal(world->receipts, "a.1 ");
    world_destroy(world);
}

static void a_refused_one_is_tried_again_in_the_morning(void **state)
{
    (void)state;
    struct world *world = world_with_quiet(8 * 60 + 30, 11 * 60);
    add_sample(world, "a", EVENT_APPOINTMENT_RESCHEDULED);
    world->sink.later_permille = 1000;
    run(world, 29 * MINUTE_MS);
    size_t before = world->send_count;
    assert_true(before >= 1);
    world->sink.later_permille = 0;
    run(world, 140 * MINUTE_MS);
    assert_int_equal(world->send_count, before);
    run(world, 30 * MINUTE_MS);
    assert_string_equal(world->receipts, "a.1 ");
    world_destroy(world);
}

static void what_is_critical_does_not_wait(void **state)
{
    (void)state;
    struct world *world = world_with_quiet(7 * 60, 11 * 60);
    add_sample(world, "a", EVENT_APPOINTMENT_RESCHEDULED);
    add_sample(world, "b", EVENT_APPOINTMENT_CANCELLED);
    run(world, MINUTE_MS);
    assert_string_equal(world->receipts, "b.2 ");
    run(world, 180 * MINUTE_MS);
    assert_string_equal(world->receipts, "b.2 a.1 ");
    world_destroy(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_outage_does_not_end_in_the_night),
        cmocka_unit_test(a_refused_one_is_tried_again_in_the_morning),
        cmocka_unit_test(what_is_critical_does_not_wait),
    };
    return cmocka_run_group_tests_name("outlet_route", tests, NULL, NULL);
}
