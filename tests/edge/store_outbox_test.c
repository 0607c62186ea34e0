/* What is given out when: bundles, limits, clocks that went back, fallbacks; then the law of the
 * lanes under random operations, against a model that is naive on purpose. */
#include "support/store_fixture.h"

#include "core/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SINK FIXTURE_SINK
#define NOW FIXTURE_NOW

static void plan_severe(struct fixture *fixture, uint64_t number, enum severity severity)
{
    struct planned_delivery planned = {
        .sink_name = SINK, .lane = "digest", .bundle = "evening", .due_wall_ms = NOW};
    fixture_plan_event(fixture, number, severity, &planned);
}

static void test_a_bundle_leaves_together(void **state)
{
    struct fixture *fixture = *state;
    plan_severe(fixture, 1, SEVERITY_NOTICE);
    plan_severe(fixture, 2, SEVERITY_CRITICAL);
    fixture_plan(fixture, 3, "digest", "morning", NOW);
    plan_severe(fixture, 4, SEVERITY_INFO); /* the same bundle, but not without a gap */
    fixture_fetch(fixture, NOW);
    assert_int_equal(fixture->count, 1);
    struct delivery first = fixture->deliveries[0];
    assert_string_equal(first.bundle, "evening");
    assert_int_equal(first.event_total, 2);
    assert_int_equal(first.event_count, 2);
    assert_int_equal(first.last_id, first.id + 1);
    assert_int_equal(first.severity_counts[SEVERITY_NOTICE], 1);
    assert_int_equal(first.severity_counts[SEVERITY_CRITICAL], 1);
    assert_int_equal(first.events[0].sequence, 1);
    assert_int_equal(first.events[1].sequence, 2);

    fixture_end(fixture, &first, SETTLE_DELIVERED, 0);
    assert_int_equal(fixture_counts(fixture, SINK).delivered, 2);
    fixture_fetch(fixture, NOW);
    assert_int_equal(fixture->count, 1);
    assert_string_equal(fixture->deliveries[0].bundle, "morning");
}

static void find_ticket(void *arg, const struct stored_value *value)
{
    char(*found)[32] = arg;
    if (text_equal(value->key, "ticket/noc/a")) {
        (void)snprintf(*found, sizeof *found, "%.*s", (int)value->value.size, value->value.data);
    }
}

static void test_values_come_with_the_outcome(void **state)
{
    struct fixture *fixture = *state;
    plan_severe(fixture, 1, SEVERITY_NOTICE);
    fixture_fetch(fixture, NOW);
    const struct stored_value values[] = {{"ticket/noc/a", span_of("17")},
                                          {"ticket/noc/b", span_of("")}};
    struct settlement settlement = {.delivery_id = fixture->deliveries[0].id,
                                    .kind = SETTLE_LATER,
                                    .due_wall_ms = NOW,
                                    .detail = "",
                                    .values = values,
                                    .value_count = 2};
    assert_int_equal(fixture_settle(fixture, &settlement, 1), STATUS_OK);
    char found[32] = "";
    fixture_reopen(fixture);
    assert_int_equal(fixture->port.visit_values(fixture->port.self, find_ticket, &found, NULL),
                     STATUS_OK);
    assert_string_equal(found, "17");
    const struct stored_value forgotten = {"ticket/noc/a", span_of("")};
    settlement.values = &forgotten;
    settlement.value_count = 1;
    settlement.kind = SETTLE_DELIVERED;
    assert_int_equal(fixture_settle(fixture, &settlement, 1), STATUS_OK);
    found[0] = '\0';
    fixture_reopen(fixture);
    assert_int_equal(fixture->port.visit_values(fixture->port.self, find_ticket, &found, NULL),
                     STATUS_OK);
    assert_string_equal(found, "");
}

