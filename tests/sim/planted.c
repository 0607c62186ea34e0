#include "tests/sim/planted.h"

#include "core/arena.h"
#include "tests/sim/sim_store.h"

#include <stdlib.h>
#include <string.h>

struct plant {
    enum plant_kind kind;
    struct sim_process *process;
    struct store_port store; /* the real one */
    struct plant_sink *sinks;
};

struct plant_sink {
    struct plant_sink *next;
    struct plant *plant;
    struct sink_port real;
    struct sink_ops ops;
};

static const char *const names[PLANT_KIND_COUNT] = {
    [PLANT_NONE] = "none",
    [PLANT_SNAPSHOT_FIRST] = "snapshot-first",
    [PLANT_NEW_ID] = "new-id",
    [PLANT_EARLY_DONE] = "early-done",
    [PLANT_LANE_IGNORED] = "lane-ignored",
    [PLANT_LATE_JOINS] = "late-joins",
    [PLANT_CLOCK_BACK_STRANDS] = "clock-back-strands",
    [PLANT_WINDOW_FORGOTTEN] = "window-forgotten",
    [PLANT_MAINTENANCE_UNKNOWN] = "maintenance-unknown",
    [PLANT_STATE_EARLY] = "state-early",
};

bool plant_parse(const char *name, enum plant_kind *out)
{
    for (size_t i = 0; i < PLANT_KIND_COUNT; i++) {
        if (strcmp(names[i], name) == 0) {
            *out = (enum plant_kind)i;
            return true;
        }
    }
    return false;
}

struct plant *plant_create(enum plant_kind kind, struct sim_process *process)
{
    struct plant *plant = alloc(sizeof *plant);
    plant->kind = kind;
    plant->process = process;
    return plant;
}

void plant_destroy(struct plant *plant)
{
    while (plant->sinks != NULL) {
        struct plant_sink *sink = plant->sinks;
        plant->sinks = sink->next;
        free(sink);
    }
    free(plant);
}

/* --- the bugs of the store's side ---------------------------------------------------------- */

/* NOLINTBEGIN(performance-no-int-to-ptr): copies of our own, in structures that call them const */

static void ignore_done(void *arg, enum status status, const char *detail)
{
    (void)arg;
    (void)status;
    (void)detail;
}

/* Made from the clock, as if there were nothing better. */
static void replace_id(const struct plant *plant, struct event *event)
{
    char digit = "0123456789abcdef"[(plant->process->sim->now.wall_ms / 1000) % 16];
    char *in_json = strstr((char *)(uintptr_t)event->json.data, event->id);
    CHECK(in_json != NULL);
    event->id[0] = digit;
    in_json[0] = digit;
}

static void spoil_event(const struct plant *plant, struct arena *arena, struct new_event *news)
{
    if (plant->kind == PLANT_NEW_ID) {
        replace_id(plant, &news->event);
    }
    for (size_t i = 0; plant->kind == PLANT_LANE_IGNORED && i < news->delivery_count; i++) {
        struct planned_delivery *plan = (struct planned_delivery *)(uintptr_t)&news->deliveries[i];
        plan->lane = arena_format(arena, "%s#%s", plan->lane, news->event.id);
    }
}

static struct staged_order *spoil_orders(const struct plant *plant, struct arena *arena,
                                         const struct staged_order *orders, size_t count)
{
    struct staged_order *spoilt = arena_array(arena, count, sizeof *spoilt);
    for (size_t i = 0; i < count; i++) {
        spoilt[i] = sim_copy_staged(arena, &orders[i]);
        for (size_t j = 0; j < spoilt[i].event_count; j++) {
            spoil_event(plant, arena, (struct new_event *)(uintptr_t)&spoilt[i].events[j]);
        }
    }
    return spoilt;
}

/* NOLINTEND(performance-no-int-to-ptr) */

/* The records alone go ahead; with their events they follow. */
static void commit_records(const struct plant *plant, const char *source_name,
                           struct staged_order *orders, size_t count)
{
    struct arena *arena = arena_create();
    struct staged_order *bare = arena_array(arena, count, sizeof *bare);
    for (size_t i = 0; i < count; i++) {
        bare[i] = orders[i];
        bare[i].event_count = 0;
        bare[i].order.sequence -= orders[i].event_count;
    }
    struct commit commit = {.orders = bare, .order_count = count, .source_name = source_name};
    plant->store.commit(plant->store.self, &commit, ignore_done, NULL);
    arena_destroy(arena);
}

