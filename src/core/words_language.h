/* A language as one table. To add one: write words_XX.c beside the others, and name it here, in
 * enum language and in words.c; tests/unit/words_test.c tells what is missing. */
#ifndef CORE_WORDS_LANGUAGE_H
#define CORE_WORDS_LANGUAGE_H

#include "words_mail.h"

/* Fields and members of data that a mail labels; their names are in words.c. */
enum field_word {
    FIELD_ID,
    FIELD_REFERENCE,
    FIELD_STATUS,
    FIELD_STATUS_KIND,
    FIELD_STEP,
    FIELD_SITE,
    FIELD_OFFER,
    FIELD_REQUESTED_DATE,
    FIELD_COMMITTED_DATE,
    FIELD_COMPLETED_DATE,
    FIELD_CONTACT,
    FIELD_CONTACT_NAME,
    FIELD_CONTACT_PHONE,
    FIELD_CONTACT_EMAIL,
    FIELD_NOTES,
    FIELD_URL,
    FIELD_START,
    FIELD_END,
    FIELD_LOCATION,
    FIELD_APPOINTMENT,
    FIELD_DETAIL,
    FIELD_FAILURE,
    FIELD_REASON,
    FIELD_SAMPLE,
    FIELD_FIRST,
    FIELD_LAST,
    FIELD_SINCE,
    FIELD_FAILING_SINCE,
    FIELD_COUNT,
    FIELD_CODES,
    FIELD_REQUEST_IDS,
    FIELD_EXPIRES,
    FIELD_DAYS_LEFT,
    FIELD_PARKED,
    FIELD_PARKED_IN_ALL,
    FIELD_CHANGED,
    FIELD_VANISHED,
    FIELD_KNOWN,
    FIELD_UNTIL,
    FIELD_KEY,
    FIELD_WORD_COUNT
};

struct event_words {
    const char *what;   /* happened, without its order: "appointment moved" */
    const char *advice; /* to the reader: one sentence; %1 is the source */
};

struct language_words {
    const char *tag;         /* as in the configuration and in HTML */
    const char *weekdays[7]; /* from Monday */
    const char *months[12];
    bool is_zero_one; /* none takes the singular, as one does */
    struct event_words events[EVENT_TYPE_COUNT];
    const char *fields[FIELD_WORD_COUNT];
    const char *phrases[PHRASE_COUNT];
};

#define LANGUAGE_WORDS(name, tag) extern const struct language_words words_##tag;
LANGUAGES(LANGUAGE_WORDS)
#undef LANGUAGE_WORDS

#endif