static void test_what_joins_a_bundle_later_stays_pending(void **state)
{
    struct fixture *fixture = *state;
    plan_severe(fixture, 1, SEVERITY_INFO);
    fixture_fetch(fixture, NOW);
    struct delivery given = fixture->deliveries[0];
    plan_severe(fixture, 2, SEVERITY_INFO);
    fixture_end(fixture, &given, SETTLE_LATER, NOW);
    fixture_reopen(fixture);
    fixture_fetch(fixture, NOW);
    assert_int_equal(fixture->count, 1);
    assert_int_equal(fixture->deliveries[0].event_total, 1); /* as it was tried */
    assert_int_equal(fixture->deliveries[0].attempts_made, 1);
    fixture_end(fixture, &given, SETTLE_DELIVERED, 0);
    fixture_fetch(fixture, NOW);
    assert_int_equal(fixture->count, 1);
    assert_int_equal(fixture->deliveries[0].events[0].sequence, 2);
    assert_int_equal(fixture->deliveries[0].attempts_made, 0);
}

static void test_a_large_bundle_gives_the_weightiest(void **state)
{
    struct fixture *fixture = *state;
    struct planned_delivery planned = {
        .sink_name = SINK, .lane = "digest", .bundle = "evening", .due_wall_ms = NOW};
    enum { COUNT = BUNDLE_EVENTS_MAX + 100 };
    struct new_event *events = alloc_array(COUNT, sizeof *events);
    for (uint64_t i = 0; i < COUNT; i++) {
        enum severity severity = i >= COUNT - 50 ? SEVERITY_CRITICAL : SEVERITY_INFO;
        events[i] = (struct new_event){.event = fixture_event("orange", "1", i + 1, severity),
                                       .deliveries = &planned,
                                       .delivery_count = 1};
    }
    struct commit commit = {.events = events, .event_count = COUNT};
    assert_int_equal(fixture_commit(fixture, &commit), STATUS_OK);
    free(events);

    fixture_fetch(fixture, NOW);
    const struct delivery *given = &fixture->deliveries[0];
    assert_int_equal(given->event_total, COUNT);
    assert_int_equal(given->event_count, BUNDLE_EVENTS_MAX);
    assert_int_equal(given->severity_counts[SEVERITY_CRITICAL], 50);
    assert_int_equal(given->severity_counts[SEVERITY_INFO], COUNT - 50);
    assert_int_equal(given->events[0].sequence, 1);
    assert_int_equal(given->events[149].sequence, 150);
    assert_int_equal(given->events[150].sequence, COUNT - 49);
    assert_int_equal(given->last_id - given->id, COUNT - 1);

    struct due_query query = fixture_query(NOW);
    query.bytes_max = 1; /* less than one event: one is given all the same */
    assert_int_equal(fixture_fetch_due(fixture, &query), STATUS_OK);
    assert_int_equal(fixture->count, 1);
    assert_int_equal(fixture->deliveries[0].event_count, 1);
    assert_int_equal(fixture->deliveries[0].event_total, COUNT);
}

static void test_limits_of_a_query(void **state)
{
    struct fixture *fixture = *state;
    fixture_plan(fixture, 1, "a", NULL, NOW);
    fixture_plan(fixture, 2, "b", NULL, NOW);
    fixture_plan(fixture, 3, "c", NULL, NOW + 7);
    struct due_query query = fixture_query(NOW);
    query.count_max = 1;
    assert_int_equal(fixture_fetch_due(fixture, &query), STATUS_OK);
    assert_int_equal(fixture->count, 1);
    assert_int_equal(fixture->next_due_wall_ms, NOW);

    query.count_max = 20;
    query.bytes_max = 15; /* one event has eleven */
    assert_int_equal(fixture_fetch_due(fixture, &query), STATUS_OK);
    assert_int_equal(fixture->count, 1);
    assert_int_equal(fixture->next_due_wall_ms, NOW);

    int64_t first_id = fixture->deliveries[0].id;
    query.except = &first_id;
    query.except_count = 1;
    assert_int_equal(fixture_fetch_due(fixture, &query), STATUS_OK);
    assert_int_equal(fixture->count, 1);
    assert_int_equal(fixture->deliveries[0].events[0].sequence, 2);
    assert_int_equal(fixture->next_due_wall_ms, NOW + 7);

    query = fixture_query(NOW);
    query.untried_wall_ms = NOW + 7;
    assert_int_equal(fixture_fetch_due(fixture, &query), STATUS_OK);
    assert_int_equal(fixture->count, 3);
    assert_true(fixture->next_due_wall_ms == INSTANT_NEVER);
}

static size_t fetch_crossing(struct fixture *fixture, int64_t now_wall_ms)
{
    struct due_query query = fixture_query(now_wall_ms);
    query.lanes_cross = true;
    assert_int_equal(fixture_fetch_due(fixture, &query), STATUS_OK);
    return fixture->count;
}

