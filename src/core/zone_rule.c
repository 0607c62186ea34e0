#include "zone_rule.h"

#include "core/date.h"

#include <string.h>

#define DAY_S 86400
#define OFFSET_HOURS_MAX 24
#define TIME_HOURS_MAX 167 /* the extension of TZif version 3 */

struct reader {
    const char *at, *end;
};

static bool take(struct reader *reader, char byte)
{
    if (reader->at == reader->end || *reader->at != byte) {
        return false;
    }
    reader->at++;
    return true;
}

/* One to three digits, at most max. */
static bool take_number(struct reader *reader, int max, int *out)
{
    int value = 0;
    const char *from = reader->at;
    while (reader->at != reader->end && *reader->at >= '0' && *reader->at <= '9' &&
           reader->at - from < 3) {
        value = value * 10 + (*reader->at++ - '0');
    }
    *out = value;
    return reader->at != from && value <= max;
}

static bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static bool is_name_byte(char byte, bool is_quoted)
{
    return is_letter(byte) ||
           (is_quoted && ((byte >= '0' && byte <= '9') || byte == '+' || byte == '-'));
}

static bool take_name(struct reader *reader, struct zone_moment *moment)
{
    bool is_quoted = take(reader, '<');
    size_t size = 0;
    while (reader->at != reader->end && is_name_byte(*reader->at, is_quoted)) {
        if (size + 1 < sizeof moment->abbreviation) {
            moment->abbreviation[size++] = *reader->at;
        }
        reader->at++;
    }
    return size >= 3 && (!is_quoted || take(reader, '>'));
}

/* [+-]hh[:mm[:ss]] in seconds. */
static bool take_time(struct reader *reader, int hours_max, int32_t *out)
{
    bool is_negative = take(reader, '-');
    if (!is_negative) {
        (void)take(reader, '+');
    }
    int hours = 0;
    int minutes = 0;
    int seconds = 0;
    if (!take_number(reader, hours_max, &hours)) {
        return false;
    }
    if (take(reader, ':')) {
        if (!take_number(reader, 59, &minutes)) {
            return false;
        }
        if (take(reader, ':') && !take_number(reader, 59, &seconds)) {
            return false;
        }
    }
    int32_t value = hours * 3600 + minutes * 60 + seconds;
    *out = is_negative ? -value : value;
    return true;
}

/* POSIX counts offsets westwards. */
static bool take_offset(struct reader *reader, int32_t *east_s)
{
    int32_t west_s = 0;
    if (!take_time(reader, OFFSET_HOURS_MAX, &west_s)) {
        return false;
    }
    *east_s = -west_s;
    return true;
}

static bool take_weekday_rule(struct reader *reader, struct zone_change *change)
{
    change->kind = ZONE_DAY_WEEKDAY;
    return take_number(reader, 12, &change->month) && change->month >= 1 && take(reader, '.') &&
           take_number(reader, 5, &change->week) && change->week >= 1 && take(reader, '.') &&
           take_number(reader, 6, &change->weekday);
}

static bool take_day(struct reader *reader, struct zone_change *change)
{
    if (take(reader, 'M')) {
        return take_weekday_rule(reader, change);
    }
    if (take(reader, 'J')) {
        change->kind = ZONE_DAY_JULIAN;
        return take_number(reader, 365, &change->day) && change->day >= 1;
    }
    change->kind = ZONE_DAY_OF_YEAR;
    return take_number(reader, 365, &change->day);
}

static bool take_change(struct reader *reader, struct zone_change *change)
{
    change->time_s = 2 * 3600;
    return take(reader, ',') && take_day(reader, change) &&
           (!take(reader, '/') || take_time(reader, TIME_HOURS_MAX, &change->time_s));
}

static bool take_summer(struct reader *reader, struct zone_rule *rule)
{
    rule->has_summer = true;
    rule->summer.is_dst = true;
    rule->summer.offset_s = rule->standard.offset_s + 3600;
    if (!take_name(reader, &rule->summer)) {
        return false;
    }
    bool has_offset = reader->at != reader->end && *reader->at != ',';
    return (!has_offset || take_offset(reader, &rule->summer.offset_s)) &&
           take_change(reader, &rule->begin) && take_change(reader, &rule->end);
}

bool zone_rule_parse(struct span text, struct zone_rule *out)
{
    struct reader reader = {.at = text.data, .end = text.data + text.size};
    struct zone_rule rule = {0};
    if (text.size == 0 || !take_name(&reader, &rule.standard) ||
        !take_offset(&reader, &rule.standard.offset_s)) {
        return false;
    }
    if (reader.at != reader.end && !take_summer(&reader, &rule)) {
        return false;
    }
    if (reader.at != reader.end) {
        return false;
    }
    *out = rule;
    return true;
}

static int64_t day_number(int64_t year, int month, int day)
{
    struct civil civil = {.year = (int)year, .month = month, .day = day};
    return civil_to_ms(&civil) / DAY_MS;
}

static bool is_leap_year(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* The week-th such weekday of the month, the last one for 5. */
static int64_t weekday_number(const struct zone_change *change, int64_t year)
{
    int64_t first = day_number(year, change->month, 1);
    int64_t next = day_number(year, change->month + 1, 1);
    int first_weekday = (civil_of(first * DAY_MS).weekday + 1) % 7; /* 0 = Sunday */
    int64_t weeks = change->week - 1;
    int64_t day = first + (change->weekday - first_weekday + 7) % 7 + 7 * weeks;
    return day < next ? day : day - 7;
}

/* The local time of a change in a year, as seconds that take it for UTC. */
static int64_t change_in_year(const struct zone_change *change, int64_t year)
{
    int64_t day = 0;
    switch (change->kind) {
    case ZONE_DAY_WEEKDAY:
        day = weekday_number(change, year);
        break;
    case ZONE_DAY_JULIAN:
        day = day_number(year, 1, change->day) + (is_leap_year(year) && change->day >= 60 ? 1 : 0);
        break;
    case ZONE_DAY_OF_YEAR:
        day = day_number(year, 1, change->day + 1);
        break;
    }
    return day * DAY_S + change->time_s;
}

struct zone_moment zone_rule_at(const struct zone_rule *rule, int64_t utc_s)
{
    if (!rule->has_summer) {
        return rule->standard;
    }
    int64_t year = civil_of((utc_s + rule->standard.offset_s) * 1000).year;
    int64_t begin = change_in_year(&rule->begin, year) - rule->standard.offset_s;
    int64_t end = change_in_year(&rule->end, year) - rule->summer.offset_s;
    bool is_summer = begin < end ? utc_s >= begin && utc_s < end : utc_s >= begin || utc_s < end;
    return is_summer ? rule->summer : rule->standard;
}
