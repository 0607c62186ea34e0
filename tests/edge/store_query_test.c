/* What the operator's side asks of the store: pages, stories, repairs, forgetting, backups. */
#include "support/store_fixture.h"

#include "edge/store_query.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOURCE FIXTURE_SOURCE
#define SINK FIXTURE_SINK
#define NOW FIXTURE_NOW

/* The latest answer, as words that tests compare. */
struct answer {
    struct fixture *fixture;
    enum status status;
    char words[512];
    size_t count;
    int64_t next;
    bool has_more;
    struct listed_delivery first;
    char first_detail[64];
    struct forgotten forgotten;
    bool has_come;
};

static void say(struct answer *answer, const char *word)
{
    size_t used = strlen(answer->words);
    (void)snprintf(answer->words + used, sizeof answer->words - used, "%s%s", used != 0 ? " " : "",
                   word);
}

static void begin(struct answer *answer)
{
    struct fixture *fixture = answer->fixture;
    *answer = (struct answer){.fixture = fixture};
}

static void wait_for(struct answer *answer)
{
    assert_false(answer->has_come);
    while (!answer->has_come) {
        (void)uv_run(&answer->fixture->loop, UV_RUN_ONCE);
    }
}

static void on_orders(void *arg, const struct order_page *page)
{
    struct answer *answer = arg;
    answer->status = page->status;
    answer->count = page->count;
    answer->has_more = page->has_more;
    for (size_t i = 0; i < page->count; i++) {
        char word[64];
        (void)snprintf(word, sizeof word, "%s/%s=%.*s", page->source_names[i], page->orders[i].id,
                       (int)page->orders[i].canonical.size, page->orders[i].canonical.data);
        say(answer, word);
    }
    answer->has_come = true;
}

static void on_events(void *arg, const struct event_page *page)
{
    struct answer *answer = arg;
    answer->status = page->status;
    answer->count = page->count;
    answer->next = page->next;
    for (size_t i = 0; i < page->count; i++) {
        char word[32];
        (void)snprintf(word, sizeof word, "%llu",
                       (unsigned long long)page->events[i].event.sequence);
        say(answer, word);
    }
    answer->has_come = true;
}

static void note_deliveries(struct answer *answer, const struct listed_delivery *deliveries,
                            size_t count)
{
    answer->count = count;
    for (size_t i = 0; i < count; i++) {
        char word[64];
        (void)snprintf(word, sizeof word, "%s:%d", deliveries[i].event_id + 28,
                       (int)deliveries[i].state);
        say(answer, word);
    }
    if (count != 0) {
        answer->first = deliveries[0];
        (void)snprintf(answer->first_detail, sizeof answer->first_detail, "%s",
                       deliveries[0].detail);
    }
}

static void on_deliveries(void *arg, const struct delivery_page *page)
{
    struct answer *answer = arg;
    answer->status = page->status;
    answer->next = page->next;
    note_deliveries(answer, page->deliveries, page->count);
    answer->has_come = true;
}

static void on_story(void *arg, enum status status, const struct listed_event *event,
                     const struct listed_delivery *deliveries, size_t count)
{
    struct answer *answer = arg;
    answer->status = status;
    if (event != NULL) {
        say(answer, event->silence_id != NULL ? event->silence_id : "not silenced");
    }
    note_deliveries(answer, deliveries, count);
    for (size_t i = 0; count != 0 && i < deliveries[0].attempt_count; i++) {
        char word[64];
        (void)snprintf(word, sizeof word, "[%lld %s]", (long long)deliveries[0].attempts[i].wall_ms,
                       deliveries[0].attempts[i].detail);
        say(answer, word);
    }
    answer->has_come = true;
}

static void on_changed(void *arg, enum status status, const char *detail, size_t count)
{
    struct answer *answer = arg;
    answer->status = status;
    answer->count = count;
    say(answer, detail);
    answer->has_come = true;
}

static void on_done(void *arg, enum status status, const char *detail)
{
    on_changed(arg, status, detail, 0);
}