/* One order in the lane of its own and then in that of a quiet night, both due after an outage. */
static void test_an_order_keeps_its_order_over_lanes(void **state)
{
    struct fixture *fixture = *state;
    fixture_plan(fixture, 1, "orange/1", NULL, NOW);
    fixture_plan(fixture, 2, "quiet/night", "q1", NOW + 10);
    assert_int_equal(fetch_crossing(fixture, NOW + 10), 1);
    struct delivery first = fixture->deliveries[0];
    assert_string_equal(first.lane, "orange/1");
    fixture_end(fixture, &first, SETTLE_LATER, NOW + 20);
    assert_int_equal(fetch_crossing(fixture, NOW + 10), 0);
    assert_int_equal(fixture->next_due_wall_ms, NOW + 20);
    fixture_end(fixture, &first, SETTLE_DELIVERED, 0);
    assert_int_equal(fetch_crossing(fixture, NOW + 10), 1);
    assert_string_equal(fixture->deliveries[0].lane, "quiet/night");
}

static void test_what_waits_for_the_morning_is_overtaken(void **state)
{
    struct fixture *fixture = *state;
    fixture_plan(fixture, 1, "quiet/night", "q1", NOW + 1000);
    fixture_plan(fixture, 2, "orange/1", NULL, NOW);
    assert_int_equal(fetch_crossing(fixture, NOW), 1);
    assert_string_equal(fixture->deliveries[0].lane, "orange/1");
}

static void end_one_crossing(struct fixture *fixture, const char *lane, uint64_t first_sequence)
{
    assert_int_equal(fetch_crossing(fixture, NOW + 10), 1);
    struct delivery delivery = fixture->deliveries[0];
    assert_string_equal(delivery.lane, lane);
    assert_int_equal(delivery.event_total, 1);
    assert_int_equal(delivery.event_count, 1);
    assert_int_equal(delivery.severity_counts[delivery.events[0].severity], 1);
    assert_int_equal(delivery.events[0].sequence, first_sequence);
    fixture_end(fixture, &delivery, SETTLE_DELIVERED, 0);
}

/* The night's mail would wait for what was put off to the same morning, and that for the mail. */
static void test_a_night_and_what_was_put_off_to_its_end_do_not_wait_for_each_other(void **state)
{
    struct fixture *fixture = *state;
    fixture_plan(fixture, 1, "quiet/night", "q1", NOW + 10);
    fixture_plan(fixture, 2, "orange/1", NULL, NOW);
    fixture_plan(fixture, 3, "quiet/night", "q1", NOW + 10);
    assert_int_equal(fetch_crossing(fixture, NOW), 1);
    struct delivery late = fixture->deliveries[0];
    fixture_end(fixture, &late, SETTLE_DEFERRED, NOW + 10);
    end_one_crossing(fixture, "quiet/night", 1);
    end_one_crossing(fixture, "orange/1", 2);
    end_one_crossing(fixture, "quiet/night", 3);
    assert_int_equal(fetch_crossing(fixture, NOW + 10), 0);
}

static void plan_of_order(struct fixture *fixture, const char *order_id, uint64_t number,
                          const struct planned_delivery *planned)
{
    struct new_event event = {.event =
                                  fixture_event(FIXTURE_SOURCE, order_id, number, SEVERITY_INFO),
                              .deliveries = planned,
                              .delivery_count = 1};
    struct commit commit = {.events = &event, .event_count = 1};
    assert_int_equal(fixture_commit(fixture, &commit), STATUS_OK);
}

