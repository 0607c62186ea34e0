/* What an operator does to deliveries by hand, as the store is asked for it. */
#ifndef CORE_REPAIR_H
#define CORE_REPAIR_H

#include "core/base.h"

/* How many rows it was done to. Retried: due again at once, their attempts counted anew. */
typedef void store_changed_fn(void *arg, enum status status, const char *detail, size_t count);

struct drop_request { /* parked ones, and pending ones of any other sink than these */
    const int64_t *ids;
    const char *const *sink_names; /* all that are configured */
    size_t count, sink_count;
    int64_t now_wall_ms;
};

#endif
