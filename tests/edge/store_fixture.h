/* A store on a folder of its own, asked and waited for; answers are copied. For the store tests. */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include "core/arena.h"
#include "core/log.h"
#include "core/text.h"
#include "edge/store.h"

#include <uv.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* The log of these tests: a store that stops says so, and nobody needs to read it here. */
void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
    (void)level;
    (void)event;
    (void)fields;
}

struct fixture {
    uv_loop_t loop;
    struct store *store;
    struct store_port port;
    struct arena *arena; /* of the answers */
    char folder[64], path[96];
    const struct state_sink *state_sinks;
    size_t state_sink_count;

    size_t told_count; /* answers that came */
    enum status status;
    struct failure why; /* of open; and the detail of the latest answer */
    const struct stored_order *orders;
    const struct due_deadline *deadlines;
    const struct delivery *deliveries;
    const struct sink_counts *counts;
    const struct stale_state *states;
    size_t count; /* of the latest list */
    int64_t next_due_wall_ms;
};

static inline void fixture_note(struct fixture *fixture, enum status status, const char *detail)
{
    fixture->told_count++;
    fixture->status = status;
    fixture->why.status = status;
    (void)snprintf(fixture->why.detail, sizeof fixture->why.detail, "%s", detail);
}

static inline void fixture_on_done(void *arg, enum status status, const char *detail)
{
    fixture_note(arg, status, detail);
}

static inline void fixture_on_closed(void *arg)
{
    ((struct fixture *)arg)->store = NULL;
}

static inline enum status fixture_open(struct fixture *fixture)
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

static inline void fixture_close(struct fixture *fixture)
{
    store_close(fixture->store, fixture_on_closed, fixture);
    assert_non_null(fixture->store); /* never before the call has returned */
    assert_int_equal(uv_run(&fixture->loop, UV_RUN_DEFAULT), 0);
    assert_null(fixture->store);
}

static inline void fixture_reopen(struct fixture *fixture)
{
    fixture_close(fixture);
    assert_int_equal(fixture_open(fixture), STATUS_OK);
}

static inline struct fixture *fixture_create(void)
{
    struct fixture *fixture = alloc(sizeof *fixture);
    fixture->arena = arena_create();
    (void)snprintf(fixture->folder, sizeof fixture->folder, "/tmp/store-test-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    (void)snprintf(fixture->path, sizeof fixture->path, "%s/state.db", fixture->folder);
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    return fixture;
}

static inline void fixture_remove_files(const struct fixture *fixture)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-journal", ".lock", ".reserve"};
    for (size_t i = 0; i < ARRAY_COUNT(endings); i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s%s", fixture->path, endings[i]);
        (void)unlink(path);
    }
    (void)rmdir(fixture->folder);
}

static inline void fixture_destroy(struct fixture *fixture)
{
    if (fixture->store != NULL) {
        fixture_close(fixture);
    }
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    arena_destroy(fixture->arena);
    fixture_remove_files(fixture);
    free(fixture);
}

static inline int fixture_setup(void **state)
{
    struct fixture *fixture = fixture_create();
    assert_int_equal(fixture_open(fixture), STATUS_OK);
    *state = fixture;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    fixture_destroy(*state);
    return 0;
}

/* Runs the loop until one more answer has come than before the question. */
static inline enum status fixture_wait(struct fixture *fixture, size_t told_before)
{
    assert_int_equal(fixture->told_count, told_before); /* never before the call has returned */
    while (fixture->told_count == told_before) {
        (void)uv_run(&fixture->loop, UV_RUN_ONCE);
    }
    assert_int_equal(fixture->told_count, told_before + 1);
    return fixture->status;
}

static inline struct span fixture_copy(struct fixture *fixture, struct span bytes)
{
    return (struct span){arena_text(fixture->arena, bytes), bytes.size};
}

static inline const char *fixture_text(struct fixture *fixture, const char *text)
{
    return text != NULL ? arena_text(fixture->arena, span_of(text)) : NULL;
}

static inline void fixture_on_orders(void *arg, enum status status,
                                     const struct stored_order *orders, size_t count)
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

static inline void fixture_on_deadlines(void *arg, enum status status,
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

static inline struct delivery fixture_copy_delivery(struct fixture *fixture,
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

static inline void fixture_on_due(void *arg, const struct due_result *result)
{
    struct fixture *fixture = arg;
    struct delivery *copies = arena_array(fixture->arena, result->delivery_count, sizeof *copies);
    for (size_t i = 0; i < result->delivery_count; i++) {
        copies[i] = fixture_copy_delivery(fixture, &result->deliveries[i]);
    }
    fixture->deliveries = copies;
    fixture->count = result->delivery_count;
    fixture->next_due_wall_ms = result->next_due_wall_ms;
    fixture_note(fixture, result->status, result->detail);
}

static inline void fixture_on_counts(void *arg, enum status status,
                                     const struct sink_counts *counts, size_t count)
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

static inline void fixture_on_states(void *arg, enum status status,
                                     const struct stale_state *states, size_t count)
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

static inline enum status fixture_commit(struct fixture *fixture, const struct commit *commit)
{
    size_t told = fixture->told_count;
    fixture->port.commit(fixture->port.self, commit, fixture_on_done, fixture);
    return fixture_wait(fixture, told);
}

static inline enum status fixture_stage(struct fixture *fixture, const char *source_name,
                                        const struct staged_order *orders, size_t count)
{
    size_t told = fixture->told_count;
    fixture->port.stage(fixture->port.self, source_name, orders, count, fixture_on_done, fixture);
    return fixture_wait(fixture, told);
}

static inline enum status fixture_fetch_due(struct fixture *fixture, const struct due_query *query)
{
    size_t told = fixture->told_count;
    fixture->port.fetch_due(fixture->port.self, query, fixture_on_due, fixture);
    return fixture_wait(fixture, told);
}

static inline enum status fixture_settle(struct fixture *fixture,
                                         const struct settlement *settlements, size_t count)
{
    size_t told = fixture->told_count;
    fixture->port.settle(fixture->port.self, settlements, count, fixture_on_done, fixture);
    return fixture_wait(fixture, told);
}

/* All zero if the sink is not known. */
static inline struct sink_counts fixture_counts(struct fixture *fixture, const char *sink_name)
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

static inline const struct stored_order *
fixture_fetch_order(struct fixture *fixture, const char *source_name, const char *id)
{
    size_t told = fixture->told_count;
    fixture->port.fetch_orders(fixture->port.self, source_name, &id, 1, fixture_on_orders, fixture);
    assert_int_equal(fixture_wait(fixture, told), STATUS_OK);
    assert_int_equal(fixture->count, 1);
    return &fixture->orders[0];
}

/* An event with an id made from number. */
static inline struct event fixture_event(const char *source_name, const char *order_id,
                                         uint64_t number, enum severity severity)
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

#endif
