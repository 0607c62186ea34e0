/* data.summary of every type of event about an order, as a person reads it. */
#include "tests/support/order_world.h"

#define SLOT(fields)                                                                               \
    "{'id':'7','status':'Held','appointments':[{'id':'A','status':'Confirmed'" fields "}]}"
#define TUESDAY ",'start':'2026-12-01T09:00:00'"

static const struct {
    const char *before, *after; /* before NULL: the order is new */
    const char *summary;        /* of the last event */
} rows[] = {
    {NULL, "{'id':'7','status':'Held','site':'Lyon'}", "Order 7 is new (Held): Lyon"},
    {NULL, "{'id':'7'}", "Order 7 is new"},
    {"{'id':'7','status':'Held'}", "{'id':'7','status':'Completed'}",
     "Order 7 is now Completed (was Held)"},
    {"{'id':'7'}", "{'id':'7','status':'Held'}", "Order 7 is now Held"},
    {"{'id':'7','status':'Held'}", "{'id':'7'}", "Order 7 has no status any more (was Held)"},
    {"{'id':'7','step':'A'}", "{'id':'7','step':'B'}", "Order 7, step changed: A to B"},
    {"{'id':'7','status':'Held'}", "{'id':'7','status':'InProgress','step':'B'}",
     "Order 7 is now InProgress (was Held), step B"},
    {"{'id':'7'}", "{'id':'7','committedDate':'2026-12-01'}",
     "Order 7, committed date is Tue 1 Dec"},
    {"{'id':'7','committedDate':'2026-12-01'}", "{'id':'7','committedDate':'2026-12-02'}",
     "Order 7, committed date moved by +1 day: Tue 1 Dec to Wed 2 Dec"},
    {"{'id':'7','committedDate':'2027-01-02'}", "{'id':'7','committedDate':'2026-12-31'}",
     "Order 7, committed date moved by -2 days: Sat 2 Jan 2027 to Thu 31 Dec"},
    {"{'id':'7','committedDate':'2026-12-01'}", "{'id':'7'}",
     "Order 7, committed date was Tue 1 Dec, now there is none"},
    {"{'id':'7','committedDate':'2026-12-01'}", "{'id':'7','committedDate':'later'}",
     "Order 7, committed date changed: Tue 1 Dec to later"},
    {"{'id':'7'}", "{'id':'7','notes':[{'text':'Call\\nfirst'}]}",
     "Order 7 has a new note: Call first"},
    {"{'id':'7','site':'A'}", "{'id':'7','site':'B'}", "Order 7, site changed: A to B"},
    {"{'id':'7','site':'A'}", "{'id':'7','site':'B','offer':'C'}", "Order 7, changed: site, offer"},
    {"{'id':'7','contact':{'name':'A'}}", "{'id':'7','contact':{'name':'B'}}",
     "Order 7, changed: contact name"},
    {"{'id':'7','status':'Held'}", SLOT(TUESDAY),
     "Order 7, new appointment: Tue 1 Dec 09:00 (Confirmed)"},
    {SLOT(TUESDAY), SLOT(",'start':'2026-12-02T10:00:00'"),
     "Order 7, appointment moved by +1 day: Tue 1 Dec 09:00 to Wed 2 Dec 10:00"},
    {SLOT(TUESDAY), SLOT(",'start':'2026-12-01T14:00:00'"),
     "Order 7, appointment moved: Tue 1 Dec 09:00 to Tue 1 Dec 14:00"},
    {SLOT(TUESDAY), SLOT(TUESDAY ",'end':'2026-12-01T12:00:00'"),
     "Order 7, appointment: Tue 1 Dec 09:00, end is Tue 1 Dec 12:00"},
    {SLOT(TUESDAY), "{'id':'7','status':'Held'}", "Order 7, appointment removed: Tue 1 Dec 09:00"},
};

static void check(struct world *world, const char *summary)
{
    size_t count = world->result.staged.event_count;
    assert_int_not_equal(count, 0);
    const char *expected = arena_format(world->arena, "\"summary\":\"%s\"", summary);
    expect_has(world_event_json(world, count - 1), expected);
}

static void sentences(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct world world;
        world_init(&world);
        world.context.is_baseline = rows[i].before != NULL;
        if (rows[i].before != NULL) {
            world_show(&world, rows[i].before);
        }
        world_show(&world, rows[i].after);
        check(&world, rows[i].summary);
        world_fini(&world);
    }
}

static void appointments_by_what_became_of_them(void **state)
{
    (void)state;
    static const char *const words[][2] = {
        {"Cancelled", "cancelled"}, {"Completed", "completed"}, {"Missed", "missed"}};
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        struct world world;
        world_init(&world);
        world_show(&world, SLOT(TUESDAY));
        world_show(&world, arena_format(world.arena,
                                        "{'id':'7','status':'Held','appointments':[{'id':'A',"
                                        "'status':'%s'" TUESDAY "}]}",
                                        words[i][0]));
        check(&world,
              arena_format(world.arena, "Order 7, appointment %s: Tue 1 Dec 09:00", words[i][1]));
        world_fini(&world);
    }
}

static void orders_that_come_and_go(void **state)
{
    (void)state;
    static const enum sighting sightings[] = {SIGHTING_CLOSED, SIGHTING_DISAPPEARED};
    static const char *const sentences_of[] = {"Order 7 is closed (Held)",
                                               "Order 7 has disappeared from the list (Held)"};
    for (size_t i = 0; i < ARRAY_COUNT(sightings); i++) {
        struct world world;
        world_init(&world);
        world_show(&world, "{'id':'7','status':'Held'}");
        world_step(&world, &(struct reconcile_input){.sighting = sightings[i]});
        check(&world, sentences_of[i]);
        world_show(&world, "{'id':'7','status':'Held'}");
        check(&world, "Order 7 is back on the list (Held)");
        world_fini(&world);
    }
}

/* Nothing in a value can break out of its line. */
static void hostile_values_stay_in_their_line(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world_show(&world, "{'id':'7\\r\\nBcc: x','site':'A'}");
    world_show(&world, "{'id':'7\\r\\nBcc: x','site':'B\\u2028\\u202eC\\r\\nD'}");
    const char *json = world_event_json(&world, 0);
    const char *summary = strstr(json, "\"summary\":\"");
    assert_non_null(summary);
    const char *end = strstr(summary, "\",\"");
    assert_non_null(end);
    struct span line = {.data = summary, .size = (size_t)(end - summary)};
    assert_null(memchr(line.data, '\\', line.size));
    world_fini(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sentences),
        cmocka_unit_test(appointments_by_what_became_of_them),
        cmocka_unit_test(orders_that_come_and_go),
        cmocka_unit_test(hostile_values_stay_in_their_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
