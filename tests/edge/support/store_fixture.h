/* A store on a folder of its own, asked and waited for; answers are copied. For the store tests. */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include "core/arena.h"
#include "edge/store.h"

#include <uv.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define FIXTURE_SOURCE "orange"
#define FIXTURE_SINK "noc"
#define FIXTURE_NOW 1000000

struct fixture {
    uv_loop_t loop;
    struct store *store;
    struct store_port port;
    struct arena *arena; /* of the answers */
    char folder[64], path[96];
    const struct state_sink *state_sinks;
    size_t state_sink_count;

    size_t told_count; /* answers that came */
    enum status status;
    struct failure why; /* of open; and the detail of the latest answer */
    const struct stored_order *orders;
    const struct due_deadline *deadlines;
    const struct delivery *deliveries;
    const struct sink_counts *counts;
    const struct stale_state *states;
    size_t count; /* of the latest list */
    int64_t next_due_wall_ms;
    int64_t newest_wall_ms;
};

struct fixture *fixture_create(void); /* a folder; not open */
enum status fixture_open(struct fixture *fixture);
void fixture_close(struct fixture *fixture);
void fixture_reopen(struct fixture *fixture);
void fixture_destroy(struct fixture *fixture); /* removes its files */
int fixture_setup(void **state);               /* for cmocka: created and open */
int fixture_teardown(void **state);

/* Runs the loop until one more answer has come than before the question, and not two. */
enum status fixture_wait(struct fixture *fixture, size_t told_before);

/* Each asks and waits; what comes is in the fixture. */
enum status fixture_commit(struct fixture *fixture, const struct commit *commit);
enum status fixture_stage(struct fixture *fixture, const char *source_name,
                          const struct staged_order *orders, size_t count);
enum status fixture_discard(struct fixture *fixture, const char *source_name);
enum status fixture_fetch_orders(struct fixture *fixture, const char *const *ids, size_t count);
const struct stored_order *fixture_fetch_order(struct fixture *fixture, const char *source_name,
                                               const char *id);
enum status fixture_fetch_deadlines(struct fixture *fixture, int64_t now_wall_ms, size_t count_max);
enum status fixture_fetch_due(struct fixture *fixture, const struct due_query *query);
enum status fixture_settle(struct fixture *fixture, const struct settlement *settlements,
                           size_t count);
struct sink_counts fixture_counts(struct fixture *fixture, const char *sink_name); /* or zeros */
enum status fixture_fetch_states(struct fixture *fixture, const char *sink_name, size_t count_max);
enum status fixture_settle_state(struct fixture *fixture, const struct stale_state *state,
                                 const char *published);
enum status fixture_settle_refused(struct fixture *fixture, const struct stale_state *state);
enum status fixture_retry_states(struct fixture *fixture, size_t count_max);
enum status fixture_refill(struct fixture *fixture, const char *sink_name);

/* An event whose id is made from its number; an order; a query for what is due. */
struct event fixture_event(const char *source_name, const char *order_id, uint64_t number,
                           enum severity severity);
struct staged_order fixture_order(const char *id, const char *canonical);
struct due_query fixture_query(int64_t now_wall_ms);

/* The same, expected to work. */
void fixture_commit_orders(struct fixture *fixture, const struct staged_order *orders,
                           size_t count);
void fixture_plan_event(struct fixture *fixture, uint64_t number, enum severity severity,
                        const struct planned_delivery *planned);
void fixture_plan(struct fixture *fixture, uint64_t number, const char *lane, const char *bundle,
                  int64_t due_wall_ms);
void fixture_fetch(struct fixture *fixture, int64_t now_wall_ms);
void fixture_end(struct fixture *fixture, const struct delivery *delivery, enum settle_kind kind,
                 int64_t due_wall_ms);

#endif
