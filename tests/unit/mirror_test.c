/* Retained state at a receiver follows the store. */
#include "core/home_assistant.h"
#include "core/mirror.h"
#include "core/mirror_item.h"
#include "tests/sim/sim_sinks.h"
#include "tests/sim/sim_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct sim_state_sink pairs[] = {{"orange", "noc"}};

struct world {
    struct sim sim;
    struct sim_process process;
    struct sim_store store;
    struct sim_store_port *store_port;
    struct sim_sink sink;
    struct sim_sink_port *sink_port;
    struct sink_config config;
    struct mirror *mirror;
};

static void begin_life(struct world *world)
{
    struct mirror_options options = {.sink = &world->config,
                                     .port = sim_sink_port(world->sink_port),
                                     .store = sim_store_port(world->store_port),
                                     .seed = 5};
    world->mirror = mirror_create(&options);
}

static struct world *world_create(void)
{
    struct world *world = alloc(sizeof *world);
    sim_init(&world->sim, 1, false);
    world->process = (struct sim_process){.sim = &world->sim, .calls_until_crash = -1};
    sim_store_init(&world->store, &world->sim);
    world->store.state_sinks = pairs;
    world->store.state_sink_count = ARRAY_COUNT(pairs);
    world->store_port = sim_store_port_create(&world->store, &world->process);
    world->config = (struct sink_config){.name = "noc",
                                         .kind = SINK_MQTT,
                                         .in_flight_max = 20,
                                         .retry = {1000, HOUR_MS, 7 * DAY_MS},
                                         .mqtt = {.prefix = "orderwatch"}};
    sim_sink_init(&world->sink, &world->sim, &world->config);
    world->sink_port = sim_sink_port_create(&world->sink, &world->process);
    begin_life(world);
    return world;
}

static int64_t turn(void *arg, struct instant now)
{
    struct world *world = arg;
    return mirror_turn(world->mirror, now);
}

static void run(struct world *world, int64_t duration_ms)
{
    sim_play(&world->sim, duration_ms, turn, world);
}

static void end_life(struct world *world)
{
    mirror_stop(world->mirror);
    run(world, 60000);
    mirror_destroy(world->mirror);
}

static void world_destroy(struct world *world)
{
    end_life(world);
    sim_store_port_destroy(world->store_port);
    sim_sink_port_destroy(world->sink_port);
    sim_sink_fini(&world->sink);
    sim_store_fini(&world->store);
    sim_fini(&world->sim);
    free(world);
}

/* Writes the order with so many appointments, A-1 and on. */
static void write_order_of(struct world *world, const char *id, size_t appointment_count,
                           bool has_left, const char *reference)
{
    struct appointment appointments[3] = {
        {.id = "A 1", .fields = {[APPOINTMENT_STATUS] = "Confirmed"}},
        {.id = "A-2"},
        {.id = "A-3"},
    };
    struct record record = {.id = id,
                            .fields = {[ORDER_STATUS] = "InProgress",
                                       [ORDER_REFERENCE] = reference,
                                       [ORDER_CONTACT_NAME] = "a contact"},
                            .kind = ORDER_OPEN,
                            .appointments = appointments,
                            .appointment_count = appointment_count};
    struct text canonical;
    text_init(&canonical, 65536);
    record_encode(&record, &canonical);
    struct staged_order order = {
        .order = {.id = id, .has_left = has_left, .canonical = text_span(&canonical)}};
    struct commit commit = {.source_name = "orange", .orders = &order, .order_count = 1};
    sim_store_apply(&world->store, &commit, NULL);
    mirror_expect_news(world->mirror);
    text_fini(&canonical);
}

static void write_order(struct world *world, const char *id, size_t appointment_count,
                        bool has_left)
{
    write_order_of(world, id, appointment_count, has_left, NULL);
}

static const char *topic(const struct world *world, const char *name)
{
    return sim_sink_topic(&world->sink, name);
}

