/* Numbers and texts as bytes and back; bytes that were never packed. */
#include "core/pack.h"
#include "core/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void numbers_come_back(void **state)
{
    (void)state;
    static const int64_t numbers[] = {
        0,   1,       -1,        63,        64,    -64,       -65,       127,
        128, 1 << 20, INT64_MAX, INT64_MIN, -8192, INT32_MAX, INT32_MIN, 1795421730123};
    struct text bytes;
    text_init(&bytes, 1024);
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++) {
        pack_number(&bytes, numbers[i]);
    }
    struct pack_reader reader = pack_reader(text_span(&bytes));
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++) {
        assert_true(pack_read_number(&reader) == numbers[i]);
    }
    assert_true(pack_is_whole(&reader));
    text_fini(&bytes);
}

static void texts_come_back(void **state)
{
    (void)state;
    struct text bytes;
    text_init(&bytes, 1024);
    pack_text(&bytes, NULL);
    pack_text(&bytes, "");
    pack_text(&bytes, "\xc3\xa9t\xc3\xa9");
    struct pack_reader reader = pack_reader(text_span(&bytes));
    assert_null(pack_read_text(&reader));
    assert_string_equal(pack_read_text(&reader), "");
    assert_false(pack_is_whole(&reader));
    assert_string_equal(pack_read_text(&reader), "\xc3\xa9t\xc3\xa9");
    assert_true(pack_is_whole(&reader));
    assert_null(pack_read_text(&reader));
    assert_false(pack_is_whole(&reader));
    text_fini(&bytes);
}

#define BYTES(literal)                                                                             \
    {                                                                                              \
        .data = (literal), .size = sizeof(literal) - 1                                             \
    }

static void what_was_not_packed_is_noticed(void **state)
{
    (void)state;
    static const struct span texts[] = {
        BYTES(""),
        BYTES("\x02"),
        BYTES("\x03"
              "ab"),
        BYTES("\x03"
              "abc"),
        BYTES("\x04"
              "a\0b\0"),
        BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
        BYTES("\x80\x80"),
    };
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        struct pack_reader reader = pack_reader(texts[i]);
        assert_null(pack_read_text(&reader));
        assert_true(reader.is_broken);
        assert_int_equal(pack_read_number(&reader), 0);
        assert_int_equal(pack_read_count(&reader), 0);
    }
    static const struct span counts[] = {BYTES("\x01"), BYTES("\x06\x01\x01"), BYTES("")};
    for (size_t i = 0; i < ARRAY_COUNT(counts); i++) {
        struct pack_reader reader = pack_reader(counts[i]);
        assert_int_equal(pack_read_count(&reader), 0);
        assert_true(reader.is_broken);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_come_back),
        cmocka_unit_test(texts_come_back),
        cmocka_unit_test(what_was_not_packed_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
