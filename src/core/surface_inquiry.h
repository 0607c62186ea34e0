/* Private to surface*.c: requests whose answer is not there yet. */
#ifndef CORE_SURFACE_INQUIRY_H
#define CORE_SURFACE_INQUIRY_H

#include "core/exchange.h"

struct call;
struct surface;

/* A question to the store whose answer is the answer. It ends once: by the store, or by the turn
 * when the store takes too long. */
struct inquiry {
    struct inquiry *previous, *next;
    struct surface *surface;
    struct http_exchange *exchange; /* NULL: answered */
    int64_t deadline_mono_ms;
    void (*give_up)(struct inquiry *inquiry); /* answers */
    void (*destroy)(struct inquiry *inquiry); /* NULL: free */
    void (*proceed)(struct inquiry *inquiry); /* set: asks on in the next turn */
};
/* A zeroed inquiry of this size, which begins with struct inquiry. */
struct inquiry *inquiry_create(const struct call *call, size_t size);
bool inquiry_is_open(const struct inquiry *inquiry);         /* nobody has answered yet */
struct http_exchange *inquiry_take(struct inquiry *inquiry); /* to be answered now */
void inquiry_end(struct inquiry *inquiry);                   /* the store has answered: frees it */

#endif