static void test_orders_and_appointments_get_their_topics(void **state)
{
    (void)state;
    struct world *world = world_create();
    assert_false(mirror_is_drained(world->mirror));
    write_order(world, "7/8", 2, false);
    run(world, 2000);
    assert_non_null(strstr(topic(world, "orange/7/8"), "InProgress"));
    assert_null(strstr(topic(world, "orange/7/8"), "a contact")); /* nobody named it in fields */
    assert_non_null(strstr(topic(world, "orange/7/8/A 1"), "Confirmed"));
    assert_non_null(topic(world, "orange/7/8/A-2"));
    assert_true(mirror_is_drained(world->mirror));
    world_destroy(world);
}

static void test_what_left_is_emptied(void **state)
{
    (void)state;
    struct world *world = world_create();
    write_order(world, "7", 3, false);
    run(world, 2000);
    write_order(world, "7", 1, false);
    run(world, 2000);
    assert_non_null(topic(world, "orange/7/A 1"));
    assert_null(topic(world, "orange/7/A-2"));
    assert_null(topic(world, "orange/7/A-3"));
    write_order(world, "7", 1, true);
    run(world, 2000);
    assert_null(world->sink.topics);
    world_destroy(world);
}

static void test_a_topic_is_noted_before_it_exists(void **state)
{
    (void)state;
    struct world *world = world_create();
    world->sink.is_away = true;
    write_order(world, "7", 2, false);
    run(world, 5000);
    struct sim_state_row *row = sim_store_state(&world->store, "noc", "orange", "7");
    assert_string_equal(row->published, "=orderwatch A%201 A-2");
    assert_int_not_equal(row->version, row->settled_version);
    world_destroy(world);
}

static void test_a_receiver_that_is_away_gets_it_all_later(void **state)
{
    (void)state;
    struct world *world = world_create();
    world->sink.is_away = true;
    write_order(world, "7", 1, false);
    run(world, HOUR_MS);
    assert_true(mirror_is_failing(world->mirror));
    assert_false(mirror_is_drained(world->mirror));
    world->sink.is_away = false;
    mirror_available(world->mirror);
    run(world, 1000);
    assert_non_null(topic(world, "orange/7"));
    assert_false(mirror_is_failing(world->mirror));
    world_destroy(world);
}

static void test_lost_state_is_published_again_and_the_source_last(void **state)
{
    (void)state;
    struct world *world = world_create();
    write_order(world, "7", 1, false);
    mirror_source_status(world->mirror, "orange", span_of("{\"state\":\"ok\"}"));
    run(world, 2000);
    assert_string_equal(topic(world, "orange"), "{\"state\":\"ok\"}");
    sim_sink_forget_topics(&world->sink);
    world->store.full_permille = 1000; /* the refill cannot be noted yet */
    mirror_refill(world->mirror);
    run(world, 5 * MINUTE_MS);
    assert_null(topic(world, "orange"));
    world->store.full_permille = 0;
    run(world, 10 * MINUTE_MS);
    assert_non_null(topic(world, "orange"));
    assert_non_null(topic(world, "orange/7"));
    assert_non_null(topic(world, "orange/7/A 1"));
    world_destroy(world);
}

static void test_only_the_latest_state_counts(void **state)
{
    (void)state;
    struct world *world = world_create();
    for (size_t i = 0; i < 50; i++) {
        write_order(world, "7", i % 4, false);
    }
    run(world, 2000);
    assert_non_null(topic(world, "orange/7/A 1"));
    assert_null(topic(world, "orange/7/A-2"));
    assert_true(world->sim.trace_count < 8);
    world_destroy(world);
}

static void test_many_orders_at_a_bounded_rate(void **state)
{
    (void)state;
    struct world *world = world_create();
    for (int i = 0; i < 3000; i++) {
        struct text id;
        text_init(&id, 16);
        text_addf(&id, "%d", i);
        write_order(world, text_cstr(&id), 0, false);
        text_fini(&id);
    }
    world->sink.answer_ms_max = 0;
    run(world, 1000);
    assert_false(mirror_is_drained(world->mirror));
    run(world, 2 * MINUTE_MS);
    assert_true(mirror_is_drained(world->mirror));
    world_destroy(world);
}

