/* Text with a ceiling, and the memory and failures beside it. */
#include "core/arena.h"
#include "core/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#undef fail /* cmocka's; ours is tried here */

static void an_append_past_the_ceiling_is_dropped_and_latches(void **state)
{
    (void)state;
    struct text text;
    text_init(&text, 8);
    text_add_text(&text, "12345678");
    assert_int_equal(text.status, STATUS_OK);
    text_add_char(&text, '9');
    assert_int_equal(text.status, STATUS_TOO_LARGE);
    text_addf(&text, "%s", "");
    assert_string_equal(text_cstr(&text), "12345678");
    text_clear(&text);
    text_addf(&text, "%d", 42);
    assert_int_equal(text.status, STATUS_OK);
    char *taken = text_take(&text);
    assert_string_equal(taken, "42");
    assert_string_equal(text_cstr(&text), "");
    free(taken);
}

static void json_strings_and_levels_are_escaped(void **state)
{
    (void)state;
    static const char hostile[] = "a\"b\\c\n\r\t\x01\x7f\0z";
    struct text text;
    text_init(&text, 256);
    text_add_json_string(&text, (struct span){.data = hostile, .size = sizeof hostile - 1});
    assert_string_equal(text_cstr(&text), "\"a\\\"b\\\\c\\n\\r\\t\\u0001\\u007f\\u0000z\"");
    text_clear(&text);
    text_add_percent(&text, span_of("A-1/+#%é"));
    assert_string_equal(text_cstr(&text), "A-1%2F%2B%23%25%C3%A9");
    text_fini(&text);
}

/* Eight bytes are looked at together: each place in them, and what is near to what is escaped. */
static void json_strings_are_escaped_wherever_it_is(void **state)
{
    (void)state;
    static const struct {
        const char *byte, *json;
    } rows[] = {
        {"\x01", "\\u0001"},
        {"\x1f", "\\u001f"},
        {" ", " "},
        {"!", "!"},
        {"\"", "\\\""},
        {"#", "#"},
        {"[", "["},
        {"\\", "\\\\"},
        {"]", "]"},
        {"~", "~"},
        {"\x7f", "\\u007f"},
        {"\xc2\x80", "\xc2\x80"},
        {"\xc3\xbf", "\xc3\xbf"},
        {"\n", "\\n"},
    };
    struct text text;
    text_init(&text, 256);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        for (int before = 0; before < 18; before++) {
            char bytes[64];
            char json[64];
            (void)snprintf(bytes, sizeof bytes, "%.*s%s%s", before, "abcdefghijklmnopqr",
                           rows[i].byte, "stuvwxyz");
            (void)snprintf(json, sizeof json, "\"%.*s%s%s\"", before, "abcdefghijklmnopqr",
                           rows[i].json, "stuvwxyz");
            text_clear(&text);
            text_add_json_text(&text, bytes);
            assert_string_equal(text_cstr(&text), json);
        }
    }
    text_fini(&text);
}

static void numbers_have_the_digits_asked_for(void **state)
{
    (void)state;
    static const struct {
        int64_t number;
        size_t digits;
        const char *text;
    } rows[] = {
        {0, 0, "0"},
        {7, 1, "7"},
        {7, 3, "007"},
        {2027, 4, "2027"},
        {12345, 4, "12345"},
        {-5, 1, "-5"},
        {INT64_MAX, 1, "9223372036854775807"},
        {INT64_MIN, 1, "-9223372036854775808"},
        {INT64_MIN, 20, "-09223372036854775808"},
    };
    struct text text;
    text_init(&text, 64);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        text_clear(&text);
        text_add_number(&text, rows[i].number, rows[i].digits);
        assert_string_equal(text_cstr(&text), rows[i].text);
    }
    text_fini(&text);
}

static void an_arena_gives_zeroed_aligned_memory_of_any_size(void **state)
{
    (void)state;
    struct arena *arena = arena_create();
    for (int round = 0; round < 3; round++) {
        for (size_t size = 1; size < 20000; size = size * 2 + 1) {
            unsigned char *memory = arena_alloc(arena, size);
            assert_int_equal((uintptr_t)memory % _Alignof(max_align_t), 0);
            for (size_t i = 0; i < size; i++) {
                assert_int_equal(memory[i], 0);
            }
            memset(memory, 0xff, size);
        }
        assert_string_equal(arena_format(arena, "%d/%s", round, "x"), round == 0   ? "0/x"
                                                                      : round == 1 ? "1/x"
                                                                                   : "2/x");
        arena_reset(arena);
    }
    arena_destroy(arena);
}

static void expected_text_has_its_room_from_the_start(void **state)
{
    (void)state;
    struct text text;
    text_init(&text, 1000);
    text_expect(&text, 600);
    const char *room = text.data;
    assert_string_equal(text_cstr(&text), "");
    for (int i = 0; i < 600; i++) {
        text_add_char(&text, 'x');
    }
    assert_ptr_equal(text.data, room);
    text_expect(&text, SIZE_MAX); /* what a peer declares: never more than the ceiling */
    assert_int_equal(text.capacity, 1001);
    assert_int_equal(text.size, 600);
    text_fini(&text);
}

static void a_failure_is_one_line_even_of_its_own_text(void **state)
{
    (void)state;
    struct failure why;
    assert_int_equal(fail(&why, STATUS_INVALID, "a\nb\tc"), STATUS_INVALID);
    assert_string_equal(why.detail, "a?b?c");
    assert_int_equal(fail(&why, STATUS_UNAVAILABLE, "x: %s", why.detail), STATUS_UNAVAILABLE);
    assert_string_equal(why.detail, "x: a?b?c");
    assert_int_equal(fail(NULL, STATUS_FULL, "nobody listens"), STATUS_FULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_append_past_the_ceiling_is_dropped_and_latches),
        cmocka_unit_test(expected_text_has_its_room_from_the_start),
        cmocka_unit_test(json_strings_and_levels_are_escaped),
        cmocka_unit_test(json_strings_are_escaped_wherever_it_is),
        cmocka_unit_test(numbers_have_the_digits_asked_for),
        cmocka_unit_test(an_arena_gives_zeroed_aligned_memory_of_any_size),
        cmocka_unit_test(a_failure_is_one_line_even_of_its_own_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
