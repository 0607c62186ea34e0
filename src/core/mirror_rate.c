#include "core/mirror_rate.h"

#define SLICE_MS 100 /* of a slow rate, of one publication */

void mirror_rate_init(struct mirror_rate *rate, struct rate wanted)
{
    static const struct rate usual = {.count = 1000, .window_ms = 1000};
    wanted = wanted.count != 0 ? wanted : usual;
    int64_t in_slice = wanted.count * (int64_t)SLICE_MS / wanted.window_ms;
    *rate =
        (struct mirror_rate){.slice_ms = in_slice != 0 ? SLICE_MS : wanted.window_ms / wanted.count,
                             .count_max = in_slice != 0 ? in_slice : 1};
}

bool mirror_rate_take(struct mirror_rate *rate, int64_t now_mono_ms)
{
    if (now_mono_ms - rate->began_mono_ms >= rate->slice_ms) {
        rate->began_mono_ms = now_mono_ms;
        rate->count = 0;
    }
    if (rate->count >= rate->count_max) {
        return false;
    }
    rate->count++;
    return true;
}

int64_t mirror_rate_next_mono_ms(const struct mirror_rate *rate, int64_t now_mono_ms)
{
    bool is_over = now_mono_ms - rate->began_mono_ms >= rate->slice_ms;
    bool is_waited_for = !is_over && rate->count >= rate->count_max;
    return is_waited_for ? rate->began_mono_ms + rate->slice_ms : 0;
}
