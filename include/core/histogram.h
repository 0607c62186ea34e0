/* How durations are spread, in the buckets that Prometheus shows. */
#ifndef CORE_HISTOGRAM_H
#define CORE_HISTOGRAM_H

#include "core/text.h"

#define HISTOGRAM_BUCKETS_MAX 16

struct histogram {
    const double *bounds_s; /* rising; borrowed */
    size_t bound_count;
    uint64_t counts[HISTOGRAM_BUCKETS_MAX + 1]; /* the last one: beyond the last bound */
    double sum_s;
};

void histogram_init(struct histogram *histogram, const double *bounds_s, size_t bound_count);
void histogram_add(struct histogram *histogram, double value_s, uint64_t count);
/* NAME_bucket{LABELS,le="…"}, NAME_sum, NAME_count. labels: finished, "" or sink="x". */
void histogram_show(const struct histogram *histogram, const char *name, const char *labels,
                    struct text *out);

extern const double latency_bounds_s[12]; /* from a tenth of a second to a day */
extern const double work_bounds_s[12];    /* from a tenth of a millisecond to ten seconds */

#endif
