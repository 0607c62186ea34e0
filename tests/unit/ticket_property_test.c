/* Whatever happens to the orders, whenever the daemon dies: a condition has one ticket. Only an
 * answer that was lost may open a second one, for nobody can know then. */
#include "core/arena.h"
#include "core/random.h"
#include "core/ticket_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEEDS 300
#define STEPS 400
#define ORDERS 4
#define TICKETS_MAX 4096
#define VALUES_MAX 4096

/* The receiver's side: it survives the daemon. */
struct desk_ticket {
    char key[128];
    bool is_open;
};

struct world {
    uint64_t seed;
    struct random random;
    struct desk_ticket tickets[TICKETS_MAX];
    size_t ticket_count;
    struct {
        char key[160], value[512];
    } values[VALUES_MAX]; /* what is durable */
    size_t value_count;
    struct ticket_memory *memory;
    struct arena *arena;
    uint64_t lost_openings, openings, reopenings, crashes;
};

static bool chance(struct world *world, int64_t permille)
{
    return random_below(&world->random, 1000) < permille;
}

/* --- the store ------------------------------------------------------------------------------ */

static enum status visit_values(void *self, store_value_fn *visit, void *arg, struct failure *why)
{
    struct world *world = self;
    (void)why;
    for (size_t i = 0; i < world->value_count; i++) {
        struct stored_value value = {world->values[i].key, span_of(world->values[i].value)};
        if (value.value.size != 0) {
            visit(arg, &value);
        }
    }
    return STATUS_OK;
}

static void write_value(struct world *world, const struct stored_value *value)
{
    size_t i = 0;
    while (i < world->value_count && strcmp(world->values[i].key, value->key) != 0) {
        i++;
    }
    assert_true(i < VALUES_MAX);
    world->value_count += i == world->value_count;
    (void)snprintf(world->values[i].key, sizeof world->values[i].key, "%s", value->key);
    (void)snprintf(world->values[i].value, sizeof world->values[i].value, "%.*s",
                   (int)value->value.size, value->value.data);
}

static void restart(struct world *world)
{
    const struct store_port store = {.self = world, .visit_values = visit_values};
    ticket_memory_close(world->memory);
    assert_int_equal(STATUS_OK, ticket_memory_open("desk", &store, &world->memory, NULL));
}

/* --- the receiver --------------------------------------------------------------------------- */

static void open_ticket(struct world *world, const char *key, char *id)
{
    assert_true(world->ticket_count < TICKETS_MAX);
    struct desk_ticket *ticket = &world->tickets[world->ticket_count++];
    (void)snprintf(ticket->key, sizeof ticket->key, "%s", key);
    ticket->is_open = true;
    world->openings++;
    (void)snprintf(id, 16, "%zu", world->ticket_count);
}

/* As the formats do it: a ticket with an id is changed, one without is opened. */
static void take(struct world *world, const struct ticket *asked, char *id)
{
    if (asked->id == NULL) {
        assert_int_not_equal(asked->action, TICKET_CLOSE); /* nobody would close what that opens */
        open_ticket(world, asked->key, id);
        return;
    }
    size_t number = strtoul(asked->id, NULL, 10);
    assert_in_range(number, 1, world->ticket_count);
    struct desk_ticket *ticket = &world->tickets[number - 1];
    assert_string_equal(asked->key, ticket->key); /* never somebody else's */
    if (asked->action == TICKET_REOPEN) {
        world->reopenings += !ticket->is_open;
    }
    ticket->is_open = asked->action != TICKET_CLOSE;
    (void)snprintf(id, 16, "%s", asked->id);
}

/* --- a delivery ----------------------------------------------------------------------------- */

static struct event draw_event(struct world *world)
{
    static const char *const orders[ORDERS] = {"1", "2", "3/4", "5"};
    static const enum event_type types[] = {
        EVENT_ORDER_CREATED,           EVENT_ORDER_STATUS_HELD,   EVENT_ORDER_STATUS_RESUMED,
        EVENT_ORDER_DATE_OVERDUE,      EVENT_ORDER_DATE_CHANGED,  EVENT_APPOINTMENT_MISSED,
        EVENT_APPOINTMENT_RESCHEDULED, EVENT_ORDER_NOTE_ADDED,    EVENT_ORDER_STATUS_COMPLETED,
        EVENT_ORDER_STATUS_REVERTED,   EVENT_APPOINTMENT_REMOVED, EVENT_ORDER_UPDATED,
        EVENT_ORDER_STATUS_CANCELLED};
    enum event_type type = types[random_below(&world->random, ARRAY_COUNT(types))];
    return (struct event){
        .type = type,
        .severity = event_type_severity(type),
        .source_name = "orange",
        .sink_name = "",
        .order_id = orders[random_below(&world->random, ORDERS)],
        .appointment_id = chance(world, 500) ? "A" : "B",
        .json = span_of("{}"),
    };
}

