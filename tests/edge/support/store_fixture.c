#include "store_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void fixture_note(struct fixture *fixture, enum status status, const char *detail)
{
    fixture->told_count++;
    fixture->status = status;
    fixture->why.status = status;
    (void)snprintf(fixture->why.detail, sizeof fixture->why.detail, "%s", detail);
}

static void fixture_on_done(void *arg, enum status status, const char *detail)
{
    fixture_note(arg, status, detail);
}

static void fixture_on_closed(void *arg)
{
    ((struct fixture *)arg)->store = NULL;
}

enum status fixture_open(struct fixture *fixture)
{
    struct store_options options = {
        .uv = &fixture->loop,
        .path = fixture->path,
        .state_sinks = fixture->state_sinks,
        .state_sink_count = fixture->state_sink_count,
    };
    enum status status = store_open(&options, &fixture->store, &fixture->why);
    if (status == STATUS_OK) {
        fixture->port = store_port(fixture->store);
    }
    return status;
}

void fixture_close(struct fixture *fixture)
{
    store_close(fixture->store, fixture_on_closed, fixture);
    assert_non_null(fixture->store); /* never before the call has returned */
    assert_int_equal(uv_run(&fixture->loop, UV_RUN_DEFAULT), 0);
    assert_null(fixture->store);
}

void fixture_reopen(struct fixture *fixture)
{
    fixture_close(fixture);
    assert_int_equal(fixture_open(fixture), STATUS_OK);
}

struct fixture *fixture_create(void)
{
    struct fixture *fixture = alloc(sizeof *fixture);
    fixture->arena = arena_create();
    (void)snprintf(fixture->folder, sizeof fixture->folder, "/tmp/store-test-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    (void)snprintf(fixture->path, sizeof fixture->path, "%s/state.db", fixture->folder);
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    return fixture;
}

static void fixture_remove_files(const struct fixture *fixture)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-journal", ".lock", ".reserve"};
    for (size_t i = 0; i < ARRAY_COUNT(endings); i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s%s", fixture->path, endings[i]);
        (void)unlink(path);
    }
    (void)rmdir(fixture->folder);
}

void fixture_destroy(struct fixture *fixture)
{
    if (fixture->store != NULL) {
        fixture_close(fixture);
    }
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    arena_destroy(fixture->arena);
    fixture_remove_files(fixture);
    free(fixture);
}

int fixture_setup(void **state)
{
    struct fixture *fixture = fixture_create();
    assert_int_equal(fixture_open(fixture), STATUS_OK);
    *state = fixture;
    return 0;
}

int fixture_teardown(void **state)
{
    fixture_destroy(*state);
    return 0;
}

/* Runs the loop until one more answer has come than before the question. */
enum status fixture_wait(struct fixture *fixture, size_t told_before)
{
    assert_int_equal(fixture->told_count, told_before); /* never before the call has returned */
    while (fixture->told_count == told_before) {
        (void)uv_run(&fixture->loop, UV_RUN_ONCE);
    }
    assert_int_equal(fixture->told_count, told_before + 1);
    return fixture->status;
}

static struct span fixture_copy(struct fixture *fixture, struct span bytes)
{
    return (struct span){arena_text(fixture->arena, bytes), bytes.size};
}

static const char *fixture_text(struct fixture *fixture, const char *text)
{
    return text != NULL ? arena_text(fixture->arena, span_of(text)) : NULL;
}

static void fixture_on_orders(void *arg, enum status status, const struct stored_order *orders,
                              size_t count)
{
    struct fixture *fixture = arg;
    struct stored_order *copies = arena_array(fixture->arena, count, sizeof *copies);
    for (size_t i = 0; i < count; i++) {
        copies[i] = orders[i];
        copies[i].id = fixture_text(fixture, orders[i].id);
        copies[i].canonical = fixture_copy(fixture, orders[i].canonical);
        copies[i].history = fixture_copy(fixture, orders[i].history);
    }
    fixture->orders = copies;
    fixture->count = count;
    fixture_note(fixture, status, "");
}

