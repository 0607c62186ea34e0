/* One sink's way out, on the simulated store and receiver. */
#include "tests/support/outlet_world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int setup_world(void **state)
{
    *state = world_create();
    return 0;
}

static int teardown_world(void **state)
{
    world_destroy(*state);
    return 0;
}

static void test_a_lane_keeps_its_order(void **state)
{
    struct world *world = *state;
    add_lanes(world, "aaa");
    open_outlet(world);
    run(world, 5000);
    assert_string_equal(world->receipts, "a.1 a.2 a.3 ");
    assert_int_equal(count_in(world, ROW_DELIVERED), 3);
    assert_true(outlet_is_empty(world->outlet));
    assert_int_equal(outlet_totals(world->outlet).delivered, 3);
}

static void test_more_than_a_hand_is_delivered(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 200; i++) {
        char lane[16];
        (void)snprintf(lane, sizeof lane, "lane-%d", i % 70);
        add(world, lane);
    }
    open_outlet(world);
    run(world, 60000);
    assert_int_equal(count_in(world, ROW_DELIVERED), 200);
}

static void test_a_refused_delivery_is_tried_again_and_counted(void **state)
{
    struct world *world = *state;
    add(world, "a");
    world->sink.later_permille = 1000;
    open_outlet(world);
    run(world, 20000);
    assert_int_equal(count_in(world, ROW_PENDING), 1);
    assert_true(world->store.rows[0].attempts_made >= 2);
    world->sink.later_permille = 0;
    run(world, HOUR_MS);
    assert_int_equal(count_in(world, ROW_DELIVERED), 1);
}

static void test_a_settlement_that_fails_is_written_later_and_nothing_is_sent_again(void **state)
{
    struct world *world = *state;
    add(world, "a");
    open_outlet(world);
    world->store.full_permille = 1000; /* reading works, writing does not */
    run(world, 10 * MINUTE_MS);
    assert_int_equal(world->send_count, 1);
    assert_int_equal(count_in(world, ROW_PENDING), 1);
    add(world, "b");
    outlet_expect_news(world->outlet);
    run(world, MINUTE_MS);
    assert_int_equal(world->send_count, 1); /* nothing new while acknowledgements cannot be kept */
    world->store.full_permille = 0;
    run(world, 2 * MINUTE_MS);
    assert_int_equal(world->send_count, 2);
    assert_int_equal(count_in(world, ROW_DELIVERED), 2);
}

static void test_a_sink_that_is_away_charges_no_delivery(void **state)
{
    struct world *world = *state;
    world->sink.is_away = true;
    add_lanes(world, "abcdeabcde");
    open_outlet(world);
    run(world, HOUR_MS);
    assert_int_equal(outlet_circuit(world->outlet)->state, CIRCUIT_OPEN);
    for (size_t i = 0; i < world->store.row_count; i++) {
        assert_int_equal(world->store.rows[i].attempts_made, 0);
    }
    assert_true(world->send_count < 40); /* probes with growing waits, not a storm */
    world->sink.is_away = false;
    outlet_available(world->outlet);
    run(world, 5000);
    assert_int_equal(count_in(world, ROW_DELIVERED), 10);
    assert_int_equal(outlet_circuit(world->outlet)->state, CIRCUIT_CLOSED);
}

static void test_what_is_too_old_is_parked_while_the_sink_is_away(void **state)
{
    struct world *world = *state;
    world->sink.is_away = true;
    add_lanes(world, "aa");
    open_outlet(world);
    run(world, 7 * DAY_MS - HOUR_MS);
    assert_int_equal(count_in(world, ROW_PENDING), 2);
    run(world, 3 * HOUR_MS);
    assert_int_equal(count_in(world, ROW_PARKED), 2);
    assert_int_equal(outlet_totals(world->outlet).parked, 2);
}

static void test_many_refused_lanes_open_the_circuit(void **state)
{
    struct world *world = *state;
    world->sink.later_permille = 1000;
    add_lanes(world, "abcdefgh");
    open_outlet(world);
    run(world, 2000);
    assert_int_equal(outlet_circuit(world->outlet)->state, CIRCUIT_OPEN);
    world->sink.later_permille = 0;
    run(world, 2 * HOUR_MS);
    assert_int_equal(count_in(world, ROW_DELIVERED), 8);
}

