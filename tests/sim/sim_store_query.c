#include "tests/sim/sim_store_request.h"

#include <string.h>

static bool is_after(const struct sim_order *order, const char *source_name, const char *id)
{
    int by_source = strcmp(order->source_name, source_name);
    return by_source > 0 || (by_source == 0 && strcmp(order->order.id, id) > 0);
}

/* The first order after this one, by source and id. */
static const struct sim_order *find_next(const struct sim_store *store, const char *source_name,
                                         const char *id)
{
    const struct sim_order *next = NULL;
    for (const struct sim_order *order = store->orders; order != NULL; order = order->next) {
        if (is_after(order, source_name, id) &&
            (next == NULL || !is_after(order, next->source_name, next->order.id))) {
            next = order;
        }
    }
    return next;
}

static void execute_list(struct request *request)
{
    const struct sim_store *store = request->port->store;
    request->orders = arena_array(request->arena, request->count, sizeof *request->orders);
    request->source_names =
        arena_array(request->arena, request->count, sizeof *request->source_names);
    const struct sim_order *order = find_next(store, request->source_name, request->order_id);
    while (order != NULL && request->found_count < request->count) {
        request->source_names[request->found_count] = order->source_name;
        request->orders[request->found_count++] = order->order;
        order = find_next(store, order->source_name, order->order.id);
    }
    request->has_more = order != NULL;
}

static void answer_list(struct request *request)
{
    const struct order_page page = {.status = request->status,
                                    .detail = request_detail(request),
                                    .source_names = request->source_names,
                                    .orders = request->orders,
                                    .count = request->found_count,
                                    .has_more = request->has_more};
    request->on.page(request->arg, &page);
}

static void list_orders(void *self, const struct order_query *query, order_page_fn *on_page,
                        void *arg)
{
    CHECK(query->source_name == NULL);
    struct request *request = request_begin(self);
    request->source_name = sim_copy_text(request->arena, query->after_source_name);
    request->order_id = sim_copy_text(request->arena, query->after_id);
    request->count = query->limit;
    request->on.page = on_page;
    request_ask(request, execute_list, answer_list, arg);
}

struct query_port sim_query_port(struct sim_store_port *port)
{
    return (struct query_port){.self = port, .list_orders = list_orders};
}