static void list_orders(struct answer *answer, const char *source_name, const char *after_source,
                        const char *after_id)
{
    begin(answer);
    store_list_orders(answer->fixture->store, source_name, after_source, after_id, 2, on_orders,
                      answer);
    wait_for(answer);
    assert_int_equal(answer->status, STATUS_OK);
}

static void test_orders_by_page(void **state)
{
    struct answer answer = {.fixture = *state};
    static const char *const sources[] = {"a", SOURCE, "z"};
    for (size_t i = 0; i < ARRAY_COUNT(sources); i++) {
        struct staged_order orders[] = {fixture_order("1", "one"), fixture_order("2", "two"),
                                        fixture_order("3", "three")};
        struct commit commit = {.source_name = sources[i], .orders = orders, .order_count = 3};
        assert_int_equal(fixture_commit(answer.fixture, &commit), STATUS_OK);
    }
    list_orders(&answer, NULL, "", "");
    assert_string_equal(answer.words, "a/1=one a/2=two");
    assert_true(answer.has_more);
    list_orders(&answer, NULL, "a", "2");
    assert_string_equal(answer.words, "a/3=three orange/1=one");
    list_orders(&answer, SOURCE, "", "");
    assert_string_equal(answer.words, "orange/1=one orange/2=two");
    assert_true(answer.has_more);
    list_orders(&answer, SOURCE, SOURCE, "2");
    assert_string_equal(answer.words, "orange/3=three");
    assert_false(answer.has_more);
}

static void list_events(struct answer *answer, struct event_query query)
{
    begin(answer);
    store_list_events(answer->fixture->store, &query, on_events, answer);
    wait_for(answer);
    assert_int_equal(answer->status, STATUS_OK);
}

/* Event n: of order n % 2, severity n % 4, detected at 1000 + n. */
static void commit_events(struct fixture *fixture, uint64_t count)
{
    struct planned_delivery planned = {.sink_name = SINK, .lane = "lane", .due_wall_ms = NOW};
    for (uint64_t i = 1; i <= count; i++) {
        struct new_event event = {
            .event = fixture_event(SOURCE, i % 2 == 0 ? "even" : "odd", i, (enum severity)(i % 4)),
            .deliveries = &planned,
            .delivery_count = i <= 3 ? 1 : 0,
            .silence_id = i == 4 ? "silence-1" : NULL};
        if (i % 3 == 0) {
            event.event.type = EVENT_APPOINTMENT_CONFIRMED;
        }
        event.event.personal = span_of("{\"contact\":1}");
        struct commit commit = {.events = &event, .event_count = 1};
        assert_int_equal(fixture_commit(fixture, &commit), STATUS_OK);
    }
}

static void test_events_by_page_and_filter(void **state)
{
    struct answer answer = {.fixture = *state};
    commit_events(answer.fixture, 9);
    list_events(&answer, (struct event_query){.limit = 4});
    assert_string_equal(answer.words, "9 8 7 6");
    list_events(&answer, (struct event_query){.limit = 4, .after = answer.next});
    assert_string_equal(answer.words, "5 4 3 2");
    list_events(&answer, (struct event_query){.limit = 4, .after = answer.next});
    assert_string_equal(answer.words, "1");
    assert_int_equal(answer.next, 0);
    list_events(&answer, (struct event_query){.limit = 9, .severity_min = SEVERITY_WARNING});
    assert_string_equal(answer.words, "7 6 3 2");
    list_events(&answer, (struct event_query){.limit = 9, .type_glob = "appointment.*"});
    assert_string_equal(answer.words, "9 6 3");
    list_events(&answer,
                (struct event_query){.limit = 9, .source_name = SOURCE, .order_id = "even"});
    assert_string_equal(answer.words, "8 6 4 2");
    list_events(&answer, (struct event_query){.limit = 9, .source_name = "another"});
    assert_string_equal(answer.words, "");
    list_events(&answer,
                (struct event_query){.limit = 9, .since_wall_ms = 1003, .until_wall_ms = 1006});
    assert_string_equal(answer.words, "5 4 3");
}

