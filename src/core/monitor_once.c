/* run --once: one sweep of every source, then all that can be delivered, then the verdict. */
#include "monitor_internal.h"

#define ONCE_PATIENCE_MS 10000 /* for retained state at a receiver that stays away */
#define ONCE_WAIT_MAX_MS 60000 /* a sweep that may only begin later does not happen */

/* The first sweep decides; a source that may not even begin soon is not waited for. What is due by
 * time is told after it, so the source is left alone only when it rests or sweeps again. */
void once_judge_source(struct source *source, struct instant now)
{
    struct poller_status status = poller_status(source->poller);
    if (source->is_swept || source->is_unswept ||
        (!status.is_sweeping && !poller_is_idle(source->poller))) {
        return;
    }
    source->is_swept = status.last_complete_wall_ms != source->complete_before_wall_ms;
    bool has_failed = status.last_failure[0] != '\0';
    bool comes_too_late =
        !status.is_sweeping && status.next_due_mono_ms > now.mono_ms + ONCE_WAIT_MAX_MS;
    source->is_unswept = !source->is_swept && (has_failed || comes_too_late);
    if (source->is_swept || source->is_unswept) {
        poller_pause(source->poller, true);
    }
}

void once_begin_source(struct source *source)
{
    source->has_begun = true;
    source->complete_before_wall_ms = poller_status(source->poller).last_complete_wall_ms;
    poller_sweep_now(source->poller);
}

static bool are_sources_done(const struct monitor *monitor)
{
    for (size_t i = 0; i < monitor->options.config->source_count; i++) {
        const struct source *source = &monitor->sources[i];
        if ((!source->is_swept && !source->is_unswept) || !poller_is_idle(source->poller)) {
            return false;
        }
    }
    return true;
}

static bool are_mirrors_done(const struct monitor *monitor, struct instant now, bool *is_complete)
{
    bool is_patient = now.mono_ms - monitor->flushed_mono_ms < ONCE_PATIENCE_MS;
    *is_complete = true;
    for (size_t i = 0; i < monitor->options.config->sink_count; i++) {
        const struct mirror *mirror = monitor->sinks[i]->mirror;
        if (mirror == NULL || mirror_is_drained(mirror)) {
            continue;
        }
        *is_complete = false;
        if (is_patient || !mirror_is_failing(mirror)) {
            return false;
        }
    }
    return true;
}

static bool is_all_delivered(const struct monitor *monitor)
{
    if (!dispatcher_is_counted(monitor->dispatcher)) {
        return false;
    }
    for (size_t i = 0; i < monitor->options.config->sink_count; i++) {
        struct sink_status status = dispatcher_status(monitor->dispatcher, i);
        if (status.counts.pending != 0 || status.counts.parked != 0) {
            return false;
        }
    }
    return true;
}

static bool is_any_unswept(const struct monitor *monitor)
{
    for (size_t i = 0; i < monitor->options.config->source_count; i++) {
        if (monitor->sources[i].is_unswept) {
            return true;
        }
    }
    return false;
}

void once_judge(struct monitor *monitor, struct instant now)
{
    if (!monitor->is_flushing) {
        if (!are_sources_done(monitor)) {
            return;
        }
        monitor->is_flushing = true;
        monitor->flushed_mono_ms = now.mono_ms;
        dispatcher_flush(monitor->dispatcher);
        return;
    }
    bool is_state_complete;
    if (!dispatcher_is_drained(monitor->dispatcher) ||
        !are_mirrors_done(monitor, now, &is_state_complete)) {
        return;
    }
    if (is_any_unswept(monitor)) {
        monitor->outcome = ONCE_UNSWEPT;
    } else {
        monitor->outcome =
            is_state_complete && is_all_delivered(monitor) ? ONCE_DELIVERED : ONCE_PENDING;
    }
}
