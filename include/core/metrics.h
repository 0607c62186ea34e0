/* What Prometheus reads: counters since start, and the state of this moment. */
#ifndef CORE_METRICS_H
#define CORE_METRICS_H

#include "core/histogram.h"
#include "core/monitor.h"
#include "core/reload.h"

struct metrics;

/* What only the edge knows of the process. */
struct process_facts {
    double cpu_s;
    int64_t resident_bytes, open_fds, open_fds_max;
};
typedef void measure_process_fn(struct process_facts *out);
typedef double read_seconds_fn(void); /* a steady clock, for durations below a turn */
typedef void read_commits_fn(void *self, struct histogram *out); /* how long transactions took */

struct metrics_options {
    const struct config *config;
    const char *version;
    measure_process_fn *measure;
    read_seconds_fn *seconds;
    read_commits_fn *commits;
    void *commits_self;
    int64_t started_wall_ms;
};

struct metrics *metrics_create(const struct metrics_options *options);
void metrics_destroy(struct metrics *metrics); /* NULL is fine */

void metrics_use_config(struct metrics *metrics, const struct config *config);
void metrics_note_reload(struct metrics *metrics, const struct reload_facts *facts);

void metrics_turn_begins(struct metrics *metrics, struct instant now);
void metrics_turn_ends(struct metrics *metrics, int64_t wake_mono_ms);

/* counts NULL: the store did not answer. */
struct metrics_view {
    struct monitor *monitor;
    const struct sink_counts *counts;
    size_t count;
    struct instant now;
    bool is_ready;
};
void metrics_show(struct metrics *metrics, const struct metrics_view *view, struct text *out);

#endif
