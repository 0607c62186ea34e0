/* Two spellings of one text become one. */
#include "core/text.h"
#include "edge/unicode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void check(struct span bytes, const char *expected)
{
    struct text out;
    text_init(&out, 256);
    unicode_port().normalize(bytes, &out);
    assert_true(span_is(text_span(&out), expected));
    text_fini(&out);
}

static void composed_and_decomposed_are_one(void **state)
{
    (void)state;
    check(span_of("Che\xcc\x81"
                  "que"),
          "Ch\xc3\xa9que");
    check(span_of("Ch\xc3\xa9que"), "Ch\xc3\xa9que");
    check(span_of("\xe2\x84\xab"), "\xc3\x85");     /* the angstrom sign is the letter */
    check(span_of("\xef\xac\x81"), "\xef\xac\x81"); /* but a ligature is not two letters */
    check(span_of("plain"), "plain");
    check(span_of(""), "");
    check((struct span){.data = NULL, .size = 0}, "");
    check((struct span){.data = "e\xcc\x81x", .size = 3}, "\xc3\xa9"); /* no byte further */
}

static void what_is_not_text_passes_unchanged(void **state)
{
    (void)state;
    check(span_of("\xff\xc3"), "\xff\xc3");
    struct text out;
    text_init(&out, 16);
    unicode_port().normalize((struct span){.data = "\xc3\xa9\0x", .size = 4}, &out);
    assert_int_equal(out.size, 4);
    assert_memory_equal(out.data, "\xc3\xa9\0x", 4);
    text_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(composed_and_decomposed_are_one),
        cmocka_unit_test(what_is_not_text_passes_unchanged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
