/* Private to surface*.c: a list that is made from several pages of the store. */
#ifndef CORE_SURFACE_SCAN_H
#define CORE_SURFACE_SCAN_H

#include "surface_filter.h"

/* So many rows one request may look at; then it gives what it has, and where to go on. */
#define SCAN_ROWS_MAX 20000
#define SPARSE_PAGE_ITEMS 250 /* of which a filter may leave few */

struct scan {
    struct inquiry inquiry;
    struct arena *arena;
    struct filter filter;
    struct text body, item;
    struct json_writer writer;
    size_t item_count, row_count;
    const char *cursor;             /* of what comes next; NULL: the end */
    void (*ask)(struct scan *scan); /* for the next page */
    bool has_appointments;          /* of orders: list their appointments instead */
    const char *last;               /* of orders: source/id, the last one done; "" none */
    size_t skip;                    /* of the next one's appointments: these are done */
};

/* NULL: answered already. */
struct scan *scan_create(const struct call *call, const char *const *names);
void scan_begin(struct scan *scan, void (*ask)(struct scan *scan));
bool scan_has_room(const struct scan *scan);
size_t scan_page_size(const struct scan *scan);
/* What is in scan->item becomes an item if the text filter lets it. */
void scan_keep_item(struct scan *scan);
/* A page is in: answers, or asks for the next one in the next turn. */
void scan_page_done(struct scan *scan, enum status status, const char *detail);
void scan_refuse_cursor(struct scan *scan);

#endif