/* Ids as long as real ones, of which two begin alike. */
static void test_events_by_the_beginning_of_their_id(void **state)
{
    static const char *const ids[] = {
        "abcd0000000000000000000000000001", "abcdf000000000000000000000000002",
        "abce0000000000000000000000000003", "abc00000000000000000000000000004"};
    struct answer answer = {.fixture = *state};
    for (size_t i = 0; i < ARRAY_COUNT(ids); i++) {
        struct new_event event = {.event = fixture_event(SOURCE, "one", i + 1, SEVERITY_INFO)};
        (void)snprintf(event.event.id, sizeof event.event.id, "%s", ids[i]);
        struct commit commit = {.events = &event, .event_count = 1};
        assert_int_equal(fixture_commit(answer.fixture, &commit), STATUS_OK);
    }
    list_events(&answer, (struct event_query){.limit = 9, .id_prefix = "abcd"});
    assert_string_equal(answer.words, "2 1");
    list_events(&answer, (struct event_query){.limit = 1, .id_prefix = "abcd"});
    assert_string_equal(answer.words, "2");
    list_events(&answer,
                (struct event_query){.limit = 1, .id_prefix = "abcd", .after = answer.next});
    assert_string_equal(answer.words, "1");
    list_events(&answer, (struct event_query){.limit = 9, .id_prefix = "abc"});
    assert_string_equal(answer.words, "4 3 2 1");
    list_events(&answer, (struct event_query){.limit = 9, .id_prefix = ids[0]});
    assert_string_equal(answer.words, "1");
    list_events(&answer, (struct event_query){.limit = 9, .id_prefix = "abcdff"});
    assert_string_equal(answer.words, "");
}

static void test_events_are_followed(void **state)
{
    struct answer answer = {.fixture = *state};
    commit_events(answer.fixture, 3);
    list_events(&answer, (struct event_query){.limit = 9, .is_forward = true});
    assert_string_equal(answer.words, "1 2 3");
    int64_t next = answer.next;
    list_events(&answer, (struct event_query){.limit = 9, .is_forward = true, .after = next});
    assert_int_equal(answer.count, 0);
    assert_int_equal(answer.next, next);
    commit_events(answer.fixture, 5);
    list_events(&answer, (struct event_query){.limit = 9, .is_forward = true, .after = next});
    assert_string_equal(answer.words, "4 5");
}

static void list_deliveries(struct answer *answer, const char *sink_name, enum delivery_state state)
{
    begin(answer);
    struct delivery_query query = {.sink_name = sink_name, .state = state, .limit = 10};
    store_list_deliveries(answer->fixture->store, &query, on_deliveries, answer);
    wait_for(answer);
    assert_int_equal(answer->status, STATUS_OK);
}

static void end_head(struct fixture *fixture, enum settle_kind kind)
{
    fixture_fetch(fixture, NOW);
    assert_int_equal(fixture->count, 1);
    fixture_end(fixture, &fixture->deliveries[0], kind, NOW);
}

static void test_deliveries_by_state(void **state)
{
    struct answer answer = {.fixture = *state};
    commit_events(answer.fixture, 4);
    end_head(answer.fixture, SETTLE_DELIVERED);
    end_head(answer.fixture, SETTLE_PARKED);
    list_deliveries(&answer, NULL, DELIVERY_ANY);
    assert_string_equal(answer.words, "0003:0 0002:2 0001:1");
    list_deliveries(&answer, SINK, DELIVERY_PARKED);
    assert_string_equal(answer.words, "0002:2");
    assert_string_equal(answer.first_detail, "451 busy");
    list_deliveries(&answer, "mail", DELIVERY_PARKED);
    assert_int_equal(answer.count, 0);
    list_deliveries(&answer, NULL, DELIVERY_DELIVERED);
    assert_string_equal(answer.words, "0001:1");
}

