#include "tests/sim/sim_store_request.h"

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
                                 .published = row->published,
                                 .is_whole = row->is_whole,
                                 .was_refused = row->is_refused};
    }
}

static void answer_states(struct request *request)
{
    request->on.states(request->arg, request->status, request->states, request->found_count);
}

void sim_port_fetch_stale(void *self, const char *sink_name, size_t count_max,
                          store_states_fn *on_done, void *arg)
{
    struct request *request = request_begin(self);
    request->sink_name = sim_copy_text(request->arena, sink_name);
    request->count = count_max;
    request->on.states = on_done;
    request_ask(request, execute_fetch_stale, answer_states, arg);
}

static void execute_settle_state(struct request *request)
{
    struct sim_store *store = request->port->store;
    struct sim_state_row *row =
        sim_store_state(store, request->sink_name, request->source_name, request->order_id);
    CHECK(row != NULL && request->version <= row->version);
    row->published = sim_copy_text(store->arena, request->published);
    if (request->version != 0) {
        row->settled_version = request->version;
        row->is_whole &= request->version != row->version;
        row->is_refused = request->is_refused;
    }
}

void sim_port_settle_state(void *self, const char *sink_name,
                           const struct state_settlement *settlement, store_done_fn *on_done,
                           void *arg)
{
    struct request *request = request_begin(self);
    request->sink_name = sim_copy_text(request->arena, sink_name);
    request->source_name = sim_copy_text(request->arena, settlement->source_name);
    request->order_id = sim_copy_text(request->arena, settlement->order_id);
    request->published = sim_copy_text(request->arena, settlement->published);
    request->version = settlement->version;
    request->is_refused = settlement->is_refused;
    request_ask_write(request, execute_settle_state, on_done, arg);
}

static void execute_refill(struct request *request)
{
    sim_store_refill(request->port->store, request->sink_name);
}

void sim_port_refill(void *self, const char *sink_name, store_done_fn *on_done, void *arg)
{
    struct request *request = request_begin(self);
    request->sink_name = sim_copy_text(request->arena, sink_name);
    request_ask_write(request, execute_refill, on_done, arg);
}

/* Rows are not in the order of their last try here: a world has few that are refused. */
static void execute_retry_states(struct request *request)
{
    size_t count = 0;
    for (struct sim_state_row *row = request->port->store->states;
         row != NULL && count < request->count; row = row->next) {
        if (text_equal(row->sink_name, request->sink_name) && row->is_refused &&
            row->version == row->settled_version) {
            row->version++;
            row->is_whole = true;
            count++;
        }
    }
}

void sim_port_retry_states(void *self, const char *sink_name, size_t count_max,
                           store_done_fn *on_done, void *arg)
{
    struct request *request = request_begin(self);
    request->sink_name = sim_copy_text(request->arena, sink_name);
    request->count = count_max;
    request_ask_write(request, execute_retry_states, on_done, arg);
}

bool sim_store_has_refused(const struct sim_store *store, const char *sink_name)
{
    for (const struct sim_state_row *row = store->states; row != NULL; row = row->next) {
        if (text_equal(row->sink_name, sink_name) && row->is_refused) {
            return true;
        }
    }
    return false;
}

bool sim_store_has_stale(const struct sim_store *store, const char *sink_name)
{
    for (const struct sim_state_row *row = store->states; row != NULL; row = row->next) {
        if (text_equal(row->sink_name, sink_name) && row->version != row->settled_version) {
            return true;
        }
    }
    return false;
}
