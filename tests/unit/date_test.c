/* Dates: each spelling, what is no date, and the calendar against itself day by day. */
#include "core/date.h"
#include "core/text.h"
#include "core/zone.h"
#include "tests/support/paris.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void every_spelling_has_one_canonical_form(void **state)
{
    (void)state;
    static const struct {
        const char *spelling, *canonical;
    } rows[] = {
        {"2027-01-12", "2027-01-12"},
        {"20270112", "2027-01-12"},
        {"2027-01-12Z", "2027-01-12"},
        {"2027-01-12+01:00", "2027-01-12"},
        {"2027-01-12-05:00", "2027-01-12"},
        {"20270112T090000Z", "2027-01-12T09:00:00Z"},
        {"20270112t0900z", "2027-01-12T09:00:00Z"},
        {"20270112T090000+0100", "2027-01-12T08:00:00Z"},
        {"20270112T0900-05", "2027-01-12T14:00:00Z"},
        {"20270112T090000.5+01:00", "2027-01-12T08:00:00.500Z"},
        {"20270112T090000", "2027-01-12T08:00:00Z"},
        {"20270112T240000Z", "2027-01-13T00:00:00Z"},
        {"2027-01-12T09:00:00+01:00[Europe/Paris]", "2027-01-12T08:00:00Z"},
        {"2027-01-12T09:00Z[UTC]", "2027-01-12T09:00:00Z"},
        {" 2027-01-12 ", "2027-01-12"},
        {"2024-02-29", "2024-02-29"},
        {"2027-01-12T09:00:00Z", "2027-01-12T09:00:00Z"},
        {"2027-01-12t09:00:00z", "2027-01-12T09:00:00Z"},
        {"2027-01-12T09:00Z", "2027-01-12T09:00:00Z"},
        {"2027-01-12 09:00:00+01:00", "2027-01-12T08:00:00Z"},
        {"2027-01-12T09:00:00+0100", "2027-01-12T08:00:00Z"},
        {"2027-01-12T09:00:00+01", "2027-01-12T08:00:00Z"},
        {"2027-01-12T00:30:00-23:59", "2027-01-13T00:29:00Z"},
        {"2027-01-12T09:00:00", "2027-01-12T08:00:00Z"},
        {"2027-07-12T09:00", "2027-07-12T07:00:00Z"},
        {"2027-03-28T02:30:00", "2027-03-28T01:30:00Z"},
        {"2027-10-31T02:30:00", "2027-10-31T00:30:00Z"},
        {"2027-01-12T09:00:00.000Z", "2027-01-12T09:00:00Z"},
        {"2027-01-12T09:00:00.5Z", "2027-01-12T09:00:00.500Z"},
        {"2027-01-12T09:00:00,25Z", "2027-01-12T09:00:00.250Z"},
        {"2027-01-12T09:00:00.123456789Z", "2027-01-12T09:00:00.123Z"},
        {"2026-12-31T24:00:00Z", "2027-01-01T00:00:00Z"},
        {"2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"},
        {"1800000000", "2027-01-15T08:00:00Z"},
        {"1800000000123", "2027-01-15T08:00:00.123Z"},
        {"Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z"},
        {"Sunday, 06-Nov-94 08:49:37 GMT", "1994-11-06T08:49:37Z"},
        {"Sunday, 06-Nov-33 08:49:37 GMT", "2033-11-06T08:49:37Z"},
        {"Sun Nov  6 08:49:37 1994", "1994-11-06T08:49:37Z"},
        {"Wed Nov 16 08:49:37 1994", "1994-11-16T08:49:37Z"},
        {"0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
        {"9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"},
    };
    struct zone *zone = paris();
    struct text out;
    text_init(&out, 64);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct date date;
        if (!date_parse(span_of(rows[i].spelling), zone, &date)) {
            fail_msg("%s is a date", rows[i].spelling);
        }
        text_clear(&out);
        date_add(&out, date);
        assert_string_equal(text_cstr(&out), rows[i].canonical);
        struct date again = date_of(rows[i].canonical);
        assert_int_equal(again.kind, date.kind);
        assert_true(again.ms == date.ms);
    }
    text_fini(&out);
    zone_destroy(zone);
}