static void test_deliveries_of_one_order(void **state)
{
    struct answer answer = {.fixture = *state};
    commit_events(answer.fixture, 4);
    struct delivery_query query = {
        .source_name = SOURCE, .order_id = "odd", .state = DELIVERY_ANY, .limit = 10};
    begin(&answer);
    store_list_deliveries(answer.fixture->store, &query, on_deliveries, &answer);
    wait_for(&answer);
    assert_string_equal(answer.words, "0003:0 0001:0");
    query.order_id = "none";
    begin(&answer);
    store_list_deliveries(answer.fixture->store, &query, on_deliveries, &answer);
    wait_for(&answer);
    assert_int_equal(answer.count, 0);
}

static void explain(struct answer *answer, const char *id)
{
    begin(answer);
    store_explain_event(answer->fixture->store, id, on_story, answer);
    wait_for(answer);
}

static void test_the_story_of_an_event(void **state)
{
    struct answer answer = {.fixture = *state};
    commit_events(answer.fixture, 4);
    end_head(answer.fixture, SETTLE_LATER);
    end_head(answer.fixture, SETTLE_DELIVERED);
    explain(&answer, "00000000000000000000000000000001");
    assert_string_equal(answer.words, "not silenced 0001:1 [1000000 451 busy] [1000000 451 busy]");
    explain(&answer, "00000000000000000000000000000004");
    assert_string_equal(answer.words, "silence-1");
    explain(&answer, "unknown");
    assert_int_equal(answer.status, STATUS_NOT_FOUND);
    /* Of many attempts the latest are kept. */
    for (int i = 0; i < 30; i++) {
        end_head(answer.fixture, SETTLE_LATER);
    }
    explain(&answer, "00000000000000000000000000000002");
    assert_int_equal(answer.first.attempts_made, 30);
    assert_int_equal(answer.first.attempt_count, 20);
}

static void change(struct answer *answer, int64_t id, bool drops)
{
    begin(answer);
    struct store *store = answer->fixture->store;
    static const char *const configured[] = {"another", SINK};
    const struct drop_request drop = {.ids = &id,
                                      .count = 1,
                                      .sink_names = configured,
                                      .sink_count = ARRAY_COUNT(configured),
                                      .now_wall_ms = NOW + 5};
    if (drops) {
        store_drop(store, &drop, on_changed, answer);
    } else {
        store_retry_parked(store, &id, 1, NOW + 5, on_changed, answer);
    }
    wait_for(answer);
    assert_int_equal(answer->status, STATUS_OK);
}

static void test_parked_deliveries_are_retried_or_dropped(void **state)
{
    struct answer answer = {.fixture = *state};
    struct fixture *fixture = answer.fixture;
    commit_events(fixture, 3);
    end_head(fixture, SETTLE_LATER);
    end_head(fixture, SETTLE_PARKED);
    list_deliveries(&answer, SINK, DELIVERY_PARKED);
    int64_t id = answer.first.id;
    change(&answer, id, false);
    assert_int_equal(answer.count, 1);
    change(&answer, id, false);
    assert_int_equal(answer.count, 0); /* it is not parked any more */
    assert_int_equal(fixture_counts(fixture, SINK).pending, 3);

    /* The lane has a head, which stays; then the retried one goes, for it is the oldest. */
    end_head(fixture, SETTLE_DELIVERED);
    fixture_fetch(fixture, NOW + 5);
    assert_int_equal(fixture->count, 1);
    assert_int_equal(fixture->deliveries[0].id, id);
    assert_int_equal(fixture->deliveries[0].attempts_made, 0);
    assert_int_equal(fixture->deliveries[0].first_due_wall_ms, NOW + 5);
    fixture_end(fixture, &fixture->deliveries[0], SETTLE_PARKED, 0);

    change(&answer, id, true);
    assert_int_equal(answer.count, 1);
    struct sink_counts counts = fixture_counts(fixture, SINK);
    assert_int_equal(counts.observed, 2);
    assert_int_equal(counts.parked, 0);
    assert_int_equal(counts.delivered, 1);
    assert_int_equal(counts.pending, 1);
    fixture_reopen(fixture);
    assert_int_equal(fixture_counts(fixture, SINK).observed, 2);
}

