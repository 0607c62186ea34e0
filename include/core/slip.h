/* How far a date moved: calendar days and business days, counted where the site is. */
#ifndef CORE_SLIP_H
#define CORE_SLIP_H

#include "core/config.h"
#include "core/json_write.h"

enum slip_direction { SLIP_UNKNOWN, SLIP_SAME, SLIP_EARLIER, SLIP_LATER };

struct slip {
    enum slip_direction direction; /* unknown: one of the two is no date */
    int64_t days;                  /* later is positive; 0 unless the direction is known */
    bool has_business_days;
    int64_t business_days;
};

/* from and to are canonical dates; NULL and unreadable ones give an unknown direction. */
struct slip slip_between(const char *from, const char *to, const struct source_config *source);

struct slip_story {    /* one move among the others of the same date */
    const char *field; /* NULL: not said */
    struct slip slip;
    uint32_t move_count; /* this one included */
    const char *first_name, *first;
    const char *now; /* NULL: it was taken away */
};

/* "reschedule":{…} and "date_change":{…} of an event's data. */
void slip_write(struct json_writer *writer, const char *name, const struct slip_story *story,
                const struct source_config *source);

#endif
