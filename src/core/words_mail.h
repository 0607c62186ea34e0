/* The sentences of a mail, in the language of its reader. */
#ifndef CORE_WORDS_MAIL_H
#define CORE_WORDS_MAIL_H

#include "core/words.h"

struct text;

enum phrase {
    PHRASE_COLON,
    PHRASE_QUOTED,
    PHRASE_ORDER,
    PHRASE_SOURCE,
    PHRASE_SINK,
    PHRASE_TEST,
    PHRASE_DAYS,
    PHRASE_IN_DAYS,
    PHRASE_IN_HOURS,
    PHRASE_IN_MINUTES,
    PHRASE_FROM_TO,
    PHRASE_WAS,
    PHRASE_SINCE,
    PHRASE_MORE_EVENTS,
    PHRASE_BEFORE,
    PHRASE_AFTER,
    PHRASE_NOT_SHOWN,
    /* dates of an order */
    PHRASE_REQUESTED_SET,
    PHRASE_COMMITTED_SET,
    PHRASE_COMPLETED_SET,
    PHRASE_REQUESTED_MOVED,
    PHRASE_COMMITTED_MOVED,
    PHRASE_COMPLETED_MOVED,
    PHRASE_REQUESTED_WITHDRAWN,
    PHRASE_COMMITTED_WITHDRAWN,
    PHRASE_COMPLETED_WITHDRAWN,
    PHRASE_DATE_WAS,
    PHRASE_COMMITTED_FOR,
    PHRASE_FIRST_PROMISED,
    PHRASE_MOVES,
    PHRASE_MOVE_TOTAL,
    PHRASE_BUSINESS_DAYS,
    PHRASE_LATE_REMINDER,
    PHRASE_STALE,
    PHRASE_ORDER_DETAILS,
    PHRASE_APPOINTMENT_DETAILS,
    PHRASE_VISIT,
    PHRASE_NOTE_BY,
    /* sources and sinks */
    PHRASE_NEW_STATUS,
    PHRASE_NEW_TYPE,
    PHRASE_FIELD_MISSING,
    PHRASE_LOOKS_WATCHED,
    PHRASE_UNREADABLE,
    PHRASE_NEW_PROFILE,
    PHRASE_NEW_LOCALE,
    PHRASE_FALSE_TOTAL,
    PHRASE_HELD_BACK,
    PHRASE_HELD_UNTIL,
    PHRASE_API_KEY,
    PHRASE_CLIENT_SECRET,
    PHRASE_CERTIFICATE,
    PHRASE_EXPIRES,
    PHRASE_EXPIRED,
    PHRASE_PARKED_ONE,
    PHRASE_PARKED,
    /* the foot */
    PHRASE_STATUS_PAGE,
    PHRASE_TIMES,
    PHRASE_WHY,
    PHRASE_WHY_TEST,
    PHRASE_WHY_DIGEST,
    PHRASE_WHY_ROUTE,
    PHRASE_WHY_SOME_ROUTE,
    PHRASE_SILENCE,
    /* digests */
    PHRASE_DIGEST,
    PHRASE_CHANGE,
    PHRASE_CHANGES,
    PHRASE_ON_ORDER,
    PHRASE_ON_ORDERS,
    PHRASE_CRITICAL,
    PHRASE_WARNING,
    PHRASE_WARNINGS,
    PHRASE_DIGEST_ADVICE,
    PHRASE_NOTHING_CHANGED,
    PHRASE_NOTHING_ADVICE,
    PHRASE_BACK,
    PHRASE_REST_ONE,
    PHRASE_REST,
    PHRASE_AS_OF,
    PHRASE_UPCOMING,
    PHRASE_NO_UPCOMING,
    PHRASE_OVERDUE,
    PHRASE_NO_OVERDUE,
    PHRASE_DAYS_LATE,
    PHRASE_UNLISTED,
    PHRASE_DATA_AS_OF,
    PHRASE_SOURCE_OK,
    PHRASE_SOURCE_FAILING,
    PHRASE_SOURCE_REFUSED,
    PHRASE_SOURCE_MAINTENANCE,
    PHRASE_SOURCE_HELD,
    PHRASE_SOURCE_NEVER,
    PHRASE_COUNT
};

/* %1 to %4 in the phrase stand for the arguments; unused ones may be NULL. */
struct phrase_arguments {
    const char *values[4];
};
void words_add_phrase(struct text *out, enum phrase phrase, enum language language,
                      const struct phrase_arguments *arguments);
const char *words_phrase(enum phrase phrase, enum language language); /* one without arguments */
void words_add_advice(struct text *out, enum event_type type, enum language language,
                      const char *source_name);
bool words_is_one(uint64_t count, enum language language); /* takes the phrase for one */
const char *words_tag(enum language language);             /* of HTML: en, fr */

#endif
