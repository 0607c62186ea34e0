#include "core/config.h"
#include "core/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void durations_are_integers_with_units_in_descending_order(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {
        {"0", 0},          {"90s", 90000},         {"5m", 300000},        {"1h30m", 5400000},
        {"2d", 172800000}, {"1d1h1m1s", 90061000}, {"400d", 34560000000}, {"0s", 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        int64_t ms = -1;
        assert_true(duration_parse(good[i].text, &ms));
        assert_int_equal(ms, good[i].ms);
    }
    static const char *const bad[] = {
        "",      "5",  "m",  "5 m",  "30m1h", "1h1h", "1.5h", "-5m",  "+5m",
        "5ms",   "1w", "5M", "0x5s", "1h ",   " 1h",  "00",   "1h30", "99999999999999999999s",
        "40000d"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        int64_t ms = -1;
        assert_false(duration_parse(bad[i], &ms));
        assert_int_equal(ms, -1);
    }
}

static void a_printed_duration_reads_back(void **state)
{
    (void)state;
    static const char *const texts[] = {"0", "1s", "1h30m", "2d", "7d12h5m3s"};
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        int64_t ms = 0;
        assert_true(duration_parse(texts[i], &ms));
        struct text out;
        text_init(&out, 64);
        duration_add(&out, ms);
        assert_string_equal(text_cstr(&out), texts[i]);
        text_fini(&out);
    }
}

static void sizes_are_plain_or_in_binary_units(void **state)
{
    (void)state;
    size_t bytes = 0;
    assert_true(size_parse("512", &bytes));
    assert_int_equal(bytes, 512);
    assert_true(size_parse("64KiB", &bytes));
    assert_int_equal(bytes, 65536);
    assert_true(size_parse("16MiB", &bytes));
    assert_int_equal(bytes, 16777216);
    static const char *const bad[] = {"",    "KiB", "1kb",        "1 MiB",
                                      "1MB", "-1",  "9999999GiB", "1.5MiB"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_false(size_parse(bad[i], &bytes));
    }
}

static void rates_are_a_count_per_unit(void **state)
{
    (void)state;
    struct rate rate = {0};
    assert_true(rate_parse("60/min", &rate));
    assert_int_equal(rate.count, 60);
    assert_int_equal(rate.window_ms, 60000);
    assert_true(rate_parse("5/s", &rate));
    assert_int_equal(rate.window_ms, 1000);
    assert_true(rate_parse("1000/h", &rate));
    assert_int_equal(rate.window_ms, 3600000);
    struct text out;
    text_init(&out, 64);
    rate_add(&out, rate);
    assert_string_equal(text_cstr(&out), "1000/h");
    text_fini(&out);
    static const char *const bad[] = {"",   "60",       "0/s",   "60/",    "60/m",
                                      "/s", "60 / min", "1e3/h", "60/min "};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_false(rate_parse(bad[i], &rate));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_integers_with_units_in_descending_order),
        cmocka_unit_test(a_printed_duration_reads_back),
        cmocka_unit_test(sizes_are_plain_or_in_binary_units),
        cmocka_unit_test(rates_are_a_count_per_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