static size_t count_topics(const struct world *world)
{
    size_t count = 0;
    for (const struct sim_topic *each = world->sink.topics; each != NULL; each = each->next) {
        count++;
    }
    return count;
}

#define STATUS_CONFIG "sensor/orderwatch__orange/7_2F8__status/config"

static void test_home_assistant_is_told_of_an_order_and_of_its_end(void **state)
{
    (void)state;
    struct world *world = world_create();
    world->config.mqtt.home_assistant.discovery_prefix = "homeassistant";
    write_order(world, "7/8", 1, false);
    run(world, 2000);
    assert_int_equal(2 + HOME_ASSISTANT_MESSAGES, count_topics(world));
    const char *config = topic(world, "homeassistant/" STATUS_CONFIG);
    assert_non_null(strstr(config, "\"state_topic\":\"orderwatch/orange/orders/7%2F8/state\""));
    assert_null(strstr(config, "a contact"));

    /* Another place: it moves there, and leaves nothing behind. */
    world->config.mqtt.home_assistant.discovery_prefix = "ha/lab";
    write_order(world, "7/8", 1, false);
    run(world, 2000);
    assert_int_equal(2 + HOME_ASSISTANT_MESSAGES, count_topics(world));
    assert_null(topic(world, "homeassistant/" STATUS_CONFIG));
    assert_non_null(topic(world, "ha/lab/" STATUS_CONFIG));
    assert_non_null(topic(world, "orderwatch/orange/orders/7%2F8/next_appointment"));

    world->config.mqtt.home_assistant.discovery_prefix = NULL;
    write_order(world, "7/8", 1, false);
    run(world, 2000);
    assert_int_equal(2, count_topics(world));

    world->config.mqtt.home_assistant.discovery_prefix = "homeassistant";
    write_order(world, "7/8", 2, false);
    run(world, 2000);
    assert_int_equal(3 + HOME_ASSISTANT_MESSAGES, count_topics(world));
    write_order(world, "7/8", 0, true);
    run(world, 2000);
    assert_int_equal(0, count_topics(world));
    world_destroy(world);
}

/* Publications until all is quiet. */
static uint64_t count_published(struct world *world)
{
    uint64_t before = world->sink.retained_count;
    run(world, 5000);
    assert_true(mirror_is_drained(world->mirror));
    return world->sink.retained_count - before;
}

#define STATES 2 /* of an order without appointments: its own, and the next appointment */

static void test_home_assistant_is_told_what_it_has_not_heard(void **state)
{
    (void)state;
    struct world *world = world_create();
    world->config.mqtt.home_assistant.discovery_prefix = "homeassistant";
    write_order(world, "7", 0, false);
    assert_int_equal(STATES + HOME_ASSISTANT_ENTITIES, count_published(world));
    write_order(world, "7", 0, false);
    assert_int_equal(STATES, count_published(world));
    end_life(world);
    begin_life(world);
    write_order(world, "7", 0, false);
    assert_int_equal(STATES, count_published(world));

    write_order_of(world, "7", 0, false, "PO-7"); /* which is in the name of the device */
    assert_int_equal(STATES + HOME_ASSISTANT_ENTITIES, count_published(world));
    write_order_of(world, "7", 0, false, "PO-7");
    assert_int_equal(STATES, count_published(world));

    /* The receiver lost everything, while a change was on its way. */
    sim_sink_forget_topics(&world->sink);
    write_order_of(world, "7", 0, false, "PO-7");
    run(world, 1);
    mirror_refill(world->mirror);
    run(world, 5000);
    assert_int_equal(STATES + HOME_ASSISTANT_ENTITIES, count_topics(world));
    write_order_of(world, "7", 0, true, "PO-7");
    assert_int_equal(1 + HOME_ASSISTANT_MESSAGES, count_published(world));
    assert_null(world->sink.topics);
    world_destroy(world);
}

