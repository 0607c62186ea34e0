/* One sink's way out, on the simulated store and receiver. */
#include "tests/support/outlet_world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_a_lane_keeps_its_order(void **state)
{
    (void)state;
    struct world *world = world_create();
    add(world, "a");
    add(world, "a");
    add(world, "a");
    open_outlet(world);
    run(world, 5000);
    assert_string_equal(world->receipts, "a.1 a.2 a.3 ");
    assert_int_equal(count_in(world, ROW_DELIVERED), 3);
    assert_true(outlet_is_empty(world->outlet));
    assert_int_equal(outlet_totals(world->outlet).delivered, 3);
    world_destroy(world);
}

static void test_more_than_a_hand_is_delivered(void **state)
{
    (void)state;
    struct world *world = world_create();
    for (int i = 0; i < 200; i++) {
        char lane[16];
        (void)snprintf(lane, sizeof lane, "lane-%d", i % 70);
        add(world, lane);
    }
    open_outlet(world);
    run(world, 60000);
    assert_int_equal(count_in(world, ROW_DELIVERED), 200);
    world_destroy(world);
}

static void test_a_refused_delivery_is_tried_again_and_counted(void **state)
{
    (void)state;
    struct world *world = world_create();
    add(world, "a");
    world->sink.later_permille = 1000;
    open_outlet(world);
    run(world, 20000);
    assert_int_equal(count_in(world, ROW_PENDING), 1);
    assert_true(world->store.rows[0].attempts_made >= 2);
    world->sink.later_permille = 0;
    run(world, HOUR_MS);
    assert_int_equal(count_in(world, ROW_DELIVERED), 1);
    world_destroy(world);
}

static void test_a_settlement_that_fails_is_written_later_and_nothing_is_sent_again(void **state)
{
    (void)state;
    struct world *world = world_create();
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
    world_destroy(world);
}

static void test_a_sink_that_is_away_charges_no_delivery(void **state)
{
    (void)state;
    struct world *world = world_create();
    world->sink.is_away = true;
    for (int i = 0; i < 10; i++) {
        add(world, (const char *[]){"a", "b", "c", "d", "e"}[i % 5]);
    }
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
    world_destroy(world);
}

static void test_what_is_too_old_is_parked_while_the_sink_is_away(void **state)
{
    (void)state;
    struct world *world = world_create();
    world->sink.is_away = true;
    add(world, "a");
    add(world, "a");
    open_outlet(world);
    run(world, 7 * DAY_MS - HOUR_MS);
    assert_int_equal(count_in(world, ROW_PENDING), 2);
    run(world, 3 * HOUR_MS);
    assert_int_equal(count_in(world, ROW_PARKED), 2);
    assert_int_equal(outlet_totals(world->outlet).parked, 2);
    world_destroy(world);
}

static void test_many_refused_lanes_open_the_circuit(void **state)
{
    (void)state;
    struct world *world = world_create();
    world->sink.later_permille = 1000;
    for (int i = 0; i < 8; i++) {
        add(world, (const char *[]){"a", "b", "c", "d", "e", "f", "g", "h"}[i]);
    }
    open_outlet(world);
    run(world, 2000);
    assert_int_equal(outlet_circuit(world->outlet)->state, CIRCUIT_OPEN);
    world->sink.later_permille = 0;
    run(world, 2 * HOUR_MS);
    assert_int_equal(count_in(world, ROW_DELIVERED), 8);
    world_destroy(world);
}

static void test_a_rejected_delivery_is_parked_and_its_lane_goes_on(void **state)
{
    (void)state;
    struct world *world = world_create();
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
    world_destroy(world);
}

static void test_gone_disables_until_resumed(void **state)
{
    (void)state;
    struct world *world = world_create();
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
    world_destroy(world);
}

static void test_a_flush_sends_what_was_never_tried(void **state)
{
    (void)state;
    struct world *world = world_create();
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
    world_destroy(world);
}

static void test_a_retry_survives_a_wall_clock_that_goes_back(void **state)
{
    (void)state;
    struct world *world = world_create();
    world->sink.later_permille = 1000;
    add(world, "a");
    open_outlet(world);
    run(world, 2000);
    world->sink.later_permille = 0;
    world->sim.now.wall_ms -= 300 * DAY_MS;
    run(world, 2 * MINUTE_MS);
    assert_string_equal(world->receipts, "a.1 ");
    world_destroy(world);
}

static void test_a_jump_forward_parks_nothing(void **state)
{
    (void)state;
    struct world *world = world_create();
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
    world_destroy(world);
}

static void test_a_parked_delivery_retried_by_hand_waits_for_its_lane(void **state)
{
    (void)state;
    struct world *world = world_create();
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
    world_destroy(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_lane_keeps_its_order),
        cmocka_unit_test(test_more_than_a_hand_is_delivered),
        cmocka_unit_test(test_a_refused_delivery_is_tried_again_and_counted),
        cmocka_unit_test(test_a_settlement_that_fails_is_written_later_and_nothing_is_sent_again),
        cmocka_unit_test(test_a_sink_that_is_away_charges_no_delivery),
        cmocka_unit_test(test_what_is_too_old_is_parked_while_the_sink_is_away),
        cmocka_unit_test(test_many_refused_lanes_open_the_circuit),
        cmocka_unit_test(test_a_rejected_delivery_is_parked_and_its_lane_goes_on),
        cmocka_unit_test(test_gone_disables_until_resumed),
        cmocka_unit_test(test_a_flush_sends_what_was_never_tried),
        cmocka_unit_test(test_a_retry_survives_a_wall_clock_that_goes_back),
        cmocka_unit_test(test_a_jump_forward_parks_nothing),
        cmocka_unit_test(test_a_parked_delivery_retried_by_hand_waits_for_its_lane),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