/* A digest of two orders; of one an earlier mail is refused for now. */
static void test_a_digest_waits_as_a_whole_for_an_earlier_mail(void **state)
{
    struct fixture *fixture = *state;
    fixture_plan(fixture, 1, "orange/1", NULL, NOW);
    const struct planned_delivery digest = {
        .sink_name = SINK, .lane = "digest/10", .bundle = "d10", .due_wall_ms = NOW + 10};
    plan_of_order(fixture, "2", 2, &digest);
    plan_of_order(fixture, "1", 3, &digest);
    assert_int_equal(fetch_crossing(fixture, NOW), 1);
    struct delivery refused = fixture->deliveries[0];
    fixture_end(fixture, &refused, SETTLE_LATER, NOW + MINUTE_MS);
    assert_int_equal(fetch_crossing(fixture, NOW + 10), 0);
    assert_int_equal(fixture->next_due_wall_ms, NOW + MINUTE_MS);

    /* Not for ever: what is free of it leaves. */
    fixture_end(fixture, &refused, SETTLE_LATER, NOW + BUNDLE_WAIT_MS + MINUTE_MS);
    assert_int_equal(fetch_crossing(fixture, NOW + 10 + BUNDLE_WAIT_MS), 1);
    assert_string_equal(fixture->deliveries[0].lane, "digest/10");
    assert_int_equal(fixture->deliveries[0].event_total, 1);

    fixture_end(fixture, &refused, SETTLE_DELIVERED, 0);
    assert_int_equal(fetch_crossing(fixture, NOW + 10), 1);
    assert_int_equal(fixture->deliveries[0].event_total, 2);
}

/* What a digest left behind goes with the next one, as what is oldest in it. */
static void test_the_rest_of_a_bundle_joins_the_next(void **state)
{
    struct fixture *fixture = *state;
    fixture_plan(fixture, 1, "digest/10", "d10", NOW + 10);
    fixture_plan(fixture, 2, "digest/10", "d10", NOW + 10);
    fixture_fetch(fixture, NOW + 10);
    struct delivery first = fixture->deliveries[0];
    fixture_plan(fixture, 3, "digest/20", "d20", NOW + 20);
    fixture_plan(fixture, 4, "digest/10", "d10", NOW + 10);
    const struct planned_delivery next = {
        .sink_name = SINK, .lane = "digest/20", .bundle = "d20", .due_wall_ms = NOW + 20};
    const struct settlement settlement = {.delivery_id = first.id,
                                          .last_id = first.last_id,
                                          .kind = SETTLE_DELIVERED,
                                          .at_wall_ms = NOW + 10,
                                          .rest = &next,
                                          .detail = ""};
    assert_int_equal(fixture_settle(fixture, &settlement, 1), STATUS_OK);
    assert_int_equal(fixture_counts(fixture, SINK).delivered, 2);
    fixture_reopen(fixture);
    fixture_fetch(fixture, NOW + 10);
    assert_int_equal(fixture->count, 0);
    assert_int_equal(fixture->next_due_wall_ms, NOW + 20);
    fixture_fetch(fixture, NOW + 20);
    assert_int_equal(fixture->count, 1);
    assert_string_equal(fixture->deliveries[0].lane, "digest/20");
    assert_int_equal(fixture->deliveries[0].event_total, 2);
    assert_int_equal(fixture->deliveries[0].events[0].sequence, 3);
    assert_int_equal(fixture->deliveries[0].events[1].sequence, 4);
    fixture_end(fixture, &fixture->deliveries[0], SETTLE_DELIVERED, 0);
    assert_int_equal(fixture_counts(fixture, SINK).pending, 0);
}

/* A sweep that ends after the digest that it was for. */
static void test_what_is_committed_after_its_moment_is_of_another(void **state)
{
    struct fixture *fixture = *state;
    const struct planned_delivery late = {
        .sink_name = SINK, .lane = "digest/20", .bundle = "d20", .due_wall_ms = NOW + 20};
    const struct planned_delivery planned = {.sink_name = SINK,
                                             .lane = "digest/10",
                                             .bundle = "d10",
                                             .due_wall_ms = NOW + 10,
                                             .if_late = &late};
    struct staged_order orders[] = {fixture_order("1", "{}"), fixture_order("2", "{}")};
    for (uint64_t i = 0; i < ARRAY_COUNT(orders); i++) {
        struct new_event event = {
            .event = fixture_event(FIXTURE_SOURCE, orders[i].order.id, i + 1, SEVERITY_INFO),
            .deliveries = &planned,
            .delivery_count = 1};
        orders[i].events = &event;
        orders[i].event_count = 1;
        assert_int_equal(fixture_stage(fixture, FIXTURE_SOURCE, &orders[i], 1), STATUS_OK);
        struct commit commit = {.at_wall_ms = NOW + 9 + (int64_t)i, .source_name = FIXTURE_SOURCE};
        assert_int_equal(fixture_commit(fixture, &commit), STATUS_OK);
    }
    fixture_fetch(fixture, NOW + 10);
    assert_int_equal(fixture->count, 1);
    assert_string_equal(fixture->deliveries[0].lane, "digest/10");
    assert_int_equal(fixture->deliveries[0].event_total, 1);
    assert_string_equal(fixture->deliveries[0].events[0].order_id, "1");
    assert_int_equal(fixture->next_due_wall_ms, NOW + 20);
    fixture_fetch(fixture, NOW + 20);
    assert_int_equal(fixture->count, 2);
    assert_string_equal(fixture->deliveries[1].lane, "digest/20");
    assert_string_equal(fixture->deliveries[1].bundle, "d20");
    assert_string_equal(fixture->deliveries[1].events[0].order_id, "2");
}