static bool is_changed(const struct world *world)
{
    const char *config = topic(world, "homeassistant/" STATUS_CONFIG);
    return config == NULL || strstr(config, "PO-7") != NULL;
}

/* A part of another announcement came there, or of its end: the first one is not sure any more. */
static void test_home_assistant_is_told_again_after_half_a_change(void **state)
{
    (void)state;
    struct world *world = world_create();
    world->config.mqtt.home_assistant.discovery_prefix = "homeassistant";
    write_order(world, "7/8", 0, false);
    run(world, 2000);
    for (int has_left = 0; has_left <= 1; has_left++) {
        write_order_of(world, "7/8", 0, has_left != 0, "PO-7");
        uint64_t before = world->sink.retained_count;
        while (!is_changed(world)) {
            run(world, 1);
        }
        assert_true(world->sink.retained_count - before < STATES + HOME_ASSISTANT_ENTITIES);
        world->sink.is_away = true;
        run(world, 5000);
        world->sink.is_away = false;
        write_order(world, "7/8", 0, false); /* as before */
        run(world, 2 * MINUTE_MS);
        assert_false(is_changed(world));
    }
    world_destroy(world);
}

/* The topics that the state of an order that left empties below other prefixes, as one line. */
static void add_earlier(const struct mirror_options *options, const char *published,
                        struct text *out)
{
    const struct stale_state state = {.source_name = "orange",
                                      .order_id = "7/8",
                                      .version = 3,
                                      .has_left = true,
                                      .published = published};
    struct mirror_item *item = NULL;
    assert_int_equal(STATUS_OK, mirror_item_create(NULL, &state, options, &item, NULL));
    for (size_t i = 0; i < item->publication_count; i++) {
        const struct retained *retained = &item->publications[i].retained;
        assert_int_equal(0, retained->payload.size);
        if (retained->kind == RETAINED_EARLIER || retained->kind == RETAINED_DISCOVERY) {
            text_addf(out, " %s", retained->topic);
        }
    }
    assert_string_equal("", item->published_after);
    mirror_item_destroy(item);
}

static void test_what_was_below_another_prefix_is_emptied_with_its_statuses(void **state)
{
    (void)state;
    const struct sink_config sink = {.name = "noc", .kind = SINK_MQTT, .mqtt.prefix = "new"};
    const struct mirror_options options = {.sink = &sink};
    struct text topics;
    text_init(&topics, 4096);
    add_earlier(&options, "=new A-1", &topics);
    assert_string_equal("", text_cstr(&topics));
    add_earlier(&options, "=a%2Fb A%201 =new", &topics);
    assert_string_equal(" a/b/status a/b/orange/status a/b/orange/orders/7%2F8/state"
                        " a/b/orange/orders/7%2F8/appointments/A%201/state",
                        text_cstr(&topics));
    add_earlier(&options, "=a%2Fb +ha", &topics);
    assert_non_null(strstr(text_cstr(&topics), " a/b/orange/orders/7%2F8/next_appointment"));
    assert_non_null(strstr(text_cstr(&topics), " ha/sensor/a_2Fb__orange/7_2F8__status/config"));
    text_fini(&topics);
}

static void expect_source(bool has_left, const char *published, const char *after,
                          const char *topics)
{
    const struct sink_config sink = {.name = "noc", .kind = SINK_MQTT, .mqtt.prefix = "new"};
    const struct mirror_options options = {.sink = &sink};
    const struct stale_state state = {.source_name = "orange",
                                      .order_id = "",
                                      .version = 3,
                                      .has_left = has_left,
                                      .published = published};
    struct mirror_item *item = NULL;
    assert_int_equal(STATUS_OK, mirror_item_create(NULL, &state, &options, &item, NULL));
    struct text words;
    text_init(&words, 4096);
    for (size_t i = 0; i < item->publication_count; i++) {
        const struct retained *retained = &item->publications[i].retained;
        assert_int_equal(0, retained->payload.size);
        text_addf(&words, " %s",
                  retained->kind == RETAINED_SOURCE ? "its status" : retained->topic);
    }
    assert_string_equal(topics, text_cstr(&words));
    assert_string_equal(after, item->published_after);
    text_fini(&words);
    mirror_item_destroy(item);
}

