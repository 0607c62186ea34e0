/* Every operation of the store port on the real SQLite in a folder of its own. */
#include "support/store_fixture.h"

#include <sqlite3.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOURCE FIXTURE_SOURCE
#define SINK FIXTURE_SINK
#define NOW FIXTURE_NOW

static void test_orders_are_kept_over_a_restart(void **state)
{
    struct fixture *fixture = *state;
    struct staged_order orders[] = {fixture_order("1", "one"), fixture_order("2", "")};
    orders[1].order.has_left = true;
    fixture_commit_orders(fixture, orders, 2);
    fixture_reopen(fixture);

    const char *ids[] = {"2", "missing", "1"};
    assert_int_equal(fixture_fetch_orders(fixture, ids, 3), STATUS_OK);
    assert_int_equal(fixture->count, 3);
    assert_string_equal(fixture->orders[0].id, "2");
    assert_true(fixture->orders[0].has_left);
    assert_int_equal(fixture->orders[0].canonical.size, 0);
    assert_null(fixture->orders[1].id);
    assert_true(fixture->orders[2].raw_fingerprint == UINT64_MAX - 1);
    assert_int_equal(fixture->orders[2].sequence, 3);
    assert_true(span_is(fixture->orders[2].canonical, "one"));
    assert_true(span_is(fixture->orders[2].history, "history"));
    assert_null(fixture_fetch_order(fixture, "another", "1")->id);
}

static void test_an_order_is_written_over(void **state)
{
    struct fixture *fixture = *state;
    struct staged_order order = fixture_order("1", "one");
    fixture_commit_orders(fixture, &order, 1);
    order = fixture_order("1", "changed");
    order.order.sequence = 9;
    fixture_commit_orders(fixture, &order, 1);
    const struct stored_order *found = fixture_fetch_order(fixture, SOURCE, "1");
    assert_true(span_is(found->canonical, "changed"));
    assert_int_equal(found->sequence, 9);
}

struct visited {
    size_t count;
    uint64_t sequence_sum;
    char key[32];
    char value[32];
};

static void on_order(void *arg, const struct stored_order *order)
{
    struct visited *visited = arg;
    visited->count++;
    visited->sequence_sum += order->sequence;
    assert_int_equal(order->canonical.size + order->history.size, 0);
}

static void on_value(void *arg, const struct stored_value *value)
{
    struct visited *visited = arg;
    visited->count++;
    (void)snprintf(visited->key, sizeof visited->key, "%s", value->key);
    (void)snprintf(visited->value, sizeof visited->value, "%.*s", (int)value->value.size,
                   value->value.data);
}

static void test_visits_give_what_was_known_at_start(void **state)
{
    struct fixture *fixture = *state;
    struct staged_order orders[] = {fixture_order("1", "one"), fixture_order("2", "two")};
    struct stored_value value = {.key = "source/orange", .value = span_of("old")};
    struct commit commit = {.source_name = SOURCE,
                            .orders = orders,
                            .order_count = 2,
                            .values = &value,
                            .value_count = 1};
    assert_int_equal(fixture_commit(fixture, &commit), STATUS_OK);
    value.value = span_of("new");
    assert_int_equal(fixture_commit(fixture, &commit), STATUS_OK);
    fixture_reopen(fixture);

    struct visited visited = {.count = 0};
    struct store_port port = fixture->port;
    assert_int_equal(port.visit_orders(port.self, SOURCE, on_order, &visited, NULL), STATUS_OK);
    assert_int_equal(visited.count, 2);
    assert_int_equal(visited.sequence_sum, 6);
    assert_int_equal(port.visit_orders(port.self, "another", on_order, &visited, NULL), STATUS_OK);
    assert_int_equal(visited.count, 2);
    visited.count = 0;
    assert_int_equal(port.visit_values(port.self, on_value, &visited, NULL), STATUS_OK);
    assert_int_equal(visited.count, 1);
    assert_string_equal(visited.key, "source/orange");
    assert_string_equal(visited.value, "new");
}

static void test_staged_orders_are_invisible_until_their_commit(void **state)
{
    struct fixture *fixture = *state;
    struct staged_order order = fixture_order("1", "one");
    struct staged_order other = fixture_order("9", "of another source");
    assert_int_equal(fixture_stage(fixture, SOURCE, &order, 1), STATUS_OK);
    assert_int_equal(fixture_stage(fixture, "another", &other, 1), STATUS_OK);
    order = fixture_order("1", "one again");
    assert_int_equal(fixture_stage(fixture, SOURCE, &order, 1), STATUS_OK);
    assert_null(fixture_fetch_order(fixture, SOURCE, "1")->id);

    fixture_commit_orders(fixture, NULL, 0);
    assert_true(span_is(fixture_fetch_order(fixture, SOURCE, "1")->canonical, "one again"));
    assert_null(fixture_fetch_order(fixture, "another", "9")->id);

    /* A second commit finds nothing staged. */
    order = fixture_order("1", "later");
    fixture_commit_orders(fixture, &order, 1);
    fixture_commit_orders(fixture, NULL, 0);
    assert_true(span_is(fixture_fetch_order(fixture, SOURCE, "1")->canonical, "later"));
}

