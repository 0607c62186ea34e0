/* Tickets open once for each condition, are closed with it, and open again with it. */
#include "core/arena.h"
#include "core/ticket_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct stage {
    struct arena *arena;
    struct ticket_memory *memory; /* NULL: the receiver gives no ids */
    struct ticket_news news;
    struct ticket tickets[TICKET_COUNT_MAX];
    size_t count;
};

static void stage_open(struct stage *stage, const struct store_port *store)
{
    *stage = (struct stage){.arena = arena_create()};
    assert_int_equal(STATUS_OK, ticket_memory_open("tickets", store, &stage->memory, NULL));
}

static void stage_close(struct stage *stage)
{
    ticket_memory_close(stage->memory);
    arena_destroy(stage->arena);
}

static struct event event_of(enum event_type type)
{
    return (struct event){.type = type,
                          .severity = event_type_severity(type),
                          .source_name = "orange",
                          .sink_name = "",
                          .order_id = "12/34",
                          .appointment_id = "A 1",
                          .json = span_of("{\"data\":{\"sink\":{\"name\":\"noc\"}}}")};
}

static void plan(struct stage *stage, enum event_type type)
{
    struct event event = event_of(type);
    stage->count =
        ticket_plan(ticket_memory_book(stage->memory), &event, stage->arena, stage->tickets);
}

/* The receiver takes each request, and calls a new ticket id. */
static void happen(struct stage *stage, enum event_type type, const char *id)
{
    struct event event = event_of(type);
    plan(stage, type);
    for (size_t i = 0; i < stage->count; i++) {
        ticket_memory_note(stage->memory, &stage->tickets[i], id, stage->arena, &stage->news);
    }
    if (ticket_is_last(&event)) {
        ticket_memory_forget(stage->memory, ticket_order_prefix(&event, stage->arena), stage->arena,
                             &stage->news);
    }
}

static void assert_ticket(const struct stage *stage, size_t index, const char *key,
                          enum ticket_action action, const char *id)
{
    assert_true(index < stage->count);
    assert_string_equal(key, stage->tickets[index].key);
    assert_string_equal(ticket_action_name(action),
                        ticket_action_name(stage->tickets[index].action));
    if (id == NULL) {
        assert_null(stage->tickets[index].id);
    } else {
        assert_string_equal(id, stage->tickets[index].id);
    }
}

static void without_memory_the_type_says_it(void **state)
{
    (void)state;
    static const struct {
        enum event_type type;
        const char *key;
        enum ticket_action action;
    } cases[] = {
        {EVENT_ORDER_CREATED, "orange/12%2F34/order", TICKET_OPEN},
        {EVENT_ORDER_UPDATED, "orange/12%2F34/order", TICKET_UPDATE},
        {EVENT_ORDER_STATUS_COMPLETED, "orange/12%2F34/order", TICKET_CLOSE},
        {EVENT_ORDER_REAPPEARED, "orange/12%2F34/order", TICKET_REOPEN},
        {EVENT_ORDER_DATE_OVERDUE, "orange/12%2F34/overdue", TICKET_OPEN},
        {EVENT_ORDER_STATUS_HELD, "orange/12%2F34/held", TICKET_OPEN},
        {EVENT_ORDER_STATUS_RESUMED, "orange/12%2F34/held", TICKET_CLOSE},
        {EVENT_APPOINTMENT_MISSED, "orange/12%2F34/missed/A%201", TICKET_OPEN},
        {EVENT_APPOINTMENT_RESCHEDULED, "orange/12%2F34/order", TICKET_UPDATE},
        {EVENT_SOURCE_UNREACHABLE, "orange/-/source", TICKET_OPEN},
        {EVENT_SOURCE_RECOVERED, "orange/-/source", TICKET_CLOSE},
        {EVENT_SINK_FAILING, "-/noc/sink", TICKET_OPEN},
    };
    struct stage stage;
    stage_open(&stage, NULL);
    ticket_memory_close(stage.memory);
    stage.memory = NULL;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        plan(&stage, cases[i].type);
        assert_int_equal(1, stage.count);
        assert_ticket(&stage, 0, cases[i].key, cases[i].action, NULL);
    }
    stage_close(&stage);
}

static void a_condition_has_one_ticket(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, NULL);
    happen(&stage, EVENT_ORDER_STATUS_HELD, "17");
    assert_ticket(&stage, 0, "orange/12%2F34/held", TICKET_OPEN, NULL);
    happen(&stage, EVENT_ORDER_STATUS_HELD, "99");
    assert_ticket(&stage, 0, "orange/12%2F34/held", TICKET_UPDATE, "17");
    happen(&stage, EVENT_ORDER_STATUS_RESUMED, "99");
    assert_ticket(&stage, 0, "orange/12%2F34/held", TICKET_CLOSE, "17");
    happen(&stage, EVENT_ORDER_STATUS_HELD, "99");
    assert_ticket(&stage, 0, "orange/12%2F34/held", TICKET_REOPEN, "17");
    stage_close(&stage);
}

static void what_relieves_closes_only_what_is_open(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, NULL);
    plan(&stage, EVENT_APPOINTMENT_RESCHEDULED);
    assert_ticket(&stage, 0, "orange/12%2F34/order", TICKET_OPEN, NULL);
    happen(&stage, EVENT_APPOINTMENT_MISSED, "5");
    plan(&stage, EVENT_APPOINTMENT_RESCHEDULED);
    assert_int_equal(1, stage.count);
    assert_ticket(&stage, 0, "orange/12%2F34/missed/A%201", TICKET_CLOSE, "5");
    happen(&stage, EVENT_ORDER_DATE_OVERDUE, "6");
    plan(&stage, EVENT_ORDER_DATE_CHANGED);
    assert_ticket(&stage, 0, "orange/12%2F34/overdue", TICKET_CLOSE, "6");
    stage_close(&stage);
}

