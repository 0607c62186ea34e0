/* Which sinks get an event, when, in which lane and with what else. */
#include "tests/support/order_world.h"

#include "core/route.h"

#define NOW_MS WORLD_NOW_MS /* Monday 2026-11-23 09:15:30.123 in Paris */

static struct event event_of(enum event_type type)
{
    return (struct event){
        .type = type,
        .severity = event_type_severity(type),
        .source_name = "orange",
        .sink_name = "",
        .order_id = "12/3",
        .appointment_id = "",
    };
}

static size_t plan(struct world *world, const struct event *event, const struct record *record,
                   const struct planned_delivery **out)
{
    struct route_facts facts = {.event = event, .record = record, .sweep = 7};
    return route_plan(&world->config, &facts, NOW_MS, world->arena, out);
}

static void one_delivery_for_each_sink(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct route_config routes[] = {world.route, world.route};
    world.config.routes = routes;
    world.config.route_count = 2;
    struct event event = event_of(EVENT_ORDER_CREATED);
    const struct planned_delivery *plans = NULL;
    assert_int_equal(plan(&world, &event, world_record(&world, "{'id':'12/3'}"), &plans), 3);
    static const char *const names[] = {"desk", "noc", "tickets"};
    static const char *const bundles[] = {"7/12/3", NULL, NULL};
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(plans[i].sink_name, names[i]);
        assert_string_equal(plans[i].lane, "orange/12%2F3");
        assert_true(text_equal(plans[i].bundle, bundles[i]));
        assert_int_equal(plans[i].due_wall_ms, NOW_MS);
    }
    world_fini(&world);
}

static void matching(void **state)
{
    (void)state;
    static const struct {
        const char *type, *field, *pattern;
        enum severity severity;
        bool matches; /* appointment.rescheduled, a warning */
    } rows[] = {
        {"*", NULL, NULL, SEVERITY_INFO, true},
        {"appointment.*", NULL, NULL, SEVERITY_WARNING, true},
        {"appointment.*", NULL, NULL, SEVERITY_CRITICAL, false},
        {"order.*", NULL, NULL, SEVERITY_INFO, false},
        {"orderwatch.appointment.*", NULL, NULL, SEVERITY_INFO, false},
        {"*", "site", "Lyon*", SEVERITY_INFO, true},
        {"*", "site", "Paris*", SEVERITY_INFO, false},
        {"*", "offer", "*", SEVERITY_INFO, false}, /* it has none */
        {"*", "source", "orange", SEVERITY_INFO, true},
        {"*", "source", "other", SEVERITY_INFO, false},
        {"*", "type", "appointment.re*", SEVERITY_INFO, true},
        {"*", "severity", "warning", SEVERITY_INFO, true},
        {"*", "status_kind", "open", SEVERITY_INFO, true},
        {"*", "extra.speed", "5", SEVERITY_INFO, true},
        {"*", "id", "12?3", SEVERITY_INFO, true},
    };
    struct world world;
    world_init(&world);
    struct event event = event_of(EVENT_APPOINTMENT_RESCHEDULED);
    const struct record *record = world_record(
        &world, "{'id':'12/3','status':'InProgress','site':'Lyon Part-Dieu','speed':5}");
    struct route_facts facts = {.event = &event, .record = record};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct where_rule where = {rows[i].field, rows[i].pattern};
        struct route_config route = {
            .types = &rows[i].type,
            .type_count = 1,
            .severity = rows[i].severity,
            .where = &where,
            .where_count = rows[i].field != NULL ? 1 : 0,
        };
        if (route_matches(&route, &facts) != rows[i].matches) {
            fail_msg("row %zu", i);
        }
    }
    world_fini(&world);
}