static void plant_stage(void *self, const char *source_name, const struct staged_order *orders,
                        size_t count, store_done_fn *on_done, void *arg)
{
    const struct plant *plant = self;
    struct arena *arena = arena_create();
    struct staged_order *spoilt = spoil_orders(plant, arena, orders, count);
    if (plant->kind == PLANT_SNAPSHOT_FIRST) {
        commit_records(plant, source_name, spoilt, count);
    }
    plant->store.stage(plant->store.self, source_name, spoilt, count, on_done, arg);
    arena_destroy(arena);
}

static void plant_commit(void *self, const struct commit *commit, store_done_fn *on_done, void *arg)
{
    const struct plant *plant = self;
    struct arena *arena = arena_create();
    struct commit spoilt = *commit;
    spoilt.orders = spoil_orders(plant, arena, commit->orders, commit->order_count);
    spoilt.at_wall_ms = plant->kind == PLANT_LATE_JOINS ? INT64_MIN : commit->at_wall_ms;
    plant->store.commit(plant->store.self, &spoilt, on_done, arg);
    arena_destroy(arena);
}

/* --- everything else as it is -------------------------------------------------------------- */

static enum status plant_visit_orders(void *self, const char *source_name, store_index_fn *visit,
                                      void *arg, struct failure *why)
{
    const struct store_port *real = &((struct plant *)self)->store;
    return real->visit_orders(real->self, source_name, visit, arg, why);
}

struct value_visit {
    bool forgets_window;
    store_value_fn *visit;
    void *arg;
};

static void visit_value(void *arg, const struct stored_value *value)
{
    const struct value_visit *asked = arg;
    if (!asked->forgets_window || strncmp(value->key, "budget/", 7) != 0) {
        asked->visit(asked->arg, value);
    }
}

static enum status plant_visit_values(void *self, store_value_fn *visit, void *arg,
                                      struct failure *why)
{
    const struct plant *plant = self;
    struct value_visit asked = {plant->kind == PLANT_WINDOW_FORGOTTEN, visit, arg};
    return plant->store.visit_values(plant->store.self, visit_value, &asked, why);
}

static void plant_fetch_orders(void *self, const char *source_name, const char *const *ids,
                               size_t count, store_orders_fn *on_done, void *arg)
{
    const struct store_port *real = &((struct plant *)self)->store;
    real->fetch_orders(real->self, source_name, ids, count, on_done, arg);
}

static void plant_discard(void *self, const char *source_name, store_done_fn *on_done, void *arg)
{
    const struct store_port *real = &((struct plant *)self)->store;
    real->discard(real->self, source_name, on_done, arg);
}

static void plant_fetch_deadlines(void *self, const char *source_name, int64_t now_wall_ms,
                                  size_t count_max, store_deadlines_fn *on_done, void *arg)
{
    const struct store_port *real = &((struct plant *)self)->store;
    real->fetch_deadlines(real->self, source_name, now_wall_ms, count_max, on_done, arg);
}

static void plant_fetch_due(void *self, const struct due_query *query, store_due_fn *on_done,
                            void *arg)
{
    const struct plant *plant = self;
    struct due_query spoilt = *query;
    if (plant->kind == PLANT_CLOCK_BACK_STRANDS) {
        spoilt.horizon_wall_ms = INSTANT_NEVER;
    }
    plant->store.fetch_due(plant->store.self, &spoilt, on_done, arg);
}

static void plant_settle(void *self, const struct settlement *settlements, size_t count,
                         store_done_fn *on_done, void *arg)
{
    const struct store_port *real = &((struct plant *)self)->store;
    real->settle(real->self, settlements, count, on_done, arg);
}

static void plant_count_sinks(void *self, store_counts_fn *on_done, void *arg)
{
    const struct store_port *real = &((struct plant *)self)->store;
    real->count_sinks(real->self, on_done, arg);
}

static void plant_fetch_stale(void *self, const char *sink_name, size_t count_max,
                              store_states_fn *on_done, void *arg)
{
    const struct store_port *real = &((struct plant *)self)->store;
    real->fetch_stale(real->self, sink_name, count_max, on_done, arg);
}