static void test_discarded_orders_are_gone(void **state)
{
    struct fixture *fixture = *state;
    struct staged_order order = fixture_order("1", "one");
    struct staged_order other = fixture_order("9", "kept");
    assert_int_equal(fixture_stage(fixture, SOURCE, &order, 1), STATUS_OK);
    assert_int_equal(fixture_stage(fixture, "another", &other, 1), STATUS_OK);
    assert_int_equal(fixture_discard(fixture, SOURCE), STATUS_OK);
    fixture_commit_orders(fixture, NULL, 0);
    assert_null(fixture_fetch_order(fixture, SOURCE, "1")->id);
    struct commit commit = {.source_name = "another"};
    assert_int_equal(fixture_commit(fixture, &commit), STATUS_OK);
    assert_true(span_is(fixture_fetch_order(fixture, "another", "9")->canonical, "kept"));
}

/* A megabyte of one letter; the caller frees. */
static char *large_text(char letter)
{
    size_t size = (size_t)1 << 20;
    char *text = alloc(size + 1);
    memset(text, letter, size);
    return text;
}

static void stage_large(struct fixture *fixture, const char *source_name, int number, char letter)
{
    char id[16];
    (void)snprintf(id, sizeof id, "%d", number);
    char *canonical = large_text(letter);
    struct staged_order order = fixture_order(id, canonical);
    assert_int_equal(fixture_stage(fixture, source_name, &order, 1), STATUS_OK);
    free(canonical);
}

/* Far more than waits in memory: what came first and what came last are one staging, in their
 * order, and no other source's is touched. */
static void test_much_that_is_staged_stays_in_order(void **state)
{
    struct fixture *fixture = *state;
    for (int number = 1; number <= 12; number++) {
        stage_large(fixture, SOURCE, number, 'a');
        stage_large(fixture, "another", number, 'b');
    }
    stage_large(fixture, SOURCE, 1, 'z');
    stage_large(fixture, SOURCE, 12, 'z');
    assert_int_equal(fixture_discard(fixture, "another"), STATUS_OK);
    stage_large(fixture, "another", 7, 'c');
    fixture_commit_orders(fixture, NULL, 0);
    for (int number = 1; number <= 12; number++) {
        char id[16];
        (void)snprintf(id, sizeof id, "%d", number);
        const struct stored_order *order = fixture_fetch_order(fixture, SOURCE, id);
        assert_int_equal(order->canonical.size, 1 << 20);
        assert_int_equal(order->canonical.data[0], number == 1 || number == 12 ? 'z' : 'a');
        assert_null(fixture_fetch_order(fixture, "another", id)->id);
    }
    struct commit commit = {.source_name = "another"};
    assert_int_equal(fixture_commit(fixture, &commit), STATUS_OK);
    assert_int_equal(fixture_fetch_order(fixture, "another", "7")->canonical.data[0], 'c');
    assert_null(fixture_fetch_order(fixture, "another", "8")->id);
}

static void test_a_staged_order_brings_its_events_and_deliveries(void **state)
{
    struct fixture *fixture = *state;
    struct planned_delivery planned[] = {
        {.sink_name = SINK, .lane = "orange/1", .due_wall_ms = NOW},
        {.sink_name = "mail", .lane = "orange/1", .bundle = "d", .due_wall_ms = NOW + 5}};
    struct new_event event = {
        .event = fixture_event(SOURCE, "1", 42, SEVERITY_CRITICAL),
        .deliveries = planned,
        .delivery_count = 2,
    };
    event.event.appointment_id = "A-1";
    event.event.personal = span_of("{\"contact\":{}}");
    struct staged_order order = fixture_order("1", "one");
    order.events = &event;
    order.event_count = 1;
    assert_int_equal(fixture_stage(fixture, SOURCE, &order, 1), STATUS_OK);
    fixture_fetch(fixture, NOW);
    assert_int_equal(fixture->count, 0);

    fixture_commit_orders(fixture, NULL, 0);
    fixture_fetch(fixture, NOW);
    assert_int_equal(fixture->count, 1);
    const struct delivery *delivery = &fixture->deliveries[0];
    assert_string_equal(delivery->lane, "orange/1");
    assert_string_equal(delivery->sink_name, SINK);
    assert_null(delivery->bundle);
    assert_int_equal(delivery->last_id, delivery->id);
    assert_int_equal(delivery->event_count, 1);
    assert_int_equal(delivery->event_total, 1);
    assert_int_equal(delivery->severity_counts[SEVERITY_CRITICAL], 1);
    assert_int_equal(delivery->created_wall_ms, 1042);
    assert_int_equal(delivery->first_due_wall_ms, NOW);
    assert_string_equal(delivery->progress, "");
    const struct event *found = &delivery->events[0];
    assert_string_equal(found->id, event.event.id);
    assert_int_equal(found->type, EVENT_ORDER_STATUS_CHANGED);
    assert_int_equal(found->severity, SEVERITY_CRITICAL);
    assert_string_equal(found->source_name, SOURCE);
    assert_string_equal(found->order_id, "1");
    assert_string_equal(found->appointment_id, "A-1");
    assert_int_equal(found->sequence, 42);
    assert_int_equal(found->sweep, 7);
    assert_true(span_equal(found->json, event.event.json));
    assert_true(span_equal(found->personal, event.event.personal));
    assert_int_equal(fixture_counts(fixture, "mail").pending, 1);
}