static void what_is_no_date_is_refused(void **state)
{
    (void)state;
    const char *const rows[] = {
        "",
        " ",
        "2027",
        "2027-01",
        "2027-1-12",
        "2027-02-30",
        "2027-02-29",
        "2100-02-29",
        "2027-13-01",
        "2027-00-10",
        "2027-01-00",
        "0000-01-01",
        "2027-01-12T",
        "2027-01-12T09",
        "2027-01-12T25:00",
        "2027-01-12T24:00:01Z",
        "2027-01-12T09:60Z",
        "2027-01-12T09:00:61Z",
        "2027-01-12T09:00:00.Z",
        "2027-01-12T09:00:00+",
        "2027-01-12T09:00:00+1",
        "2027-01-12T09:00:00+24:00",
        "2027-01-12T09:00:00+01:60",
        "2027-01-12T09:00:00 CET",
        "2027-01-12T09:00:00ZZ",
        "2027-01-12x",
        "2027-01-12ZZ",
        "2027-01-12+24:00",
        "2027-01-12T09:00:00Z[UTC",
        "2027-01-12T09:00:00Z[UTC]x",
        "2027-01-12T09:00:00Z[[UTC]",
        "2027-01-12T09:00:00[Europe/Paris]",
        "2027-01-12T09:00:00+:00",
        "2027-01-12T09:0000Z",
        "2027-0112T09:00Z",
        "202701-12T0900Z",
        "20270112 090000Z",
        "20270112Z",
        "20270112T09",
        "20270112T09000Z",
        "20270112T09:00Z",
        "20270112T250000Z",
        "20270230T090000Z",
        "12/01/2027",
        "20271301",
        "12345678901234",
        "1234567",
        "-1800000000",
        "0800000000",
        "18000000ab",
        "9999-12-31T23:59:59-01:00",
        "0001-01-01T00:00:00+01:00",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun 06 Nov 1994",
        "soon",
        "2027-01-12T09:00:00Z                                                     x",
    };
    struct date date = {.kind = DATE_DAY, .ms = 42};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (date_parse(span_of(rows[i]), zone_utc(), &date)) {
            fail_msg("%s is not a date", rows[i]);
        }
        assert_true(date.kind == DATE_DAY && date.ms == 42);
    }
}

static void only_canonical_text_is_read_back(void **state)
{
    (void)state;
    const char *const rows[] = {"20270112",
                                "2027-01-12T09:00Z",
                                "2027-01-12T09:00:00.000Z",
                                "2027-01-12T09:00:00+00:00",
                                "2027-01-12 09:00:00Z",
                                "1800000000",
                                "2027-01-12T09:00:00",
                                "soon",
                                ""};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        assert_int_equal(date_of(rows[i]).kind, DATE_NONE);
    }
    assert_int_equal(date_of(NULL).kind, DATE_NONE);
}

/* Every day of 800 years, counted one by one, goes through the calendar and back. */
static void the_calendar_counts_like_a_calendar(void **state)
{
    (void)state;
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    struct civil expected = {.year = 1600, .month = 1, .day = 1, .weekday = 5};
    int64_t ms = civil_to_ms(&expected);
    assert_true(ms == INT64_C(-11676096000000));
    while (expected.year < 2400) {
        struct civil got = civil_of(ms + DAY_MS - 1);
        assert_int_equal(got.year, expected.year);
        assert_int_equal(got.month, expected.month);
        assert_int_equal(got.day, expected.day);
        assert_int_equal(got.weekday, expected.weekday);
        assert_true(got.hour == 23 && got.minute == 59 && got.second == 59 &&
                    got.millisecond == 999);
        assert_true(civil_to_ms(&got) == ms + DAY_MS - 1);
        bool is_leap =
            expected.year % 4 == 0 && (expected.year % 100 != 0 || expected.year % 400 == 0);
        ms += DAY_MS;
        expected.weekday = (expected.weekday + 1) % 7;
        expected.day++;
        if (expected.day > lengths[expected.month - 1] + (expected.month == 2 && is_leap)) {
            expected.day = 1;
            expected.year += expected.month == 12;
            expected.month = expected.month % 12 + 1;
        }
    }
}

