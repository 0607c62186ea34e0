/* Requests in a sliding window: the one gate before every request of a source, exact over restarts.
 */
#ifndef CORE_BUDGET_H
#define CORE_BUDGET_H

#include "core/config.h"
#include "core/text.h"

/* Each request occupies its place in the window from its start until window_ms after its end: only
 * then is it certain that no receiver sees more than the limit in any window. Requests are used
 * from a lease that was made durable before; after a restart a lease counts as used. */
struct budget {
    struct rate rate;      /* as configured */
    uint32_t limit;        /* what is allowed now: halves after throttling, recovers slowly */
    int64_t limited_at_ms; /* mono; of the latest change of limit */
    int64_t *stamps;       /* mono ms of the latest requests, oldest first from head */
    size_t head, count, capacity;
    uint32_t lease_left;
    struct text restored; /* as read back; taken into account by budget_begin */
};

enum budget_answer { BUDGET_GO, BUDGET_NEEDS_LEASE, BUDGET_WAIT };

void budget_init(struct budget *budget, struct rate rate);
void budget_fini(struct budget *budget);
void budget_restore(struct budget *budget, struct span value); /* before budget_begin */
void budget_begin(struct budget *budget, struct instant now);  /* once, before the first ask */

/* BUDGET_WAIT: *again_ms is the mono time at which to ask again. */
enum budget_answer budget_ask(struct budget *budget, int64_t now_ms, int64_t *again_ms);
void budget_take(struct budget *budget, int64_t now_ms);     /* requires BUDGET_GO */
void budget_answered(struct budget *budget, int64_t now_ms); /* the latest request has ended */

/* Writes the value to be made durable with a new lease; then budget_grant with its size. */
uint32_t budget_add_lease(const struct budget *budget, struct instant now, struct text *out);
void budget_grant(struct budget *budget, uint32_t lease);

void budget_throttled(struct budget *budget, int64_t now_ms);
/* One step of a tenth of the configured rate per hour without throttling. */
void budget_recover(struct budget *budget, int64_t now_ms);
uint32_t budget_left(const struct budget *budget, int64_t now_ms);

#endif
