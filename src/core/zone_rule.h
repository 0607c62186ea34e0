/* The POSIX TZ text that ends a TZif file: the law for the years behind its table. Private to
 * zone.c. */
#ifndef CORE_ZONE_RULE_H
#define CORE_ZONE_RULE_H

#include "core/zone.h"

enum zone_day_kind {
    ZONE_DAY_WEEKDAY, /* Mm.w.d */
    ZONE_DAY_JULIAN,  /* Jn: 29 February does not count */
    ZONE_DAY_OF_YEAR, /* n, from 0 */
};

struct zone_change { /* when, on the local clock before it */
    enum zone_day_kind kind;
    int month, week, weekday; /* weekday 0 = Sunday */
    int day;
    int32_t time_s;
};

struct zone_rule {
    struct zone_moment standard, summer;
    bool has_summer;
    struct zone_change begin, end; /* of summer time */
};

bool zone_rule_parse(struct span text, struct zone_rule *out);
struct zone_moment zone_rule_at(const struct zone_rule *rule, int64_t utc_s);

#endif
