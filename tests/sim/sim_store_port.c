#include "tests/sim/sim_store.h"

#include "core/arena.h"

#include <stdlib.h>

#define ANSWER_MS_MAX 5

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
    } on;

    /* What was asked, copied. */
    const char *source_name, *sink_name, *order_id, *published;
    const char **ids;
    struct staged_order *staged;
    struct commit commit;
    struct due_query due_query;
    struct settlement *settlements;
    uint64_t version;
    int64_t now_wall_ms;
    size_t count;

    /* What was found. */
    struct stored_order *orders;
    struct due_deadline *deadlines;
    struct delivery *deliveries;
    struct sink_counts *counts;
    struct stale_state *states;
    size_t found_count;
    int64_t next_due_wall_ms;
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
    } else if (request->source_name != NULL && request->is_write) {
        sim_trace(port->store->sim, "store fails: %s", status_name(request->status));
        drop_staged(port, request->source_name);
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

static struct request *begin(void *self)
{
    struct sim_store_port *port = self;
    struct request *request = alloc(sizeof *request);
    request->port = port;
    request->arena = arena_create();
    request->status = sim_call(port->process) ? STATUS_OK : STATUS_UNAVAILABLE;
    return request;
}

static void enqueue(struct request *request)
{
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

static const char *detail_of(const struct request *request)
{
    return request->status == STATUS_OK ? "" : "simulated";
}

static void answer_done(struct request *request)
{
    request->on.done(request->arg, request->status, detail_of(request));
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
    struct request *request = begin(self);
    request->source_name = sim_copy_text(request->arena, source_name);
    request->count = count;
    request->ids = arena_array(request->arena, count, sizeof *request->ids);
    for (size_t i = 0; i < count; i++) {
        request->ids[i] = sim_copy_text(request->arena, ids[i]);
    }
    request->execute = execute_fetch_orders;
    request->answer = answer_orders;
    request->on.orders = on_done;
    request->arg = arg;
    enqueue(request);
}

static void execute_stage(struct request *request)
{
    struct sim_store_port *port = request->port;
    for (size_t i = 0; i < request->count; i++) {
        struct sim_staged *staged = arena_alloc(port->staged_arena, sizeof *staged);
        staged->source_name = sim_copy_text(port->staged_arena, request->source_name);
        staged->order = sim_copy_staged(port->staged_arena, &request->staged[i]);
        staged->next = port->staged;
        port->staged = staged;
    }
}

static void stage(void *self, const char *source_name, const struct staged_order *orders,
                  size_t count, store_done_fn *on_done, void *arg)
{
    struct request *request = begin(self);
    request->source_name = sim_copy_text(request->arena, source_name);
    request->count = count;
    request->staged = arena_array(request->arena, count, sizeof *request->staged);
    for (size_t i = 0; i < count; i++) {
        request->staged[i] = sim_copy_staged(request->arena, &orders[i]);
    }
    request->is_write = true;
    request->execute = execute_stage;
    request->answer = answer_done;
    request->on.done = on_done;
    request->arg = arg;
    enqueue(request);
}

static void execute_discard(struct request *request)
{
    drop_staged(request->port, request->source_name);
}

static void discard(void *self, const char *source_name, store_done_fn *on_done, void *arg)
{
    struct request *request = begin(self);
    request->source_name = sim_copy_text(request->arena, source_name);
    request->execute = execute_discard;
    request->answer = answer_done;
    request->on.done = on_done;
    request->arg = arg;
    enqueue(request);
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
    struct request *request = begin(self);
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
        (struct commit){.source_name = request->source_name,
                        .orders = orders,
                        .order_count = asked->order_count,
                        .events = sim_copy_news(arena, asked->events, asked->event_count),
                        .event_count = asked->event_count,
                        .values = values,
                        .value_count = asked->value_count};
    request->is_write = true;
    request->execute = execute_commit;
    request->answer = answer_done;
    request->on.done = on_done;
    request->arg = arg;
    enqueue(request);
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
    struct request *request = begin(self);
    request->source_name = sim_copy_text(request->arena, source_name);
    request->now_wall_ms = now_wall_ms;
    request->next_due_wall_ms = INSTANT_NEVER;
    request->count = count_max;
    request->execute = execute_fetch_deadlines;
    request->answer = answer_deadlines;
    request->on.deadlines = on_done;
    request->arg = arg;
    enqueue(request);
}

/* --- deliveries ---------------------------------------------------------------------------- */

static void execute_fetch_due(struct request *request)
{
    request->deliveries =
        arena_array(request->arena, request->due_query.count_max, sizeof *request->deliveries);
    request->found_count = sim_store_due(request->port->store, &request->due_query, request->arena,
                                         request->deliveries, &request->next_due_wall_ms);
}

static void answer_due(struct request *request)
{
    struct due_result result = {.status = request->status,
                                .detail = detail_of(request),
                                .deliveries = request->deliveries,
                                .delivery_count = request->found_count,
                                .next_due_wall_ms = request->next_due_wall_ms};
    request->on.due(request->arg, &result);
}

static void fetch_due(void *self, const struct due_query *query, store_due_fn *on_done, void *arg)
{
    struct request *request = begin(self);
    int64_t *except = arena_array(request->arena, query->except_count, sizeof *except);
    for (size_t i = 0; i < query->except_count; i++) {
        except[i] = query->except[i];
    }
    request->due_query = *query;
    request->due_query.sink_name = sim_copy_text(request->arena, query->sink_name);
    request->due_query.except = except;
    request->execute = execute_fetch_due;
    request->answer = answer_due;
    request->on.due = on_done;
    request->arg = arg;
    enqueue(request);
}

static void execute_settle(struct request *request)
{
    sim_store_settle(request->port->store, request->settlements, request->count);
}

static void settle(void *self, const struct settlement *settlements, size_t count,
                   store_done_fn *on_done, void *arg)
{
    struct request *request = begin(self);
    request->count = count;
    request->settlements = arena_array(request->arena, count, sizeof *request->settlements);
    for (size_t i = 0; i < count; i++) {
        request->settlements[i] = settlements[i];
        request->settlements[i].progress = sim_copy_text(request->arena, settlements[i].progress);
        request->settlements[i].detail = sim_copy_text(request->arena, settlements[i].detail);
        request->settlements[i].fallback_sink_name =
            sim_copy_text(request->arena, settlements[i].fallback_sink_name);
    }
    request->is_write = true;
    request->execute = execute_settle;
    request->answer = answer_done;
    request->on.done = on_done;
    request->arg = arg;
    enqueue(request);
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
    }
}

static void answer_counts(struct request *request)
{
    request->on.counts(request->arg, request->status, request->counts, request->found_count);
}

static void count_sinks(void *self, store_counts_fn *on_done, void *arg)
{
    struct request *request = begin(self);
    request->execute = execute_count_sinks;
    request->answer = answer_counts;
    request->on.counts = on_done;
    request->arg = arg;
    enqueue(request);
}

/* --- retained state ------------------------------------------------------------------------ */

static void execute_fetch_stale(struct request *request)
{
    const struct sim_store *store = request->port->store;
    request->states = arena_array(request->arena, request->count, sizeof *request->states);
    for (const struct sim_state_row *row = store->states;
         row != NULL && request->found_count < request->count; row = row->next) {
        if (!text_equal(row->sink_name, request->sink_name) ||
            row->version == row->settled_version) {
            continue;
        }
        const struct sim_order *order = sim_store_order(store, row->source_name, row->order_id);
        CHECK(order != NULL);
        request->states[request->found_count++] =
            (struct stale_state){.source_name = row->source_name,
                                 .order_id = row->order_id,
                                 .version = row->version,
                                 .has_left = order->order.has_left,
                                 .canonical = order->order.canonical,
                                 .published = row->published};
    }
}

static void answer_states(struct request *request)
{
    request->on.states(request->arg, request->status, request->states, request->found_count);
}

static void fetch_stale(void *self, const char *sink_name, size_t count_max,
                        store_states_fn *on_done, void *arg)
{
    struct request *request = begin(self);
    request->sink_name = sim_copy_text(request->arena, sink_name);
    request->count = count_max;
    request->execute = execute_fetch_stale;
    request->answer = answer_states;
    request->on.states = on_done;
    request->arg = arg;
    enqueue(request);
}

static void execute_settle_state(struct request *request)
{
    struct sim_store *store = request->port->store;
    struct sim_state_row *row =
        sim_store_state(store, request->sink_name, request->source_name, request->order_id);
    CHECK(row != NULL && request->version <= row->version);
    row->settled_version = request->version != 0 ? request->version : row->settled_version;
    row->published = sim_copy_text(store->arena, request->published);
}

static void settle_state(void *self, const char *sink_name, const char *source_name,
                         const char *order_id, uint64_t version, const char *published,
                         store_done_fn *on_done, void *arg)
{
    struct request *request = begin(self);
    request->sink_name = sim_copy_text(request->arena, sink_name);
    request->source_name = sim_copy_text(request->arena, source_name);
    request->order_id = sim_copy_text(request->arena, order_id);
    request->published = sim_copy_text(request->arena, published);
    request->version = version;
    request->execute = execute_settle_state;
    request->answer = answer_done;
    request->on.done = on_done;
    request->arg = arg;
    enqueue(request);
}

static void execute_refill(struct request *request)
{
    sim_store_refill(request->port->store, request->sink_name);
}

static void refill(void *self, const char *sink_name, store_done_fn *on_done, void *arg)
{
    struct request *request = begin(self);
    request->sink_name = sim_copy_text(request->arena, sink_name);
    request->execute = execute_refill;
    request->answer = answer_done;
    request->on.done = on_done;
    request->arg = arg;
    enqueue(request);
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
                               .fetch_due = fetch_due,
                               .settle = settle,
                               .count_sinks = count_sinks,
                               .fetch_stale = fetch_stale,
                               .settle_state = settle_state,
                               .refill = refill};
}
