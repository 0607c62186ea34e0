/* What repeats itself is counted, and the count is always told. */
#include "src/edge/log_fold.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables): tell is given nothing of ours */
static uint32_t told_count, told_times;
static char told_of[200];
/* NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables) */

static void tell(const struct fold_kind *kind, int64_t now_mono_ms)
{
    (void)now_mono_ms;
    told_count++;
    told_times += kind->folded;
    (void)snprintf(told_of, sizeof told_of, "%s %s %s", kind->event, kind->source, kind->sink);
}

static int forget(void **state)
{
    (void)state;
    told_count = told_times = 0;
    return 0;
}

static bool admits(struct log_fold *fold, const char *sink, const char *reason, int64_t now_mono_ms)
{
    const struct log_field fields[] = {log_text("sink", sink),
                                       log_number("delivery", now_mono_ms),
                                       log_text("reason", reason),
                                       {.key = NULL}};
    return fold_admits(fold, LOG_LEVEL_WARN, "delivery_parked", fields, now_mono_ms, tell);
}

static void test_the_first_are_written_the_rest_is_counted_and_told(void **state)
{
    (void)state;
    struct log_fold fold = {.kinds = {{.key = 0}}};
    for (int i = 0; i < 60; i++) {
        assert_int_equal(admits(&fold, "noc", i % 2 == 0 ? "port 1 refused" : "port 22 refused", i),
                         i < FOLD_TELLS);
    }
    assert_true(admits(&fold, "noc", "another reason", 100));
    assert_true(admits(&fold, "tickets", "port 1 refused", 100));
    fold_turn(&fold, FOLD_WINDOW_MS - 1, false, tell);
    assert_int_equal(told_count, 0);
    fold_turn(&fold, FOLD_WINDOW_MS, false, tell);
    assert_int_equal(told_count, 1);
    assert_int_equal(told_times, 57);
    assert_string_equal(told_of, "delivery_parked  noc");
    assert_true(admits(&fold, "noc", "port 1 refused", FOLD_WINDOW_MS)); /* a window of its own */
}

static void test_nothing_that_was_counted_is_lost(void **state)
{
    (void)state;
    struct log_fold fold = {.kinds = {{.key = 0}}};
    uint32_t written = 0;
    for (int i = 0; i < 10 * FOLD_KINDS_MAX; i++) {
        char sink[32];
        (void)snprintf(sink, sizeof sink, "sink-%d", i);
        for (int j = 0; j < 5; j++) {
            written += admits(&fold, sink, "away", i);
        }
    }
    fold_turn(&fold, 0, true, tell);
    assert_int_equal(written + told_times, 10 * FOLD_KINDS_MAX * 5);
    fold_turn(&fold, 0, true, tell);
    assert_int_equal(told_count, 10 * FOLD_KINDS_MAX);
}

static void test_what_is_of_no_part_is_always_written(void **state)
{
    (void)state;
    struct log_fold fold = {.kinds = {{.key = 0}}};
    const struct log_field fields[] = {log_text("problem", "a.yaml:1:2: no"), {.key = NULL}};
    for (int i = 0; i < 100; i++) {
        assert_true(fold_admits(&fold, LOG_LEVEL_ERROR, "config_problem", fields, i, tell));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_the_first_are_written_the_rest_is_counted_and_told, forget),
        cmocka_unit_test_setup(test_nothing_that_was_counted_is_lost, forget),
        cmocka_unit_test_setup(test_what_is_of_no_part_is_always_written, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
