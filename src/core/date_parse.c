#include "core/date.h"
#include "core/zone.h"

#include <string.h>

#define SECOND_MS INT64_C(1000)
#define UNIX_MS_SMALLEST INT64_C(100000000000) /* of 12 digits; fewer are seconds */
#define RETRY_AFTER_MAX_S (INT64_C(10) * 365 * 86400)

/* What is left of the text that is being read. */
struct reader {
    const char *at, *end;
};

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_done(const struct reader *reader)
{
    return reader->at == reader->end;
}

static bool take(struct reader *reader, char byte)
{
    if (is_done(reader) || *reader->at != byte) {
        return false;
    }
    reader->at++;
    return true;
}

static bool take_text(struct reader *reader, const char *text)
{
    size_t size = strlen(text);
    if ((size_t)(reader->end - reader->at) < size || memcmp(reader->at, text, size) != 0) {
        return false;
    }
    reader->at += size;
    return true;
}

/* Exactly count digits. */
static bool take_number(struct reader *reader, int count, int *out)
{
    if (reader->end - reader->at < count) {
        return false;
    }
    int value = 0;
    for (int i = 0; i < count; i++) {
        if (!is_digit(reader->at[i])) {
            return false;
        }
        value = value * 10 + (reader->at[i] - '0');
    }
    reader->at += count;
    *out = value;
    return true;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && is_leap ? 1 : 0);
}

static bool is_possible_day(const struct civil *civil)
{
    return civil->year >= 1 && civil->month >= 1 && civil->month <= 12 && civil->day >= 1 &&
           civil->day <= days_in_month(civil->year, civil->month);
}

/* 24:00:00 is the end of its day, and a second of 60 is a leap second: both read as the next one.
 */
static bool is_possible_time(const struct civil *civil)
{
    bool is_midnight = civil->minute == 0 && civil->second == 0 && civil->millisecond == 0;
    return (civil->hour <= 23 || (civil->hour == 24 && is_midnight)) && civil->minute <= 59 &&
           civil->second <= 60;
}

static bool is_possible_instant(int64_t ms)
{
    int year = civil_of(ms).year;
    return year >= 1 && year <= 9999;
}

static bool set_instant(struct date *out, int64_t ms)
{
    if (!is_possible_instant(ms)) {
        return false;
    }
    *out = (struct date){.kind = DATE_INSTANT, .ms = ms};
    return true;
}

static bool take_fraction(struct reader *reader, int *milliseconds)
{
    if (!take(reader, '.') && !take(reader, ',')) {
        return true;
    }
    int weight = 100;
    const char *from = reader->at;
    for (; !is_done(reader) && is_digit(*reader->at); reader->at++) {
        *milliseconds += (*reader->at - '0') * weight;
        weight /= 10;
    }
    return reader->at != from;
}

static bool has_digit(const struct reader *reader)
{
    return !is_done(reader) && is_digit(*reader->at);
}

/* hh:mm[:ss[.fff]], or the same without colons. */
static bool take_clock(struct reader *reader, bool has_colons, struct civil *civil)
{
    if (!take_number(reader, 2, &civil->hour) || (has_colons && !take(reader, ':')) ||
        !take_number(reader, 2, &civil->minute)) {
        return false;
    }
    bool has_seconds = has_colons ? take(reader, ':') : has_digit(reader);
    if (has_seconds &&
        (!take_number(reader, 2, &civil->second) || !take_fraction(reader, &civil->millisecond))) {
        return false;
    }
    return is_possible_time(civil);
}

/* ±hh, ±hhmm or ±hh:mm, as minutes east. */
static bool take_offset(struct reader *reader, int *minutes)
{
    bool is_west = take(reader, '-');
    if (!is_west && !take(reader, '+')) {
        return false;
    }
    int hour = 0;
    int minute = 0;
    if (!take_number(reader, 2, &hour)) {
        return false;
    }
    if ((take(reader, ':') || has_digit(reader)) && !take_number(reader, 2, &minute)) {
        return false;
    }
    *minutes = (hour * 60 + minute) * (is_west ? -1 : 1);
    return hour <= 23 && minute <= 59;
}