static void events_without_an_order(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    const struct planned_delivery *plans = NULL;
    struct event event = event_of(EVENT_SOURCE_UNREACHABLE);
    event.order_id = "";
    assert_int_equal(plan(&world, &event, NULL, &plans), 3);
    assert_string_equal(plans[0].lane, "orange/-");
    assert_null(plans[0].bundle);

    event = event_of(EVENT_SINK_FAILING);
    event.order_id = "";
    event.source_name = "";
    event.sink_name = "noc";
    assert_int_equal(plan(&world, &event, NULL, &plans), 2);
    assert_string_equal(plans[0].sink_name, "desk");
    assert_string_equal(plans[1].sink_name, "tickets");
    assert_string_equal(plans[0].lane, "-/-");

    struct where_rule where = {"site", "*"};
    world.route.where = &where;
    world.route.where_count = 1;
    assert_int_equal(plan(&world, &event, NULL, &plans), 0);
    world_fini(&world);
}

static void a_digest_waits_for_its_tick(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.sinks[0].email.digest.every_ms = 15 * MINUTE_MS;
    struct event event = event_of(EVENT_ORDER_STATUS_CANCELLED);
    const struct planned_delivery *plans = NULL;
    assert_int_equal(plan(&world, &event, world_record(&world, "{'id':'12/3'}"), &plans), 3);
    int64_t tick = date_of("2026-11-23T08:30:00Z").ms;
    assert_int_equal(plans[0].due_wall_ms, tick);
    assert_string_equal(plans[0].lane, arena_format(world.arena, "digest/%lld", (long long)tick));
    assert_string_equal(plans[0].bundle, arena_format(world.arena, "d%lld", (long long)tick));
    assert_int_equal(plans[1].due_wall_ms, NOW_MS);

    struct route_facts facts = {.event = &event, .record = world_record(&world, "{'id':'1'}")};
    assert_int_equal(route_plan(&world.config, &facts, tick, world.arena, &plans), 3);
    assert_int_equal(plans[0].due_wall_ms, tick + 15 * MINUTE_MS); /* strictly after now */
    world_fini(&world);
}

static struct quiet_config quiet_morning(const struct world *world)
{
    return (struct quiet_config){.is_set = true,
                                 .from_minute = 9 * 60,
                                 .to_minute = 10 * 60,
                                 .zone = world->zone,
                                 .has_exception = true,
                                 .exception = SEVERITY_CRITICAL};
}

static void quiet_hours_defer(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.route.quiet = quiet_morning(&world);
    struct event event = event_of(EVENT_APPOINTMENT_RESCHEDULED);
    const struct planned_delivery *plans = NULL;
    const struct record *record = world_record(&world, "{'id':'12/3'}");
    assert_int_equal(plan(&world, &event, record, &plans), 3);
    int64_t end = date_of("2026-11-23T09:00:00Z").ms;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(plans[i].due_wall_ms, end);
    }
    assert_string_equal(plans[0].lane, arena_format(world.arena, "quiet/%lld", (long long)end));
    assert_string_equal(plans[0].bundle, arena_format(world.arena, "q%lld", (long long)end));
    assert_string_equal(plans[1].lane, "orange/12%2F3/quiet"); /* an exception may overtake it */
    assert_null(plans[1].bundle);

    world.route.quiet.has_exception = false;
    assert_int_equal(plan(&world, &event, record, &plans), 3);
    assert_string_equal(plans[1].lane, "orange/12%2F3");
    world.route.quiet.has_exception = true;

    event.severity = SEVERITY_CRITICAL;
    assert_int_equal(plan(&world, &event, record, &plans), 3);
    assert_int_equal(plans[0].due_wall_ms, NOW_MS);
    assert_string_equal(plans[0].lane, "orange/12%2F3");
    world_fini(&world);
}

static void a_tick_in_quiet_hours_waits_for_their_end(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.route.quiet = quiet_morning(&world);
    world.route.quiet.from_minute = 9 * 60 + 30; /* not quiet now, but at the tick */
    world.sinks[0].email.digest.every_ms = 15 * MINUTE_MS;
    struct event event = event_of(EVENT_ORDER_CREATED);
    const struct planned_delivery *plans = NULL;
    (void)plan(&world, &event, world_record(&world, "{'id':'12/3'}"), &plans);
    assert_int_equal(plans[0].due_wall_ms, date_of("2026-11-23T09:00:00Z").ms);
    assert_int_equal(plans[0].bundle[0], 'q');
    assert_int_equal(plans[1].due_wall_ms, NOW_MS);
    world_fini(&world);
}

