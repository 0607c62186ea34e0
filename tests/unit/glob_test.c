/* Patterns: what they match, and that no pattern makes a match slow. */
#include "core/glob.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void patterns_match_the_whole_text(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool matches;
    } rows[] = {
        {"*", "", true},
        {"*", "anything", true},
        {"**", "x", true},
        {"", "", true},
        {"", "x", false},
        {"?", "", false},
        {"appointment.*", "appointment.created", true},
        {"appointment.*", "appointment.", true},
        {"appointment.*", "appointment", false},
        {"appointment.*", "order.appointment.created", false},
        {"order.status.completed", "order.status.completed", true},
        {"order.status.completed", "order.status.completed2", false},
        {"Lyon*", "Lyon Part-Dieu", true},
        {"Lyon*", "lyon", false},
        {"*date*", "order.date.changed", true},
        {"*a*b*c*", "xxaxxbxxcxx", true},
        {"*a*b*c*", "xxaxxcxxbxx", false},
        {"*ab", "aab", true},
        {"*.*.*", "a.b", false},
        {"a?c", "abc", true},
        {"a?c",
         "a\xc3\xa9"
         "c",
         true},
        {"a?c", "abbc", false},
        {"?", "\xf0\x9f\x98\x80", true},
        {"*?", "\xc3\xa9", true},
        {"??", "\xc3\xa9", false},
        {"a\\*b", "a*b", true},
        {"a\\*b", "axb", false},
        {"\\?", "?", true},
        {"\\?", "x", false},
        {"\\\\", "\\", true},
        {"\\a", "a", true},
        {"x*\\*", "xy*", true},
        {"[ab]", "a", false},
        {"[ab]", "[ab]", true},
        {"{a,b}", "a", false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (glob_matches(rows[i].pattern, rows[i].text) != rows[i].matches) {
            fail_msg("%s with %s", rows[i].pattern, rows[i].text);
        }
    }
}

static void a_pattern_must_be_whole(void **state)
{
    (void)state;
    assert_true(glob_is_valid("*"));
    assert_true(glob_is_valid("a\\\\"));
    assert_true(glob_is_valid("[a-z]"));
    assert_false(glob_is_valid(""));
    assert_false(glob_is_valid("a\\"));
    assert_false(glob_is_valid("a\\\\\\"));
    assert_false(glob_is_valid("\xff"));
}

/* Trying every way to divide the text among the stars would outlast the universe here. */
static void many_stars_are_not_tried_in_every_way(void **state)
{
    (void)state;
    char pattern[] = "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b";
    char *text = alloc(4097);
    memset(text, 'a', 4096);
    assert_false(glob_matches(pattern, text));
    text[4095] = 'b';
    assert_true(glob_matches(pattern, text));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_match_the_whole_text),
        cmocka_unit_test(a_pattern_must_be_whole),
        cmocka_unit_test(many_stars_are_not_tried_in_every_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
