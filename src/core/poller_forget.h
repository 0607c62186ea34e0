/* One order that is to be forgotten, when no sweep is under way that knows it. */
#ifndef CORE_POLLER_FORGET_H
#define CORE_POLLER_FORGET_H

#include "poller_sweep.h"

struct forgetting {
    char *order_id; /* NULL: nothing is asked for */
    bool drops_open;
    bool is_listed; /* by what the store said of it */
    uint64_t sequence;
    struct forgotten what;
    store_forgot_fn *on_done;
    void *arg;
};

step_fn poller_step_forget; /* from idle, back to idle */

#endif
