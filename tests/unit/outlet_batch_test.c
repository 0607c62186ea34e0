/* Several events as one message, a rate, and a receiver that asks for a pause. */
#include "tests/support/outlet_world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct world *create(uint32_t count, int64_t wait_ms)
{
    struct world *world = world_create();
    world->config.webhook.batch =
        (struct batch_config){.count = count, .bytes = 1 << 20, .wait_ms = wait_ms};
    world->config.in_flight_max = 1;
    return world;
}

static void a_batch_has_one_event_of_an_order_at_most(void **state)
{
    (void)state;
    struct world *world = create(3, 0);
    add_lanes(world, "aabbcd");
    open_outlet(world);
    run(world, 5000);
    /* What was in hand goes first; the next ones of a and b come once theirs have ended. */
    assert_string_equal(world->receipts, "a.1+b.3+c.5 d.6 a.2+b.4 ");
    assert_int_equal(count_in(world, ROW_DELIVERED), 6);
    assert_int_equal(outlet_totals(world->outlet).delivered, 6);
    world_destroy(world);
}

static void a_batch_waits_for_company_no_longer_than_said(void **state)
{
    (void)state;
    struct world *world = create(3, 10000);
    open_outlet(world);
    add_lanes(world, "a");
    outlet_expect_news(world->outlet);
    run(world, 6000);
    add_lanes(world, "b");
    outlet_expect_news(world->outlet);
    run(world, 3900);
    assert_string_equal(world->receipts, "");
    run(world, 200);
    assert_string_equal(world->receipts, "a.1+b.2 ");
    add_lanes(world, "cde"); /* full: it goes at once */
    outlet_expect_news(world->outlet);
    run(world, 100);
    assert_string_equal(world->receipts, "a.1+b.2 c.3+d.4+e.5 ");
    world_destroy(world);
}

static void bytes_end_a_batch(void **state)
{
    (void)state;
    struct world *world = create(10, 0);
    world->config.webhook.batch.bytes = 5; /* two events of two bytes each */
    add_lanes(world, "abc");
    open_outlet(world);
    run(world, 1000);
    assert_string_equal(world->receipts, "a.1+b.2 c.3 ");
    world_destroy(world);
}

static void what_is_refused_as_one_goes_in_parts(void **state)
{
    (void)state;
    struct world *world = create(8, 0);
    world->sink.divide_permille = 1000;
    add_lanes(world, "abcdefgh");
    open_outlet(world);
    run(world, 5000);
    assert_string_equal(world->receipts, "a.1 b.2 c.3 d.4 e.5 f.6 g.7 h.8 ");
    for (size_t i = 0; i < world->store.row_count; i++) {
        assert_int_equal(world->store.rows[i].attempts_made, 1); /* the parts, not the whole */
    }
    world_destroy(world);
}

static void what_failed_together_is_tried_again_together(void **state)
{
    (void)state;
    struct world *world = create(3, 0);
    world->sink.later_permille = 1000;
    add_lanes(world, "abc");
    open_outlet(world);
    run(world, 200);
    assert_int_equal(world->send_count, 1);
    world->sink.later_permille = 0;
    add_lanes(world, "def");
    outlet_expect_news(world->outlet);
    run(world, 2 * MINUTE_MS);
    assert_non_null(strstr(world->receipts, "a.1+b.2+c.3 "));
    assert_non_null(strstr(world->receipts, "d.4+e.5+f.6 "));
    world_destroy(world);
}

/* A receiver that fails over one event must not fail over all others for ever. */
static void a_batch_that_keeps_failing_comes_apart(void **state)
{
    (void)state;
    struct world *world = create(3, 0);
    world->sink.later_permille = 1000;
    add_lanes(world, "abc");
    open_outlet(world);
    while (world->store.rows[0].attempts_made < 3) {
        run(world, MINUTE_MS);
    }
    world->sink.later_permille = 0;
    run(world, 2 * HOUR_MS);
    assert_int_equal(count_in(world, ROW_DELIVERED), 3);
    assert_null(strchr(world->receipts, '+'));
    world_destroy(world);
}

static void a_rate_spreads_what_waits(void **state)
{
    (void)state;
    struct world *world = create(0, 0);
    world->config.rate = (struct rate){6, MINUTE_MS};
    add_lanes(world, "abcdefghijkl");
    open_outlet(world);
    run(world, 70000);
    assert_in_range(world->send_count, 5, 7);
    run(world, 2 * MINUTE_MS);
    assert_int_equal(count_in(world, ROW_DELIVERED), 12);
    world_destroy(world);
}

static void a_busy_receiver_is_left_alone_as_long_as_it_asked(void **state)
{
    (void)state;
    struct world *world = create(0, 0);
    world->config.in_flight_max = 4;
    world->sink.busy_ms = 30000;
    add_lanes(world, "a");
    open_outlet(world);
    run(world, 1000);
    assert_int_equal(world->send_count, 1);
    world->sink.busy_ms = 0;
    add_lanes(world, "bcdefgh");
    outlet_expect_news(world->outlet);
    run(world, 28000);
    assert_int_equal(world->send_count, 1); /* no other order either */
    assert_int_equal(outlet_circuit(world->outlet)->window, 1);
    run(world, MINUTE_MS);
    assert_int_equal(count_in(world, ROW_DELIVERED), 8);
    assert_int_equal(outlet_circuit(world->outlet)->window, 4);
    world_destroy(world);
}

static void a_flush_does_not_sit_out_a_long_pause(void **state)
{
    (void)state;
    struct world *world = create(0, 0);
    world->sink.busy_ms = HOUR_MS;
    add_lanes(world, "ab");
    open_outlet(world);
    outlet_flush(world->outlet, 0);
    run(world, 1000);
    assert_true(outlet_is_stuck(world->outlet));
    world_destroy(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_has_one_event_of_an_order_at_most),
        cmocka_unit_test(a_batch_waits_for_company_no_longer_than_said),
        cmocka_unit_test(bytes_end_a_batch),
        cmocka_unit_test(what_is_refused_as_one_goes_in_parts),
        cmocka_unit_test(what_failed_together_is_tried_again_together),
        cmocka_unit_test(a_batch_that_keeps_failing_comes_apart),
        cmocka_unit_test(a_rate_spreads_what_waits),
        cmocka_unit_test(a_busy_receiver_is_left_alone_as_long_as_it_asked),
        cmocka_unit_test(a_flush_does_not_sit_out_a_long_pause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
