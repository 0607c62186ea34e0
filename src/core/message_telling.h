/* Who a mail is for, and how values, dates and phrases read to them. */
#ifndef CORE_MESSAGE_TELLING_H
#define CORE_MESSAGE_TELLING_H

#include "core/arena.h"
#include "core/date.h"
#include "words_mail.h"

/* Who is told, in which language and zone, and when. */
struct telling {
    const struct sink_config *sink;
    const struct config *config;
    enum language language;
    const struct zone *zone;
    int64_t now_wall_ms;
    struct arena *arena; /* of every text of the mail */
};

/* A date for a reader: local, the year only when it is not near. with_zone adds CET. */
const char *telling_date(const struct telling *telling, struct date date, bool with_zone);
/* Upstream text on one line, cleaned and cut. */
const char *telling_clean(const struct telling *telling, const char *text, size_t bytes_max);
/* The value of a field: dates become local, the rest is cleaned. NULL gives "-". */
const char *telling_value(const struct telling *telling, const char *field, const char *value);
const char *telling_field(const struct telling *telling, const char *field);
const char *telling_phrase(const struct telling *telling, enum phrase phrase, const char *first,
                           const char *second);
/* The phrase for one or for many, with the number in it. */
const char *telling_count(const struct telling *telling, enum phrase one, enum phrase many,
                          size_t count);
/* Where the status page shows this order, or is itself where order_id is ""; NULL: it has no
 * address. */
const char *telling_page(const struct telling *telling, const char *source_name,
                         const char *order_id);
/* "Title: words", as the language sets a colon. */
const char *telling_titled(const struct telling *telling, const char *title, const char *words);

#endif
