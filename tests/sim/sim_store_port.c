#include "tests/sim/sim_store_request.h"

#include <stdlib.h>

#define ANSWER_MS_MAX 5

struct sim_store_port *sim_store_port_create(struct sim_store *store, struct sim_process *process)
{
    struct sim_store_port *port = alloc(sizeof *port);
    port->store = store;
    port->process = process;
    port->newest = &port->oldest;
    port->staged_arena = arena_create();
    return port;
}

void sim_store_port_destroy(struct sim_store_port *port)
{
    CHECK(port->oldest == NULL);
    arena_destroy(port->staged_arena);
    free(port);
}

/* --- the queue ----------------------------------------------------------------------------- */

static void drop_staged(struct sim_store_port *port, const char *source_name)
{
    struct sim_staged **place = &port->staged;
    while (*place != NULL) {
        if (text_equal((*place)->source_name, source_name)) {
            *place = (*place)->next;
        } else {
            place = &(*place)->next;
        }
    }
}

static enum status draw_status(struct sim_store *store, const struct request *request)
{
    if (request->is_write && sim_chance(store->sim, store->full_permille)) {
        return STATUS_FULL;
    }
    return sim_chance(store->sim, store->unavailable_permille) ? STATUS_UNAVAILABLE : STATUS_OK;
}

static void execute(struct request *request)
{
    struct sim_store_port *port = request->port;
    request->is_executed = true;
    request->status = draw_status(port->store, request);
    if (request->status == STATUS_OK) {
        request->execute(request);
    } else {
        sim_trace(port->store->sim, "the store fails: %s", status_name(request->status));
        if (request->source_name != NULL && request->is_write) {
            drop_staged(port, request->source_name);
        }
    }
}

static void on_request(void *self, bool is_alive)
{
    struct request *request = self;
    struct sim_store_port *port = request->port;
    CHECK(port->oldest == request);
    port->oldest = request->next;
    if (port->oldest == NULL) {
        port->newest = &port->oldest;
    }
    if (is_alive && !request->is_executed) {
        execute(request);
    }
    if (!is_alive) {
        request->status = STATUS_UNAVAILABLE;
    }
    request->answer(request);
    arena_destroy(request->arena);
    free(request);
}

struct request *request_begin(void *self)
{
    struct sim_store_port *port = self;
    struct request *request = alloc(sizeof *request);
    request->port = port;
    request->arena = arena_create();
    request->status = sim_call(port->process) ? STATUS_OK : STATUS_UNAVAILABLE;
    return request;
}

void request_ask(struct request *request, void (*execute_it)(struct request *request),
                 void (*answer)(struct request *request), void *arg)
{
    request->execute = execute_it;
    request->answer = answer;
    request->arg = arg;
    struct sim_store_port *port = request->port;
    struct sim *sim = port->store->sim;
    *port->newest = request;
    port->newest = &request->next;
    int64_t due = sim->now.mono_ms;
    if (!port->process->is_dead) {
        due += sim_between(sim, 0, ANSWER_MS_MAX);
    }
    due = due > port->answered_mono_ms ? due : port->answered_mono_ms;
    port->answered_mono_ms = due;
    sim_spawn(sim, port->process, due - sim->now.mono_ms, on_request, request);
}

void request_ask_write(struct request *request, void (*execute_it)(struct request *request),
                       store_done_fn *on_done, void *arg)
{
    request->is_write = true;
    request->on.done = on_done;
    request_ask(request, execute_it, request_answer_done, arg);
}

void sim_store_port_crash(struct sim_store_port *port)
{
    CHECK(port->process->is_dead);
    for (struct request *request = port->oldest; request != NULL; request = request->next) {
        if (request->status != STATUS_OK || sim_chance(port->store->sim, 400)) {
            return;
        }
        if (!request->is_executed) {
            execute(request);
        }
    }
}

const char *request_detail(const struct request *request)
{
    return request->status == STATUS_OK ? "" : "simulated";
}

