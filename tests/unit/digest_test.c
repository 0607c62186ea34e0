/* When digests leave: by interval, by the clock of a place, over changes of the clock. */
#include "core/digest.h"

#include "core/random.h"
#include "core/text.h"
#include "core/zone.h"
#include "tests/support/paris.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static int64_t at(const char *instant)
{
    struct date date = date_of(instant);
    assert_int_equal(date.kind, DATE_INSTANT);
    return date.ms;
}

static void expect_next(const struct digest_config *digest, const char *now, const char *next)
{
    struct text text;
    text_init(&text, 64);
    date_add(&text, (struct date){.kind = DATE_INSTANT, .ms = digest_next(digest, at(now))});
    assert_string_equal(text_cstr(&text), next);
    text_fini(&text);
}

static void by_interval(void **state)
{
    (void)state;
    const struct digest_config digest = {.every_ms = 15 * MINUTE_MS};
    assert_true(digest_is_on(&digest));
    expect_next(&digest, "2026-11-23T08:15:30Z", "2026-11-23T08:30:00Z");
    expect_next(&digest, "2026-11-23T08:30:00Z", "2026-11-23T08:45:00Z"); /* strictly after */
    const struct digest_config none = {.is_set = true};
    assert_false(digest_is_on(&none));
}

static const int morning_and_noon[] = {13 * 60, 7 * 60 + 30}; /* in any order */

static void by_the_clock(void **state)
{
    (void)state;
    struct zone *zone = paris();
    struct digest_config digest = {.at_minutes = morning_and_noon, .at_count = 2, .zone = zone};
    expect_next(&digest, "2026-11-23T06:29:59.999Z", "2026-11-23T06:30:00Z");
    expect_next(&digest, "2026-11-23T06:30:00Z", "2026-11-23T12:00:00Z");
    expect_next(&digest, "2026-11-23T12:00:00Z", "2026-11-24T06:30:00Z");
    digest.days = 1U << 0; /* Mondays */
    expect_next(&digest, "2026-11-23T12:00:00Z", "2026-11-30T06:30:00Z");
    digest.days = 1U << 6; /* Sundays, in Paris */
    expect_next(&digest, "2026-11-23T12:00:00Z", "2026-11-29T06:30:00Z");
    static const int midnight[] = {24 * 60};
    digest = (struct digest_config){.at_minutes = midnight, .at_count = 1, .zone = zone};
    expect_next(&digest, "2026-11-23T22:59:00Z", "2026-11-23T23:00:00Z");
    expect_next(&digest, "2026-11-23T23:00:00Z", "2026-11-24T23:00:00Z");
    zone_destroy(zone);
}

static void when_the_clocks_change(void **state)
{
    (void)state;
    struct zone *zone = paris();
    static const int night[] = {2 * 60 + 30};
    const struct digest_config digest = {.at_minutes = night, .at_count = 1, .zone = zone};
    /* 28 March 2027 has no 02:30: once all the same, when the clocks jump. */
    expect_next(&digest, "2027-03-27T12:00:00Z", "2027-03-28T01:30:00Z");
    expect_next(&digest, "2027-03-28T01:30:00Z", "2027-03-29T00:30:00Z");
    /* 31 October 2027 has it twice: once. */
    expect_next(&digest, "2027-10-30T12:00:00Z", "2027-10-31T00:30:00Z");
    expect_next(&digest, "2027-10-31T00:30:00Z", "2027-11-01T01:30:00Z");
    zone_destroy(zone);
}

/* One time for each day that has one, whatever the moment one asks at. */
static void every_time_comes_once(void **state)
{
    (void)state;
    struct zone *zone = paris();
    const struct digest_config digest = {.at_minutes = morning_and_noon,
                                         .at_count = 2,
                                         .days = 0x1f, /* Monday to Friday */
                                         .zone = zone};
    int64_t start_ms = at("2026-01-05T00:00:00Z"); /* a Monday */
    int64_t end_ms = start_ms + 52 * (7 * DAY_MS);
    int count = 0;
    for (int64_t now_ms = digest_next(&digest, start_ms); now_ms < end_ms;
         now_ms = digest_next(&digest, now_ms)) {
        count++;
    }
    assert_int_equal(count, 52 * 5 * 2);
    struct random random = {.state = 7};
    for (int i = 0; i < 2000; i++) {
        int64_t now_ms = start_ms + random_below(&random, 52 * (7 * DAY_MS));
        int64_t next_ms = digest_next(&digest, now_ms);
        assert_true(next_ms > now_ms && next_ms <= now_ms + 4 * DAY_MS);
        assert_int_equal(digest_next(&digest, next_ms - 1), next_ms);
    }
    zone_destroy(zone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_interval),
        cmocka_unit_test(by_the_clock),
        cmocka_unit_test(when_the_clocks_change),
        cmocka_unit_test(every_time_comes_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
