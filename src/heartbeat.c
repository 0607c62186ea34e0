#include "heartbeat.h"

#include "edge/service.h"

#include <stdio.h>

/* The store answered, and this runs on the loop: both are alive. */
static void on_heartbeat(void *arg, enum status status, const struct sink_counts *counts,
                         size_t count)
{
    struct heartbeat *heartbeat = arg;
    heartbeat->is_pending = false;
    if (status != STATUS_OK) {
        return;
    }
    struct sink_counts sum = {0};
    for (size_t i = 0; i < count; i++) {
        sum.observed += counts[i].observed;
        sum.delivered += counts[i].delivered;
        sum.pending += counts[i].pending;
        sum.parked += counts[i].parked;
    }
    char line[160];
    (void)snprintf(line, sizeof line, "observed %llu = delivered %llu + pending %llu + parked %llu",
                   (unsigned long long)sum.observed, (unsigned long long)sum.delivered,
                   (unsigned long long)sum.pending, (unsigned long long)sum.parked);
    service_status(line);
    service_alive();
}

int64_t heartbeat_turn(struct heartbeat *heartbeat, struct store_port store, struct instant now)
{
    if (heartbeat->next_mono_ms > now.mono_ms) {
        return heartbeat->next_mono_ms;
    }
    int64_t interval_ms = service_watchdog_ms();
    if (interval_ms == INSTANT_NEVER) {
        heartbeat->next_mono_ms = INSTANT_NEVER;
        return INSTANT_NEVER;
    }
    heartbeat->next_mono_ms = now.mono_ms + interval_ms;
    if (!heartbeat->is_pending) {
        heartbeat->is_pending = true;
        store.count_sinks(store.self, on_heartbeat, heartbeat);
    }
    return heartbeat->next_mono_ms;
}