/* False: the daemon died before the outcome was durable, and the event comes again. */
static bool send(struct world *world, const struct ticket *tickets, size_t count,
                 struct ticket_news *news)
{
    uint64_t opened = 0; /* heard of or not, but nowhere written */
    for (size_t i = 0; i < count && !chance(world, 30); i++) {
        char id[16];
        opened += tickets[i].id == NULL;
        take(world, &tickets[i], id);
        if (chance(world, 30)) {
            break; /* the answer was lost */
        }
        ticket_memory_note(world->memory, &tickets[i], id, world->arena, news);
    }
    bool is_written = news->count == count && !chance(world, 30);
    world->lost_openings += is_written ? 0 : opened;
    return is_written;
}

static bool try_once(struct world *world, const struct event *event)
{
    struct ticket tickets[TICKET_COUNT_MAX];
    struct ticket_news news = {.values = NULL};
    size_t count = ticket_plan(ticket_memory_book(world->memory), event, world->arena, tickets);
    if (!send(world, tickets, count, &news)) {
        return false;
    }
    for (size_t i = 0; i < news.count; i++) {
        write_value(world, &news.values[i]);
    }
    return true;
}

static void deliver(struct world *world)
{
    struct event event = draw_event(world);
    while (!try_once(world, &event)) {
        world->crashes++;
        restart(world);
    }
    arena_reset(world->arena);
}

static uint64_t count_keys(const struct world *world)
{
    uint64_t count = 0;
    for (size_t i = 0; i < world->ticket_count; i++) {
        size_t first = 0;
        while (strcmp(world->tickets[first].key, world->tickets[i].key) != 0) {
            first++;
        }
        count += first == i;
    }
    return count;
}

static void play(struct world *world, uint64_t seed)
{
    *world = (struct world){.seed = seed, .random = {.state = seed}, .arena = arena_create()};
    restart(world);
    for (int i = 0; i < STEPS; i++) {
        deliver(world);
        if (world->openings > count_keys(world) + world->lost_openings) {
            fail_msg("seed %llu, step %d: %llu tickets for %llu conditions, %llu answers lost",
                     (unsigned long long)seed, i, (unsigned long long)world->openings,
                     (unsigned long long)count_keys(world),
                     (unsigned long long)world->lost_openings);
        }
    }
    ticket_memory_close(world->memory);
    arena_destroy(world->arena);
}

static void a_condition_has_one_ticket_whatever_happens(void **state)
{
    (void)state;
    struct world *world = alloc(sizeof *world);
    uint64_t crashes = 0;
    uint64_t reopenings = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        play(world, seed);
        crashes += world->crashes;
        reopenings += world->reopenings;
    }
    assert_true(crashes > SEEDS && reopenings > SEEDS); /* it was worth playing */
    free(world);
}

/* A death that loses no answer opens nothing twice. */
static void a_restart_between_deliveries_opens_nothing_twice(void **state)
{
    (void)state;
    struct world *world = alloc(sizeof *world);
    *world = (struct world){.seed = 1, .random = {.state = 1}, .arena = arena_create()};
    for (int i = 0; i < STEPS; i++) {
        restart(world);
        struct event event = draw_event(world);
        struct ticket tickets[TICKET_COUNT_MAX];
        struct ticket_news news = {.values = NULL};
        size_t count =
            ticket_plan(ticket_memory_book(world->memory), &event, world->arena, tickets);
        for (size_t j = 0; j < count; j++) {
            char id[16];
            take(world, &tickets[j], id);
            ticket_memory_note(world->memory, &tickets[j], id, world->arena, &news);
        }
        for (size_t j = 0; j < news.count; j++) {
            write_value(world, &news.values[j]);
        }
    }
    assert_int_equal(world->openings, count_keys(world));
    ticket_memory_close(world->memory);
    arena_destroy(world->arena);
    free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_condition_has_one_ticket_whatever_happens),
        cmocka_unit_test(a_restart_between_deliveries_opens_nothing_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
