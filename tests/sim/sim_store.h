/* A store in memory with the exact transactions of the port: what survives a crash, seen by the
 * oracle, and a port per process whose answers come late, in order, and sometimes as failures. */
#ifndef SIM_STORE_H
#define SIM_STORE_H

#include "core/query.h"
#include "tests/sim/sim.h"

struct arena;

struct sim_order {
    struct sim_order *next;
    const char *source_name;
    struct stored_order order;
    const struct deadline *deadlines;
    size_t deadline_count;
};

enum sim_row_state { ROW_PENDING, ROW_DELIVERED, ROW_PARKED };

struct sim_row { /* one event for one sink */
    int64_t id;
    const struct event *event;
    const char *sink_name, *lane, *bundle, *progress, *detail;
    int64_t due_wall_ms, first_due_wall_ms, created_wall_ms;
    int64_t created_mono_ms;
    int64_t tried_mono_ms, tried_wall_ms; /* last and in vain */
    uint32_t attempts_made;
    enum sim_row_state state;
    bool is_retry; /* due by the wait after an attempt, not by a plan */
};

struct sim_state_row { /* the retained state of one order at one sink */
    struct sim_state_row *next;
    const char *sink_name, *source_name, *order_id, *published;
    uint64_t version, settled_version;
    bool is_whole, is_refused;
};

struct sim_value {
    struct sim_value *next;
    const char *key;
    struct span value;
};

struct sim_state_sink {
    const char *source_name, *sink_name;
};

/* The oracle's ear: told of each write the moment it is durable. An order comes after its events.
 * What is only staged is seen too: it may be lost, and come again. */
struct sim_store_watch {
    void *arg;
    void (*on_staged)(void *arg, const struct event *event);
    void (*on_event)(void *arg, const struct new_event *news);
    void (*on_order)(void *arg, const char *source_name, const struct staged_order *order);
    void (*on_settled)(void *arg, const struct sim_row *row, const struct settlement *settlement);
};

struct sim_store {
    struct sim *sim;
    struct arena *arena; /* of everything durable */
    struct sim_order *orders;
    struct sim_value *values;
    struct sim_state_row *states;
    const struct event **events;
    size_t event_count, event_capacity;
    struct sim_row *rows; /* row n has id n + 1 */
    size_t row_count, row_capacity;
    const struct sim_state_sink *state_sinks;
    size_t state_sink_count;
    bool has_cut; /* a bundle left without what must wait for an earlier event of its order */
    struct sim_store_watch watch; /* all NULL: nobody listens */

    /* The weather: of 1000 writes so many find the disk full, of 1000 calls so many fail. */
    int64_t full_permille, unavailable_permille;
};

void sim_store_init(struct sim_store *store, struct sim *sim);
void sim_store_fini(struct sim_store *store);

/* --- of one process (sim_store_port.c) ------------------------------------------------------- */

struct sim_store_port;
struct sim_store_port *sim_store_port_create(struct sim_store *store, struct sim_process *process);
struct store_port sim_store_port(struct sim_store_port *port);
struct query_port sim_query_port(struct sim_store_port *port); /* list_orders alone */
/* The process died: a random part of what it had asked for, oldest first, still becomes durable. */
void sim_store_port_crash(struct sim_store_port *port);
void sim_store_port_destroy(struct sim_store_port *port); /* nothing may be under way */

/* --- the transactions themselves, for the port and for the oracle ---------------------------- */

struct sim_staged { /* newest first */
    struct sim_staged *next;
    const char *source_name;
    struct staged_order order;
};

void sim_store_apply(struct sim_store *store, const struct commit *commit,
                     const struct sim_staged *staged);
void sim_store_settle(struct sim_store *store, const struct settlement *settlements, size_t count);
const struct sim_order *sim_store_order(const struct sim_store *store, const char *source_name,
                                        const char *order_id); /* NULL: not known */
/* What is due, into out (of query->count_max); its lists live in arena. */
size_t sim_store_due(struct sim_store *store, const struct due_query *query, struct arena *arena,
                     struct delivery *out, int64_t *next_due_wall_ms);
int64_t sim_store_newest(const struct sim_store *store, const struct due_query *query);
struct sim_state_row *sim_store_state(const struct sim_store *store, const char *sink_name,
                                      const char *source_name, const char *order_id);
void sim_store_refill(struct sim_store *store, const char *sink_name);
bool sim_store_has_refused(const struct sim_store *store, const char *sink_name);
bool sim_store_has_stale(const struct sim_store *store, const char *sink_name);

/* Deep copies into an arena. */
const char *sim_copy_text(struct arena *arena, const char *text); /* NULL stays NULL */
struct span sim_copy_span(struct arena *arena, struct span bytes);
struct staged_order sim_copy_staged(struct arena *arena, const struct staged_order *order);
struct planned_delivery sim_copy_plan(struct arena *arena, const struct planned_delivery *plan);
const struct new_event *sim_copy_news(struct arena *arena, const struct new_event *events,
                                      size_t count);

#endif
