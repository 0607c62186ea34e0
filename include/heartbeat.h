/* What keeps the service manager's watchdog quiet: answers of the store, seen by the loop. */
#ifndef HEARTBEAT_H
#define HEARTBEAT_H

#include "core/ports.h"

struct store;

struct heartbeat { /* all zero at start */
    int64_t next_mono_ms;
    bool is_pending;
    uint64_t progress; /* of the store, when it was looked at last */
};

/* Asks the store when it is time. Returns the mono ms of the next call. heartbeat must outlive the
 * store. An answer that waits behind a large commit counts as life while the store gets on. */
int64_t heartbeat_turn(struct heartbeat *heartbeat, struct store *store, struct instant now);

#endif
