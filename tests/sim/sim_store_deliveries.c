#include "tests/sim/sim_store_request.h"

static void execute_fetch_due(struct request *request)
{
    request->deliveries =
        arena_array(request->arena, request->due_query.count_max, sizeof *request->deliveries);
    request->found_count = sim_store_due(request->port->store, &request->due_query, request->arena,
                                         request->deliveries, &request->next_due_wall_ms);
    request->newest_wall_ms = request->due_query.asks_newest
                                  ? sim_store_newest(request->port->store, &request->due_query)
                                  : INT64_MIN;
}

static void answer_due(struct request *request)
{
    struct due_result result = {.status = request->status,
                                .detail = request_detail(request),
                                .deliveries = request->deliveries,
                                .delivery_count = request->found_count,
                                .next_due_wall_ms = request->next_due_wall_ms,
                                .newest_wall_ms = request->newest_wall_ms};
    request->on.due(request->arg, &result);
}

void sim_port_fetch_due(void *self, const struct due_query *query, store_due_fn *on_done, void *arg)
{
    struct request *request = request_begin(self);
    int64_t *except = arena_array(request->arena, query->except_count, sizeof *except);
    for (size_t i = 0; i < query->except_count; i++) {
        except[i] = query->except[i];
    }
    request->due_query = *query;
    request->due_query.sink_name = sim_copy_text(request->arena, query->sink_name);
    request->due_query.except = except;
    request->on.due = on_done;
    request_ask(request, execute_fetch_due, answer_due, arg);
}

static void execute_settle(struct request *request)
{
    sim_store_settle(request->port->store, request->settlements, request->count);
}

void sim_port_settle(void *self, const struct settlement *settlements, size_t count,
                     store_done_fn *on_done, void *arg)
{
    struct request *request = request_begin(self);
    request->count = count;
    request->settlements = arena_array(request->arena, count, sizeof *request->settlements);
    for (size_t i = 0; i < count; i++) {
        request->settlements[i] = settlements[i];
        request->settlements[i].progress = sim_copy_text(request->arena, settlements[i].progress);
        request->settlements[i].detail = sim_copy_text(request->arena, settlements[i].detail);
        request->settlements[i].fallback_sink_name =
            sim_copy_text(request->arena, settlements[i].fallback_sink_name);
        if (settlements[i].rest != NULL) {
            struct planned_delivery *rest = arena_alloc(request->arena, sizeof *rest);
            *rest = sim_copy_plan(request->arena, settlements[i].rest);
            request->settlements[i].rest = rest;
        }
    }
    request_ask_write(request, execute_settle, on_done, arg);
}

static struct sink_counts *counts_of(struct request *request, const char *sink_name)
{
    for (size_t i = 0; i < request->found_count; i++) {
        if (text_equal(request->counts[i].sink_name, sink_name)) {
            return &request->counts[i];
        }
    }
    CHECK(request->found_count < request->count);
    request->counts[request->found_count].sink_name = sink_name;
    return &request->counts[request->found_count++];
}

static void execute_count_sinks(struct request *request)
{
    const struct sim_store *store = request->port->store;
    request->count = 16;
    request->counts = arena_array(request->arena, request->count, sizeof *request->counts);
    for (size_t i = 0; i < store->row_count; i++) {
        const struct sim_row *row = &store->rows[i];
        struct sink_counts *counts = counts_of(request, row->sink_name);
        counts->observed++;
        counts->delivered += row->state == ROW_DELIVERED;
        counts->parked += row->state == ROW_PARKED;
        counts->pending += row->state == ROW_PENDING;
        if (row->state == ROW_PENDING && counts->oldest_pending_wall_ms == 0) {
            counts->oldest_pending_wall_ms = row->created_wall_ms;
        }
        if (row->state == ROW_PENDING && (counts->waiting_since_wall_ms == 0 ||
                                          row->first_due_wall_ms < counts->waiting_since_wall_ms)) {
            counts->waiting_since_wall_ms = row->first_due_wall_ms;
        }
    }
}

static void answer_counts(struct request *request)
{
    request->on.counts(request->arg, request->status, request->counts, request->found_count);
}

void sim_port_count_sinks(void *self, store_counts_fn *on_done, void *arg)
{
    struct request *request = request_begin(self);
    request->on.counts = on_done;
    request_ask(request, execute_count_sinks, answer_counts, arg);
}
