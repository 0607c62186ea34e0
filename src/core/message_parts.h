/* The parts a mail is made of: events as stories, stories as a sheet of blocks, a sheet as text. */
#ifndef CORE_MESSAGE_PARTS_H
#define CORE_MESSAGE_PARTS_H

#include "core/arena.h"
#include "core/json.h"
#include "core/message.h"
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

/* An event as its sink may see it. The nodes live while root does. */
struct story {
    const struct event *event;
    struct json *root;
    const struct json *data, *order, *appointment, *changes;
};

/* What happened to one order, or to one source or sink. */
struct chapter {
    const struct story *stories; /* oldest first */
    size_t story_count;
    const struct story *lead; /* the most severe, of equals the first */
    const char *title;        /* Order 123456 (Lyon Part-Dieu) */
    int64_t start_ms;         /* of its next appointment; INT64_MAX: none */
};

struct row {
    const char *label;
    const char *from; /* NULL in a list of facts */
    const char *to;
};

enum block_kind {
    BLOCK_LEAD,      /* the first paragraph */
    BLOCK_HEADING,   /* of an order in a digest */
    BLOCK_LABEL,     /* a small heading */
    BLOCK_PARAGRAPH, /* wrapped text */
    BLOCK_QUOTE,     /* somebody else's words; line breaks stay */
    BLOCK_STEPS,     /* a list: each row's to is an entry */
    BLOCK_CHANGES,   /* old and new */
    BLOCK_FACTS,     /* label and value */
    BLOCK_LINK,      /* text is a URL of the configuration; label is what it leads to */
    BLOCK_FOOT,      /* small print */
};

struct block {
    enum block_kind kind;
    enum severity severity; /* of leads and headings */
    const char *label;
    const char *text;
    const struct row *rows;
    size_t row_count;
};

struct sheet {
    struct block *blocks; /* released with free */
    size_t count, capacity;
    enum language language;
};

/* --- message_story.c --- */

enum status story_open(const struct telling *telling, const struct event *event, struct story *out,
                       struct failure *why) MUST_CHECK;
void story_close(struct story *story);
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
/* "Title: words", as the language sets a colon. */
const char *telling_titled(const struct telling *telling, const char *title, const char *words);
/* Order 123456 (Lyon Part-Dieu); Source orange. */
const char *story_title(const struct telling *telling, const struct story *story);
/* appointment moved +5 d, Mon 12 Jan 09:00 to Sat 17 Jan 09:00 */
const char *story_headline(const struct telling *telling, const struct story *story);

/* --- message_sheet.c --- */

#define ROW_COUNT_MAX 64

struct table { /* further rows than ROW_COUNT_MAX are dropped */
    struct row *rows;
    size_t count;
};

struct table table_create(const struct telling *telling);
void table_add(struct table *table, const char *label, const char *from, const char *to);

struct block *sheet_add(struct sheet *sheet, enum block_kind kind, const char *text);
void sheet_add_table(struct sheet *sheet, enum block_kind kind, const struct table *table);
/* False where there is no before to speak of, or where the new is quoted. */
bool story_has_old_and_new(const struct story *story, const struct json *change);
/* Why this mail came, and how to stop it. */
void sheet_write_foot(struct sheet *sheet, const struct telling *telling,
                      const struct event *event);

void sheet_write_chapter(struct sheet *sheet, const struct telling *telling,
                         const struct chapter *chapter);
void sheet_fini(struct sheet *sheet);

/* --- message_digest.c --- */

void sheet_write_digest(struct sheet *sheet, const struct telling *telling,
                        const struct chapter *chapters, size_t count,
                        const struct delivery *delivery);
/* 12 changes on 5 orders (1 critical, 3 warnings) */
const char *sheet_digest_title(const struct telling *telling, size_t chapter_count,
                               const struct delivery *delivery);
/* --- message_calendar.c --- */

/* stories are oldest first for each order: the last one of an appointment counts. */
void message_add_appointments(struct message *message, const struct telling *telling,
                              const struct story *stories, size_t count);

/* --- message_plain.c, message_html.c --- */

void sheet_add_plain(const struct sheet *sheet, struct text *out);
void sheet_add_html(const struct sheet *sheet, const char *title, struct text *out);

#endif
