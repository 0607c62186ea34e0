/* Moves committed deliveries to their sinks: in order per lane, bounded, retried, never lost. */
#ifndef CORE_DISPATCHER_H
#define CORE_DISPATCHER_H

#include "core/ports.h"

struct dispatcher;

struct dispatcher_options {
    const struct config *config;   /* borrowed; must outlive the dispatcher */
    const struct sink_port *sinks; /* one per config->sinks, same order; borrowed */
    struct store_port store;
    uint64_t seed;
};

enum circuit_state { CIRCUIT_CLOSED, CIRCUIT_OPEN, CIRCUIT_PROBING, CIRCUIT_DISABLED };

struct sink_status {
    const char *sink_name;
    const char *kind;
    enum circuit_state circuit;
    int64_t failing_since_wall_ms; /* 0: it works */
    int64_t next_probe_mono_ms;
    const char *last_detail; /* the receiver's latest refusal; "" if none */
    struct sink_counts counts;
    uint64_t delivered, retried, parked; /* since start */
};

struct dispatcher *dispatcher_create(const struct dispatcher_options *options);
/* Sink values (disabled by 410, sequence of its events) come through restore, before the first
 * turn. */
void dispatcher_restore(struct dispatcher *dispatcher, const struct stored_value *value);
void dispatcher_expect_news(struct dispatcher *dispatcher); /* look in the store next turn */
int64_t dispatcher_turn(struct dispatcher *dispatcher, struct instant now);
size_t dispatcher_in_flight(const struct dispatcher *dispatcher);
/* Nothing sendable is left: all is delivered, parked, or (unless flush) waiting for its due time.
 */
bool dispatcher_is_drained(const struct dispatcher *dispatcher);
struct sink_status dispatcher_status(const struct dispatcher *dispatcher, size_t sink_index);
void dispatcher_resume(struct dispatcher *dispatcher,
                       size_t sink_index); /* opens a disabled sink */
void dispatcher_pause(struct dispatcher *dispatcher, size_t sink_index, bool is_paused);
void dispatcher_stop(struct dispatcher *dispatcher); /* no new sends; running ones finish */
bool dispatcher_is_idle(const struct dispatcher *dispatcher);
void dispatcher_destroy(struct dispatcher *dispatcher); /* requires idle */

#endif
