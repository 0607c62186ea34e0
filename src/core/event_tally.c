#include "core/event_tally.h"

#include "core/ports.h"

void event_tally_add(struct event_tally *tally, const struct event_tally *more)
{
    for (size_t i = 0; i < EVENT_TYPE_COUNT; i++) {
        tally->counts[i] += more->counts[i];
    }
}

void event_tally_count(struct event_tally *tally, const struct new_event *events, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        CHECK(events[i].event.type < EVENT_TYPE_COUNT);
        tally->counts[events[i].event.type]++;
    }
}