static void the_end_closes_all_and_forgets(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, NULL);
    happen(&stage, EVENT_ORDER_CREATED, "1");
    happen(&stage, EVENT_ORDER_STATUS_HELD, "2");
    happen(&stage, EVENT_ORDER_DATE_OVERDUE, "3");
    happen(&stage, EVENT_ORDER_STATUS_RESUMED, "");
    happen(&stage, EVENT_ORDER_STATUS_COMPLETED, "");
    assert_int_equal(2, stage.count);
    assert_ticket(&stage, 0, "orange/12%2F34/overdue", TICKET_CLOSE, "3");
    assert_ticket(&stage, 1, "orange/12%2F34/order", TICKET_CLOSE, "1");
    happen(&stage, EVENT_ORDER_STATUS_REVERTED, "");
    assert_ticket(&stage, 0, "orange/12%2F34/order", TICKET_REOPEN, "1");
    size_t known = stage.news.count;
    happen(&stage, EVENT_ORDER_CLOSED, "");
    assert_ticket(&stage, 0, "orange/12%2F34/order", TICKET_CLOSE, "1");
    assert_int_equal(known + 4, stage.news.count); /* closed, and three forgotten */
    assert_int_equal(0, stage.news.values[stage.news.count - 1].value.size);
    plan(&stage, EVENT_ORDER_CREATED);
    assert_ticket(&stage, 0, "orange/12%2F34/order", TICKET_OPEN, NULL);
    stage_close(&stage);
}

static enum status visit_news(void *self, store_value_fn *visit, void *arg, struct failure *why)
{
    (void)why;
    const struct stage *before = self;
    for (size_t i = 0; i < before->news.count; i++) {
        visit(arg, &before->news.values[i]);
    }
    const struct stored_value others[] = {{"ticket/other/orange/12%2F34/held", span_of("{}")},
                                          {"ticket/tickets/orange/1/held", span_of("[")},
                                          {"sink/tickets", span_of("x")}};
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        visit(arg, &others[i]);
    }
    return STATUS_OK;
}

static void the_store_brings_it_back(void **state)
{
    (void)state;
    struct stage before;
    struct stage after;
    stage_open(&before, NULL);
    happen(&before, EVENT_ORDER_STATUS_HELD, "a\"b\n");
    assert_string_equal("ticket/tickets/orange/12%2F34/held", before.news.values[0].key);
    const struct store_port store = {.self = &before, .visit_values = visit_news};
    stage_open(&after, &store);
    plan(&after, EVENT_ORDER_STATUS_RESUMED);
    assert_ticket(&after, 0, "orange/12%2F34/held", TICKET_CLOSE, "a\"b\n");
    stage_close(&after);
    stage_close(&before);
}

/* Nobody is to close a ticket that says no more than that all is well. */
static void the_end_of_what_was_never_opened_touches_no_ticket(void **state)
{
    (void)state;
    static const enum event_type ends[] = {EVENT_ORDER_STATUS_RESUMED, EVENT_ORDER_STATUS_COMPLETED,
                                           EVENT_ORDER_CLOSED, EVENT_SOURCE_RECOVERED,
                                           EVENT_SINK_RECOVERED};
    struct stage stage;
    stage_open(&stage, NULL);
    for (size_t i = 0; i < ARRAY_COUNT(ends); i++) {
        happen(&stage, ends[i], "1");
        assert_int_equal(0, stage.count);
    }
    /* What is bad news by itself is told all the same, and closed later. */
    happen(&stage, EVENT_ORDER_STATUS_CANCELLED, "7");
    assert_int_equal(1, stage.count);
    assert_ticket(&stage, 0, "orange/12%2F34/order", TICKET_OPEN, NULL);
    happen(&stage, EVENT_ORDER_STATUS_RESUMED, "");
    assert_ticket(&stage, 0, "orange/12%2F34/order", TICKET_UPDATE, "7");
    happen(&stage, EVENT_ORDER_CLOSED, "");
    assert_ticket(&stage, 0, "orange/12%2F34/order", TICKET_CLOSE, "7");
    happen(&stage, EVENT_ORDER_CLOSED, "");
    assert_int_equal(0, stage.count);
    stage_close(&stage);
}

static void every_type_has_a_ticket(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, NULL);
    struct ticket_memory *memory = stage.memory;
    stage.memory = NULL;
    for (int type = 0; type < EVENT_TYPE_COUNT; type++) {
        plan(&stage, (enum event_type)type);
        assert_int_equal(1, stage.count);
        assert_true(stage.tickets[0].key[0] != '\0');
    }
    stage.memory = memory;
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_memory_the_type_says_it),
        cmocka_unit_test(a_condition_has_one_ticket),
        cmocka_unit_test(what_relieves_closes_only_what_is_open),
        cmocka_unit_test(the_end_closes_all_and_forgets),
        cmocka_unit_test(the_store_brings_it_back),
        cmocka_unit_test(the_end_of_what_was_never_opened_touches_no_ticket),
        cmocka_unit_test(every_type_has_a_ticket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
