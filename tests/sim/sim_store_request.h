/* What the files of the simulated store's port share; nobody else includes it. */
#ifndef SIM_STORE_REQUEST_H
#define SIM_STORE_REQUEST_H

#include "core/arena.h"
#include "core/query.h"

#include "tests/sim/sim_store.h"

struct request {
    struct request *next;
    struct sim_store_port *port;
    struct arena *arena;
    void (*execute)(struct request *request); /* on the durable state; only if status is OK */
    void (*answer)(struct request *request);
    bool is_write, is_executed;
    enum status status;
    void *arg;
    union {
        store_done_fn *done;
        store_orders_fn *orders;
        store_deadlines_fn *deadlines;
        store_due_fn *due;
        store_counts_fn *counts;
        store_states_fn *states;
        order_page_fn *page;
    } on;

    /* What was asked, copied. */
    const char *source_name, *sink_name, *order_id, *published;
    const char **ids;
    struct staged_order *staged;
    struct commit commit;
    struct due_query due_query;
    struct settlement *settlements;
    uint64_t version;
    bool is_refused;
    int64_t now_wall_ms;
    size_t count;

    /* What was found. */
    struct stored_order *orders;
    struct due_deadline *deadlines;
    struct delivery *deliveries;
    struct sink_counts *counts;
    struct stale_state *states;
    const char **source_names;
    bool has_more;
    size_t found_count;
    int64_t next_due_wall_ms, newest_wall_ms;
};

struct sim_store_port {
    struct sim_store *store;
    struct sim_process *process;
    struct request *oldest;
    struct request **newest;
    int64_t answered_mono_ms; /* answers come in the order of asking */
    struct sim_staged *staged;
    struct arena *staged_arena;
};

struct request *request_begin(void *self); /* self: a sim_store_port */
/* Puts it at the end of the queue: execute on the durable state, then answer. */
void request_ask(struct request *request, void (*execute_it)(struct request *request),
                 void (*answer)(struct request *request), void *arg);
void request_ask_write(struct request *request, void (*execute_it)(struct request *request),
                       store_done_fn *on_done, void *arg);
void request_answer_done(struct request *request);
const char *request_detail(const struct request *request);

/* sim_store_deliveries.c, sim_store_states.c */
void sim_port_fetch_due(void *self, const struct due_query *query, store_due_fn *on_done,
                        void *arg);
void sim_port_settle(void *self, const struct settlement *settlements, size_t count,
                     store_done_fn *on_done, void *arg);
void sim_port_count_sinks(void *self, store_counts_fn *on_done, void *arg);
void sim_port_fetch_stale(void *self, const char *sink_name, size_t count_max,
                          store_states_fn *on_done, void *arg);
void sim_port_settle_state(void *self, const char *sink_name,
                           const struct state_settlement *settlement, store_done_fn *on_done,
                           void *arg);
void sim_port_refill(void *self, const char *sink_name, store_done_fn *on_done, void *arg);
void sim_port_retry_states(void *self, const char *sink_name, size_t count_max,
                           store_done_fn *on_done, void *arg);

#endif
