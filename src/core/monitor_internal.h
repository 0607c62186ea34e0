/* Private to monitor*.c.
 * monitor         life, the turn
 * monitor_once    when a run of one sweep is over
 * monitor_change  another configuration without a restart */
#ifndef CORE_MONITOR_INTERNAL_H
#define CORE_MONITOR_INTERNAL_H

#include "core/keeper.h"
#include "core/mirror.h"
#include "core/monitor.h"
#include "core/random.h"

struct source {
    struct poller *poller;
    int64_t complete_before_wall_ms; /* once: the latest complete sweep of earlier runs */
    bool has_begun, is_swept, is_unswept;
    bool has_loaded; /* what the store knew of it */
    bool is_resting; /* it will not go on as it is */
};

struct sink {
    struct monitor *monitor;
    size_t index;
    struct mirror *mirror; /* NULL: keeps no state */
    bool is_resting;
};

struct monitor {
    struct monitor_options options;
    struct random random;
    struct source *sources;
    struct sink **sinks; /* each listens to its port: it stays where it is */
    struct silencer *silencer;
    struct dispatcher *dispatcher;
    struct keeper *keeper;
    struct event_tally departed; /* events of sources that are configured no more */
    struct text payload;
    bool is_stopping, is_flushing;
    int64_t flushed_mono_ms;
    enum once_outcome outcome;
};

struct poller *monitor_create_poller(struct monitor *monitor, const struct config *config,
                                     size_t index);
struct sink *monitor_create_sink(struct monitor *monitor, size_t index);
void monitor_destroy_sink(struct sink *sink);

/* monitor_once */
void once_begin_source(struct source *source);
void once_judge_source(struct source *source, struct instant now);
void once_judge(struct monitor *monitor, struct instant now);

#endif