/* A digest by the hour and a daily one, quiet hours and a digest: one moment, one mail. */
static void what_leaves_at_one_moment_is_one_mail(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    static const int ten[] = {10 * 60};
    struct route_config routes[] = {world.route, world.route, world.route};
    static const char *const created[] = {"order.created"};
    static const char *const held[] = {"order.status.held"};
    static const char *const noted[] = {"order.note.added"};
    routes[0].types = created;
    routes[1].types = held;
    routes[1].digest = (struct digest_config){
        .is_set = true, .at_minutes = ten, .at_count = 1, .zone = world.zone};
    routes[2].types = noted;
    routes[2].digest = (struct digest_config){.is_set = true};
    world.sinks[0].email.digest.every_ms = HOUR_MS;
    world.config.routes = routes;
    world.config.route_count = 3;
    const struct record *record = world_record(&world, "{'id':'12/3'}");
    const struct planned_delivery *hourly = NULL;
    const struct planned_delivery *daily = NULL;
    const struct planned_delivery *at_once = NULL;
    struct event event = event_of(EVENT_ORDER_CREATED);
    (void)plan(&world, &event, record, &hourly);
    event = event_of(EVENT_ORDER_STATUS_HELD);
    (void)plan(&world, &event, record, &daily);
    event = event_of(EVENT_ORDER_NOTE_ADDED);
    (void)plan(&world, &event, record, &at_once);
    assert_int_equal(hourly[0].due_wall_ms, date_of("2026-11-23T09:00:00Z").ms);
    assert_int_equal(daily[0].due_wall_ms, hourly[0].due_wall_ms); /* 10:00 in Paris */
    assert_string_equal(hourly[0].lane, daily[0].lane);
    assert_string_equal(hourly[0].bundle, daily[0].bundle);
    assert_int_equal(at_once[0].due_wall_ms, NOW_MS); /* digest: 0 of its own */
    routes[2].digest = (struct digest_config){.is_set = false};
    world.sinks[0].email.digest.every_ms = 0;
    routes[2].quiet = quiet_morning(&world); /* until 10:00, too */
    event = event_of(EVENT_ORDER_NOTE_ADDED);
    (void)plan(&world, &event, record, &at_once);
    event = event_of(EVENT_ORDER_STATUS_HELD);
    (void)plan(&world, &event, record, &daily);
    assert_string_equal(at_once[0].lane, daily[0].lane);
    assert_string_equal(at_once[0].bundle, daily[0].bundle);
    world_fini(&world);
}

static void a_digest_that_is_over_before_the_commit_is_missed(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.sinks[0].email.digest.every_ms = 15 * MINUTE_MS;
    struct event event = event_of(EVENT_ORDER_CREATED);
    const struct planned_delivery *plans = NULL;
    struct route_facts facts = {
        .event = &event, .record = world_record(&world, "{'id':'1'}"), .lead_ms = 20000};
    int64_t tick = date_of("2026-11-23T08:30:00Z").ms;
    (void)route_plan(&world.config, &facts, tick - 30000, world.arena, &plans);
    assert_int_equal(plans[0].due_wall_ms, tick);
    (void)route_plan(&world.config, &facts, tick - 10000, world.arena, &plans);
    assert_int_equal(plans[0].due_wall_ms, tick + 15 * MINUTE_MS);
    assert_int_equal(plans[1].due_wall_ms, tick - 10000); /* others do not wait */
    world_fini(&world);
}

/* A digest's next time, at some distance, for what comes late may be late for long; after quiet
 * hours at once. */
