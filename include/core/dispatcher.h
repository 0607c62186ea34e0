/* Moves committed deliveries to their sinks: in order per lane, bounded, retried, never lost. */
#ifndef CORE_DISPATCHER_H
#define CORE_DISPATCHER_H

#include "core/circuit.h"
#include "core/event_tally.h"
#include "core/histogram.h"
#include "core/outlook.h"
#include "core/ports.h"

struct dispatcher;
struct silencer;

struct dispatcher_options {
    const struct config *config;   /* borrowed; must outlive the dispatcher */
    const struct sink_port *sinks; /* one per config->sinks, same order; borrowed */
    struct store_port store;
    const struct silencer *silencer; /* NULL: nothing is silenced */
    struct query_port query;         /* for what digests say besides; may be empty */
    outlook_describe_fn *describe;   /* the sources, for the same */
    void *describe_arg;
    uint64_t seed;
    bool is_once; /* no digests of nothing: a run is not a time of theirs */
};

struct sink_status {
    const char *sink_name;
    const char *kind;
    enum circuit_state circuit;
    int64_t failing_since_wall_ms; /* 0: it works */
    int64_t next_attempt_mono_ms;  /* while it is away or asked for a pause; 0: at any time */
    int64_t asked_until_mono_ms;   /* its wish for a pause; over, or 0: none */
    uint32_t window, in_flight;    /* sends at once: allowed now, under way */
    const char *last_detail;       /* the receiver's latest refusal; "" if none */
    struct sink_counts counts;
    uint64_t delivered, retried, parked; /* since start */
    bool is_paused;
    struct histogram latency; /* of what was delivered since start */
};

bool counts_are_conserved(const struct sink_counts *counts);
/* No success since its first failure, which is that long ago. */
bool sink_fails_for(const struct sink_status *status, int64_t duration_ms, int64_t now_wall_ms);

struct dispatcher *dispatcher_create(const struct dispatcher_options *options);
/* Sink values (disabled by 410, sequence of its events) come through restore, before the first
 * turn of their sink. */
void dispatcher_restore(struct dispatcher *dispatcher, const struct stored_value *value);
void dispatcher_expect_news(struct dispatcher *dispatcher); /* look in the store next turn */
/* The sink says that its receiver is there: what waits may be tried now. */
void dispatcher_available(struct dispatcher *dispatcher, size_t sink_index);
/* The end of a run: digests leave now, and a sink that stays away is not waited for. */
void dispatcher_flush(struct dispatcher *dispatcher);
int64_t dispatcher_turn(struct dispatcher *dispatcher, struct instant now);
/* Nothing sendable is left: all is delivered, parked or waiting for its due time, and the counts of
 * dispatcher_status are those of this moment. In a flush also: a sink is away or the store fails.
 */
bool dispatcher_is_drained(const struct dispatcher *dispatcher);
bool dispatcher_is_counted(const struct dispatcher *dispatcher); /* the counts are of this moment */
struct sink_status dispatcher_status(const struct dispatcher *dispatcher, size_t sink_index);
/* Sinks that are not configured, but have deliveries that are pending or parked, by the latest
 * count. Valid until the next call from the loop. */
const struct sink_counts *dispatcher_strangers(const struct dispatcher *dispatcher, size_t *count);
/* Of sinks, committed since start. */
const struct event_tally *dispatcher_events(const struct dispatcher *dispatcher);
void dispatcher_resume(struct dispatcher *dispatcher,
                       size_t sink_index); /* opens a disabled sink */
void dispatcher_pause(struct dispatcher *dispatcher, size_t sink_index, bool is_paused);
/* Before a reload, of a sink that will not go on as it is: no new sends; running ones finish. */
void dispatcher_rest(struct dispatcher *dispatcher, size_t sink_index);
bool dispatcher_is_rested(const struct dispatcher *dispatcher, size_t sink_index);
/* Another configuration is in force. is_kept, one per sink of it: its branch goes on untouched. A
 * changed one begins anew on its backlog and keeps its totals; those that are gone have rested. */
void dispatcher_change(struct dispatcher *dispatcher, const struct config *config,
                       const struct sink_port *sinks, const bool *is_kept);
void dispatcher_stop(struct dispatcher *dispatcher); /* no new sends; running ones finish */
bool dispatcher_is_idle(const struct dispatcher *dispatcher);
void dispatcher_destroy(struct dispatcher *dispatcher); /* requires idle */

#endif
