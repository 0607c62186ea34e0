#include "core/suggest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void the_distance_counts_edits(void **state)
{
    (void)state;
    assert_int_equal(suggest_distance("email", "email"), 0);
    assert_int_equal(suggest_distance("emial", "email"), 1); /* swapped */
    assert_int_equal(suggest_distance("emai", "email"), 1);
    assert_int_equal(suggest_distance("emmail", "email"), 1);
    assert_int_equal(suggest_distance("Email", "eMAIL"), 0);
    assert_int_equal(suggest_distance("", "abc"), 3);
    assert_int_equal(suggest_distance("kitten", "sitting"), 3);
    assert_int_equal(suggest_distance("@", "`"), 1); /* no letters, so case says nothing */
    char endless[200] = {0};
    for (size_t i = 0; i < sizeof endless - 1; i++) {
        endless[i] = 'a';
    }
    assert_true(suggest_distance(endless, endless) > sizeof endless);
}

static const char *best(const char *word)
{
    static const char *const candidates[] = {"sources", "sinks", "routes", "state", "to"};
    struct suggestion suggestion = suggest_begin(word);
    for (size_t i = 0; i < ARRAY_COUNT(candidates); i++) {
        suggest_offer(&suggestion, candidates[i]);
    }
    return suggestion.best;
}

static void only_what_is_close_is_suggested(void **state)
{
    (void)state;
    assert_string_equal(best("sorces"), "sources");
    assert_string_equal(best("route"), "routes");
    assert_string_equal(best("ot"), "to");
    assert_null(best("webhook"));
    assert_null(best(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_distance_counts_edits),
        cmocka_unit_test(only_what_is_close_is_suggested),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
