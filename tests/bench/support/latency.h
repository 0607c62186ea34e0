/* How long it takes from a commit to the first byte at a receiver, by the dispatcher, the store and
 * a sink as they are, one event at a time; and by a bare client that sends the same. */
#ifndef BENCH_LATENCY_H
#define BENCH_LATENCY_H

#include "core/config.h"
#include "edge/sinks.h"

#include <stdatomic.h>

#define LATENCY_COUNT_MAX 10000

struct latency {
    size_t count;             /* of events */
    size_t body_size;         /* of the latest one */
    _Atomic int64_t heard_ns; /* the receiver's thread: when the latest began to arrive */
    int64_t bare_ns[LATENCY_COUNT_MAX];
    struct latency_run *run;
};

int64_t latency_now_ns(void);
/* Prints the 99th percentiles and the medians in microseconds, ours and bare, and ends the process.
 * measure_bare fills bare_ns with count times. */
_Noreturn void latency_measure(struct latency *latency, const char *folder,
                               struct sink_config *sink, sink_open_fn *open,
                               void (*measure_bare)(struct latency *));

#endif