static void test_a_source_has_its_statuses_alone(void **state)
{
    (void)state;
    expect_source(false, "", "=new", "");
    expect_source(false, "=new", "=new", "");
    expect_source(false, "=old", "=new", " old/status old/orange/status");
    expect_source(true, "=new", "", " its status");
    expect_source(true, "=old", "", " its status old/status old/orange/status");
}

static void test_what_another_sink_has_at_the_same_broker_is_left_alone(void **state)
{
    (void)state;
    struct sink_config sinks[2] = {
        {.name = "noc",
         .kind = SINK_MQTT,
         .mqtt = {.brokers = {{.host = "a", .port = 1883}, {.host = "b", .port = 1883}},
                  .broker_count = 2,
                  .prefix = "new"}},
        {.name = "lab",
         .kind = SINK_MQTT,
         .mqtt = {.brokers = {{.host = "b", .port = 1883}},
                  .broker_count = 1,
                  .prefix = "old",
                  .has_state = true}}};
    const struct config config = {.sinks = sinks, .sink_count = ARRAY_COUNT(sinks)};
    const struct mirror_options options = {.config = &config, .sink = &sinks[0]};
    struct text topics;
    text_init(&topics, 4096);
    add_earlier(&options, "=old A-1", &topics);
    assert_string_equal("", text_cstr(&topics));
    sinks[1].mqtt.brokers[0].port = 1884;
    add_earlier(&options, "=old", &topics);
    assert_string_equal(" old/status old/orange/status old/orange/orders/7%2F8/state",
                        text_cstr(&topics));
    text_fini(&topics);
}

static void test_the_shape_follows_what_decides_the_payloads(void **state)
{
    (void)state;
    static const char *const names[] = {"id"};
    struct sink_config sink = {.mqtt = {.prefix = "orderwatch"}};
    uint64_t plain = mirror_shape(&sink);
    assert_true(plain == mirror_shape(&sink));
    sink.fields = (struct field_filter){.names = names, .count = 1};
    uint64_t narrow = mirror_shape(&sink);
    assert_true(narrow != plain);
    sink.mqtt.home_assistant.discovery_prefix = "homeassistant";
    assert_true(mirror_shape(&sink) != narrow);
}

static void test_a_slow_rate_is_kept(void **state)
{
    (void)state;
    struct world *world = world_create();
    world->config.mqtt.state_rate = (struct rate){.count = 60, .window_ms = 60000};
    mirror_destroy(world->mirror);
    begin_life(world);
    for (int i = 0; i < 10; i++) {
        char id[2] = {(char)('a' + i), '\0'};
        write_order(world, id, 0, false);
    }
    run(world, 4500);
    assert_true(count_topics(world) >= 3 && count_topics(world) <= 6);
    run(world, 20000);
    assert_int_equal(10, count_topics(world));
    world_destroy(world);
}

/* All is sent and its rate used up: only the receiver's answer brings more to do. */
static void test_a_slow_receiver_is_waited_for_in_peace(void **state)
{
    (void)state;
    struct world *world = world_create();
    world->config.mqtt.state_rate = (struct rate){.count = 60, .window_ms = 60000};
    mirror_destroy(world->mirror);
    begin_life(world);
    world->sink.answer_ms_max = 600000;
    write_order(world, "a", 0, false);
    run(world, 10 * MINUTE_MS);
    assert_int_equal(1, count_topics(world));
    world_destroy(world);
}

