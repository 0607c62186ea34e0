/* The daemon's HTTP side: server, surface and metrics put together. */
#ifndef FRONT_H
#define FRONT_H

#include "core/monitor.h"
#include "edge/loop.h"
#include "edge/store.h"

struct front;

struct front_options {
    const struct config *config;
    struct loop *loop;
    struct store *store;
    struct monitor *monitor;
    const struct sink_port *sinks;
};

/* Without http.listen nothing is opened, and all the rest still works. */
enum status front_open(const struct front_options *options, struct front **out,
                       struct failure *why) MUST_CHECK;
void front_turn_begins(struct front *front, struct instant now); /* NULL is fine, as below */
/* Returns the earlier of wake_mono_ms and when the front wants to be called again. */
int64_t front_turn_ends(struct front *front, struct instant now, int64_t wake_mono_ms);
/* Nothing is served any more, and the monitor is not looked at. */
void front_close(struct front *front);
bool front_is_closed(const struct front *front);
void front_destroy(struct front *front); /* after the store is closed */

#endif
