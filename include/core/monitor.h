/* The daemon without the world: pollers, dispatcher and mirrors behind one turn function. */
#ifndef CORE_MONITOR_H
#define CORE_MONITOR_H

#include "core/dispatcher.h"
#include "core/poller.h"
#include "core/silencer.h"

struct monitor;

struct monitor_options {
    const struct config *config; /* borrowed; must outlive the monitor */
    struct http_port http;
    struct store_port store;
    struct query_port query; /* for what digests say besides; may be empty */
    struct unicode_port unicode;
    const struct sink_port *sinks; /* one per config->sinks, same order; borrowed */
    uint64_t seed;                 /* decides all jitter */
    bool is_once;                  /* one complete sweep of every source, then drain and stop */
};

enum once_outcome { ONCE_RUNNING, ONCE_DELIVERED, ONCE_PENDING, ONCE_UNSWEPT };

/* The sinks' listeners are the monitor's from here on: close the sinks before destroying it. */
struct monitor *monitor_create(const struct monitor_options *options);
/* Loads from the store; before the first turn. */
enum status monitor_load(struct monitor *monitor, struct failure *why) MUST_CHECK;

/* Starts everything due at now. Returns the mono ms at which to be called again, INSTANT_NEVER, or
 * now.mono_ms for "again at once". The only place where new work begins. */
int64_t monitor_turn(struct monitor *monitor, struct instant now);

struct poller *monitor_poller(struct monitor *monitor, size_t source_index);
struct silencer *monitor_silencer(struct monitor *monitor);
struct dispatcher *monitor_dispatcher(struct monitor *monitor);
/* Events since the start of sources that a reload has taken away. */
const struct event_tally *monitor_departed(const struct monitor *monitor);
/* ONCE_RUNNING until the end; ONCE_UNSWEPT counts more than ONCE_PENDING. */
enum once_outcome monitor_once_outcome(const struct monitor *monitor);

/* A reload, in two steps. The parts that will not go on as they are come to rest, while the rest of
 * the monitor goes on; then, at one moment, the other configuration is in force. */
struct monitor_change {
    const struct config *config;   /* borrowed; must outlive the monitor, or the next change and the
                                      parts that this one made */
    const struct sink_port *sinks; /* one per config->sinks; borrowed as those of the options */
    /* One per source and sink of config: its part goes on untouched, with its own old config. */
    const bool *is_source_kept, *is_sink_kept;
};

void monitor_rest(struct monitor *monitor, const struct monitor_change *change);
/* No port owes an answer to what came to rest. */
bool monitor_is_rested(const struct monitor *monitor);
/* Requires rested. Between turns. What is new or changed begins as after a restart, on what the
 * store knows, and its totals go on. Anything but STATUS_OK: the store cannot be read, and the
 * monitor can only be stopped. */
enum status monitor_change(struct monitor *monitor, const struct monitor_change *change,
                           struct failure *why) MUST_CHECK;

void monitor_stop(struct monitor *monitor); /* nothing new starts from here on */
bool monitor_is_idle(const struct monitor *monitor);
void monitor_destroy(struct monitor *monitor); /* requires idle */

#endif