static void what_comes_late_is_planned_for_later(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.sinks[0].email.digest.every_ms = HOUR_MS;
    struct event event = event_of(EVENT_ORDER_CREATED);
    const struct record *record = world_record(&world, "{'id':'12/3'}");
    const struct planned_delivery *plans = NULL;
    (void)plan(&world, &event, record, &plans);
    const struct planned_delivery *late = plans[0].if_late;
    int64_t tick = date_of("2026-11-23T09:00:00Z").ms;
    assert_int_equal(plans[0].due_wall_ms, tick);
    assert_int_equal(late->due_wall_ms, tick + HOUR_MS);
    assert_string_equal(late->sink_name, plans[0].sink_name);
    assert_string_equal(late->lane,
                        arena_format(world.arena, "digest/%lld", (long long)(tick + HOUR_MS)));
    assert_null(late->if_late);
    assert_null(plans[1].if_late); /* nothing is gathered there */

    world.sinks[0].email.digest.every_ms = 0;
    world.route.quiet = quiet_morning(&world);
    (void)plan(&world, &event, record, &plans);
    assert_int_equal(plans[0].due_wall_ms, tick);
    assert_int_equal(plans[0].if_late->due_wall_ms, tick);
    assert_string_equal(plans[0].if_late->lane, "orange/12%2F3"); /* the order's own */
    world_fini(&world);
}

static void what_a_digest_leaves_goes_with_the_next(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct planned_delivery next;
    int64_t tick = date_of("2026-11-23T09:00:00Z").ms;
    assert_false(route_next_digest(&world.config, 0, tick, world.arena, &next));
    world.sinks[0].email.digest.every_ms = HOUR_MS;
    assert_true(route_next_digest(&world.config, 0, tick, world.arena, &next));
    assert_int_equal(next.due_wall_ms, tick + HOUR_MS);
    assert_string_equal(next.lane,
                        arena_format(world.arena, "digest/%lld", (long long)(tick + HOUR_MS)));
    world_fini(&world);
}

static void the_earliest_route_counts(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct route_config routes[] = {world.route, world.route};
    routes[0].quiet = quiet_morning(&world);
    world.config.routes = routes;
    world.config.route_count = 2;
    struct event event = event_of(EVENT_ORDER_CREATED);
    const struct planned_delivery *plans = NULL;
    (void)plan(&world, &event, world_record(&world, "{'id':'12/3'}"), &plans);
    assert_int_equal(plans[0].due_wall_ms, NOW_MS);
    assert_string_equal(plans[0].bundle, "7/12/3");
    world_fini(&world);
}

static void where_state_is_published(void **state)
{
    (void)state;
    static const struct {
        const char *type, *field, *pattern;
        bool leads;
    } rows[] = {
        {"*", NULL, NULL, true},         {"sink.*", NULL, NULL, false},
        {"*", "source", "orange", true}, {"*", "source", "oth*", false},
        {"*", "type", "sink.*", false},  {"appointment.*", "site", "Lyon", true},
        {"source.*", NULL, NULL, true},
    };
    struct world world;
    world_init(&world);
    static const size_t noc[] = {1};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct where_rule where = {rows[i].field, rows[i].pattern};
        world.route = (struct route_config){
            .types = &rows[i].type,
            .type_count = 1,
            .where = &where,
            .where_count = rows[i].field != NULL ? 1 : 0,
            .sinks = noc,
            .sink_count = 1,
        };
        assert_int_equal(route_leads_to(&world.config, "orange", 1), rows[i].leads);
        assert_false(route_leads_to(&world.config, "orange", 2));
    }
    world_fini(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_delivery_for_each_sink),
        cmocka_unit_test(matching),
        cmocka_unit_test(events_without_an_order),
        cmocka_unit_test(a_digest_waits_for_its_tick),
        cmocka_unit_test(quiet_hours_defer),
        cmocka_unit_test(a_tick_in_quiet_hours_waits_for_their_end),
        cmocka_unit_test(what_leaves_at_one_moment_is_one_mail),
        cmocka_unit_test(a_digest_that_is_over_before_the_commit_is_missed),
        cmocka_unit_test(what_comes_late_is_planned_for_later),
        cmocka_unit_test(what_a_digest_leaves_goes_with_the_next),
        cmocka_unit_test(the_earliest_route_counts),
        cmocka_unit_test(where_state_is_published),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
