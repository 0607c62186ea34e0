/* Keeps sends within a rate: a few at once, then evenly spaced. Pure. */
#ifndef CORE_PACER_H
#define CORE_PACER_H

#include "core/config.h"

/* No window of the rate's length sees more than its count. It begins without the few, so a restart,
 * which forgets what was sent before it, adds no more than one. */
struct pacer {
    bool is_limited;
    int64_t step_us, slack_us;
    int64_t level_us; /* when all that was sent is worked off; 0: nothing was sent yet */
};

void pacer_init(struct pacer *pacer, struct rate rate); /* a count of 0: no limit */
/* The mono ms from which one may be sent; up to now_mono_ms: now. */
int64_t pacer_due_mono_ms(const struct pacer *pacer, int64_t now_mono_ms);
void pacer_take(struct pacer *pacer, int64_t now_mono_ms); /* one is sent */

#endif
