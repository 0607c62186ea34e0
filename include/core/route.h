/* Which sinks get an event, and when: routes, quiet hours, digests. Pure. */
#ifndef CORE_ROUTE_H
#define CORE_ROUTE_H

#include "core/ports.h"

struct silence_list;

struct route_facts {
    const struct event *event;
    const struct record *record; /* NULL for events of sources and sinks */
    uint64_t sweep;
    int64_t lead_ms; /* until it is expected to be durable: no digest before that can have it */
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

/* The same, with the reason. */
enum route_match { ROUTE_MATCHES, ROUTE_SEVERITY, ROUTE_TYPE, ROUTE_WHERE };
struct route_verdict {
    enum route_match match;        /* anything but ROUTE_MATCHES: what stands against it */
    const struct where_rule *rule; /* ROUTE_WHERE: the first that does not match */
    const char *value;             /* ROUTE_WHERE: what the event has there; NULL: nothing */
};
struct route_verdict route_judge(const struct route_config *route, const struct route_facts *facts);

/* When a matching route lets the event go to a sink, and what defers it. */
enum route_delay { ROUTE_AT_ONCE, ROUTE_DIGEST, ROUTE_QUIET };
struct route_release {
    int64_t due_wall_ms;
    enum route_delay delay;             /* the last one that applied */
    const struct quiet_config *quiet;   /* ROUTE_QUIET: which hours */
    const struct digest_config *digest; /* that applies there; NULL: none */
};
struct route_release route_release(const struct route_config *route, const struct sink_config *sink,
                                   const struct route_facts *facts, int64_t now_wall_ms);
/* The digest of what a route leads to a sink: the route's own, else the sink's; NULL: none. */
const struct digest_config *route_digest(const struct route_config *route,
                                         const struct sink_config *sink);
/* The longest wait for any digest that leaves there; 0: there is none. */
int64_t route_digest_wait_ms(const struct config *config, size_t sink_index, int64_t now_wall_ms);
/* The rest of a digest that has left: with the next one of the sink. False: it has none any more.
 */
bool route_next_digest(const struct config *config, size_t sink_index, int64_t now_wall_ms,
                       struct arena *arena, struct planned_delivery *out);
/* The moment itself, or when no route to the sink is quiet any more. */
int64_t route_quiet_end(const struct config *config, size_t sink_index, int64_t wall_ms);
/* What leaves one sink for people at one moment leaves as one mail, whichever digests and quiet
 * hours brought it there: lane and bundle depend on the moment alone. */
#define ROUTE_DIGEST_LANE "digest/"
struct planned_delivery route_rendezvous(const struct config *config, size_t sink_index,
                                         int64_t due_wall_ms, struct arena *arena);
/* Whether some route shows events of this order to the sink. */
bool route_shows_order(const struct config *config, size_t sink_index, const char *source_name,
                       const struct record *record);
/* Until when every matching route to the sink is quiet; now_wall_ms: one of them is not, or none
 * matches any more. */
int64_t route_quiet_until(const struct config *config, const struct route_facts *facts,
                          size_t sink_index, int64_t now_wall_ms);
/* How the matching routes want the event told at this sink: the first that names fields, the first
 * that names a language. */
struct event_manner route_manner(const struct config *config, const struct route_facts *facts,
                                 size_t sink_index);
bool route_has_manner(const struct config *config, size_t sink_index); /* any route to the sink */
/* An event of a sink that cannot be told to that sink itself. */
bool route_is_about_sink(const struct event *event, const char *sink_name);
/* True when events of one order may be planned into several lanes of this sink: mails are bundled
 * over orders, and quiet hours have lanes of their own. */
bool route_lanes_cross(const struct config *config, size_t sink_index);
/* True when some route with this sink could ever match an event of the source: its state is
 * published there. */
bool route_leads_to(const struct config *config, const char *source_name, size_t sink_index);

#endif
