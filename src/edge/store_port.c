#include "edge/store_query.h"

static void list_orders(void *self, const struct order_query *query, order_page_fn *on_page,
                        void *arg)
{
    store_list_orders(self, query->source_name, query->after_source_name, query->after_id,
                      query->limit, on_page, arg);
}

static void list_events(void *self, const struct event_query *query, event_page_fn *on_page,
                        void *arg)
{
    store_list_events(self, query, on_page, arg);
}

static void list_deliveries(void *self, const struct delivery_query *query,
                            delivery_page_fn *on_page, void *arg)
{
    store_list_deliveries(self, query, on_page, arg);
}

static void explain_event(void *self, const char *event_id, event_story_fn *on_story, void *arg)
{
    store_explain_event(self, event_id, on_story, arg);
}

static void retry_parked(void *self, const int64_t *ids, size_t count, int64_t now_wall_ms,
                         store_changed_fn *on_done, void *arg)
{
    store_retry_parked(self, ids, count, now_wall_ms, on_done, arg);
}

static void drop(void *self, const struct drop_request *request, store_changed_fn *on_done,
                 void *arg)
{
    store_drop(self, request, on_done, arg);
}

static void backup(void *self, store_done_fn *on_done, void *arg)
{
    store_backup(self, on_done, arg);
}

struct query_port store_query_port(struct store *store)
{
    return (struct query_port){
        .self = store,
        .list_orders = list_orders,
        .list_events = list_events,
        .list_deliveries = list_deliveries,
        .explain_event = explain_event,
        .retry_parked = retry_parked,
        .drop = drop,
        .backup = backup,
    };
}
