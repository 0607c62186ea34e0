/* What a mail says as a list of blocks, which its plain text and its HTML are made of. */
#ifndef CORE_MESSAGE_SHEET_H
#define CORE_MESSAGE_SHEET_H

#include "core/ports.h"
#include "message_story.h"

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

/* --- writing blocks --- */

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
/* Why this mail came, and how to get fewer. event: that it is about; one of several if not
 * is_single. */
void sheet_write_foot(struct sheet *sheet, const struct telling *telling, const struct event *event,
                      bool is_single);

void sheet_write_chapter(struct sheet *sheet, const struct telling *telling,
                         const struct chapter *chapter);
void sheet_fini(struct sheet *sheet);

/* Without chapters nothing changed. Its last sections are those of the outlook, if there is one. */
void sheet_write_digest(struct sheet *sheet, const struct telling *telling,
                        const struct chapter *chapters, size_t count,
                        const struct delivery *delivery);
/* 12 changes on 5 orders (1 critical, 3 warnings) */
const char *sheet_digest_title(const struct telling *telling, const struct chapter *chapters,
                               size_t count, const struct delivery *delivery);

/* --- blocks as text --- */

void sheet_add_plain(const struct sheet *sheet, struct text *out);
void sheet_add_html(const struct sheet *sheet, const char *title, struct text *out);

#endif