static void fixture_on_deadlines(void *arg, enum status status,
                                 const struct due_deadline *deadlines, size_t count,
                                 int64_t next_due_wall_ms)
{
    struct fixture *fixture = arg;
    struct due_deadline *copies = arena_array(fixture->arena, count, sizeof *copies);
    for (size_t i = 0; i < count; i++) {
        copies[i] = deadlines[i];
        copies[i].order_id = fixture_text(fixture, deadlines[i].order_id);
        copies[i].deadline.key = fixture_text(fixture, deadlines[i].deadline.key);
    }
    fixture->deadlines = copies;
    fixture->count = count;
    fixture->next_due_wall_ms = next_due_wall_ms;
    fixture_note(fixture, status, "");
}

static struct delivery fixture_copy_delivery(struct fixture *fixture,
                                             const struct delivery *delivery)
{
    struct delivery copy = *delivery;
    copy.sink_name = fixture_text(fixture, delivery->sink_name);
    copy.lane = fixture_text(fixture, delivery->lane);
    copy.bundle = fixture_text(fixture, delivery->bundle);
    copy.progress = fixture_text(fixture, delivery->progress);
    struct event *events = arena_array(fixture->arena, delivery->event_count, sizeof *events);
    for (size_t i = 0; i < delivery->event_count; i++) {
        events[i] = delivery->events[i];
        events[i].source_name = fixture_text(fixture, events[i].source_name);
        events[i].order_id = fixture_text(fixture, events[i].order_id);
        events[i].appointment_id = fixture_text(fixture, events[i].appointment_id);
        events[i].json = fixture_copy(fixture, events[i].json);
        events[i].personal = fixture_copy(fixture, events[i].personal);
    }
    copy.events = events;
    return copy;
}

static void fixture_on_due(void *arg, const struct due_result *result)
{
    struct fixture *fixture = arg;
    struct delivery *copies = arena_array(fixture->arena, result->delivery_count, sizeof *copies);
    for (size_t i = 0; i < result->delivery_count; i++) {
        copies[i] = fixture_copy_delivery(fixture, &result->deliveries[i]);
    }
    fixture->deliveries = copies;
    fixture->count = result->delivery_count;
    fixture->next_due_wall_ms = result->next_due_wall_ms;
    fixture->newest_wall_ms = result->newest_wall_ms;
    fixture_note(fixture, result->status, result->detail);
}

static void fixture_on_counts(void *arg, enum status status, const struct sink_counts *counts,
                              size_t count)
{
    struct fixture *fixture = arg;
    struct sink_counts *copies = arena_array(fixture->arena, count, sizeof *copies);
    for (size_t i = 0; i < count; i++) {
        copies[i] = counts[i];
        copies[i].sink_name = fixture_text(fixture, counts[i].sink_name);
    }
    fixture->counts = copies;
    fixture->count = count;
    fixture_note(fixture, status, "");
}

static void fixture_on_states(void *arg, enum status status, const struct stale_state *states,
                              size_t count)
{
    struct fixture *fixture = arg;
    struct stale_state *copies = arena_array(fixture->arena, count, sizeof *copies);
    for (size_t i = 0; i < count; i++) {
        copies[i] = states[i];
        copies[i].source_name = fixture_text(fixture, states[i].source_name);
        copies[i].order_id = fixture_text(fixture, states[i].order_id);
        copies[i].published = fixture_text(fixture, states[i].published);
        copies[i].canonical = fixture_copy(fixture, states[i].canonical);
    }
    fixture->states = copies;
    fixture->count = count;
    fixture_note(fixture, status, "");
}

enum status fixture_commit(struct fixture *fixture, const struct commit *commit)
{
    size_t told = fixture->told_count;
    fixture->port.commit(fixture->port.self, commit, fixture_on_done, fixture);
    return fixture_wait(fixture, told);
}