static bool take_z_or_offset(struct reader *reader, int *minutes)
{
    return take(reader, 'Z') || take(reader, 'z') || take_offset(reader, minutes);
}

/* The name of the zone says nothing that the offset before it does not (RFC 9557). */
static bool take_zone_name(struct reader *reader)
{
    if (take(reader, '[')) {
        while (!is_done(reader) && *reader->at != ']' && *reader->at != '[') {
            reader->at++;
        }
        return take(reader, ']');
    }
    return true;
}

static bool take_zone(struct reader *reader, const struct zone *zone, int64_t local_ms,
                      int64_t *utc_ms)
{
    if (is_done(reader)) {
        *utc_ms = zone_to_utc(zone, local_ms);
        return true;
    }
    int minutes = 0;
    if (!take_z_or_offset(reader, &minutes) || !take_zone_name(reader)) {
        return false;
    }
    *utc_ms = local_ms - minutes * MINUTE_MS;
    return is_done(reader);
}

/* A day may have a zone, too (XML Schema's xs:date); it stays the day that it says. */
static bool is_end_of_day(struct reader reader)
{
    int minutes = 0;
    return is_done(&reader) || (take_z_or_offset(&reader, &minutes) && is_done(&reader));
}

/* Extended 2027-01-12T09:00:00 or basic 20270112T090000, with or without a time. */
static bool parse_iso(struct reader reader, const struct zone *zone, struct date *out)
{
    struct civil civil = {0};
    if (!take_number(&reader, 4, &civil.year)) {
        return false;
    }
    bool is_extended = take(&reader, '-');
    if (!take_number(&reader, 2, &civil.month) || (is_extended && !take(&reader, '-')) ||
        !take_number(&reader, 2, &civil.day) || !is_possible_day(&civil)) {
        return false;
    }
    if (is_extended ? is_end_of_day(reader) : is_done(&reader)) {
        *out = (struct date){.kind = DATE_DAY, .ms = civil_to_ms(&civil)};
        return true;
    }
    if (!take(&reader, 'T') && !take(&reader, 't') && !(is_extended && take(&reader, ' '))) {
        return false;
    }
    int64_t utc_ms = 0;
    return take_clock(&reader, is_extended, &civil) &&
           take_zone(&reader, zone, civil_to_ms(&civil), &utc_ms) && set_instant(out, utc_ms);
}

/* 9 to 11 digits are Unix seconds, 12 or 13 Unix milliseconds. */
static bool parse_digits(struct reader reader, struct date *out)
{
    ptrdiff_t count = reader.end - reader.at;
    if (count < 9 || count > 13 || *reader.at == '0') {
        return false;
    }
    int64_t value = 0;
    for (; !is_done(&reader); reader.at++) {
        if (!is_digit(*reader.at)) {
            return false;
        }
        value = value * 10 + (*reader.at - '0');
    }
    return set_instant(out, value >= UNIX_MS_SMALLEST ? value : value * SECOND_MS);
}

static bool take_name(struct reader *reader, const char *const *names, int count, int *index)
{
    for (int i = 0; i < count; i++) {
        if (take_text(reader, names[i])) {
            *index = i;
            return true;
        }
    }
    return false;
}

static bool take_month(struct reader *reader, struct civil *civil)
{
    static const char *const names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int index = 0;
    if (!take_name(reader, names, (int)ARRAY_COUNT(names), &index)) {
        return false;
    }
    civil->month = index + 1;
    return true;
}

/* The name of the day says nothing that the date does not. */
static bool take_weekday(struct reader *reader)
{
    static const char *const names[] = {"Monday",   "Tuesday", "Wednesday", "Thursday", "Friday",
                                        "Saturday", "Sunday",  "Mon",       "Tue",      "Wed",
                                        "Thu",      "Fri",     "Sat",       "Sun"};
    int index = 0;
    return take_name(reader, names, (int)ARRAY_COUNT(names), &index);
}

