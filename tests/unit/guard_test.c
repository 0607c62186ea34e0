/* The thresholds of a mass change, at their edges. */
#include "core/guard.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct guard_config config = {.changed_percent = 50, .vanished_percent = 20};

static bool exceeds(uint64_t known, uint64_t changed, uint64_t vanished)
{
    return guard_exceeds(
        &config, &(struct guard_counts){.known = known, .changed = changed, .vanished = vanished});
}

static void few_changes_are_never_held(void **state)
{
    (void)state;
    assert_false(exceeds(20, 20, 0));
    assert_false(exceeds(1, 0, 1));
    assert_false(exceeds(5, 0, 5));
    assert_true(exceeds(21, 21, 0));
    assert_true(exceeds(6, 0, 6));
}

static void shares_decide_among_many(void **state)
{
    (void)state;
    assert_false(exceeds(1000, 500, 0));
    assert_true(exceeds(1000, 501, 0));
    assert_false(exceeds(1000, 0, 200));
    assert_true(exceeds(1000, 0, 201));
    assert_false(exceeds(29, 0, 5));
    assert_true(exceeds(29, 0, 6));
    assert_false(exceeds(31, 0, 6));
}

static void an_empty_world_is_never_held(void **state)
{
    (void)state;
    assert_false(exceeds(0, 0, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_changes_are_never_held),
        cmocka_unit_test(shares_decide_among_many),
        cmocka_unit_test(an_empty_world_is_never_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
