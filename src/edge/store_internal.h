/* Private to store*.c: what each of its files does for the others. */
#ifndef EDGE_STORE_INTERNAL_H
#define EDGE_STORE_INTERNAL_H

#include "edge/store_query.h"

#include "store_job.h"

/* store_sweep.c */
void store_stage(void *self, const char *source_name, const struct staged_order *orders,
                 size_t count, store_done_fn *on_done, void *arg);
void store_discard(void *self, const char *source_name, store_done_fn *on_done, void *arg);
void store_commit(void *self, const struct commit *commit, store_done_fn *on_done, void *arg);

/* store_records.c */
void store_fetch_orders(void *self, const char *source_name, const char *const *ids, size_t count,
                        store_orders_fn *on_done, void *arg);
void records_visit_orders(struct database *database, const char *source_name, store_index_fn *visit,
                          void *arg);
void records_visit_values(struct database *database, store_value_fn *visit, void *arg);
void records_write(struct database *database, const char *source_name,
                   const struct staged_order *staged, struct arena *arena);
void records_write_values(struct database *database, const struct stored_value *values,
                          size_t count);

/* store_deadlines.c: what an order is to have; what its record has, which a new one puts in place;
 * and the moves from the one to the other among those that wait for their due. */
struct span deadlines_encode(const struct staged_order *staged, struct arena *arena);
struct span deadlines_of(struct database *database, int64_t record, struct arena *arena);
void deadlines_change(struct database *database, const char *source_name, const char *order_id,
                      struct span from, struct span to, struct arena *arena);
void store_fetch_deadlines(void *self, const char *source_name, int64_t now_wall_ms,
                           size_t count_max, store_deadlines_fn *on_done, void *arg);

/* store_outbox.c */
void store_fetch_due(void *self, const struct due_query *query, store_due_fn *on_done, void *arg);

/* store_settle.c */
void store_settle(void *self, const struct settlement *settlements, size_t count,
                  store_done_fn *on_done, void *arg);
/* The sink of a pending delivery; NULL: it is not pending. */
const char *pending_sink(struct database *database, struct arena *arena, int64_t id);
/* By the operator, of a sink that nobody delivers to. */
void drop_pending(struct database *database, struct arena *arena, int64_t id, int64_t wall_ms);

/* store_intake.c: events and their deliveries come in, of a commit handed in at that time. An event
 * that is known stays as it is. */
void intake_add_event(struct database *database, const struct new_event *event, int64_t at_wall_ms);
/* A pending delivery of the event in that row of events. */
void intake_add_delivery(struct database *database, const struct planned_delivery *planned,
                         int64_t event_row, enum severity severity, int64_t created_wall_ms);

/* store_forget.c */
void store_forget_events(void *self, int64_t before_wall_ms, store_forgot_fn *on_done, void *arg);
void store_forget_order(void *self, const struct forget_query *query, store_forgot_fn *on_done,
                        void *arg);

/* store_event.c: the columns from event_id to personal, from this one on. */
void event_read(struct database *database, struct arena *arena, struct sqlite3_stmt *row,
                int first_column, struct event *out);
const char *column_copy(struct arena *arena, struct sqlite3_stmt *row, int column);

/* store_counts.c: the conservation line, kept in the transactions that change it. */
struct count_change {
    int64_t observed, delivered, pending, parked, silenced;
};
void counts_add(struct database *database, const char *sink_name, struct count_change change);
void counts_write(struct database *database);  /* before the end of each transaction */
void counts_forget(struct database *database); /* after it */
void counts_fini(struct database *database);
void counts_verify(struct database *database); /* at open: the numbers against the rows */
void store_count_sinks(void *self, store_counts_fn *on_done, void *arg);

/* store_state.c */
void state_begin_marks(struct database *database, const char *source_name);
void state_mark(struct database *database, const char *source_name, const char *order_id);
/* At open: what a new pair of source and state sink must publish is marked, and what one that is
 * gone has published must be taken back. */
void state_adopt_pairs(struct database *database, const struct state_sink *pairs, size_t count);
void state_take_back(struct database *database, const char *source_name, const char *order_id);
void state_fini(struct database *database);
void store_fetch_stale(void *self, const char *sink_name, size_t count_max,
                       store_states_fn *on_done, void *arg);
void store_settle_state(void *self, const char *sink_name,
                        const struct state_settlement *settlement, store_done_fn *on_done,
                        void *arg);
void store_refill(void *self, const char *sink_name, store_done_fn *on_done, void *arg);
void store_retry_states(void *self, const char *sink_name, size_t count_max, store_done_fn *on_done,
                        void *arg);

#endif
