#include "core/holidays.h"

#define DAYS_APART_MAX 7305 /* twenty years */

/* The day of Easter Sunday in the Gregorian calendar: Gauss's lunar computus in integer form. */
static int64_t easter_day(int year)
{
    int golden = year % 19;
    int century = year / 100;
    int moon_correction = (8 * century + 13) / 25;
    int epact_base = (19 * golden + century - century / 4 - moon_correction + 15) % 30;
    int full_moon =
        epact_base - (epact_base / 28) * (1 - (29 / (epact_base + 1)) * ((21 - golden) / 11));
    int weekday = (year + year / 4 + full_moon + 2 - century + century / 4) % 7;
    int offset = full_moon - weekday; /* days from 28 March */
    struct civil civil = {.year = year, .month = 3, .day = 28};
    return civil_to_ms(&civil) / DAY_MS + offset;
}

bool holidays_is_french(int64_t day)
{
    static const struct {
        int month, day;
    } fixed[] = {{1, 1}, {5, 1}, {5, 8}, {7, 14}, {8, 15}, {11, 1}, {11, 11}, {12, 25}};
    static const int after_easter[] = {1, 39, 50}; /* Easter Monday, Ascension, Whit Monday */

    struct civil civil = civil_of(day * DAY_MS);
    for (size_t i = 0; i < ARRAY_COUNT(fixed); i++) {
        if (civil.month == fixed[i].month && civil.day == fixed[i].day) {
            return true;
        }
    }
    int64_t easter = easter_day(civil.year);
    for (size_t i = 0; i < ARRAY_COUNT(after_easter); i++) {
        if (day == easter + after_easter[i]) {
            return true;
        }
    }
    return false;
}

bool holidays_is_business_day(int64_t day, const struct date *others, size_t other_count)
{
    if (civil_of(day * DAY_MS).weekday >= 5 || holidays_is_french(day)) {
        return false;
    }
    for (size_t i = 0; i < other_count; i++) {
        if (others[i].kind == DATE_DAY && others[i].ms / DAY_MS == day) {
            return false;
        }
    }
    return true;
}

bool holidays_business_days(int64_t from, int64_t to, const struct date *others, size_t other_count,
                            int64_t *out)
{
    int64_t first = from < to ? from : to;
    int64_t last = from < to ? to : from;
    if (last - first > DAYS_APART_MAX) {
        return false;
    }
    int64_t count = 0;
    for (int64_t day = first + 1; day <= last; day++) {
        count += holidays_is_business_day(day, others, other_count) ? 1 : 0;
    }
    *out = from < to ? count : -count;
    return true;
}