/* Two orders, and what the receiver takes of the first one's state: nothing. */
static struct world *world_with_a_refused_state(void)
{
    struct world *world = world_create();
    world->sink.refused_topics = "orange/7";
    write_order(world, "7", 1, false);
    write_order(world, "8", 0, false);
    run(world, 5000);
    assert_null(topic(world, "orange/7"));
    assert_non_null(topic(world, "orange/7/A 1"));
    assert_non_null(topic(world, "orange/8"));
    assert_true(mirror_is_drained(world->mirror));
    return world;
}

/* How often something was published until now. */
static uint64_t try_count(const struct world *world)
{
    return world->sink.retained_count;
}

static void test_what_was_refused_is_tried_at_the_next_start(void **state)
{
    (void)state;
    struct world *world = world_with_a_refused_state();
    uint64_t before = try_count(world);
    end_life(world);
    begin_life(world);
    assert_false(mirror_is_drained(world->mirror));
    run(world, 5000);
    assert_true(try_count(world) > before); /* so the sink knows, too */
    assert_null(topic(world, "orange/7"));
    end_life(world);
    world->sink.refused_topics = NULL;
    begin_life(world);
    run(world, 5000);
    assert_non_null(topic(world, "orange/7"));
    assert_true(mirror_is_drained(world->mirror));

    before = try_count(world);
    end_life(world);
    begin_life(world);
    run(world, 2 * HOUR_MS);
    assert_int_equal(before, try_count(world)); /* nothing is refused any more */
    world_destroy(world);
}

static void test_what_was_refused_is_tried_when_the_receiver_is_back(void **state)
{
    (void)state;
    struct world *world = world_with_a_refused_state();
    run(world, 2 * MINUTE_MS);
    uint64_t before = try_count(world);
    mirror_available(world->mirror);
    run(world, 1000);
    assert_true(try_count(world) > before);
    before = try_count(world);
    for (int i = 0; i < 10; i++) { /* one that comes and goes */
        mirror_available(world->mirror);
        run(world, 1000);
    }
    assert_int_equal(before, try_count(world));
    world->sink.refused_topics = NULL;
    run(world, MINUTE_MS);
    assert_non_null(topic(world, "orange/7"));
    world_destroy(world);
}

static void test_what_was_refused_is_tried_every_hour(void **state)
{
    (void)state;
    struct world *world = world_with_a_refused_state();
    uint64_t before = try_count(world);
    run(world, 50 * MINUTE_MS);
    assert_int_equal(before, try_count(world));
    world->sink.refused_topics = NULL;
    run(world, 20 * MINUTE_MS);
    assert_non_null(topic(world, "orange/7"));
    world_destroy(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orders_and_appointments_get_their_topics),
        cmocka_unit_test(test_what_left_is_emptied),
        cmocka_unit_test(test_a_topic_is_noted_before_it_exists),
        cmocka_unit_test(test_a_receiver_that_is_away_gets_it_all_later),
        cmocka_unit_test(test_lost_state_is_published_again_and_the_source_last),
        cmocka_unit_test(test_only_the_latest_state_counts),
        cmocka_unit_test(test_many_orders_at_a_bounded_rate),
        cmocka_unit_test(test_home_assistant_is_told_of_an_order_and_of_its_end),
        cmocka_unit_test(test_home_assistant_is_told_what_it_has_not_heard),
        cmocka_unit_test(test_home_assistant_is_told_again_after_half_a_change),
        cmocka_unit_test(test_what_was_below_another_prefix_is_emptied_with_its_statuses),
        cmocka_unit_test(test_a_source_has_its_statuses_alone),
        cmocka_unit_test(test_what_another_sink_has_at_the_same_broker_is_left_alone),
        cmocka_unit_test(test_the_shape_follows_what_decides_the_payloads),
        cmocka_unit_test(test_a_slow_rate_is_kept),
        cmocka_unit_test(test_a_slow_receiver_is_waited_for_in_peace),
        cmocka_unit_test(test_what_was_refused_is_tried_at_the_next_start),
        cmocka_unit_test(test_what_was_refused_is_tried_when_the_receiver_is_back),
        cmocka_unit_test(test_what_was_refused_is_tried_every_hour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
