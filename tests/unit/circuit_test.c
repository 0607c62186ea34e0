/* When a sink is worth trying. */
#include "core/circuit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct retry_policy policy = {5000, HOUR_MS, 7 * DAY_MS};

static struct instant at(int64_t mono_ms)
{
    return (struct instant){.mono_ms = mono_ms, .wall_ms = 1000000 + mono_ms};
}

static struct circuit closed(uint32_t window)
{
    struct circuit circuit;
    circuit_init(&circuit, &policy, window, 42);
    return circuit;
}

static void test_a_window_of_sends(void **state)
{
    (void)state;
    struct circuit circuit = closed(4);
    assert_int_equal(circuit_room(&circuit, 0, 0), 4);
    assert_int_equal(circuit_room(&circuit, 3, 0), 1);
    assert_int_equal(circuit_room(&circuit, 4, 0), 0);
    assert_false(circuit_sends(&circuit));
}

static void test_a_lost_sink_is_probed_one_at_a_time(void **state)
{
    (void)state;
    struct circuit circuit = closed(4);
    circuit_lost(&circuit, false, 0, at(100));
    assert_int_equal(circuit.state, CIRCUIT_OPEN);
    assert_int_equal(circuit.failing_since.mono_ms, 100);
    assert_in_range(circuit.probe_mono_ms, 100, 5100);
    int64_t probe = circuit.probe_mono_ms;
    assert_int_equal(circuit_room(&circuit, 0, probe - 1), 0);
    assert_int_equal(circuit_room(&circuit, 0, probe), 1);
    assert_true(circuit_sends(&circuit));
    assert_int_equal(circuit_room(&circuit, 1, probe), 0);
    circuit_lost(&circuit, true, 0, at(probe));
    assert_int_equal(circuit.state, CIRCUIT_OPEN);
    assert_int_equal(circuit.failed_probes, 2);
    assert_int_equal(circuit.failing_since.mono_ms, 100);
}

static void test_what_was_under_way_does_not_count_again(void **state)
{
    (void)state;
    struct circuit circuit = closed(4);
    circuit_lost(&circuit, false, 0, at(100));
    circuit_lost(&circuit, false, 0, at(101));
    circuit_refused(&circuit, 1, false, 0, at(102));
    assert_int_equal(circuit.failed_probes, 1);
}

static void test_slow_start_after_an_outage(void **state)
{
    (void)state;
    struct circuit circuit = closed(4);
    circuit_lost(&circuit, false, 0, at(100));
    assert_true(circuit_sends(&circuit));
    circuit_answered(&circuit, 1);
    assert_int_equal(circuit.state, CIRCUIT_CLOSED);
    assert_int_equal(circuit.failing_since.wall_ms, 0);
    assert_int_equal(circuit.window, 1);
    circuit_answered(&circuit, 1);
    assert_int_equal(circuit.window, 2);
    for (int i = 0; i < 10; i++) {
        circuit_answered(&circuit, 1);
    }
    assert_int_equal(circuit.window, 4);
}

static void test_one_bad_lane_never_opens_it(void **state)
{
    (void)state;
    struct circuit circuit = closed(4);
    for (int i = 0; i < 100; i++) {
        circuit_refused(&circuit, 7, false, 0, at(i));
    }
    assert_int_equal(circuit.state, CIRCUIT_CLOSED);
    assert_int_not_equal(circuit.failing_since.wall_ms, 0); /* but nothing has worked since */
}

static void test_many_bad_lanes_open_it_unless_one_works(void **state)
{
    (void)state;
    struct circuit circuit = closed(4);
    for (uint64_t lane = 1; lane < REFUSED_LANES_MAX; lane++) {
        circuit_refused(&circuit, lane, false, 0, at(1));
    }
    circuit_answered(&circuit, 1);
    circuit_refused(&circuit, 99, false, 0, at(2));
    assert_int_equal(circuit.state, CIRCUIT_CLOSED);
    for (uint64_t lane = 1; lane < REFUSED_LANES_MAX; lane++) {
        circuit_refused(&circuit, lane, false, 0, at(3));
    }
    assert_int_equal(circuit.state, CIRCUIT_OPEN);
}

static void test_a_receivers_wish_delays_the_probe(void **state)
{
    (void)state;
    struct circuit circuit = closed(4);
    circuit_lost(&circuit, false, 60000, at(0));
    assert_true(circuit.probe_mono_ms >= 60000);
    circuit_available(&circuit, 5);
    assert_int_equal(circuit_room(&circuit, 0, 5), 1);
}

static void test_disabled_until_enabled(void **state)
{
    (void)state;
    struct circuit circuit = closed(4);
    circuit_disable(&circuit, at(1));
    circuit_answered(&circuit, 1);
    circuit_available(&circuit, 2);
    assert_int_equal(circuit.state, CIRCUIT_DISABLED);
    assert_int_equal(circuit_room(&circuit, 0, INT64_MAX), 0);
    circuit_enable(&circuit);
    assert_int_equal(circuit_room(&circuit, 0, 3), 1);
    assert_int_not_equal(circuit.failing_since.wall_ms, 0); /* until something works */
}

static void test_a_pause_is_for_all(void **state)
{
    (void)state;
    struct circuit circuit = closed(4);
    circuit_hold(&circuit, 7, 60000);
    assert_int_equal(circuit_room(&circuit, 0, 59999), 0);
    assert_int_equal(circuit_pause_ends_mono_ms(&circuit, 5), 60000);
    assert_int_equal(circuit_room(&circuit, 0, 60000), 1);
    circuit_hold(&circuit, 8, 90000);
    assert_int_equal(circuit_room(&circuit, 0, 89999), 0);
    circuit_hold(&circuit, 8, 100000); /* it took nothing in between */
    assert_int_equal(circuit_room(&circuit, 0, 99999), 0);
}

static void test_one_lane_alone_does_not_hold_the_others_for_ever(void **state)
{
    (void)state;
    struct circuit circuit = closed(4);
    circuit_hold(&circuit, 7, 60000);
    circuit_answered(&circuit, 8);
    circuit_answered(&circuit, 8);
    circuit_hold(&circuit, 7, 120000);
    assert_int_equal(circuit_room(&circuit, 0, 60001), 3);
    circuit_hold(&circuit, 9, 120000); /* another one, too: it is all of them */
    assert_int_equal(circuit_room(&circuit, 0, 119999), 0);
    circuit_answered(&circuit, 9);
    circuit_hold(&circuit, 9, 180000);
    assert_int_equal(circuit_room(&circuit, 0, 179999), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_window_of_sends),
        cmocka_unit_test(test_a_lost_sink_is_probed_one_at_a_time),
        cmocka_unit_test(test_what_was_under_way_does_not_count_again),
        cmocka_unit_test(test_slow_start_after_an_outage),
        cmocka_unit_test(test_one_bad_lane_never_opens_it),
        cmocka_unit_test(test_many_bad_lanes_open_it_unless_one_works),
        cmocka_unit_test(test_a_receivers_wish_delays_the_probe),
        cmocka_unit_test(test_disabled_until_enabled),
        cmocka_unit_test(test_a_pause_is_for_all),
        cmocka_unit_test(test_one_lane_alone_does_not_hold_the_others_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