/* They tell a clock that went back while nobody looked. */
static void test_the_newest_that_waits_is_told_if_asked_for(void **state)
{
    struct fixture *fixture = *state;
    struct due_query query = fixture_query(NOW);
    query.asks_newest = true;
    assert_int_equal(fixture_fetch_due(fixture, &query), STATUS_OK);
    assert_true(fixture->newest_wall_ms == INT64_MIN);
    fixture_plan(fixture, 1, "a", NULL, NOW);
    fixture_plan(fixture, 2, "b", NULL, NOW + DAY_MS);
    assert_int_equal(fixture_fetch_due(fixture, &query), STATUS_OK);
    int64_t created = fixture_event(FIXTURE_SOURCE, "1", 2, SEVERITY_INFO).wall_ms;
    assert_int_equal(fixture->newest_wall_ms, created);
    struct settlement later = {.delivery_id = fixture->deliveries[0].id,
                               .last_id = fixture->deliveries[0].last_id,
                               .kind = SETTLE_LATER,
                               .at_wall_ms = NOW + HOUR_MS,
                               .due_wall_ms = NOW + 2 * HOUR_MS,
                               .counts_attempt = true,
                               .detail = "451 busy"};
    assert_int_equal(fixture_settle(fixture, &later, 1), STATUS_OK);
    assert_int_equal(fixture_fetch_due(fixture, &query), STATUS_OK);
    assert_int_equal(fixture->newest_wall_ms, NOW + HOUR_MS);
    fixture_fetch(fixture, NOW);
    assert_true(fixture->newest_wall_ms == INT64_MIN);
}

/* The head of its lane was tried again since, and is due: only what waits behind it tells. */
static void test_the_newest_that_waits_may_be_behind_another(void **state)
{
    struct fixture *fixture = *state;
    struct due_query query = fixture_query(NOW);
    query.asks_newest = true;
    fixture_plan(fixture, 1, "a", NULL, NOW - 1);
    fixture_plan(fixture, 2, "a", NULL, NOW + DAY_MS);
    assert_int_equal(fixture_fetch_due(fixture, &query), STATUS_OK);
    assert_int_equal(fixture->count, 1);
    int64_t created = fixture_event(FIXTURE_SOURCE, "1", 2, SEVERITY_INFO).wall_ms;
    assert_int_equal(fixture->newest_wall_ms, created);
}

/* Its due is a day away by a clock that went back a day: it was due when it was created. */
static void test_after_the_clock_went_back_nothing_waits_that_was_due(void **state)
{
    struct fixture *fixture = *state;
    int64_t created = fixture_event(FIXTURE_SOURCE, "1", 1, SEVERITY_INFO).wall_ms;
    fixture_plan(fixture, 1, "a", NULL, created);
    fixture_plan(fixture, 2, "b", NULL, created + HOUR_MS); /* by the calendar */
    struct due_query query = fixture_query(created - DAY_MS);
    assert_int_equal(fixture_fetch_due(fixture, &query), STATUS_OK);
    assert_int_equal(fixture->count, 0);
    query.has_gone_back = true;
    assert_int_equal(fixture_fetch_due(fixture, &query), STATUS_OK);
    assert_int_equal(fixture->count, 1);
    assert_string_equal(fixture->deliveries[0].lane, "a");
}

