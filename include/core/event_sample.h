/* An event of each type with everything it can have, to try a webhook format on. */
#ifndef CORE_EVENT_SAMPLE_H
#define CORE_EVENT_SAMPLE_H

#include "core/event.h"

struct arena;

void event_sample(enum event_type type, struct arena *arena, struct event *out);

#endif
