/* What happened, through other routes: who gets what, when, in which message. */
#include "tests/support/order_world.h"

#include "core/json.h"
#include "core/replay.h"

struct told {
    const char *time; /* of the day, UTC: 2026-11-23 */
    const char *type, *order;
    int sequence, sweep;
};

static void add(struct replay *replay, const struct told *told)
{
    struct text json;
    struct failure why;
    text_init(&json, 4096);
    text_addf(&json,
              "{\"id\":\"%s-%d\",\"source\":\"urn:orderwatch:orange\",\"type\":\"orderwatch.%s\","
              "\"subject\":\"orders/%s\",\"time\":\"2026-11-23T%s.000Z\",\"sequence\":\"%d\","
              "\"data\":{\"summary\":\"what\",\"sweep\":%d,\"order\":{\"id\":\"%s\"}}}",
              told->order, told->sequence, told->type, told->order, told->time, told->sequence,
              told->sweep, told->order);
    assert_int_equal(replay_add(replay, text_span(&json), &why), STATUS_OK);
    text_fini(&json);
}

/* "EVENT>SINK@TIME/MESSAGE …", then "EVENT~SILENCE" and "EVENT-". */
static const char *play(struct world *world, const struct silence_list *silences,
                        const struct told *told, size_t count)
{
    struct replay *replay = replay_create(&world->config, silences);
    struct text report;
    struct text words;
    text_init(&report, 1 << 20);
    text_init(&words, 1 << 16);
    for (size_t i = 0; i < count; i++) {
        add(replay, &told[i]);
    }
    replay_write(replay, &report);
    struct json *root = NULL;
    struct failure why;
    assert_int_equal(json_parse(text_span(&report), &root, &why), STATUS_OK);
    assert_int_equal(json_member_integer(root, "events", -1), count);
    const struct json *row = json_first(json_member(root, "deliveries"));
    for (; row != NULL; row = json_next(row)) {
        text_addf(&words, "%s>%s@%.8s/%lld ", json_member_text(row, "event"),
                  json_member_text(row, "sink"), json_member_text(row, "time") + 11,
                  (long long)json_member_integer(row, "message", 0));
    }
    for (row = json_first(json_member(root, "silenced")); row != NULL; row = json_next(row)) {
        text_addf(&words, "%s~%s ", json_member_text(row, "event"),
                  json_member_text(row, "silence"));
    }
    for (row = json_first(json_member(root, "unrouted")); row != NULL; row = json_next(row)) {
        text_addf(&words, "%s- ", json_member_text(row, "event"));
    }
    const char *kept = arena_text(world->arena, text_span(&words));
    json_destroy(root);
    text_fini(&words);
    text_fini(&report);
    replay_destroy(replay);
    return kept;
}

#define PLAY(world, silences, told) play(world, silences, told, ARRAY_COUNT(told))

static const size_t desk[] = {0};
static const size_t noc[] = {1};

/* In whatever order they come, and one sweep of one order is one mail. */
static void what_happened_leaves_in_its_order(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.route.sinks = desk;
    world.route.sink_count = 1;
    static const struct told told[] = {{"08:00:02", "order.updated", "b", 1, 3},
                                       {"08:00:01", "order.status.held", "a", 2, 2},
                                       {"08:00:01", "order.created", "a", 1, 2},
                                       {"08:00:01", "order.updated", "b", 0, 2}};
    assert_string_equal(PLAY(&world, NULL, told), "a-1>desk@08:00:01/1 a-2>desk@08:00:01/1 "
                                                  "b-0>desk@08:00:01/2 b-1>desk@08:00:02/3 ");
    world_fini(&world);
}

static void digests_gather_and_quiet_hours_wait_at_the_events_own_time(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.sinks[0].email.digest.every_ms = 15 * MINUTE_MS;
    struct route_config routes[] = {world.route, world.route};
    routes[0].sinks = desk;
    routes[0].sink_count = 1;
    routes[1].sinks = noc;
    routes[1].sink_count = 1;
    /* 09:00 to 10:00 in Paris is 08:00 to 09:00 */
    routes[1].quiet = (struct quiet_config){.is_set = true,
                                            .from_minute = 9 * 60,
                                            .to_minute = 10 * 60,
                                            .zone = world.zone,
                                            .has_exception = true,
                                            .exception = SEVERITY_CRITICAL};
    world.config.routes = routes;
    world.config.route_count = 2;
    static const struct told told[] = {{"07:50:00", "order.updated", "a", 1, 1},
                                       {"08:10:00", "order.updated", "a", 2, 2},
                                       {"08:14:00", "order.updated", "b", 1, 3},
                                       {"08:20:00", "order.status.cancelled", "a", 3, 4},
                                       {"09:30:00", "order.updated", "b", 2, 5}};
    assert_string_equal(PLAY(&world, NULL, told),
                        "a-1>noc@07:50:00/1 a-1>desk@08:00:00/2 a-2>desk@08:15:00/3 "
                        "b-1>desk@08:15:00/3 a-3>noc@08:20:00/4 a-3>desk@08:30:00/5 "
                        "a-2>noc@09:00:00/6 b-1>noc@09:00:00/7 b-2>noc@09:30:00/8 "
                        "b-2>desk@09:45:00/9 ");
    world_fini(&world);
}

static void silences_hold_at_the_events_own_time(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.route.sinks = noc;
    world.route.sink_count = 1;
    static const char *const types[] = {"order.status.*"};
    world.route.types = types;
    const struct silence silence = {.id = "s1",
                                    .order = "a",
                                    .start_wall_ms = WORLD_NOW_MS,
                                    .end_wall_ms = WORLD_NOW_MS + HOUR_MS};
    const struct silence_list silences = {.items = &silence, .count = 1};
    static const struct told told[] = {{"08:00:00", "order.status.held", "a", 1, 1},
                                       {"08:30:00", "order.status.resumed", "a", 2, 2},
                                       {"08:30:00", "order.updated", "b", 1, 2},
                                       {"09:30:00", "order.status.held", "a", 3, 3}};
    assert_string_equal(PLAY(&world, &silences, told),
                        "a-1>noc@08:00:00/1 a-3>noc@09:30:00/2 a-2~s1 b-1- ");
    world_fini(&world);
}

static void what_is_no_event_is_refused(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct replay *replay = replay_create(&world.config, NULL);
    struct failure why = {0};
    assert_int_equal(replay_add(replay, span_of("{\"type\":\"com.example.thing\"}"), &why),
                     STATUS_INVALID);
    expect_has(why.detail, "com.example.thing");
    struct text report;
    text_init(&report, 1024);
    replay_write(replay, &report);
    assert_string_equal(text_cstr(&report), "{\"events\":0,\"messages\":0,\"deliveries\":[],"
                                            "\"silenced\":[],\"unrouted\":[]}");
    text_fini(&report);
    replay_destroy(replay);
    world_fini(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_happened_leaves_in_its_order),
        cmocka_unit_test(digests_gather_and_quiet_hours_wait_at_the_events_own_time),
        cmocka_unit_test(silences_hold_at_the_events_own_time),
        cmocka_unit_test(what_is_no_event_is_refused),
    };
    return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
