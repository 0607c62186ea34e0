#include "core/date.h"

#include "core/text.h"
#include "core/zone.h"

#define SECOND_MS INT64_C(1000)

static int64_t floor_div(int64_t value, int64_t by)
{
    int64_t quotient = value / by;
    return value % by < 0 ? quotient - 1 : quotient;
}

/* Days since 1970-01-01 in the Gregorian calendar, counted in eras of 400 years whose years begin
 * in March, so that the leap day is the last of its year. */
static int64_t days_of(int64_t year, int month, int day)
{
    year -= month <= 2 ? 1 : 0;
    int64_t era = floor_div(year, 400);
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void set_day(struct civil *civil, int64_t days)
{
    int64_t shifted = days + 719468;
    int64_t era = floor_div(shifted, 146097);
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153; /* 0 = March */
    civil->day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
    civil->month = (int)(month < 10 ? month + 3 : month - 9);
    civil->year = (int)(year_of_era + era * 400 + (civil->month <= 2 ? 1 : 0));
    civil->weekday = (int)(days + 3 - floor_div(days + 3, 7) * 7); /* 1970-01-01 was a Thursday */
}

struct civil civil_of(int64_t local_ms)
{
    int64_t days = floor_div(local_ms, DAY_MS);
    int64_t rest = local_ms - days * DAY_MS;
    struct civil civil = {
        .hour = (int)(rest / HOUR_MS),
        .minute = (int)(rest / MINUTE_MS % 60),
        .second = (int)(rest / SECOND_MS % 60),
        .millisecond = (int)(rest % SECOND_MS),
    };
    set_day(&civil, days);
    return civil;
}

int64_t civil_to_ms(const struct civil *civil)
{
    int64_t month = civil->month - 1;
    int64_t year = civil->year + floor_div(month, 12);
    int64_t days = days_of(year, (int)(month - floor_div(month, 12) * 12) + 1, 1) + civil->day - 1;
    return days * DAY_MS + civil->hour * HOUR_MS + civil->minute * MINUTE_MS +
           civil->second * SECOND_MS + civil->millisecond;
}

/* A date in its canonical form. */
struct spelling {
    char bytes[32];
    size_t size;
};

/* What stands before a part of a date ('\0': nothing), and the part. */
static void put(struct spelling *out, char separator, int number, size_t digits)
{
    unsigned rest = (unsigned)number;
    if (separator != '\0') {
        out->bytes[out->size++] = separator;
    }
    CHECK(out->size + digits < sizeof out->bytes);
    for (size_t i = digits; i > 0; i--) {
        out->bytes[out->size + i - 1] = (char)('0' + rest % 10);
        rest /= 10;
    }
    out->size += digits;
}

static void put_day(struct spelling *out, const struct civil *civil)
{
    put(out, '\0', civil->year, 4);
    put(out, '-', civil->month, 2);
    put(out, '-', civil->day, 2);
}

static struct spelling spell_instant(int64_t wall_ms, bool has_fraction)
{
    struct civil civil = civil_of(wall_ms);
    struct spelling out = {.size = 0};
    put_day(&out, &civil);
    put(&out, 'T', civil.hour, 2);
    put(&out, ':', civil.minute, 2);
    put(&out, ':', civil.second, 2);
    if (has_fraction) {
        put(&out, '.', civil.millisecond, 3);
    }
    out.bytes[out.size++] = 'Z';
    return out;
}

static struct spelling spell(struct date date)
{
    struct spelling out = {.size = 0};
    if (date.kind == DATE_INSTANT) {
        out = spell_instant(date.ms, date.ms % SECOND_MS != 0);
    } else if (date.kind == DATE_DAY) {
        struct civil civil = civil_of(date.ms);
        put_day(&out, &civil);
    }
    return out;
}

static struct span span_of_spelling(const struct spelling *spelling)
{
    return (struct span){.data = spelling->bytes, .size = spelling->size};
}

void date_add(struct text *out, struct date date)
{
    struct spelling spelling = spell(date);
    text_add(out, span_of_spelling(&spelling));
}

void date_add_wall(struct text *out, int64_t wall_ms)
{
    struct spelling spelling = spell_instant(wall_ms, true);
    text_add(out, span_of_spelling(&spelling));
}

struct date date_of(const char *canonical)
{
    struct date date = {.kind = DATE_NONE};
    if (!date_parse(span_of(canonical), zone_utc(), &date)) {
        return (struct date){.kind = DATE_NONE};
    }
    struct spelling again = spell(date);
    bool is_canonical = span_is(span_of_spelling(&again), canonical);
    return is_canonical ? date : (struct date){.kind = DATE_NONE};
}

struct date date_of_wall(const char *text)
{
    struct date date = date_of(text);
    if (date.kind != DATE_NONE || !date_parse(span_of(text), zone_utc(), &date)) {
        return date;
    }
    struct spelling again = spell_instant(date.ms, true);
    bool is_wall = span_is(span_of_spelling(&again), text);
    return is_wall ? date : (struct date){.kind = DATE_NONE};
}

int64_t date_day_number(struct date date, const struct zone *zone)
{
    int64_t offset_ms = date.kind == DATE_INSTANT ? zone_at(zone, date.ms).offset_s * SECOND_MS : 0;
    return floor_div(date.ms + offset_ms, DAY_MS);
}

int64_t date_end_ms(struct date date, const struct zone *zone)
{
    return date.kind == DATE_DAY ? zone_to_utc(zone, date.ms + DAY_MS) : date.ms;
}
