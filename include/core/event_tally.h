/* How many events of each type. */
#ifndef CORE_EVENT_TALLY_H
#define CORE_EVENT_TALLY_H

#include "core/event.h"

struct new_event;

struct event_tally {
    uint64_t counts[EVENT_TYPE_COUNT];
};

void event_tally_add(struct event_tally *tally, const struct event_tally *more);
void event_tally_count(struct event_tally *tally, const struct new_event *events, size_t count);

#endif