static void drop(struct answer *answer, int64_t id, const char *configured)
{
    const struct drop_request request = {
        .ids = &id, .count = 1, .sink_names = &configured, .sink_count = 1, .now_wall_ms = NOW + 5};
    begin(answer);
    store_drop(answer->fixture->store, &request, on_changed, answer);
    wait_for(answer);
    assert_int_equal(answer->status, STATUS_OK);
}

static void test_pending_ones_are_dropped_only_of_a_sink_that_nobody_serves(void **state)
{
    struct answer answer = {.fixture = *state};
    struct fixture *fixture = answer.fixture;
    commit_events(fixture, 3);
    list_deliveries(&answer, SINK, DELIVERY_PENDING);
    int64_t newest = answer.first.id;
    fixture_fetch(fixture, NOW);
    int64_t head = fixture->deliveries[0].id;
    drop(&answer, head, SINK);
    assert_int_equal(answer.count, 0);
    assert_int_equal(fixture_counts(fixture, SINK).pending, 3);

    drop(&answer, head, "another");
    assert_int_equal(answer.count, 1);
    drop(&answer, head, "another");
    assert_int_equal(answer.count, 0);
    struct sink_counts counts = fixture_counts(fixture, SINK);
    assert_int_equal(counts.observed, 2);
    assert_int_equal(counts.pending, 2);
    /* The next of the lane is its head now: the sink may come back. */
    fixture_fetch(fixture, NOW);
    assert_int_equal(fixture->count, 1);
    assert_true(fixture->deliveries[0].id > head && fixture->deliveries[0].id < newest);
    /* From the end of a lane: its head stays. */
    drop(&answer, newest, "another");
    fixture_fetch(fixture, NOW);
    assert_int_equal(fixture->count, 1);
    assert_int_equal(fixture_counts(fixture, SINK).pending, 1);
    fixture_reopen(fixture);
    assert_int_equal(fixture_counts(fixture, SINK).observed, 1);
}

static void test_a_retry_into_an_empty_lane_is_due(void **state)
{
    struct answer answer = {.fixture = *state};
    commit_events(answer.fixture, 1);
    end_head(answer.fixture, SETTLE_PARKED);
    list_deliveries(&answer, SINK, DELIVERY_PARKED);
    change(&answer, answer.first.id, false);
    fixture_fetch(answer.fixture, NOW + 5);
    assert_int_equal(answer.fixture->count, 1);
}

static void on_forgot(void *arg, enum status status, const char *detail,
                      const struct forgotten *what)
{
    struct answer *answer = arg;
    answer->status = status;
    answer->forgotten = *what;
    answer->count += what->event_count;
    (void)detail;
    answer->has_come = true;
}

/* How many steps it took; the events that went are counted. */
static size_t forget_until_done(struct answer *answer, int64_t before_wall_ms)
{
    const struct store_port *port = &answer->fixture->port;
    size_t step_count = 0;
    begin(answer);
    do {
        answer->has_come = false;
        port->forget_events(port->self, before_wall_ms, on_forgot, answer);
        wait_for(answer);
        assert_int_equal(answer->status, STATUS_OK);
        step_count++;
    } while (!answer->forgotten.is_done);
    return step_count;
}

