#include "core/pacer.h"

#define MS_US INT64_C(1000)

void pacer_init(struct pacer *pacer, struct rate rate)
{
    *pacer = (struct pacer){.is_limited = rate.count != 0};
    if (rate.count == 0) {
        return;
    }
    int64_t few = rate.count / 10 != 0 ? rate.count / 10 : 1;
    int64_t spaced = rate.count - (few - 1); /* the first of them goes with the few */
    /* A millisecond more than the window, so that both of its ends may count as inside. */
    int64_t window_us = (rate.window_ms + 1) * MS_US;
    pacer->step_us = (window_us + spaced - 1) / spaced;
    pacer->slack_us = (few - 1) * pacer->step_us;
}

static int64_t level_of(const struct pacer *pacer, int64_t now_us)
{
    if (pacer->level_us == 0) {
        return now_us + pacer->slack_us;
    }
    return pacer->level_us > now_us ? pacer->level_us : now_us;
}

int64_t pacer_due_mono_ms(const struct pacer *pacer, int64_t now_mono_ms)
{
    if (!pacer->is_limited || pacer->level_us == 0) {
        return now_mono_ms;
    }
    return (pacer->level_us - pacer->slack_us + MS_US - 1) / MS_US;
}

void pacer_take(struct pacer *pacer, int64_t now_mono_ms)
{
    if (pacer->is_limited) {
        pacer->level_us = level_of(pacer, now_mono_ms * MS_US) + pacer->step_us;
    }
}
