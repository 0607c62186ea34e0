#include "heartbeat.h"

#include "edge/service.h"
#include "edge/store.h"

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

static void ask(struct heartbeat *heartbeat, struct store *store)
{
    uint64_t progress = store_progress(store);
    if (!heartbeat->is_pending) {
        const struct store_port port = store_port(store);
        heartbeat->is_pending = true;
        port.count_sinks(port.self, on_heartbeat, heartbeat);
    } else if (progress != heartbeat->progress) {
        service_alive();
    }
    heartbeat->progress = progress;
}

int64_t heartbeat_turn(struct heartbeat *heartbeat, struct store *store, struct instant now)
{
    if (heartbeat->next_mono_ms > now.mono_ms) {
        return heartbeat->next_mono_ms;
    }
    int64_t interval_ms = service_watchdog_ms();
    heartbeat->next_mono_ms = INSTANT_NEVER;
    if (interval_ms != INSTANT_NEVER) {
        heartbeat->next_mono_ms = now.mono_ms + interval_ms;
        ask(heartbeat, store);
    }
    return heartbeat->next_mono_ms;
}
