/* UTF-8: every code point there and back, every broken form refused, and text made harmless. */
#include "core/text.h"
#include "core/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void every_code_point_goes_there_and_back(void **state)
{
    (void)state;
    struct text out;
    text_init(&out, 8);
    for (uint32_t code_point = 0; code_point <= 0x10ffff; code_point++) {
        if (code_point == 0xd800) {
            code_point = 0xe000;
        }
        text_clear(&out);
        utf8_add(&out, code_point);
        size_t position = 0;
        assert_true(utf8_is_valid(text_span(&out)));
        assert_int_equal(utf8_next(text_span(&out), &position), code_point);
        assert_int_equal(position, out.size);
    }
    text_fini(&out);
}

static void broken_bytes_are_told_one_by_one(void **state)
{
    (void)state;
    const char *const broken[] = {
        "\x80",
        "\xbf",
        "\xc0\xaf",
        "\xc1\xbf",
        "\xc3",
        "\xc3(",
        "\xe0\x80\xaf",
        "\xe2\x82",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xf0\x80\x80\x80",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xff",
        "\xfe\xff",
        "12345678\xff",
        "1234567\xe2\x82",
    };
    for (size_t i = 0; i < ARRAY_COUNT(broken); i++) {
        assert_false(utf8_is_valid(span_of(broken[i])));
    }
    size_t position = 0;
    struct span bytes = span_of("\xe2\x82"
                                "A");
    assert_int_equal(utf8_next(bytes, &position), 0xfffd);
    assert_int_equal(utf8_next(bytes, &position), 0xfffd);
    assert_int_equal(utf8_next(bytes, &position), 'A');
    assert_int_equal(position, 3);
    assert_true(utf8_is_valid((struct span){.data = "a\0b", .size = 3}));
    assert_true(utf8_is_valid((struct span){.data = NULL, .size = 0}));
}

typedef void clean_fn(struct text *out, struct span bytes, size_t bytes_max);

static void assert_clean(clean_fn *clean, const char *bytes, size_t bytes_max, const char *expected)
{
    struct text out;
    text_init(&out, 4096);
    clean(&out, span_of(bytes), bytes_max);
    assert_string_equal(text_cstr(&out), expected);
    assert_true(out.size <= bytes_max);
    text_fini(&out);
}

static void a_line_stays_one_line(void **state)
{
    (void)state;
    assert_clean(utf8_add_clean_line, "a\r\nb\nc\rd\te", 99, "a b c d e");
    assert_clean(utf8_add_clean_line,
                 "a\xe2\x80\xa8"
                 "b\xe2\x80\xa9"
                 "c\xc2\x85"
                 "d\v\f",
                 99, "a b c d  ");
    assert_clean(utf8_add_clean_line, "\x1b[31m\x07\x7f\xc2\x9b", 99,
                 "\xef\xbf\xbd[31m\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    assert_clean(utf8_add_clean_line,
                 "x\xe2\x80\xae"
                 "y\xe2\x80\x8b"
                 "z\xef\xbb\xbf",
                 99, "x\xef\xbf\xbdy\xef\xbf\xbdz\xef\xbf\xbd");
    assert_clean(utf8_add_clean_line, "\xff", 99, "\xef\xbf\xbd");
    assert_clean(utf8_add_clean_line, "Ch\xc3\xa2teau \xf0\x9f\x98\x80 <b>&", 99,
                 "Ch\xc3\xa2teau \xf0\x9f\x98\x80 <b>&");
}

static void a_block_keeps_its_lines(void **state)
{
    (void)state;
    assert_clean(utf8_add_clean_block,
                 "a\r\nb\nc\rd\te\xe2\x80\xa8"
                 "f",
                 99, "a\nb\nc\nd\te\nf");
    assert_clean(utf8_add_clean_block, "\x01\n\n", 99, "\xef\xbf\xbd\n\n");
}

static void a_cut_falls_between_characters(void **state)
{
    (void)state;
    assert_clean(utf8_add_clean_line, "abcdef", 6, "abcdef");
    assert_clean(utf8_add_clean_line, "abcdefg", 6, "abc\xe2\x80\xa6");
    assert_clean(utf8_add_clean_line,
                 "ab\xc3\xa9"
                 "defg",
                 6, "ab\xe2\x80\xa6");
    assert_clean(utf8_add_clean_line, "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", 7,
                 "\xc3\xa9\xc3\xa9\xe2\x80\xa6");
    assert_clean(utf8_add_clean_line, "abcdef", 3, "\xe2\x80\xa6");
    assert_clean(utf8_add_clean_line, "abcdef", 2, "");
    assert_clean(utf8_add_clean_line, "", 0, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_goes_there_and_back),
        cmocka_unit_test(broken_bytes_are_told_one_by_one),
        cmocka_unit_test(a_line_stays_one_line),
        cmocka_unit_test(a_block_keeps_its_lines),
        cmocka_unit_test(a_cut_falls_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