static void test_retries_beyond_the_horizon_are_due(void **state)
{
    struct fixture *fixture = *state;
    fixture_plan(fixture, 1, "a", NULL, NOW);
    fixture_plan(fixture, 2, "b", NULL, NOW + 9000000); /* planned so far away: quiet hours */
    fixture_fetch(fixture, NOW);
    fixture_end(fixture, &fixture->deliveries[0], SETTLE_LATER, NOW + 5000000);
    struct due_query query = fixture_query(NOW);
    query.horizon_wall_ms = NOW + 5000000;
    assert_int_equal(fixture_fetch_due(fixture, &query), STATUS_OK);
    assert_int_equal(fixture->count, 0);
    assert_int_equal(fixture->next_due_wall_ms, NOW + 5000000);
    query.horizon_wall_ms = NOW + 4999999;
    assert_int_equal(fixture_fetch_due(fixture, &query), STATUS_OK);
    assert_int_equal(fixture->count, 1);
    assert_int_equal(fixture->deliveries[0].events[0].sequence, 1);
    assert_int_equal(fixture->next_due_wall_ms, NOW + 9000000);
}

static void test_progress_is_kept_for_the_next_attempt(void **state)
{
    struct fixture *fixture = *state;
    fixture_plan(fixture, 1, "a", NULL, NOW);
    fixture_fetch(fixture, NOW);
    struct settlement settlement = {.delivery_id = fixture->deliveries[0].id,
                                    .last_id = fixture->deliveries[0].id,
                                    .kind = SETTLE_LATER,
                                    .at_wall_ms = NOW,
                                    .due_wall_ms = NOW,
                                    .counts_attempt = false,
                                    .progress = "ann@example.com",
                                    .detail = "450 later"};
    assert_int_equal(fixture_settle(fixture, &settlement, 1), STATUS_OK);
    settlement.progress = NULL;
    assert_int_equal(fixture_settle(fixture, &settlement, 1), STATUS_OK);
    fixture_reopen(fixture);
    fixture_fetch(fixture, NOW);
    assert_string_equal(fixture->deliveries[0].progress, "ann@example.com");
    assert_int_equal(fixture->deliveries[0].attempts_made, 0);
}

static void test_what_is_parked_falls_back_once(void **state)
{
    struct fixture *fixture = *state;
    plan_severe(fixture, 1, SEVERITY_INFO);
    plan_severe(fixture, 2, SEVERITY_WARNING);
    struct planned_delivery both[] = {
        {.sink_name = SINK, .lane = "digest", .bundle = "evening", .due_wall_ms = NOW},
        {.sink_name = "mail", .lane = "digest", .due_wall_ms = NOW}};
    struct new_event event = {.event = fixture_event("orange", "1", 3, SEVERITY_INFO),
                              .deliveries = both,
                              .delivery_count = 2};
    struct commit commit = {.events = &event, .event_count = 1};
    assert_int_equal(fixture_commit(fixture, &commit), STATUS_OK);

    fixture_fetch(fixture, NOW);
    struct settlement settlement = {.delivery_id = fixture->deliveries[0].id,
                                    .last_id = fixture->deliveries[0].last_id,
                                    .kind = SETTLE_PARKED,
                                    .at_wall_ms = NOW,
                                    .fallback_sink_name = "mail"};
    assert_int_equal(fixture->deliveries[0].event_total, 3);
    assert_int_equal(fixture_settle(fixture, &settlement, 1), STATUS_OK);
    assert_int_equal(fixture_counts(fixture, SINK).parked, 3);
    struct sink_counts counts = fixture_counts(fixture, "mail");
    assert_int_equal(counts.observed, 3); /* the third was planned for it already */
    assert_int_equal(counts.pending, 3);
    struct due_query query = fixture_query(NOW);
    query.sink_name = "mail";
    assert_int_equal(fixture_fetch_due(fixture, &query), STATUS_OK);
    assert_int_equal(fixture->count, 1); /* one lane, one at a time */
    assert_null(fixture->deliveries[0].bundle);
    assert_int_equal(fixture->deliveries[0].events[0].sequence, 3);
}

/* The model: rows in the order of planning, and nothing remembered that can be computed. */
#define ROWS_MAX 400

struct model_row {
    int lane;
    int bundle; /* 0: none */
    int64_t due_wall_ms;
    uint32_t attempts;
    size_t last_row; /* of its bundle as it was first tried; SIZE_MAX: never tried */
    bool is_pending, is_retry;
};

