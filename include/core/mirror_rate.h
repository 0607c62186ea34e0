/* How fast retained state is published: so many in each slice of time. Pure. */
#ifndef CORE_MIRROR_RATE_H
#define CORE_MIRROR_RATE_H

#include "core/config.h"

struct mirror_rate {
    int64_t slice_ms, began_mono_ms; /* when the current slice did */
    int64_t count_max, count;
};

/* No rate: the usual one, which leaves room for events. */
void mirror_rate_init(struct mirror_rate *rate, struct rate wanted);
/* One more may leave now, and is counted. */
bool mirror_rate_take(struct mirror_rate *rate, int64_t now_mono_ms);
/* When the next slice begins, if it is waited for; 0: nobody need wait. A slice that is over keeps
 * nobody waiting: whoever wanted to publish began the next one. */
int64_t mirror_rate_next_mono_ms(const struct mirror_rate *rate, int64_t now_mono_ms);

#endif