static void test_a_known_event_is_not_planned_again(void **state)
{
    struct fixture *fixture = *state;
    fixture_plan(fixture, 1, "orange/1", NULL, NOW);
    fixture_plan(fixture, 1, "orange/1", NULL, NOW);
    assert_int_equal(fixture_counts(fixture, SINK).observed, 1);
}

static void test_a_lane_goes_one_by_one(void **state)
{
    struct fixture *fixture = *state;
    fixture_plan(fixture, 1, "orange/1", NULL, NOW);
    fixture_plan(fixture, 2, "orange/1", NULL, NOW);
    fixture_plan(fixture, 3, "orange/2", NULL, NOW + 1);
    fixture_fetch(fixture, NOW + 1);
    assert_int_equal(fixture->count, 2);
    assert_int_equal(fixture->deliveries[0].events[0].sequence, 1);
    assert_int_equal(fixture->deliveries[1].events[0].sequence, 3);

    struct delivery first = fixture->deliveries[0];
    fixture_end(fixture, &first, SETTLE_LATER, NOW + 500);
    fixture_fetch(fixture, NOW + 1);
    assert_int_equal(fixture->count, 1); /* the second waits for the first */
    assert_int_equal(fixture->next_due_wall_ms, NOW + 500);
    fixture_fetch(fixture, NOW + 500);
    assert_int_equal(fixture->count, 2);
    assert_int_equal(fixture->deliveries[1].attempts_made, 1);
    assert_int_equal(fixture->deliveries[1].first_due_wall_ms, NOW);

    fixture_end(fixture, &first, SETTLE_PARKED, 0);
    fixture_fetch(fixture, NOW + 1);
    assert_int_equal(fixture->count, 2);
    assert_int_equal(fixture->deliveries[0].events[0].sequence, 2);
    fixture_end(fixture, &first, SETTLE_DELIVERED, 0); /* it has ended: nothing changes */
    struct delivery second = fixture->deliveries[0];
    fixture_end(fixture, &second, SETTLE_DELIVERED, 0);
    struct sink_counts counts = fixture_counts(fixture, SINK);
    assert_int_equal(counts.observed, 3);
    assert_int_equal(counts.delivered, 1);
    assert_int_equal(counts.parked, 1);
    assert_int_equal(counts.pending, 1);
    assert_int_equal(counts.oldest_pending_wall_ms, 1003);
    assert_int_equal(counts.waiting_since_wall_ms, NOW + 1);
}

static void test_deadlines_are_replaced_with_their_order(void **state)
{
    struct fixture *fixture = *state;
    struct deadline deadlines[] = {{DEADLINE_REMINDER, NOW + 20, "A-1 24h"},
                                   {DEADLINE_OVERDUE, NOW + 10, "2027-01-08"},
                                   {DEADLINE_STALLED, NOW + 30, ""}};
    struct staged_order order = fixture_order("1", "one");
    order.deadlines = deadlines;
    order.deadline_count = 3;
    fixture_commit_orders(fixture, &order, 1);

    assert_int_equal(fixture_fetch_deadlines(fixture, NOW + 20, 10), STATUS_OK);
    assert_int_equal(fixture->count, 2);
    assert_int_equal(fixture->deadlines[0].deadline.kind, DEADLINE_OVERDUE);
    assert_string_equal(fixture->deadlines[1].deadline.key, "A-1 24h");
    assert_string_equal(fixture->deadlines[1].order_id, "1");
    assert_int_equal(fixture->next_due_wall_ms, NOW + 30);

    assert_int_equal(fixture_fetch_deadlines(fixture, NOW + 20, 1), STATUS_OK);
    assert_int_equal(fixture->count, 1);
    assert_int_equal(fixture->next_due_wall_ms, NOW + 20);

    order.deadline_count = 0;
    fixture_commit_orders(fixture, &order, 1);
    assert_int_equal(fixture_fetch_deadlines(fixture, NOW + 99, 10), STATUS_OK);
    assert_int_equal(fixture->count, 0);
    assert_true(fixture->next_due_wall_ms == INSTANT_NEVER);
}