void request_answer_done(struct request *request)
{
    request->on.done(request->arg, request->status, request_detail(request));
}

/* --- sources ------------------------------------------------------------------------------- */

static enum status visit_orders(void *self, const char *source_name, store_index_fn *visit,
                                void *arg, struct failure *why)
{
    struct sim_store_port *port = self;
    if (!sim_call(port->process)) {
        return fail(why, STATUS_UNAVAILABLE, "simulated");
    }
    for (const struct sim_order *order = port->store->orders; order != NULL; order = order->next) {
        if (text_equal(order->source_name, source_name)) {
            struct stored_order glance = order->order;
            glance.canonical = (struct span){0};
            glance.history = (struct span){0};
            visit(arg, &glance);
        }
    }
    return STATUS_OK;
}

static enum status visit_values(void *self, store_value_fn *visit, void *arg, struct failure *why)
{
    struct sim_store_port *port = self;
    if (!sim_call(port->process)) {
        return fail(why, STATUS_UNAVAILABLE, "simulated");
    }
    for (const struct sim_value *value = port->store->values; value != NULL; value = value->next) {
        struct stored_value given = {.key = value->key, .value = value->value};
        visit(arg, &given);
    }
    return STATUS_OK;
}

static void execute_fetch_orders(struct request *request)
{
    request->orders = arena_array(request->arena, request->count, sizeof *request->orders);
    for (size_t i = 0; i < request->count; i++) {
        const struct sim_order *order =
            sim_store_order(request->port->store, request->source_name, request->ids[i]);
        if (order != NULL) {
            request->orders[i] = order->order;
        }
    }
}

static void answer_orders(struct request *request)
{
    request->on.orders(request->arg, request->status, request->orders,
                       request->status == STATUS_OK ? request->count : 0);
}

static void fetch_orders(void *self, const char *source_name, const char *const *ids, size_t count,
                         store_orders_fn *on_done, void *arg)
{
    struct request *request = request_begin(self);
    request->source_name = sim_copy_text(request->arena, source_name);
    request->count = count;
    request->ids = arena_array(request->arena, count, sizeof *request->ids);
    for (size_t i = 0; i < count; i++) {
        request->ids[i] = sim_copy_text(request->arena, ids[i]);
    }
    request->on.orders = on_done;
    request_ask(request, execute_fetch_orders, answer_orders, arg);
}

static void show_staged(const struct sim_store *store, const struct staged_order *order)
{
    for (size_t i = 0; i < order->event_count && store->watch.on_staged != NULL; i++) {
        store->watch.on_staged(store->watch.arg, &order->events[i].event);
    }
}

static void execute_stage(struct request *request)
{
    struct sim_store_port *port = request->port;
    sim_trace(port->store->sim, "%zu orders are staged", request->count);
    for (size_t i = 0; i < request->count; i++) {
        struct sim_staged *staged = arena_alloc(port->staged_arena, sizeof *staged);
        staged->source_name = sim_copy_text(port->staged_arena, request->source_name);
        staged->order = sim_copy_staged(port->staged_arena, &request->staged[i]);
        staged->next = port->staged;
        port->staged = staged;
        show_staged(port->store, &staged->order);
    }
}

static void stage(void *self, const char *source_name, const struct staged_order *orders,
                  size_t count, store_done_fn *on_done, void *arg)
{
    struct request *request = request_begin(self);
    request->source_name = sim_copy_text(request->arena, source_name);
    request->count = count;
    request->staged = arena_array(request->arena, count, sizeof *request->staged);
    for (size_t i = 0; i < count; i++) {
        request->staged[i] = sim_copy_staged(request->arena, &orders[i]);
    }
    request_ask_write(request, execute_stage, on_done, arg);
}

static void execute_discard(struct request *request)
{
    sim_trace(request->port->store->sim, "what was staged is discarded");
    drop_staged(request->port, request->source_name);
}

