/* Which sinks get an event, and when: routes, quiet hours, digests. Pure. */
#ifndef CORE_ROUTE_H
#define CORE_ROUTE_H

#include "core/ports.h"

struct silence_list;

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

struct route_context {
    const struct config *config;
    const struct silence_list *silences; /* NULL: none */
    int64_t now_wall_ms;
};
/* What becomes of out->event: the id of the silence that keeps it, or its deliveries. */
void route_event(const struct route_context *context, const struct route_facts *facts,
                 struct arena *arena, struct new_event *out);

/* What a where rule looks at; NULL: the event has no such field. */
const char *route_value(const struct route_facts *facts, const char *field);
bool route_matches(const struct route_config *route, const struct route_facts *facts);
/* True when some route with this sink could ever match an event of the source: its state is
 * published there. */
bool route_leads_to(const struct config *config, const char *source_name, size_t sink_index);

#endif