/* 1994 08:49:37, or 94 in the old form: years from 70 on are of the last century. */
static bool take_year_and_clock(struct reader *reader, int year_digits, struct civil *civil)
{
    if (!take_number(reader, year_digits, &civil->year) || !take(reader, ' ') ||
        !take_clock(reader, true, civil)) {
        return false;
    }
    if (year_digits == 2) {
        civil->year += civil->year >= 70 ? 1900 : 2000;
    }
    return true;
}

/* asctime: "Nov  6 08:49:37 1994". */
static bool take_asctime(struct reader *reader, struct civil *civil)
{
    if (!take_month(reader, civil) || !take(reader, ' ')) {
        return false;
    }
    int digits = take(reader, ' ') ? 1 : 2;
    return take_number(reader, digits, &civil->day) && take(reader, ' ') &&
           take_clock(reader, true, civil) && take(reader, ' ') &&
           take_number(reader, 4, &civil->year);
}

/* "06 Nov 1994 08:49:37 GMT", or "06-Nov-94 08:49:37 GMT". */
static bool take_day_first(struct reader *reader, struct civil *civil)
{
    if (!take_number(reader, 2, &civil->day)) {
        return false;
    }
    char separator = take(reader, '-') ? '-' : ' ';
    if (separator == ' ' && !take(reader, ' ')) {
        return false;
    }
    return take_month(reader, civil) && take(reader, separator) &&
           take_year_and_clock(reader, separator == '-' ? 2 : 4, civil) &&
           take_text(reader, " GMT");
}

/* The three forms of RFC 9110 section 5.6.7. */
static bool parse_http(struct reader reader, struct date *out)
{
    struct civil civil = {0};
    if (!take_weekday(&reader)) {
        return false;
    }
    bool has_comma = take(&reader, ',');
    if (!take(&reader, ' ')) {
        return false;
    }
    bool is_taken = has_comma ? take_day_first(&reader, &civil) : take_asctime(&reader, &civil);
    return is_taken && is_done(&reader) && is_possible_day(&civil) &&
           set_instant(out, civil_to_ms(&civil));
}

static struct reader trimmed(struct span text)
{
    struct reader reader = {.at = text.data, .end = text.data + text.size};
    while (!is_done(&reader) && (*reader.at == ' ' || *reader.at == '\t')) {
        reader.at++;
    }
    while (!is_done(&reader) && (reader.end[-1] == ' ' || reader.end[-1] == '\t')) {
        reader.end--;
    }
    return reader;
}

bool date_parse(struct span text, const struct zone *zone, struct date *out)
{
    if (text.size == 0 || text.size > 64) {
        return false;
    }
    struct reader reader = trimmed(text);
    return parse_iso(reader, zone, out) || parse_digits(reader, out) || parse_http(reader, out);
}

static bool parse_seconds(struct reader reader, int64_t *out_ms)
{
    int64_t seconds = 0;
    if (is_done(&reader)) {
        return false;
    }
    for (; !is_done(&reader); reader.at++) {
        if (!is_digit(*reader.at)) {
            return false;
        }
        seconds = seconds * 10 + (*reader.at - '0');
        seconds = seconds < RETRY_AFTER_MAX_S ? seconds : RETRY_AFTER_MAX_S;
    }
    *out_ms = seconds * SECOND_MS;
    return true;
}

bool retry_after_parse(struct span value, int64_t now_wall_ms, int64_t *out_ms)
{
    if (value.size == 0) {
        return false;
    }
    struct reader reader = trimmed(value);
    if (parse_seconds(reader, out_ms)) {
        return true;
    }
    struct date date;
    if (!date_parse(value, zone_utc(), &date) || date.kind != DATE_INSTANT) {
        return false;
    }
    *out_ms = date.ms > now_wall_ms ? date.ms - now_wall_ms : 0;
    return true;
}
