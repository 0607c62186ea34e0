/* What a digest says beside what changed: appointments to come, orders overdue, and how recent the
 * data is. Made by reading the store page by page when a digest is about to leave. */
#ifndef CORE_OUTLOOK_H
#define CORE_OUTLOOK_H

#include "core/query.h"

#define OUTLOOK_DAYS 14
#define OUTLOOK_ITEMS_MAX 50

struct outlook_item {
    const char *source_name, *order_id;
    const char *site;   /* NULL: unknown, or not for this sink */
    const char *status; /* of the appointment; NULL: unknown */
    struct date date;   /* the start, or the committed date */
    int64_t at_wall_ms; /* when it begins, or when it had passed */
};

struct outlook_list {
    struct outlook_item items[OUTLOOK_ITEMS_MAX]; /* the earliest first */
    size_t count, total;                          /* total: with those that are not kept */
};

enum outlook_state {
    OUTLOOK_OK,
    OUTLOOK_FAILING,
    OUTLOOK_REFUSED,
    OUTLOOK_MAINTENANCE,
    OUTLOOK_HELD
};

struct outlook_source {
    const char *name;
    enum outlook_state state;
    int64_t complete_wall_ms; /* of the last complete sweep; 0: there was none yet */
};

struct outlook {
    struct outlook_list upcoming, overdue;
    bool is_known;                        /* false: the store could not say; no lists then */
    const struct outlook_source *sources; /* that lead to the sink */
    size_t source_count;
};

typedef void outlook_describe_fn(void *arg, size_t source_index, struct outlook_source *out);

struct outlook_options {
    const struct config *config;
    size_t sink_index;
    struct query_port query; /* list_orders NULL: there are no outlooks */
    outlook_describe_fn *describe;
    void *describe_arg;
};

struct outlook_scan;

struct outlook_scan *outlook_scan_create(const struct outlook_options *options);
void outlook_scan_destroy(struct outlook_scan *scan); /* no question is open */
void outlook_scan_use_config(struct outlook_scan *scan, const struct config *config,
                             size_t sink_index); /* after a reload */
/* Gives a digest its outlook, which stays valid until another one is prepared. False: it is being
 * read, ask again next turn. What is no digest is ready as it is. */
bool outlook_scan_prepare(struct outlook_scan *scan, struct delivery *delivery,
                          struct instant now) MUST_CHECK;
/* Asks for the next page. Returns the mono ms of the next call. */
int64_t outlook_scan_turn(struct outlook_scan *scan, struct instant now);
bool outlook_scan_is_asking(const struct outlook_scan *scan);  /* NULL: no */
bool outlook_scan_is_reading(const struct outlook_scan *scan); /* a digest waits for it */

#endif
