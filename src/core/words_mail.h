/* The sentences of a mail, each language side by side. */
#ifndef CORE_WORDS_MAIL_H
#define CORE_WORDS_MAIL_H

#include "core/config.h"

struct text;

enum phrase {
    PHRASE_COLON,
    PHRASE_ORDER,
    PHRASE_SOURCE,
    PHRASE_SINK,
    PHRASE_TEST,
    PHRASE_DAYS,
    PHRASE_FROM_TO,
    PHRASE_WAS,
    PHRASE_MORE_EVENTS,
    PHRASE_BEFORE,
    PHRASE_AFTER,
    PHRASE_NOT_SHOWN,
    PHRASE_FIRST_PROMISED,
    PHRASE_MOVES,
    PHRASE_MOVE_TOTAL,
    PHRASE_BUSINESS_DAYS,
    PHRASE_LATE_REMINDER,
    PHRASE_ORDER_DETAILS,
    PHRASE_APPOINTMENT_DETAILS,
    PHRASE_VISIT,
    PHRASE_NOTE_BY,
    PHRASE_STATUS_PAGE,
    PHRASE_TIMES,
    PHRASE_WHY,
    PHRASE_WHY_ROUTE,
    PHRASE_WHY_SOME_ROUTE,
    PHRASE_SILENCE,
    PHRASE_DIGEST,
    PHRASE_CHANGE,
    PHRASE_CHANGES,
    PHRASE_ON_ORDER,
    PHRASE_ON_ORDERS,
    PHRASE_CRITICAL,
    PHRASE_WARNING,
    PHRASE_WARNINGS,
    PHRASE_DIGEST_ADVICE,
    PHRASE_NO_NET_CHANGE,
    PHRASE_REST_ONE,
    PHRASE_REST,
    PHRASE_AS_OF,
    PHRASE_COUNT
};

/* %1 to %4 in the phrase stand for the arguments; unused ones may be NULL. */
struct phrase_arguments {
    const char *values[4];
};

void words_add_phrase(struct text *out, enum phrase phrase, enum language language,
                      const struct phrase_arguments *arguments);
const char *words_phrase(enum phrase phrase, enum language language); /* one without arguments */
/* What the reader should do about it: one sentence. */
const char *words_advice(enum event_type type, enum language language);

#endif
