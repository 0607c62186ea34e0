#include "core/histogram.h"

#include <inttypes.h>

const double latency_bounds_s[12] = {0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 86400};
const double work_bounds_s[12] = {0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01,
                                  0.025,  0.05,   0.1,   0.5,    1,     10};

void histogram_init(struct histogram *histogram, const double *bounds_s, size_t bound_count)
{
    CHECK(bound_count <= HISTOGRAM_BUCKETS_MAX);
    *histogram = (struct histogram){.bounds_s = bounds_s, .bound_count = bound_count};
}

void histogram_add(struct histogram *histogram, double value_s, uint64_t count)
{
    double value = value_s > 0 ? value_s : 0;
    size_t bucket = 0;
    while (bucket < histogram->bound_count && value > histogram->bounds_s[bucket]) {
        bucket++;
    }
    histogram->counts[bucket] += count;
    histogram->sum_s += value * (double)count;
}

void histogram_show(const struct histogram *histogram, const char *name, const char *labels,
                    struct text *out)
{
    const char *comma = labels[0] != '\0' ? "," : "";
    uint64_t sum = 0;
    for (size_t i = 0; i < histogram->bound_count; i++) {
        sum += histogram->counts[i];
        text_addf(out, "%s_bucket{%s%sle=\"%g\"} %" PRIu64 "\n", name, labels, comma,
                  histogram->bounds_s[i], sum);
    }
    sum += histogram->counts[histogram->bound_count];
    text_addf(out, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", name, labels, comma, sum);
    const char *open = labels[0] != '\0' ? "{" : "";
    const char *close = labels[0] != '\0' ? "}" : "";
    text_addf(out, "%s_sum%s%s%s %.6f\n", name, open, labels, close, histogram->sum_s);
    text_addf(out, "%s_count%s%s%s %" PRIu64 "\n", name, open, labels, close, sum);
}
