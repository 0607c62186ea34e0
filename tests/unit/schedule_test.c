/* The schedule against the plainest one there could be: an array searched from end to end. */
#include "core/random.h"
#include "core/schedule.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ENTRY_COUNT 200
#define STEP_COUNT 200000

static void an_empty_schedule_has_nothing_due(void **state)
{
    (void)state;
    struct schedule *schedule = schedule_create();
    struct schedule_entry entry = {0};
    assert_true(schedule_next_due(schedule) == INSTANT_NEVER);
    assert_null(schedule_pop_due(schedule, INSTANT_NEVER));
    schedule_remove(schedule, &entry);
    schedule_set(schedule, &entry, 5);
    schedule_set(schedule, &entry, INSTANT_NEVER);
    assert_null(schedule_pop_due(schedule, INSTANT_NEVER));
    schedule_destroy(schedule);
    schedule_destroy(NULL);
}

static void an_entry_is_due_at_its_time_and_once(void **state)
{
    (void)state;
    struct schedule *schedule = schedule_create();
    struct schedule_entry entry = {0};
    schedule_set(schedule, &entry, 100);
    schedule_set(schedule, &entry, 50);
    assert_true(schedule_next_due(schedule) == 50);
    assert_null(schedule_pop_due(schedule, 49));
    assert_ptr_equal(schedule_pop_due(schedule, 50), &entry);
    assert_null(schedule_pop_due(schedule, 1000));
    schedule_destroy(schedule);
}

static int64_t earliest(const int64_t *dues)
{
    int64_t first = INSTANT_NEVER;
    for (size_t i = 0; i < ENTRY_COUNT; i++) {
        first = dues[i] < first ? dues[i] : first;
    }
    return first;
}

static void random_work_agrees_with_a_plain_array(void **state)
{
    (void)state;
    struct random random = {.state = 20270112};
    struct schedule *schedule = schedule_create();
    struct schedule_entry entries[ENTRY_COUNT] = {0};
    int64_t dues[ENTRY_COUNT];
    for (size_t i = 0; i < ENTRY_COUNT; i++) {
        dues[i] = INSTANT_NEVER;
    }
    for (int step = 0; step < STEP_COUNT; step++) {
        size_t i = (size_t)random_below(&random, ENTRY_COUNT);
        int64_t kind = random_below(&random, 4);
        if (kind <= 1) {
            dues[i] = random_below(&random, 1000);
            schedule_set(schedule, &entries[i], dues[i]);
        } else if (kind == 2) {
            dues[i] = INSTANT_NEVER;
            schedule_remove(schedule, &entries[i]);
        } else {
            int64_t now = random_below(&random, 100);
            struct schedule_entry *entry = schedule_pop_due(schedule, now);
            assert_int_equal(entry != NULL, earliest(dues) <= now);
            if (entry != NULL) {
                assert_true(dues[entry - entries] == earliest(dues));
                dues[entry - entries] = INSTANT_NEVER;
            }
        }
        assert_true(schedule_next_due(schedule) == earliest(dues));
    }
    schedule_destroy(schedule);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_schedule_has_nothing_due),
        cmocka_unit_test(an_entry_is_due_at_its_time_and_once),
        cmocka_unit_test(random_work_agrees_with_a_plain_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
