/* Dates and instants: the spellings an API uses, and one canonical form. */
#ifndef CORE_DATE_H
#define CORE_DATE_H

#include "core/base.h"

struct text;
struct zone;

#define DAY_MS INT64_C(86400000)
#define HOUR_MS INT64_C(3600000)
#define MINUTE_MS INT64_C(60000)

enum date_kind { DATE_NONE, DATE_DAY, DATE_INSTANT };

struct date {
    enum date_kind kind;
    int64_t ms; /* an instant: Unix ms; a day: Unix ms of its 00:00 as if UTC */
};

/* Accepts 2027-01-12[Z|±hh[[:]mm]], 2027-01-12T09:00[:00[.fff…]][Z|±hh[[:]mm]] with T or space and,
 * behind an offset, a [zone's name]; 20270112 and 20270112T0900[00[.fff…]] with the same offsets;
 * Unix seconds or ms as digits, and HTTP dates. A time without an offset is local to zone.
 * False: it is none of these (or impossible, such as 30 February); *out is untouched. */
bool date_parse(struct span text, const struct zone *zone, struct date *out);

/* Canonical: 2027-01-12 for a day, 2027-01-12T08:00:00Z (with .fff if not zero) for an instant. */
void date_add(struct text *out, struct date date);
void date_add_wall(struct text *out, int64_t wall_ms); /* always with .fff: CloudEvents time */

/* Parses canonical text only; anything else (NULL too) is DATE_NONE. */
struct date date_of(const char *canonical);
struct date date_of_wall(const char *text); /* what date_add_wall writes, too */

struct civil {
    int year;
    int month; /* 1 to 12 */
    int day;   /* 1 to 31 */
    int hour, minute, second, millisecond;
    int weekday; /* 0 = Monday … 6 = Sunday */
};

struct civil civil_of(int64_t local_ms);
int64_t civil_to_ms(const struct civil *civil); /* weekday is ignored */

/* The civil day of a date in zone, as days since 1970-01-01: what "+5 days" counts. */
int64_t date_day_number(struct date date, const struct zone *zone);
/* When a date has passed: the instant itself, or the end of the day in zone. Unix ms. */
int64_t date_end_ms(struct date date, const struct zone *zone);

/* HTTP Retry-After (RFC 9110 10.2.3), seconds or date, as ms from now; false: unreadable. */
bool retry_after_parse(struct span value, int64_t now_wall_ms, int64_t *out_ms);

#endif
