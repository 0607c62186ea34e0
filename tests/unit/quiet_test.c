/* Quiet hours, over midnight, over weekends and over both changes of the clocks. */
#include "core/quiet.h"

#include "core/zone.h"
#include "tests/support/paris.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define AT(text) (date_of(text).ms)

struct row {
    const char *name;
    int from_minute, to_minute;
    unsigned days;
    const char *at, *end; /* end NULL: not quiet */
};

#define SATURDAY (1u << 5)
#define SUNDAY (1u << 6)
#define HOUR 60

static const struct row rows[] = {
    {"before the evening", 20 * HOUR, 7 * HOUR, 0, "2026-11-23T18:59:59Z", NULL},
    {"at its first minute", 20 * HOUR, 7 * HOUR, 0, "2026-11-23T19:00:00Z", "2026-11-24T06:00:00Z"},
    {"after midnight", 20 * HOUR, 7 * HOUR, 0, "2026-11-24T03:00:00Z", "2026-11-24T06:00:00Z"},
    {"at its end", 20 * HOUR, 7 * HOUR, 0, "2026-11-24T06:00:00Z", NULL},
    {"in the middle of the day", 12 * HOUR, 14 * HOUR, 0, "2026-07-01T10:30:00Z",
     "2026-07-01T12:00:00Z"},
    {"a quiet day", 0, 0, SATURDAY, "2026-11-28T12:00:00Z", "2026-11-28T23:00:00Z"},
    {"days and nights join: Friday evening to Monday morning", 20 * HOUR, 7 * HOUR,
     SATURDAY | SUNDAY, "2026-11-27T19:30:00Z", "2026-11-30T06:00:00Z"},
    {"the night that the clocks go forward", 20 * HOUR, 7 * HOUR, 0, "2027-03-27T19:30:00Z",
     "2027-03-28T05:00:00Z"},
    {"the night that they go back", 20 * HOUR, 7 * HOUR, 0, "2027-10-30T18:30:00Z",
     "2027-10-31T06:00:00Z"},
    {"an end that does not exist", 20 * HOUR, 2 * HOUR + 30, 0, "2027-03-27T23:00:00Z",
     "2027-03-28T01:30:00Z"},
    {"an end that comes twice: the first", 20 * HOUR, 2 * HOUR + 30, 0, "2027-10-30T23:00:00Z",
     "2027-10-31T00:30:00Z"},
    {"the second such hour is no longer quiet", 20 * HOUR, 2 * HOUR + 30, 0, "2027-10-31T01:10:00Z",
     NULL},
    {"quiet in an hour that does not exist", 2 * HOUR, 3 * HOUR, 0, "2027-03-28T01:30:00Z", NULL},
    {"quiet in an hour that comes twice", 2 * HOUR, 3 * HOUR, 0, "2027-10-31T01:30:00Z",
     "2027-10-31T02:00:00Z"},
    {"a quiet Sunday of 23 hours", 0, 0, SUNDAY, "2027-03-27T23:00:00Z", "2027-03-28T22:00:00Z"},
    {"a quiet Sunday of 25 hours", 0, 0, SUNDAY, "2027-10-30T22:00:00Z", "2027-10-31T23:00:00Z"},
};

static void quiet_ends_when_it_says(void **state)
{
    (void)state;
    struct zone *zone = paris();
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct quiet_config quiet = {
            .is_set = true,
            .from_minute = rows[i].from_minute,
            .to_minute = rows[i].to_minute,
            .days = (uint8_t)rows[i].days,
            .zone = zone,
        };
        int64_t expected = AT(rows[i].end != NULL ? rows[i].end : rows[i].at);
        if (quiet_end(&quiet, AT(rows[i].at)) != expected) {
            fail_msg("%s: off by %lld s", rows[i].name,
                     (long long)(quiet_end(&quiet, AT(rows[i].at)) - expected) / 1000);
        }
        quiet.is_set = false;
        assert_int_equal(quiet_end(&quiet, AT(rows[i].at)), AT(rows[i].at));
    }
    zone_destroy(zone);
}

/* Minute by minute over a year: the end is never before, is itself not quiet, and all minutes of
 * one quiet time agree on it. */
static void quiet_times_are_whole(void **state)
{
    (void)state;
    struct zone *zone = paris();
    struct quiet_config quiet = {.is_set = true,
                                 .from_minute = 22 * HOUR,
                                 .to_minute = 2 * HOUR + 30,
                                 .days = SUNDAY,
                                 .zone = zone};
    int64_t latest_end = 0;
    for (int64_t at = AT("2027-01-01T00:00:00Z"); at < AT("2028-01-01T00:00:00Z");
         at += 7 * MINUTE_MS) {
        int64_t end = quiet_end(&quiet, at);
        assert_true(end >= at);
        assert_int_equal(quiet_end(&quiet, end), end);
        if (at < latest_end) {
            assert_int_equal(end, latest_end);
        }
        latest_end = end;
    }
    zone_destroy(zone);
}

static void quiet_for_good_still_returns(void **state)
{
    (void)state;
    struct quiet_config quiet = {.is_set = true, .days = 0x7f, .zone = zone_utc()};
    assert_true(quiet_end(&quiet, AT("2027-01-01T00:00:00Z")) > AT("2027-01-20T00:00:00Z"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quiet_ends_when_it_says),
        cmocka_unit_test(quiet_times_are_whole),
        cmocka_unit_test(quiet_for_good_still_returns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
