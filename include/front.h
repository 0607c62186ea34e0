/* The daemon's HTTP side: server, surface and metrics put together. */
#ifndef FRONT_H
#define FRONT_H

#include "core/monitor.h"
#include "core/reload.h"
#include "edge/loop.h"
#include "edge/store.h"

struct front;

struct front_options {
    const struct config *config;
    struct loop *loop;
    struct store *store;
    struct monitor *monitor;
    const struct sink_port *sinks;
    struct reload_port reload;
};

/* Without http.listen nothing is opened, and all the rest still works. */
enum status front_open(const struct front_options *options, struct front **out,
                       struct failure *why) MUST_CHECK;
void front_turn_begins(struct front *front, struct instant now); /* NULL is fine, as below */
/* Returns the earlier of wake_mono_ms and when the front wants to be called again. */
int64_t front_turn_ends(struct front *front, struct instant now, int64_t wake_mono_ms);
/* A reload: the listener of another configuration is opened, then either closed again or, with all
 * that config says, put in the place of the one before; that one still sends what it has begun. */
enum status front_prepare(struct front *front, const struct config *config,
                          struct failure *why) MUST_CHECK;
void front_undo(struct front *front);
void front_change(struct front *front, const struct config *config, const struct sink_port *sinks,
                  struct instant now);
void front_note_reload(struct front *front, const struct reload_facts *facts);
/* Nothing is served any more, and the monitor is not looked at. */
void front_close(struct front *front);
bool front_is_closed(const struct front *front);
void front_destroy(struct front *front); /* after the store is closed */

#endif