static void assert_deadlines(struct fixture *fixture, const struct deadline *wanted, size_t count)
{
    assert_int_equal(fixture_fetch_deadlines(fixture, NOW + 99, 10), STATUS_OK);
    assert_int_equal(fixture->count, count);
    for (size_t i = 0; i < count; i++) {
        const struct deadline *found = &fixture->deadlines[i].deadline;
        assert_int_equal(found->kind, wanted[i].kind);
        assert_string_equal(found->key, wanted[i].key);
        assert_true(found->due_wall_ms == wanted[i].due_wall_ms);
    }
}

/* Each row alone: one stays, one moves, one ends, one is new, one is planned twice. */
static void test_only_the_deadlines_that_differ_change(void **state)
{
    struct fixture *fixture = *state;
    struct deadline before[] = {{DEADLINE_OVERDUE, NOW + 10, "2027-01-08"},
                                {DEADLINE_REMINDER, NOW + 20, "A-1 24h"},
                                {DEADLINE_STALLED, NOW + 30, "1"}};
    struct deadline after[] = {{DEADLINE_OVERDUE, NOW + 10, "2027-01-08"},
                               {DEADLINE_REMINDER, NOW + 25, "A-1 24h"},
                               {DEADLINE_STALLED, NOW + 40, "2"},
                               {DEADLINE_STALLED, NOW + 40, "2"}};
    struct staged_order orders[] = {fixture_order("1", "one"), fixture_order("2", "two")};
    orders[0].deadlines = before;
    orders[0].deadline_count = ARRAY_COUNT(before);
    fixture_commit_orders(fixture, orders, 2);
    assert_deadlines(fixture, before, 3);

    orders[0].deadlines = after;
    orders[0].deadline_count = ARRAY_COUNT(after);
    fixture_commit_orders(fixture, orders, 2);
    assert_deadlines(fixture, after, 3);
}

static void damage(struct fixture *fixture, const char *sql)
{
    sqlite3 *handle = NULL;
    fixture_close(fixture);
    assert_int_equal(sqlite3_open(fixture->path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
    assert_int_equal(fixture_open(fixture), STATUS_OK);
}

static void test_damaged_deadlines_are_told_and_change_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct deadline planned = {DEADLINE_STALLED, NOW + 30, "1"};
    struct staged_order order = fixture_order("1", "one");
    order.deadlines = &planned;
    order.deadline_count = 1;
    fixture_commit_orders(fixture, &order, 1);
    static const char *const bytes[] = {
        "x",     "1 2 3:ab",  "1 2 -1:a", "1 2 1a",
        "1 2 ",  "1  1:a",    "1 -",      "99999999999999999999 2 1:a",
        "1 2 9", "1 2 1:a1 2"};
    order.deadline_count = 0;
    for (size_t i = 0; i < ARRAY_COUNT(bytes); i++) {
        char sql[128];
        (void)snprintf(sql, sizeof sql, "UPDATE records SET deadlines = '%s'", bytes[i]);
        damage(fixture, sql);
        struct commit commit = {.source_name = SOURCE, .orders = &order, .order_count = 1};
        assert_int_equal(fixture_commit(fixture, &commit), STATUS_CORRUPT);
        assert_non_null(strstr(fixture->why.detail, "deadlines"));
        assert_deadlines(fixture, &planned, 1);
    }
}

int main(void)
{
#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_orders_are_kept_over_a_restart),
        STORE_TEST(test_an_order_is_written_over),
        STORE_TEST(test_visits_give_what_was_known_at_start),
        STORE_TEST(test_staged_orders_are_invisible_until_their_commit),
        STORE_TEST(test_discarded_orders_are_gone),
        STORE_TEST(test_much_that_is_staged_stays_in_order),
        STORE_TEST(test_a_staged_order_brings_its_events_and_deliveries),
        STORE_TEST(test_a_known_event_is_not_planned_again),
        STORE_TEST(test_a_lane_goes_one_by_one),
        STORE_TEST(test_deadlines_are_replaced_with_their_order),
        STORE_TEST(test_only_the_deadlines_that_differ_change),
        STORE_TEST(test_damaged_deadlines_are_told_and_change_nothing),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