static void discard(void *self, const char *source_name, store_done_fn *on_done, void *arg)
{
    struct request *request = request_begin(self);
    request->source_name = sim_copy_text(request->arena, source_name);
    request->on.done = on_done;
    request_ask(request, execute_discard, request_answer_done, arg);
}

static void execute_commit(struct request *request)
{
    struct sim_store_port *port = request->port;
    sim_store_apply(port->store, &request->commit, port->staged);
    if (request->source_name != NULL) {
        drop_staged(port, request->source_name);
    }
}

static void commit(void *self, const struct commit *asked, store_done_fn *on_done, void *arg)
{
    struct request *request = request_begin(self);
    struct arena *arena = request->arena;
    request->source_name = sim_copy_text(arena, asked->source_name);
    struct staged_order *orders = arena_array(arena, asked->order_count, sizeof *orders);
    for (size_t i = 0; i < asked->order_count; i++) {
        orders[i] = sim_copy_staged(arena, &asked->orders[i]);
    }
    struct stored_value *values = arena_array(arena, asked->value_count, sizeof *values);
    for (size_t i = 0; i < asked->value_count; i++) {
        values[i].key = sim_copy_text(arena, asked->values[i].key);
        values[i].value = sim_copy_span(arena, asked->values[i].value);
    }
    request->commit =
        (struct commit){.at_wall_ms = asked->at_wall_ms,
                        .source_name = request->source_name,
                        .orders = orders,
                        .order_count = asked->order_count,
                        .events = sim_copy_news(arena, asked->events, asked->event_count),
                        .event_count = asked->event_count,
                        .values = values,
                        .value_count = asked->value_count};
    request_ask_write(request, execute_commit, on_done, arg);
}

static void note_deadline(struct request *request, const struct sim_order *order,
                          const struct deadline *deadline)
{
    if (deadline->due_wall_ms <= request->now_wall_ms && request->found_count < request->count) {
        request->deadlines[request->found_count++] =
            (struct due_deadline){.order_id = order->order.id, .deadline = *deadline};
    } else if (deadline->due_wall_ms < request->next_due_wall_ms) {
        request->next_due_wall_ms = deadline->due_wall_ms;
    }
}

static void execute_fetch_deadlines(struct request *request)
{
    request->deadlines = arena_array(request->arena, request->count, sizeof *request->deadlines);
    for (const struct sim_order *order = request->port->store->orders; order != NULL;
         order = order->next) {
        if (!text_equal(order->source_name, request->source_name)) {
            continue;
        }
        for (size_t i = 0; i < order->deadline_count; i++) {
            note_deadline(request, order, &order->deadlines[i]);
        }
    }
}

static void answer_deadlines(struct request *request)
{
    request->on.deadlines(request->arg, request->status, request->deadlines, request->found_count,
                          request->next_due_wall_ms);
}

static void fetch_deadlines(void *self, const char *source_name, int64_t now_wall_ms,
                            size_t count_max, store_deadlines_fn *on_done, void *arg)
{
    struct request *request = request_begin(self);
    request->source_name = sim_copy_text(request->arena, source_name);
    request->now_wall_ms = now_wall_ms;
    request->next_due_wall_ms = INSTANT_NEVER;
    request->count = count_max;
    request->on.deadlines = on_done;
    request_ask(request, execute_fetch_deadlines, answer_deadlines, arg);
}

struct store_port sim_store_port(struct sim_store_port *port)
{
    return (struct store_port){.self = port,
                               .visit_orders = visit_orders,
                               .visit_values = visit_values,
                               .fetch_orders = fetch_orders,
                               .stage = stage,
                               .discard = discard,
                               .commit = commit,
                               .fetch_deadlines = fetch_deadlines,
                               .fetch_due = sim_port_fetch_due,
                               .settle = sim_port_settle,
                               .count_sinks = sim_port_count_sinks,
                               .fetch_stale = sim_port_fetch_stale,
                               .settle_state = sim_port_settle_state,
                               .refill = sim_port_refill,
                               .retry_states = sim_port_retry_states};
}
