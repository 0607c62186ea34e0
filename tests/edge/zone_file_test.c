/* Zones from the system's files, compared with libc at every change from 2000 to 2060. */
#include "core/date.h"
#include "core/zone.h"
#include "edge/config_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define STEP_S (5 * 3600 + 1234)

static struct zone *load(const char *name)
{
    struct zone *zone = NULL;
    struct failure why = {0};
    if (zone_load(name, &zone, &why) != STATUS_OK) {
        fail_msg("%s", why.detail);
    }
    return zone;
}

static struct tm by_libc(int64_t utc_s)
{
    time_t moment = (time_t)utc_s;
    struct tm local;
    assert_non_null(localtime_r(&moment, &local));
    return local;
}

static void assert_agrees(const struct zone *zone, int64_t utc_s)
{
    struct tm local = by_libc(utc_s);
    struct zone_moment moment = zone_at(zone, utc_s * 1000);
    if (moment.offset_s != local.tm_gmtoff || moment.is_dst != (local.tm_isdst > 0) ||
        strcmp(moment.abbreviation, local.tm_zone) != 0) {
        fail_msg("%s at %lld: %d %s, libc %ld %s", zone_name(zone), (long long)utc_s,
                 moment.offset_s, moment.abbreviation, local.tm_gmtoff, local.tm_zone);
    }
}

/* Local time and back: the same instant, or the earlier of two that have this local time. */
static void assert_returns(const struct zone *zone, int64_t utc_ms)
{
    int64_t local_ms = utc_ms + zone_at(zone, utc_ms).offset_s * INT64_C(1000);
    int64_t back_ms = zone_to_utc(zone, local_ms);
    assert_true(back_ms <= utc_ms);
    assert_true(back_ms + zone_at(zone, back_ms).offset_s * INT64_C(1000) == local_ms);
}

/* The first second in (from, until] at which libc's offset or name is no longer the one of from. */
static int64_t change_between(int64_t from_s, int64_t until_s)
{
    struct tm before = by_libc(from_s);
    while (until_s - from_s > 1) {
        int64_t middle = from_s + (until_s - from_s) / 2;
        struct tm local = by_libc(middle);
        bool is_same = local.tm_gmtoff == before.tm_gmtoff && local.tm_isdst == before.tm_isdst;
        from_s = is_same ? middle : from_s;
        until_s = is_same ? until_s : middle;
    }
    return until_s;
}

static void assert_zone_agrees(const char *name)
{
    assert_int_equal(setenv("TZ", name, 1), 0);
    tzset();
    struct zone *zone = load(name);
    assert_string_equal(zone_name(zone), name);
    int64_t end_s = date_of("2060-12-31").ms / 1000;
    for (int64_t now_s = date_of("2000-01-01").ms / 1000; now_s < end_s; now_s += STEP_S) {
        assert_agrees(zone, now_s);
        assert_returns(zone, now_s * 1000);
        if (by_libc(now_s).tm_gmtoff != by_libc(now_s + STEP_S).tm_gmtoff) {
            int64_t change_s = change_between(now_s, now_s + STEP_S);
            assert_agrees(zone, change_s - 1);
            assert_agrees(zone, change_s);
            assert_returns(zone, change_s * 1000 - 1);
            assert_returns(zone, change_s * 1000);
        }
    }
    zone_destroy(zone);
}

static void zones_agree_with_libc(void **state)
{
    (void)state;
    const char *const names[] = {
        "Europe/Paris",      "Europe/London",       "Europe/Dublin",  "America/New_York",
        "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca",
        "Pacific/Apia",      "Indian/Reunion",      "Asia/Tehran",    "UTC",
    };
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        assert_zone_agrees(names[i]);
    }
}

static void names_do_not_lead_elsewhere(void **state)
{
    (void)state;
    const char *const names[] = {
        "",
        "/etc/passwd",
        "../../../etc/passwd",
        "Europe/../UTC",
        "Europe/Pari",
        "europe/paris",
        "Europe",
        "Europe/",
        "zone.tab",
        "Europe//Paris\n",
        "CET-1CEST",
        "Europe/Paris\x1b[31m",
        "A/name/that/is/longer/than/any/name/of/a/time/zone/which/there/is/or/ever/will/be",
    };
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        struct zone *zone = NULL;
        struct failure why = {0};
        if (zone_load(names[i], &zone, &why) != STATUS_NOT_FOUND || zone != NULL) {
            fail_msg("\"%s\": %s", names[i], why.detail);
        }
        assert_non_null(strstr(why.detail, "accepted: an IANA name"));
        assert_null(strpbrk(why.detail, "\n\x1b"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zones_agree_with_libc),
        cmocka_unit_test(names_do_not_lead_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