static void test_old_events_are_forgotten_but_not_open_ones(void **state)
{
    struct answer answer = {.fixture = *state};
    struct fixture *fixture = answer.fixture;
    commit_events(fixture, 9);
    end_head(fixture, SETTLE_LATER);
    end_head(fixture, SETTLE_DELIVERED);
    end_head(fixture, SETTLE_PARKED);
    for (int i = 0; i < 2; i++) {
        (void)forget_until_done(&answer, 1008);
        list_events(&answer, (struct event_query){.limit = 20});
        assert_string_equal(answer.words, "9 8 3 2"); /* 2 is parked and 3 is pending */
        list_deliveries(&answer, NULL, DELIVERY_ANY);
        assert_string_equal(answer.words, "0003:0 0002:2");
        fixture_reopen(fixture);
    }
    struct sink_counts counts = fixture_counts(fixture, SINK);
    assert_int_equal(counts.observed, 3); /* the books stay */
    assert_int_equal(counts.delivered, 1);
    commit_events(fixture, 10); /* those forgotten come as new, and rows are not used twice */
    list_events(&answer, (struct event_query){.limit = 1});
    assert_string_equal(answer.words, "10");
    assert_true(answer.next > 9);
}

static void forget_order(struct answer *answer, const struct forget_query *query)
{
    const struct store_port *port = &answer->fixture->port;
    begin(answer);
    port->forget_order(port->self, query, on_forgot, answer);
    wait_for(answer);
}

static void leave(struct fixture *fixture, const char *order_id)
{
    struct staged_order order = fixture_order(order_id, "gone");
    order.order.has_left = true;
    fixture_commit_orders(fixture, &order, 1);
}

static void test_an_order_that_left_goes_with_its_last_event(void **state)
{
    struct answer answer = {.fixture = *state};
    struct fixture *fixture = answer.fixture;
    struct staged_order orders[] = {fixture_order("odd", "one"), fixture_order("even", "two")};
    fixture_commit_orders(fixture, orders, 2);
    commit_events(fixture, 4); /* at 1001 to 1004; odd orders have 1 and 3 */
    leave(fixture, "odd");
    for (int i = 0; i < 3; i++) {
        end_head(fixture, SETTLE_DELIVERED);
    }
    (void)forget_until_done(&answer, 1003);
    assert_non_null(fixture_fetch_order(fixture, SOURCE, "odd")->id); /* event 3 tells of it */
    (void)forget_until_done(&answer, 2000);
    assert_int_equal(answer.count, 2);
    assert_null(fixture_fetch_order(fixture, SOURCE, "odd")->id);
    assert_non_null(fixture_fetch_order(fixture, SOURCE, "even")->id); /* it is still listed */
}

static void test_forgetting_takes_small_steps_and_gives_space_back(void **state)
{
    struct answer answer = {.fixture = *state};
    struct fixture *fixture = answer.fixture;
    static char json[2000];
    memset(json, ' ', sizeof json);
    struct new_event events[5000] = {{.delivery_count = 0}};
    for (uint64_t i = 0; i < ARRAY_COUNT(events); i++) {
        events[i].event = fixture_event(SOURCE, "odd", i + 1, SEVERITY_INFO);
        events[i].event.json = (struct span){.data = json, .size = sizeof json};
    }
    struct commit commit = {.events = events, .event_count = ARRAY_COUNT(events)};
    assert_int_equal(fixture_commit(fixture, &commit), STATUS_OK);
    fixture_reopen(fixture); /* what was logged is in the file */
    struct stat facts;
    assert_int_equal(stat(fixture->path, &facts), 0);
    off_t size_before = facts.st_size;
    size_t step_count = forget_until_done(&answer, INT64_MAX);
    assert_int_equal(answer.count, 5000);
    assert_true(step_count >= 25); /* of at most 200 */
    fixture_reopen(fixture);
    assert_int_equal(stat(fixture->path, &facts), 0);
    assert_true(facts.st_size < size_before / 2);
}

static size_t count_values(struct fixture *fixture, const char *key_start);