struct model {
    struct model_row rows[ROWS_MAX];
    size_t count;
    uint64_t delivered, parked;
};

static const char *const lanes[] = {"orange/1", "orange/2", "orange/3", "digest"};
static const char *const bundles[] = {NULL, "evening", "morning"};

static size_t model_head(const struct model *model, int lane)
{
    size_t i = 0;
    while (i < model->count && !(model->rows[i].is_pending && model->rows[i].lane == lane)) {
        i++;
    }
    return i;
}

/* The last row that leaves with this head. */
static size_t model_last(const struct model *model, size_t head)
{
    const struct model_row *first = &model->rows[head];
    size_t last = head;
    for (size_t i = head + 1; first->bundle != 0 && i < model->count; i++) {
        const struct model_row *row = &model->rows[i];
        if (row->lane != first->lane || !row->is_pending) {
            continue;
        }
        if (row->bundle != first->bundle || i > first->last_row) {
            break;
        }
        last = i;
    }
    return last;
}

static void model_plan(struct model *model, struct fixture *fixture, struct random *random)
{
    struct model_row *row = &model->rows[model->count++];
    *row = (struct model_row){
        .lane = (int)random_below(random, (int64_t)ARRAY_COUNT(lanes)),
        .bundle = (int)random_below(random, (int64_t)ARRAY_COUNT(bundles)),
        .due_wall_ms = NOW + random_below(random, 100),
        .last_row = SIZE_MAX,
        .is_pending = true,
    };
    fixture_plan(fixture, model->count, lanes[row->lane], bundles[row->bundle], row->due_wall_ms);
}

static bool model_is_due(const struct model_row *row, const struct due_query *query)
{
    if (row->is_retry) {
        return row->due_wall_ms <= query->now_wall_ms || row->due_wall_ms > query->horizon_wall_ms;
    }
    bool may_be_early = text_equal(lanes[row->lane], query->untried_lanes);
    return row->due_wall_ms <= query->now_wall_ms ||
           (may_be_early && row->due_wall_ms <= query->untried_wall_ms);
}

static bool model_is_before(const struct model *model, size_t left, size_t right)
{
    int64_t left_due = model->rows[left].due_wall_ms;
    int64_t right_due = model->rows[right].due_wall_ms;
    return left_due != right_due ? left_due < right_due : left < right;
}

/* The rows that a query without limits must give, in order. */
static size_t model_due(const struct model *model, const struct due_query *query, size_t *out)
{
    size_t count = 0;
    for (int lane = 0; lane < (int)ARRAY_COUNT(lanes); lane++) {
        size_t head = model_head(model, lane);
        if (head == model->count || !model_is_due(&model->rows[head], query)) {
            continue;
        }
        size_t place = count++;
        for (; place > 0 && model_is_before(model, head, out[place - 1]); place--) {
            out[place] = out[place - 1];
        }
        out[place] = head;
    }
    return count;
}

static int64_t model_next_due(const struct model *model, const struct due_query *query)
{
    int64_t next = INSTANT_NEVER;
    for (int lane = 0; lane < (int)ARRAY_COUNT(lanes); lane++) {
        size_t head = model_head(model, lane);
        if (head != model->count && !model_is_due(&model->rows[head], query) &&
            model->rows[head].due_wall_ms < next) {
            next = model->rows[head].due_wall_ms;
        }
    }
    return next;
}

static void model_compare(const struct model *model, struct fixture *fixture, struct random *random)
{
    struct due_query query = fixture_query(NOW + random_below(random, 150));
    query.horizon_wall_ms = query.now_wall_ms + random_below(random, 100);
    query.untried_lanes = "digest";
    query.untried_wall_ms = NOW + random_below(random, 150);
    size_t expected[ARRAY_COUNT(lanes)];
    size_t count = model_due(model, &query, expected);
    assert_int_equal(fixture_fetch_due(fixture, &query), STATUS_OK);
    assert_int_equal(fixture->count, count);
    for (size_t i = 0; i < count; i++) {
        const struct delivery *given = &fixture->deliveries[i];
        size_t last = model_last(model, expected[i]);
        assert_int_equal(given->events[0].sequence, expected[i] + 1);
        assert_int_equal(given->events[given->event_count - 1].sequence, last + 1);
        assert_int_equal(given->attempts_made, model->rows[expected[i]].attempts);
        assert_string_equal(given->lane, lanes[model->rows[expected[i]].lane]);
    }
    assert_true(fixture->next_due_wall_ms == model_next_due(model, &query));
}

