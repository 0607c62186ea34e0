/* Dues by the wall clock, waits by the monotonic one, and jumps between the two. */
#include "core/due_clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define WALL INT64_C(1800000000000)

static const struct retry_policy policy = {5000, HOUR_MS, 7 * DAY_MS};

static struct due_clock started(void)
{
    struct due_clock clock;
    due_clock_init(&clock, &policy);
    assert_false(due_clock_turn(&clock, (struct instant){.mono_ms = 0, .wall_ms = WALL}));
    return clock;
}

static struct instant at(int64_t mono_ms, int64_t wall_ms)
{
    return (struct instant){.mono_ms = mono_ms, .wall_ms = wall_ms};
}

static void test_slewing_is_no_jump(void **state)
{
    (void)state;
    struct due_clock clock = started();
    assert_false(due_clock_turn(&clock, at(60000, WALL + 60400)));
    assert_true(due_clock_turn(&clock, at(61000, WALL + 60400 + 2001)));
    assert_true(due_clock_turn(&clock, at(62000, WALL)));
}

static void test_waits_are_short_and_never_negative(void **state)
{
    (void)state;
    struct due_clock clock = started();
    assert_int_equal(due_clock_wake_mono_ms(&clock, WALL - 5), 0);
    assert_int_equal(due_clock_wake_mono_ms(&clock, WALL + 5), 5);
    assert_int_equal(due_clock_wake_mono_ms(&clock, WALL + DAY_MS), 60000);
    assert_true(due_clock_wake_mono_ms(&clock, INSTANT_NEVER) == INSTANT_NEVER);
}

static void test_age_parks_only_what_was_tried_for_a_while(void **state)
{
    (void)state;
    struct due_clock clock = started();
    int64_t old = WALL - 8 * DAY_MS;
    assert_false(due_clock_has_expired(&clock, old, at(1000, WALL + 1000)));
    assert_true(due_clock_has_expired(&clock, old, at(HOUR_MS, WALL + HOUR_MS)));
    assert_false(due_clock_has_expired(&clock, WALL, at(HOUR_MS, WALL + HOUR_MS)));
}

static void test_what_was_written_later_than_now_tells_of_a_jump(void **state)
{
    (void)state;
    struct due_clock clock = started();
    assert_false(clock.has_gone_back);
    assert_false(due_clock_see(&clock, INT64_MIN));
    assert_false(due_clock_see(&clock, WALL + 500)); /* slewing */
    assert_int_equal(due_clock_horizon_wall_ms(&clock), WALL + SERVER_HINT_MAX_MS + 1000);
    assert_false(clock.has_gone_back);
    assert_true(due_clock_see(&clock, WALL + DAY_MS));
    assert_true(clock.has_gone_back);
    assert_int_equal(due_clock_horizon_wall_ms(&clock), WALL + policy.cap_ms + 1000);
    assert_false(due_clock_see(&clock, WALL + DAY_MS)); /* that is known */
}

static void test_a_jump_forward_makes_nothing_old(void **state)
{
    (void)state;
    struct due_clock clock = started();
    (void)due_clock_turn(&clock, at(2 * HOUR_MS, WALL + 2 * HOUR_MS));
    struct instant after = at(2 * HOUR_MS + 1, WALL + 300 * DAY_MS);
    assert_true(due_clock_turn(&clock, after));
    assert_false(due_clock_has_expired(&clock, WALL, after));
}

static void test_a_jump_back_shortens_the_horizon(void **state)
{
    (void)state;
    struct due_clock clock = started();
    assert_true(due_clock_horizon_wall_ms(&clock) >= WALL + SERVER_HINT_MAX_MS);
    assert_true(due_clock_turn(&clock, at(1000, WALL - DAY_MS)));
    assert_true(due_clock_horizon_wall_ms(&clock) < WALL - DAY_MS + 2 * HOUR_MS);
}

static void test_a_wait_that_was_asked_for_survives_a_jump_back(void **state)
{
    (void)state;
    struct due_clock clock = started();
    assert_int_equal(due_clock_hint(&clock, at(0, WALL), 5 * HOUR_MS), 5 * HOUR_MS);
    assert_int_equal(due_clock_hint(&clock, at(0, WALL), 99 * DAY_MS), SERVER_HINT_MAX_MS);
    (void)due_clock_turn(&clock, at(1000, WALL - DAY_MS));
    assert_true(due_clock_horizon_wall_ms(&clock) >= WALL - DAY_MS + SERVER_HINT_MAX_MS - 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slewing_is_no_jump),
        cmocka_unit_test(test_waits_are_short_and_never_negative),
        cmocka_unit_test(test_age_parks_only_what_was_tried_for_a_while),
        cmocka_unit_test(test_what_was_written_later_than_now_tells_of_a_jump),
        cmocka_unit_test(test_a_jump_forward_makes_nothing_old),
        cmocka_unit_test(test_a_jump_back_shortens_the_horizon),
        cmocka_unit_test(test_a_wait_that_was_asked_for_survives_a_jump_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
