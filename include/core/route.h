/* Which sinks get an event, and when: routes, quiet hours, digests. Pure. */
#ifndef CORE_ROUTE_H
#define CORE_ROUTE_H

#include "core/ports.h"

struct route_facts {
    const struct event *event;
    const struct record *record; /* NULL for events of sources and sinks */
    uint64_t sweep;
};

/* Plans one delivery for each sink that a matching route leads to: at the earliest due of its
 * routes. The plans live in arena, in the order of config->sinks. An event of a sink is never
 * routed to that sink. */
size_t route_plan(const struct config *config, const struct route_facts *facts, int64_t now_wall_ms,
                  struct arena *arena, const struct planned_delivery **out);

bool route_matches(const struct route_config *route, const struct route_facts *facts);
/* True when some route with this sink could ever match an event of the source: its state is
 * published there. */
bool route_leads_to(const struct config *config, const char *source_name, size_t sink_index);

#endif