static void test_one_order_is_forgotten(void **state)
{
    struct answer answer = {.fixture = *state};
    struct fixture *fixture = answer.fixture;
    struct staged_order orders[] = {fixture_order("odd", "one"), fixture_order("even", "two")};
    fixture_commit_orders(fixture, orders, 2);
    commit_events(fixture, 6);
    end_head(fixture, SETTLE_DELIVERED);
    end_head(fixture, SETTLE_PARKED); /* 2, even */
    const struct stored_value tickets[] = {
        {.key = "ticket/" SINK "/" SOURCE "/odd/held", .value = span_of("{}")},
        {.key = "ticket/" SINK "/" SOURCE "/odder/held", .value = span_of("{}")}};
    assert_int_equal(fixture_commit(fixture, &(struct commit){.values = tickets, .value_count = 2}),
                     STATUS_OK);

    struct forget_query query = {.source_name = SOURCE, .order_id = "none"};
    forget_order(&answer, &query);
    assert_int_equal(answer.status, STATUS_NOT_FOUND);
    query.order_id = "odd";
    forget_order(&answer, &query);
    assert_int_equal(answer.status, STATUS_BUSY); /* and nothing happened */
    assert_int_equal(answer.forgotten.open_count, 1);
    assert_non_null(fixture_fetch_order(fixture, SOURCE, "odd")->id);

    const struct stored_value value = {.key = "source/" SOURCE, .value = span_of("new")};
    query = (struct forget_query){.source_name = SOURCE,
                                  .order_id = "odd",
                                  .drops_open = true,
                                  .values = &value,
                                  .value_count = 1};
    forget_order(&answer, &query);
    assert_int_equal(answer.status, STATUS_OK);
    assert_int_equal(answer.forgotten.order_count, 1);
    assert_int_equal(answer.forgotten.event_count, 3);
    assert_int_equal(answer.forgotten.delivery_count, 2);
    assert_int_equal(answer.forgotten.open_count, 1);
    assert_int_equal(answer.forgotten.ticket_count, 1);
    assert_null(fixture_fetch_order(fixture, SOURCE, "odd")->id);
    assert_non_null(fixture_fetch_order(fixture, SOURCE, "even")->id);
    assert_int_equal(count_values(fixture, "ticket/"), 1);
    assert_int_equal(count_values(fixture, "source/"), 1);
    list_events(&answer, (struct event_query){.limit = 20});
    assert_string_equal(answer.words, "6 4 2");
    struct sink_counts counts = fixture_counts(fixture, SINK);
    assert_int_equal(counts.observed, 2);
    assert_int_equal(counts.delivered, 1);
    assert_int_equal(counts.pending, 0);
    assert_int_equal(counts.parked, 1);
    fixture_reopen(fixture);
    assert_int_equal(fixture_counts(fixture, SINK).observed, 2);
}

struct value_count {
    const char *key_start;
    size_t count;
};

static void count_value(void *arg, const struct stored_value *value)
{
    struct value_count *values = arg;
    values->count += strncmp(value->key, values->key_start, strlen(values->key_start)) == 0;
}

static size_t count_values(struct fixture *fixture, const char *key_start)
{
    struct value_count values = {.key_start = key_start};
    struct failure why;
    assert_int_equal(fixture->port.visit_values(fixture->port.self, count_value, &values, &why),
                     STATUS_OK);
    return values.count;
}

/* What is in flight when its order is forgotten comes back to nothing. */
static void test_a_forgotten_delivery_may_still_end(void **state)
{
    struct answer answer = {.fixture = *state};
    struct fixture *fixture = answer.fixture;
    commit_events(fixture, 2);
    fixture_fetch(fixture, NOW);
    struct delivery in_flight = fixture->deliveries[0];
    struct forget_query query = {.source_name = SOURCE, .order_id = "odd", .drops_open = true};
    forget_order(&answer, &query);
    assert_int_equal(answer.status, STATUS_OK);
    fixture_end(fixture, &in_flight, SETTLE_DELIVERED, 0);
    struct sink_counts counts = fixture_counts(fixture, SINK);
    assert_int_equal(counts.observed, 1);
    assert_int_equal(counts.pending, 1);
    assert_int_equal(counts.delivered, 0);
    fixture_fetch(fixture, NOW); /* the lane goes on with what comes next */
    assert_int_equal(fixture->deliveries[0].events[0].sequence, 2);
}

