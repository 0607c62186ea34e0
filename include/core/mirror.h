/* Keeps the retained state at a state sink equal to the store: coalesced, bounded, refilled. */
#ifndef CORE_MIRROR_H
#define CORE_MIRROR_H

#include "core/ports.h"

struct mirror;

struct mirror_options {
    const struct config *config;    /* borrowed, as sink: of which it is one; NULL: it is alone */
    const struct sink_config *sink; /* must outlive the mirror */
    struct sink_port port;          /* ops->publish is not NULL */
    struct store_port store;
    uint64_t seed;
};

/* What of the configuration decides how retained state looks, as a number. */
uint64_t mirror_shape(const struct sink_config *sink);

struct mirror *mirror_create(const struct mirror_options *options);
void mirror_expect_news(struct mirror *mirror); /* a commit may have made states stale */
void mirror_available(struct mirror *mirror);   /* the receiver is there: try now */
void mirror_refill(struct mirror *mirror);      /* the receiver lost everything */
/* The source's own retained status; remembered, published on change and after a refill. */
void mirror_source_status(struct mirror *mirror, const char *source_name, struct span payload);
int64_t mirror_turn(struct mirror *mirror, struct instant now);
bool mirror_is_drained(const struct mirror *mirror); /* the receiver has it all */
bool mirror_is_failing(const struct mirror *mirror); /* it waits to try again */
void mirror_stop(struct mirror *mirror);
bool mirror_is_idle(const struct mirror *mirror);
void mirror_destroy(struct mirror *mirror); /* requires idle */

#endif