/* Ends one of what was given by the latest comparison. */
static void model_settle(struct model *model, struct fixture *fixture, struct random *random)
{
    if (fixture->count == 0) {
        return;
    }
    struct delivery given = fixture->deliveries[random_below(random, (int64_t)fixture->count)];
    size_t head = (size_t)given.events[0].sequence - 1;
    size_t last = (size_t)given.events[given.event_count - 1].sequence - 1;
    enum settle_kind kind = (enum settle_kind)random_below(random, 3);
    int64_t due_wall_ms = NOW + random_below(random, 200);
    if (random_below(random, 3) == 0 && model->count < ROWS_MAX) {
        model_plan(model, fixture, random); /* between fetch and settle */
    }
    fixture_end(fixture, &given, kind, due_wall_ms);
    struct model_row *first = &model->rows[head];
    if (kind == SETTLE_LATER) {
        first->is_retry = true;
        first->attempts++;
        first->due_wall_ms = due_wall_ms;
        first->last_row = last;
        return;
    }
    for (size_t i = head; i <= last; i++) {
        struct model_row *row = &model->rows[i];
        if (row->is_pending && row->lane == first->lane && row->bundle == first->bundle) {
            row->is_pending = false;
            model->delivered += kind == SETTLE_DELIVERED;
            model->parked += kind == SETTLE_PARKED;
        }
    }
}

static void play(struct model *model, struct fixture *fixture, struct random *random)
{
    for (int step = 0; step < 500; step++) {
        if (model->count < ROWS_MAX && random_below(random, 2) == 0) {
            model_plan(model, fixture, random);
        }
        if (random_below(random, 100) == 0) {
            fixture_reopen(fixture);
        }
        model_compare(model, fixture, random);
        model_settle(model, fixture, random);
    }
    struct sink_counts counts = fixture_counts(fixture, SINK);
    assert_int_equal(counts.observed, model->count);
    assert_int_equal(counts.delivered, model->delivered);
    assert_int_equal(counts.parked, model->parked);
    assert_int_equal(counts.pending, model->count - model->delivered - model->parked);
}

static void test_lanes_follow_their_law(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        print_message("seed %llu\n", (unsigned long long)seed);
        struct random random = {.state = seed};
        struct model *model = alloc(sizeof *model);
        struct fixture *fixture = fixture_create();
        assert_int_equal(fixture_open(fixture), STATUS_OK);
        play(model, fixture, &random);
        fixture_destroy(fixture);
        free(model);
    }
}

int main(void)
{
#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_a_bundle_leaves_together),
        STORE_TEST(test_values_come_with_the_outcome),
        STORE_TEST(test_what_joins_a_bundle_later_stays_pending),
        STORE_TEST(test_a_large_bundle_gives_the_weightiest),
        STORE_TEST(test_limits_of_a_query),
        STORE_TEST(test_an_order_keeps_its_order_over_lanes),
        STORE_TEST(test_what_waits_for_the_morning_is_overtaken),
        STORE_TEST(test_a_digest_waits_as_a_whole_for_an_earlier_mail),
        STORE_TEST(test_the_newest_that_waits_is_told_if_asked_for),
        STORE_TEST(test_the_newest_that_waits_may_be_behind_another),
        STORE_TEST(test_after_the_clock_went_back_nothing_waits_that_was_due),
        STORE_TEST(test_the_rest_of_a_bundle_joins_the_next),
        STORE_TEST(test_what_is_committed_after_its_moment_is_of_another),
        STORE_TEST(test_a_night_and_what_was_put_off_to_its_end_do_not_wait_for_each_other),
        STORE_TEST(test_retries_beyond_the_horizon_are_due),
        STORE_TEST(test_progress_is_kept_for_the_next_attempt),
        STORE_TEST(test_what_is_parked_falls_back_once),
        cmocka_unit_test(test_lanes_follow_their_law),
    };
    return cmocka_run_group_tests_name("store_outbox", tests, NULL, NULL);
}