enum status fixture_stage(struct fixture *fixture, const char *source_name,
                          const struct staged_order *orders, size_t count)
{
    size_t told = fixture->told_count;
    fixture->port.stage(fixture->port.self, source_name, orders, count, fixture_on_done, fixture);
    return fixture_wait(fixture, told);
}

enum status fixture_fetch_due(struct fixture *fixture, const struct due_query *query)
{
    size_t told = fixture->told_count;
    fixture->port.fetch_due(fixture->port.self, query, fixture_on_due, fixture);
    return fixture_wait(fixture, told);
}

enum status fixture_settle(struct fixture *fixture, const struct settlement *settlements,
                           size_t count)
{
    size_t told = fixture->told_count;
    fixture->port.settle(fixture->port.self, settlements, count, fixture_on_done, fixture);
    return fixture_wait(fixture, told);
}

/* All zero if the sink is not known. */
struct sink_counts fixture_counts(struct fixture *fixture, const char *sink_name)
{
    size_t told = fixture->told_count;
    fixture->port.count_sinks(fixture->port.self, fixture_on_counts, fixture);
    assert_int_equal(fixture_wait(fixture, told), STATUS_OK);
    for (size_t i = 0; i < fixture->count; i++) {
        if (strcmp(fixture->counts[i].sink_name, sink_name) == 0) {
            return fixture->counts[i];
        }
    }
    return (struct sink_counts){.sink_name = NULL};
}

const struct stored_order *fixture_fetch_order(struct fixture *fixture, const char *source_name,
                                               const char *id)
{
    size_t told = fixture->told_count;
    fixture->port.fetch_orders(fixture->port.self, source_name, &id, 1, fixture_on_orders, fixture);
    assert_int_equal(fixture_wait(fixture, told), STATUS_OK);
    assert_int_equal(fixture->count, 1);
    return &fixture->orders[0];
}

/* An event with an id made from number. */
struct event fixture_event(const char *source_name, const char *order_id, uint64_t number,
                           enum severity severity)
{
    struct event event = {
        .type = EVENT_ORDER_STATUS_CHANGED,
        .severity = severity,
        .source_name = source_name,
        .order_id = order_id,
        .appointment_id = "",
        .sequence = number,
        .wall_ms = 1000 + (int64_t)number,
        .sweep = 7,
        .json = span_of("{\"data\":{}}"),
        .personal = span_of(""),
    };
    (void)snprintf(event.id, sizeof event.id, "%032llx", (unsigned long long)number);
    return event;
}

enum status fixture_fetch_states(struct fixture *fixture, const char *sink_name, size_t count_max)
{
    size_t told = fixture->told_count;
    fixture->port.fetch_stale(fixture->port.self, sink_name, count_max, fixture_on_states, fixture);
    return fixture_wait(fixture, told);
}

static enum status settle_state(struct fixture *fixture, const struct stale_state *state,
                                const char *published, bool is_refused)
{
    size_t told = fixture->told_count;
    struct state_settlement settlement = {.source_name = state->source_name,
                                          .order_id = state->order_id,
                                          .version = state->version,
                                          .published = published,
                                          .is_refused = is_refused};
    fixture->port.settle_state(fixture->port.self, FIXTURE_SINK, &settlement, fixture_on_done,
                               fixture);
    return fixture_wait(fixture, told);
}

enum status fixture_settle_state(struct fixture *fixture, const struct stale_state *state,
                                 const char *published)
{
    return settle_state(fixture, state, published, false);
}

enum status fixture_settle_refused(struct fixture *fixture, const struct stale_state *state)
{
    return settle_state(fixture, state, state->published, true);
}

enum status fixture_retry_states(struct fixture *fixture, size_t count_max)
{
    size_t told = fixture->told_count;
    fixture->port.retry_states(fixture->port.self, FIXTURE_SINK, count_max, fixture_on_done,
                               fixture);
    return fixture_wait(fixture, told);
}