static void plant_settle_state(void *self, const char *sink_name,
                               const struct state_settlement *settlement, store_done_fn *on_done,
                               void *arg)
{
    const struct store_port *real = &((struct plant *)self)->store;
    real->settle_state(real->self, sink_name, settlement, on_done, arg);
}

static void plant_refill(void *self, const char *sink_name, store_done_fn *on_done, void *arg)
{
    const struct store_port *real = &((struct plant *)self)->store;
    real->refill(real->self, sink_name, on_done, arg);
}

static void plant_retry_states(void *self, const char *sink_name, size_t count_max,
                               store_done_fn *on_done, void *arg)
{
    const struct store_port *real = &((struct plant *)self)->store;
    real->retry_states(real->self, sink_name, count_max, on_done, arg);
}

struct store_port plant_store(struct plant *plant, struct store_port real)
{
    if (plant->kind == PLANT_NONE || plant->kind == PLANT_EARLY_DONE) {
        return real;
    }
    plant->store = real;
    return (struct store_port){.self = plant,
                               .visit_orders = plant_visit_orders,
                               .visit_values = plant_visit_values,
                               .fetch_orders = plant_fetch_orders,
                               .stage = plant_stage,
                               .discard = plant_discard,
                               .commit = plant_commit,
                               .fetch_deadlines = plant_fetch_deadlines,
                               .fetch_due = plant_fetch_due,
                               .settle = plant_settle,
                               .count_sinks = plant_count_sinks,
                               .fetch_stale = plant_fetch_stale,
                               .settle_state = plant_settle_state,
                               .refill = plant_refill,
                               .retry_states = plant_retry_states};
}

/* --- a sink that is done too early --------------------------------------------------------- */

struct early {
    struct sim *sim;
    send_done_fn *on_done;
    void *arg;
};

static void on_early(void *self, bool is_alive)
{
    struct early *early = self;
    struct send_result result = {.at = early->sim->now,
                                 .outcome = is_alive ? SEND_ACCEPTED : SEND_OFFLINE,
                                 .detail = "handed over"};
    early->on_done(early->arg, &result);
    free(early);
}

static void ignore_sent(void *arg, const struct send_result *result)
{
    (void)arg;
    (void)result;
}

static void answer_early(const struct plant *plant, send_done_fn *on_done, void *arg)
{
    struct early *early = alloc(sizeof *early);
    early->sim = plant->process->sim;
    early->on_done = on_done;
    early->arg = arg;
    sim_spawn(early->sim, plant->process, 0, on_early, early);
}

static void plant_send(void *self, const struct delivery *delivery, send_done_fn *on_done,
                       void *arg)
{
    const struct plant_sink *sink = self;
    if (sink->plant->kind != PLANT_EARLY_DONE) {
        sink->real.ops->send(sink->real.self, delivery, on_done, arg);
        return;
    }
    sink->real.ops->send(sink->real.self, delivery, ignore_sent, NULL);
    answer_early(sink->plant, on_done, arg);
}

static void plant_publish(void *self, const struct retained *retained, send_done_fn *on_done,
                          void *arg)
{
    const struct plant_sink *sink = self;
    if (sink->plant->kind != PLANT_STATE_EARLY) {
        sink->real.ops->publish(sink->real.self, retained, on_done, arg);
        return;
    }
    sink->real.ops->publish(sink->real.self, retained, ignore_sent, NULL);
    answer_early(sink->plant, on_done, arg);
}

static void plant_listen(void *self, const struct sink_listener *listener)
{
    const struct plant_sink *sink = self;
    sink->real.ops->listen(sink->real.self, listener);
}

struct sink_port plant_sink(struct plant *plant, struct sink_port real)
{
    if (plant->kind != PLANT_EARLY_DONE && plant->kind != PLANT_STATE_EARLY) {
        return real;
    }
    struct plant_sink *sink = alloc(sizeof *sink);
    sink->plant = plant;
    sink->real = real;
    sink->ops = *real.ops;
    sink->ops.send = plant_send;
    sink->ops.publish = real.ops->publish != NULL ? plant_publish : NULL;
    sink->ops.listen = real.ops->listen != NULL ? plant_listen : NULL;
    sink->next = plant->sinks;
    plant->sinks = sink;
    return (struct sink_port){.self = sink, .ops = &sink->ops};
}