static void back_up(struct answer *answer)
{
    begin(answer);
    store_backup(answer->fixture->store, on_done, answer);
}

static void test_a_backup_can_be_opened(void **state)
{
    struct answer answer = {.fixture = *state};
    struct fixture *fixture = answer.fixture;
    commit_events(fixture, 200);
    char path[128];
    (void)snprintf(path, sizeof path, "%s.backup", fixture->path);
    back_up(&answer);
    struct answer second = {.fixture = fixture};
    back_up(&second);
    commit_events(fixture, 300); /* while it is made */
    while (!answer.has_come || !second.has_come) {
        (void)uv_run(&fixture->loop, UV_RUN_ONCE);
    }
    assert_int_equal(answer.status, STATUS_OK);
    assert_string_equal(answer.words, path);
    assert_true(second.status == STATUS_OK || second.status == STATUS_BUSY);
    back_up(&answer); /* in place of the first */
    wait_for(&answer);
    assert_int_equal(answer.status, STATUS_OK);
    struct stat facts;
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);

    fixture_close(fixture);
    assert_int_equal(rename(path, fixture->path), 0);
    assert_int_equal(fixture_open(fixture), STATUS_OK);
    list_events(&answer, (struct event_query){.limit = 1});
    assert_int_equal(answer.count, 1);
    assert_int_equal(fixture_counts(fixture, SINK).pending, 3);
}

static void test_a_backup_needs_its_folder(void **state)
{
    struct answer answer = {.fixture = *state};
    struct fixture *fixture = answer.fixture;
    char part_path[128];
    (void)snprintf(part_path, sizeof part_path, "%s.backup.part", fixture->path);
    assert_int_equal(mkdir(part_path, 0700), 0); /* nobody can write there */
    back_up(&answer);
    wait_for(&answer);
    assert_int_equal(answer.status, STATUS_UNAVAILABLE);
    assert_non_null(strstr(answer.words, "state.db.backup"));
    assert_false(store_has_failed(fixture->store));
    commit_events(fixture, 1);
    assert_int_equal(rmdir(part_path), 0);
}

static void test_what_is_in_memory_has_no_backup(void **state)
{
    struct answer answer = {.fixture = *state};
    struct fixture *fixture = answer.fixture;
    fixture_close(fixture);
    (void)snprintf(fixture->path, sizeof fixture->path, ":memory:");
    assert_int_equal(fixture_open(fixture), STATUS_OK);
    back_up(&answer);
    wait_for(&answer);
    assert_int_equal(answer.status, STATUS_INVALID);
}

int main(void)
{
#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_orders_by_page),
        STORE_TEST(test_events_by_page_and_filter),
        STORE_TEST(test_events_by_the_beginning_of_their_id),
        STORE_TEST(test_events_are_followed),
        STORE_TEST(test_deliveries_by_state),
        STORE_TEST(test_deliveries_of_one_order),
        STORE_TEST(test_the_story_of_an_event),
        STORE_TEST(test_parked_deliveries_are_retried_or_dropped),
        STORE_TEST(test_pending_ones_are_dropped_only_of_a_sink_that_nobody_serves),
        STORE_TEST(test_a_retry_into_an_empty_lane_is_due),
        STORE_TEST(test_old_events_are_forgotten_but_not_open_ones),
        STORE_TEST(test_an_order_that_left_goes_with_its_last_event),
        STORE_TEST(test_forgetting_takes_small_steps_and_gives_space_back),
        STORE_TEST(test_one_order_is_forgotten),
        STORE_TEST(test_a_forgotten_delivery_may_still_end),
        STORE_TEST(test_a_backup_can_be_opened),
        STORE_TEST(test_a_backup_needs_its_folder),
        STORE_TEST(test_what_is_in_memory_has_no_backup),
    };
    return cmocka_run_group_tests_name("store_query", tests, NULL, NULL);
}