static void months_and_days_may_run_over(void **state)
{
    (void)state;
    struct civil civil = {.year = 2026, .month = 14, .day = 0, .hour = 25};
    struct civil got = civil_of(civil_to_ms(&civil)); /* the day before 1 February 2027, and 25 h */
    assert_true(got.year == 2027 && got.month == 2 && got.day == 1 && got.hour == 1);
}

static void a_day_ends_at_midnight_of_its_zone(void **state)
{
    (void)state;
    struct zone *zone = paris();
    assert_true(date_end_ms(date_of("2027-01-12"), zone) == date_of("2027-01-12T23:00:00Z").ms);
    assert_true(date_end_ms(date_of("2027-07-12"), zone) == date_of("2027-07-12T22:00:00Z").ms);
    struct date instant = date_of("2027-01-12T08:00:00Z");
    assert_true(date_end_ms(instant, zone) == instant.ms);
    int64_t day = date_day_number(date_of("2027-01-12"), zone);
    assert_true(day == date_of("2027-01-12").ms / DAY_MS);
    assert_true(date_day_number(date_of("2027-01-11T23:00:00Z"), zone) == day);
    assert_true(date_day_number(date_of("2027-01-11T22:59:59Z"), zone) == day - 1);
    assert_true(date_day_number(date_of("2027-01-12T23:00:00Z"), zone) == day + 1);
    zone_destroy(zone);
}

static void event_times_show_their_milliseconds(void **state)
{
    (void)state;
    struct text out;
    text_init(&out, 64);
    date_add_wall(&out, date_of("2026-11-23T08:15:30.120Z").ms);
    text_add_char(&out, ' ');
    date_add_wall(&out, 0);
    assert_string_equal(text_cstr(&out), "2026-11-23T08:15:30.120Z 1970-01-01T00:00:00.000Z");
    text_clear(&out);
    date_add(&out, (struct date){.kind = DATE_NONE});
    assert_string_equal(text_cstr(&out), "");
    text_fini(&out);
}

static void assert_retry_after(const char *value, int64_t expected_ms)
{
    int64_t now = date_of("2026-11-23T08:00:00Z").ms;
    int64_t got = -1;
    assert_int_equal(retry_after_parse(span_of(value), now, &got), expected_ms >= 0);
    assert_true(got == expected_ms);
}

static void retry_after_is_seconds_or_a_date(void **state)
{
    (void)state;
    assert_retry_after("120", 120000);
    assert_retry_after(" 0 ", 0);
    assert_retry_after("20270112", INT64_C(20270112000));
    assert_retry_after("99999999999999999999999999", INT64_C(10) * 365 * DAY_MS);
    assert_retry_after("Mon, 23 Nov 2026 08:02:00 GMT", 120000);
    assert_retry_after("Mon, 23 Nov 2026 07:00:00 GMT", 0);
    assert_retry_after("", -1);
    assert_retry_after(" ", -1);
    assert_retry_after("-1", -1);
    assert_retry_after("1.5", -1);
    assert_retry_after("2026-11-24", -1);
    assert_retry_after("tomorrow", -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_spelling_has_one_canonical_form),
        cmocka_unit_test(what_is_no_date_is_refused),
        cmocka_unit_test(only_canonical_text_is_read_back),
        cmocka_unit_test(the_calendar_counts_like_a_calendar),
        cmocka_unit_test(months_and_days_may_run_over),
        cmocka_unit_test(a_day_ends_at_midnight_of_its_zone),
        cmocka_unit_test(event_times_show_their_milliseconds),
        cmocka_unit_test(retry_after_is_seconds_or_a_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
