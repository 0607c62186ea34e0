/* The store's answers to the operator's side: core/query.h, forgetting, backups. */
#ifndef EDGE_STORE_QUERY_H
#define EDGE_STORE_QUERY_H

#include "core/query.h"
#include "edge/store.h"

/* By source and id, after these two ("" and "": from the start); source_name NULL: of all. */
void store_list_orders(struct store *store, const char *source_name, const char *after_source_name,
                       const char *after_id, size_t limit, order_page_fn *on_page, void *arg);
void store_list_events(struct store *store, const struct event_query *query, event_page_fn *on_page,
                       void *arg);
void store_list_deliveries(struct store *store, const struct delivery_query *query,
                           delivery_page_fn *on_page, void *arg);
void store_explain_event(struct store *store, const char *event_id, event_story_fn *on_story,
                         void *arg);
/* Parked deliveries only: due again at once, their attempts counted anew. */
void store_retry_parked(struct store *store, const int64_t *ids, size_t count, int64_t now_wall_ms,
                        store_changed_fn *on_done, void *arg);
void store_drop(struct store *store, const struct drop_request *request, store_changed_fn *on_done,
                void *arg);
/* A copy of this moment or later, made in steps while the store goes on, beside the state file as
 * STATE.backup. It appears there when it is whole and synced, in place of an earlier one; detail is
 * then its path. STATUS_BUSY: another one is being made; STATUS_INVALID: there is no file. */
void store_backup(struct store *store, store_done_fn *on_done, void *arg);

struct query_port store_query_port(struct store *store);

#endif
