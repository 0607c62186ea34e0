/* One order's, or a source's, retained state at one sink: which topics get what, and which are
 * emptied. Pure. */
#ifndef CORE_MIRROR_ITEM_H
#define CORE_MIRROR_ITEM_H

#include "core/ports.h"

struct mirror;
struct mirror_item;
struct mirror_options;

struct publication {
    struct mirror *mirror;
    struct mirror_item *item; /* NULL: of a source */
    struct retained retained;
    bool is_sent;
};

enum item_step {
    ITEM_NOTING,     /* new topics are noted in the store before they exist */
    ITEM_PUBLISHING, /* some of its messages are not yet acknowledged */
    ITEM_SETTLING,   /* the receiver has it all; the store is told */
};

struct mirror_item {
    struct mirror *mirror;
    struct arena *arena; /* owns all texts */
    const char *source_name, *order_id;
    uint64_t version;
    enum item_step step;
    bool has_record; /* the order has not left */
    bool is_retried; /* some of it was refused before: that is no news */
    bool is_refused; /* some of it is */
    bool is_asked;   /* the store owes an answer for this step */
    bool has_ended;  /* settled, or failed and to be fetched again */
    struct publication *publications;
    size_t publication_count, acknowledged_count, in_flight; /* of a source there may be none */
    const char *published_all; /* before and after together: what may have a topic meanwhile */
    const char *published_after;
};

/* STATUS_CORRUPT: the store's record cannot be read. */
enum status mirror_item_create(struct mirror *mirror, const struct stale_state *state,
                               const struct mirror_options *options, struct mirror_item **out,
                               struct failure *why) MUST_CHECK;
void mirror_item_destroy(struct mirror_item *item); /* NULL is fine */

#endif