enum status fixture_refill(struct fixture *fixture, const char *sink_name)
{
    size_t told = fixture->told_count;
    fixture->port.refill(fixture->port.self, sink_name, fixture_on_done, fixture);
    return fixture_wait(fixture, told);
}

enum status fixture_discard(struct fixture *fixture, const char *source_name)
{
    size_t told = fixture->told_count;
    fixture->port.discard(fixture->port.self, source_name, fixture_on_done, fixture);
    return fixture_wait(fixture, told);
}

enum status fixture_fetch_orders(struct fixture *fixture, const char *const *ids, size_t count)
{
    size_t told = fixture->told_count;
    fixture->port.fetch_orders(fixture->port.self, FIXTURE_SOURCE, ids, count, fixture_on_orders,
                               fixture);
    return fixture_wait(fixture, told);
}

enum status fixture_fetch_deadlines(struct fixture *fixture, int64_t now_wall_ms, size_t count_max)
{
    size_t told = fixture->told_count;
    fixture->port.fetch_deadlines(fixture->port.self, FIXTURE_SOURCE, now_wall_ms, count_max,
                                  fixture_on_deadlines, fixture);
    return fixture_wait(fixture, told);
}

struct staged_order fixture_order(const char *id, const char *canonical)
{
    return (struct staged_order){.order = {.id = id,
                                           .raw_fingerprint = UINT64_MAX - 1,
                                           .sequence = 3,
                                           .canonical = span_of(canonical),
                                           .history = span_of("history")}};
}

void fixture_commit_orders(struct fixture *fixture, const struct staged_order *orders, size_t count)
{
    struct commit commit = {.source_name = FIXTURE_SOURCE, .orders = orders, .order_count = count};
    assert_int_equal(fixture_commit(fixture, &commit), STATUS_OK);
}

void fixture_plan_event(struct fixture *fixture, uint64_t number, enum severity severity,
                        const struct planned_delivery *planned)
{
    struct new_event event = {
        .event = fixture_event(FIXTURE_SOURCE, "1", number, severity),
        .deliveries = planned,
        .delivery_count = 1,
    };
    struct commit commit = {.events = &event, .event_count = 1};
    assert_int_equal(fixture_commit(fixture, &commit), STATUS_OK);
}

void fixture_plan(struct fixture *fixture, uint64_t number, const char *lane, const char *bundle,
                  int64_t due_wall_ms)
{
    struct planned_delivery planned = {
        .sink_name = FIXTURE_SINK, .lane = lane, .bundle = bundle, .due_wall_ms = due_wall_ms};
    fixture_plan_event(fixture, number, SEVERITY_INFO, &planned);
}

struct due_query fixture_query(int64_t now_wall_ms)
{
    return (struct due_query){.sink_name = FIXTURE_SINK,
                              .now_wall_ms = now_wall_ms,
                              .horizon_wall_ms = now_wall_ms + 3600000,
                              .untried_lanes = "",
                              .count_max = 20,
                              .bytes_max = 1 << 20};
}

void fixture_fetch(struct fixture *fixture, int64_t now_wall_ms)
{
    struct due_query query = fixture_query(now_wall_ms);
    assert_int_equal(fixture_fetch_due(fixture, &query), STATUS_OK);
}

void fixture_end(struct fixture *fixture, const struct delivery *delivery, enum settle_kind kind,
                 int64_t due_wall_ms)
{
    struct settlement settlement = {.delivery_id = delivery->id,
                                    .last_id = delivery->last_id,
                                    .kind = kind,
                                    .at_wall_ms = FIXTURE_NOW,
                                    .due_wall_ms = due_wall_ms,
                                    .counts_attempt = true,
                                    .detail = "451 busy"};
    assert_int_equal(fixture_settle(fixture, &settlement, 1), STATUS_OK);
}