static void test_a_rejected_delivery_is_parked_and_its_lane_goes_on(void **state)
{
    struct world *world = *state;
    world->sink.reject_permille = 1000;
    add(world, "a");
    open_outlet(world);
    run(world, 1000);
    world->sink.reject_permille = 0;
    add(world, "a");
    outlet_expect_news(world->outlet);
    run(world, 1000);
    assert_int_equal(count_in(world, ROW_PARKED), 1);
    assert_string_equal(world->receipts, "a.2 ");
}

static void test_gone_disables_until_resumed(void **state)
{
    struct world *world = *state;
    world->sink.is_gone = true;
    add(world, "a");
    open_outlet(world);
    run(world, 1000);
    assert_int_equal(outlet_circuit(world->outlet)->state, CIRCUIT_DISABLED);
    world->sink.is_gone = false;
    add(world, "b");
    outlet_expect_news(world->outlet);
    run(world, HOUR_MS);
    assert_int_equal(count_in(world, ROW_PARKED), 2);
    assert_int_equal(world->send_count, 1);
    outlet_resume(world->outlet);
    add(world, "c");
    outlet_expect_news(world->outlet);
    run(world, 1000);
    assert_string_equal(world->receipts, "c.3 ");
}

static void test_a_flush_sends_what_was_never_tried(void **state)
{
    struct world *world = *state;
    add_due(world, "digest/1", world->sim.now.wall_ms + 10 * MINUTE_MS);
    add_due(world, "quiet", world->sim.now.wall_ms + 10 * MINUTE_MS);
    add_due(world, "night", world->sim.now.wall_ms + 10 * HOUR_MS);
    open_outlet(world);
    run(world, 1000);
    assert_string_equal(world->receipts, "");
    outlet_flush(world->outlet, 15 * MINUTE_MS);
    run(world, 1000);
    assert_string_equal(world->receipts, "digest/1.1 "); /* quiet hours hold */
    assert_true(outlet_is_empty(world->outlet));
}

static void test_a_retry_survives_a_wall_clock_that_goes_back(void **state)
{
    struct world *world = *state;
    world->sink.later_permille = 1000;
    add(world, "a");
    open_outlet(world);
    run(world, 2000);
    world->sink.later_permille = 0;
    world->sim.now.wall_ms -= 300 * DAY_MS;
    run(world, 2 * MINUTE_MS);
    assert_string_equal(world->receipts, "a.1 ");
}

static void test_a_jump_forward_parks_nothing(void **state)
{
    struct world *world = *state;
    world->sink.is_away = true;
    add(world, "a");
    open_outlet(world);
    run(world, 2000);
    world->sim.now.wall_ms += 300 * DAY_MS;
    run(world, MINUTE_MS);
    assert_int_equal(count_in(world, ROW_PENDING), 1);
    world->sink.is_away = false;
    run(world, HOUR_MS);
    assert_int_equal(count_in(world, ROW_DELIVERED), 1);
}

static void test_a_parked_delivery_retried_by_hand_waits_for_its_lane(void **state)
{
    struct world *world = *state;
    world->sink.reject_permille = 1000;
    add(world, "a");
    open_outlet(world);
    run(world, 1000);
    world->sink.reject_permille = 0;
    world->sink.is_away = true;
    add(world, "a");
    outlet_expect_news(world->outlet);
    run(world, 1000);
    world->store.rows[0].state = ROW_PENDING;
    outlet_expect_news(world->outlet);
    run(world, 1000);
    world->sink.is_away = false;
    run(world, HOUR_MS);
    assert_int_equal(count_in(world, ROW_DELIVERED), 2);
}

int main(void)
{
#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, setup_world, teardown_world)
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_a_lane_keeps_its_order),
        WORLD_TEST(test_more_than_a_hand_is_delivered),
        WORLD_TEST(test_a_refused_delivery_is_tried_again_and_counted),
        WORLD_TEST(test_a_settlement_that_fails_is_written_later_and_nothing_is_sent_again),
        WORLD_TEST(test_a_sink_that_is_away_charges_no_delivery),
        WORLD_TEST(test_what_is_too_old_is_parked_while_the_sink_is_away),
        WORLD_TEST(test_many_refused_lanes_open_the_circuit),
        WORLD_TEST(test_a_rejected_delivery_is_parked_and_its_lane_goes_on),
        WORLD_TEST(test_gone_disables_until_resumed),
        WORLD_TEST(test_a_flush_sends_what_was_never_tried),
        WORLD_TEST(test_a_retry_survives_a_wall_clock_that_goes_back),
        WORLD_TEST(test_a_jump_forward_parks_nothing),
        WORLD_TEST(test_a_parked_delivery_retried_by_hand_waits_for_its_lane),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
