/* Whether `every` and `budget` of a source can both be kept. Pure arithmetic. */
#ifndef CORE_PACE_H
#define CORE_PACE_H

#include "core/config.h"

#define PACE_ORDERS_UNKNOWN UINT64_MAX

struct pace {
    uint64_t order_count; /* PACE_ORDERS_UNKNOWN: reckoned with a single page */
    uint64_t page_count;  /* requests of one sweep, tokens and look-ups aside */
    int64_t best_ms;      /* how often the budget allows that, in whole seconds */
    bool is_kept;         /* every is no shorter */
};

struct pace pace_of(const struct source_config *source, uint64_t order_count);
/* "1,200 orders need 30 pages; 60/min allows a sweep each 30 s at best; every is 10s; accepted: …",
 * for one that is not kept. */
void pace_add_words(const struct pace *pace, const struct source_config *source, struct text *out);

#endif
