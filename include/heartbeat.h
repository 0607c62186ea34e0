/* What keeps the service manager's watchdog quiet: answers of the store, seen by the loop. */
#ifndef HEARTBEAT_H
#define HEARTBEAT_H

#include "core/ports.h"

struct heartbeat { /* all zero at start */
    int64_t next_mono_ms;
    bool is_pending;
};

/* Asks the store when it is time. Returns the mono ms of the next call. heartbeat must outlive the
 * store. */
int64_t heartbeat_turn(struct heartbeat *heartbeat, struct store_port store, struct instant now);

#endif
