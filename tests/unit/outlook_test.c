/* What a digest says besides: against a simple look at every order, page by page, with a store that
 * fails; and the digests of nothing, once for each time whatever happens. */
#include "core/dispatcher.h"

#include "core/arena.h"
#include "core/history.h"
#include "core/zone.h"
#include "tests/sim/sim_sinks.h"
#include "tests/sim/sim_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct world {
    struct sim sim;
    struct sim_process process;
    struct sim_store store;
    struct sim_store_port *store_port;
    struct sim_sink sink;
    struct sim_sink_port *sink_port;
    struct sink_port port;
    struct sink_config sink_config;
    struct source_config sources[2];
    struct route_config route;
    struct config config;
    struct where_rule where;
    struct dispatcher *dispatcher;
    struct arena *arena;
    struct outlook seen; /* of the latest mail; its texts are gone */
    char first_upcoming[64], first_site[64];
    size_t send_count, event_count; /* event_count: of the latest mail */
    int64_t sent_wall_ms[64];
};

static void on_send(void *arg, const char *sink_name, const struct delivery *delivery)
{
    struct world *world = arg;
    (void)sink_name;
    if (world->send_count < ARRAY_COUNT(world->sent_wall_ms)) {
        world->sent_wall_ms[world->send_count] = world->sim.now.wall_ms;
    }
    world->send_count++;
    world->event_count = delivery->event_total;
    assert_non_null(delivery->outlook);
    world->seen = *delivery->outlook;
    const struct outlook_item *first = &world->seen.upcoming.items[0];
    (void)snprintf(world->first_upcoming, sizeof world->first_upcoming, "%s",
                   world->seen.upcoming.count != 0 ? first->order_id : "");
    (void)snprintf(world->first_site, sizeof world->first_site, "%s",
                   world->seen.upcoming.count != 0 && first->site != NULL ? first->site : "");
}

static void on_receipt(void *arg, const char *sink_name, const struct delivery *delivery)
{
    (void)arg;
    (void)sink_name;
    (void)delivery;
}

static void describe(void *arg, size_t source_index, struct outlook_source *out)
{
    (void)arg;
    out->state = source_index == 0 ? OUTLOOK_OK : OUTLOOK_MAINTENANCE;
    out->complete_wall_ms = 1000;
}

static void restore(void *arg, const struct stored_value *value)
{
    dispatcher_restore(arg, value);
}

static void start(struct world *world, bool is_once)
{
    struct store_port store = sim_store_port(world->store_port);
    struct dispatcher_options options = {.config = &world->config,
                                         .sinks = &world->port,
                                         .store = store,
                                         .query = sim_query_port(world->store_port),
                                         .describe = describe,
                                         .seed = 3,
                                         .is_once = is_once};
    world->dispatcher = dispatcher_create(&options);
    struct failure why;
    assert_int_equal(store.visit_values(store.self, restore, world->dispatcher, &why), STATUS_OK);
}

static struct world *world_create(void)
{
    static const char *const types[] = {"*"};
    static const size_t sinks[] = {0};
    struct world *world = alloc(sizeof *world);
    sim_init(&world->sim, 5, false);
    world->process = (struct sim_process){.sim = &world->sim, .calls_until_crash = -1};
    sim_store_init(&world->store, &world->sim);
    world->arena = arena_create();
    world->store_port = sim_store_port_create(&world->store, &world->process);
    world->sink_config = (struct sink_config){.name = "managers",
                                              .kind = SINK_EMAIL,
                                              .in_flight_max = 1,
                                              .failing_after_ms = 60000,
                                              .retry = {5000, HOUR_MS, 7 * DAY_MS}};
    world->sink_config.email.digest =
        (struct digest_config){.every_ms = HOUR_MS, .tells_unchanged = true};
    world->sources[0] = (struct source_config){.name = "orange", .zone = zone_utc()};
    world->sources[1] = (struct source_config){.name = "tmf", .zone = zone_utc()};
    world->route =
        (struct route_config){.types = types, .type_count = 1, .sinks = sinks, .sink_count = 1};
    world->config = (struct config){.sources = world->sources,
                                    .source_count = 2,
                                    .sinks = &world->sink_config,
                                    .sink_count = 1,
                                    .routes = &world->route,
                                    .route_count = 1};
    sim_sink_init(&world->sink, &world->sim, &world->sink_config);
    world->sink.watch = (struct sim_sink_watch){world, on_send, on_receipt};
    world->sink_port = sim_sink_port_create(&world->sink, &world->process);
    world->port = sim_sink_port(world->sink_port);
    start(world, false);
    return world;
}

static int64_t turn(void *arg, struct instant now)
{
    struct world *world = arg;
    return dispatcher_turn(world->dispatcher, now);
}

static void run(struct world *world, int64_t duration_ms)
{
    sim_play(&world->sim, duration_ms, turn, world);
}

static void stop(struct world *world)
{
    dispatcher_stop(world->dispatcher);
    while (!dispatcher_is_idle(world->dispatcher)) {
        run(world, 1000);
    }
    dispatcher_destroy(world->dispatcher);
}

static void world_destroy(struct world *world)
{
    stop(world);
    sim_store_port_destroy(world->store_port);
    sim_sink_port_destroy(world->sink_port);
    sim_sink_fini(&world->sink);
    sim_store_fini(&world->store);
    sim_fini(&world->sim);
    arena_destroy(world->arena);
    free(world);
}

/* --- the outlook ---------------------------------------------------------------------------- */

static const char *date_text(struct world *world, int64_t wall_ms, bool is_day)
{
    struct text text;
    text_init(&text, 64);
    date_add(&text, (struct date){.kind = is_day ? DATE_DAY : DATE_INSTANT,
                                  .ms = is_day ? wall_ms / DAY_MS * DAY_MS : wall_ms});
    const char *copy = arena_text(world->arena, text_span(&text));
    text_fini(&text);
    return copy;
}

static void store_order(struct world *world, const char *source_name, const struct record *record,
                        bool has_left)
{
    struct text text;
    text_init(&text, 1 << 16);
    record_encode(record, &text);
    const struct staged_order staged = {
        .order = {.id = record->id, .has_left = has_left, .canonical = text_span(&text)}};
    const struct commit commit = {.source_name = source_name, .orders = &staged, .order_count = 1};
    sim_store_apply(&world->store, &commit, NULL);
    text_fini(&text);
}

struct expected {
    size_t upcoming, overdue;
    int64_t first_ms;
    const char *first_id;
};

/* What the outlook must say, told by what was made rather than by what was stored. */
static void make_order(struct world *world, int number, int64_t at_ms, struct expected *expected)
{
    struct random *random = &world->sim.random;
    struct appointment visit = {.id = "A", .kind = (enum appointment_kind)random_below(random, 6)};
    int64_t start_ms =
        at_ms + (random_below(random, 40) - 10) * DAY_MS + 5 * HOUR_MS + random_below(random, 9);
    int64_t committed_ms = at_ms + (random_below(random, 20) - 10) * DAY_MS;
    bool is_day = random_below(random, 3) == 0;
    bool has_left = random_below(random, 8) == 0;
    visit.fields[APPOINTMENT_START] = date_text(world, start_ms, is_day);
    struct record record = {.id = arena_format(world->arena, "order-%04d", number),
                            .kind = (enum order_kind)random_below(random, 6),
                            .appointments = &visit,
                            .appointment_count = 1};
    record.fields[ORDER_SITE] = random_below(random, 2) == 0 ? "Lyon" : "Nantes";
    record.fields[ORDER_COMMITTED_DATE] = date_text(world, committed_ms, true);
    store_order(world, number % 2 == 0 ? "orange" : "tmf", &record, has_left);
    bool is_shown = !has_left && (world->route.where_count == 0 ||
                                  strcmp(record.fields[ORDER_SITE], "Lyon") == 0);
    int64_t begin_ms = is_day ? start_ms / DAY_MS * DAY_MS : start_ms;
    int64_t end_ms = is_day ? begin_ms + DAY_MS : begin_ms;
    bool is_upcoming = end_ms > at_ms && begin_ms < at_ms + 14 * DAY_MS &&
                       history_will_take_place(visit.kind) && record.kind != ORDER_CANCELLED &&
                       record.kind != ORDER_FAILED;
    bool is_overdue =
        committed_ms / DAY_MS * DAY_MS + DAY_MS <= at_ms && !order_kind_is_final(record.kind);
    expected->overdue += is_shown && is_overdue ? 1 : 0;
    if (is_shown && is_upcoming) {
        expected->upcoming++;
        if (expected->first_id == NULL || begin_ms < expected->first_ms) {
            expected->first_ms = begin_ms;
            expected->first_id = record.id;
        }
    }
}

static void check_outlook(bool is_for_lyon, int64_t unavailable_permille)
{
    struct world *world = world_create();
    struct expected expected = {0};
    world->where = (struct where_rule){"site", "Ly*"};
    world->route.where = &world->where;
    world->route.where_count = is_for_lyon ? 1 : 0;
    run(world, HOUR_MS - world->sim.now.wall_ms % HOUR_MS - 1000); /* just before the digest */
    int64_t tick_ms = world->sim.now.wall_ms / HOUR_MS * HOUR_MS + HOUR_MS;
    for (int i = 0; i < 700; i++) { /* several pages */
        make_order(world, i, tick_ms, &expected);
    }
    world->store.unavailable_permille = unavailable_permille;
    size_t sent = world->send_count;
    run(world, 10 * MINUTE_MS);
    world->store.unavailable_permille = 0;
    assert_int_equal(world->send_count, sent + 1);
    assert_true(world->seen.is_known);
    assert_int_equal(world->seen.upcoming.total, expected.upcoming);
    assert_int_equal(world->seen.overdue.total, expected.overdue);
    size_t kept = expected.upcoming < OUTLOOK_ITEMS_MAX ? expected.upcoming : OUTLOOK_ITEMS_MAX;
    assert_int_equal(world->seen.upcoming.count, kept);
    for (size_t i = 1; i < kept; i++) {
        assert_true(world->seen.upcoming.items[i - 1].at_wall_ms <=
                    world->seen.upcoming.items[i].at_wall_ms);
    }
    assert_int_equal(world->seen.upcoming.items[0].at_wall_ms, expected.first_ms);
    assert_int_equal(world->seen.source_count, 2);
    assert_int_equal(world->seen.sources[0].state, OUTLOOK_OK);
    assert_int_equal(world->seen.sources[1].state, OUTLOOK_MAINTENANCE);
    world_destroy(world);
}

static void the_outlook_is_what_a_simple_look_finds(void **state)
{
    (void)state;
    check_outlook(false, 0);
}

static void it_shows_only_what_the_routes_show(void **state)
{
    (void)state;
    check_outlook(true, 0);
}

static void a_store_that_fails_is_asked_again(void **state)
{
    (void)state;
    check_outlook(false, 150);
}

static void a_field_that_is_not_for_the_sink_stays_in(void **state)
{
    (void)state;
    static const char *const names[] = {"id"};
    struct world *world = world_create();
    struct appointment visit = {.id = "A", .kind = APPOINTMENT_CONFIRMED};
    visit.fields[APPOINTMENT_START] = date_text(world, world->sim.now.wall_ms + 5 * HOUR_MS, false);
    struct record record = {
        .id = "7", .kind = ORDER_OPEN, .appointments = &visit, .appointment_count = 1};
    record.fields[ORDER_SITE] = "Lyon";
    record.fields[ORDER_COMMITTED_DATE] = "2001-01-01";
    store_order(world, "orange", &record, false);
    run(world, HOUR_MS + MINUTE_MS);
    assert_string_equal(world->first_upcoming, "7");
    assert_string_equal(world->first_site, "Lyon");
    assert_int_equal(world->seen.overdue.total, 1);
    world->sink_config.fields = (struct field_filter){.names = names, .count = 1};
    run(world, HOUR_MS);
    assert_string_equal(world->first_upcoming, "7");
    assert_string_equal(world->first_site, "");
    assert_int_equal(world->seen.overdue.total, 0);
    world_destroy(world);
}

/* --- digests of nothing --------------------------------------------------------------------- */

static size_t count_seeds(const struct world *world)
{
    size_t count = 0;
    for (size_t i = 0; i < world->store.event_count; i++) {
        count += world->store.events[i]->type == EVENT_DIGEST;
    }
    return count;
}

static void one_mail_for_each_time(void **state)
{
    (void)state;
    struct world *world = world_create();
    run(world, 10 * HOUR_MS + MINUTE_MS);
    assert_int_equal(world->send_count, 10);
    assert_int_equal(world->event_count, 1);
    for (size_t i = 0; i < world->send_count; i++) {
        assert_true(world->sent_wall_ms[i] % HOUR_MS < 5000);
        assert_true(i == 0 || world->sent_wall_ms[i] - world->sent_wall_ms[i - 1] > 50 * MINUTE_MS);
    }
    world_destroy(world);
}

static void news_join_it(void **state)
{
    (void)state;
    struct world *world = world_create();
    run(world, HOUR_MS + MINUTE_MS);
    size_t sent = world->send_count;
    const struct event event = {.type = EVENT_ORDER_CREATED,
                                .source_name = "orange",
                                .order_id = "1",
                                .appointment_id = "",
                                .id = "0123456789abcdef0123456789abcdef",
                                .sequence = 1,
                                .json = span_of("{}")};
    struct new_event news = {.event = event};
    int64_t due_ms = world->sim.now.wall_ms / HOUR_MS * HOUR_MS + HOUR_MS;
    const struct planned_delivery plan = {
        .sink_name = "managers",
        .lane = arena_format(world->arena, "digest/%lld", (long long)due_ms),
        .bundle = arena_format(world->arena, "d%lld", (long long)due_ms),
        .due_wall_ms = due_ms};
    news.deliveries = &plan;
    news.delivery_count = 1;
    const struct commit commit = {.events = &news, .event_count = 1};
    sim_store_apply(&world->store, &commit, NULL);
    run(world, HOUR_MS);
    assert_int_equal(world->send_count, sent + 1);
    assert_int_equal(world->event_count, 2);
    world_destroy(world);
}

static void restarts_and_clocks_make_no_second_one(void **state)
{
    (void)state;
    struct world *world = world_create();
    run(world, 90 * MINUTE_MS);
    size_t seeds = count_seeds(world);
    for (int i = 0; i < 20; i++) {
        stop(world);
        start(world, false);
        run(world, 1000);
    }
    assert_int_equal(count_seeds(world), seeds);
    world->sim.now.wall_ms -= 45 * MINUTE_MS; /* the clock is set back */
    run(world, 30 * MINUTE_MS);
    assert_int_equal(count_seeds(world), seeds);
    world->sim.now.wall_ms += 5 * HOUR_MS + 45 * MINUTE_MS; /* and far ahead: one late mail */
    size_t sent = world->send_count;
    run(world, 5 * MINUTE_MS);
    assert_int_equal(world->send_count, sent + 1);
    assert_int_equal(count_seeds(world), seeds + 1);
    world_destroy(world);
}

static void a_single_run_has_none(void **state)
{
    (void)state;
    struct world *world = world_create();
    run(world, 1000);
    size_t seeds = count_seeds(world);
    stop(world);
    sim_advance(&world->sim, world->sim.now.mono_ms + 3 * HOUR_MS);
    start(world, true);
    dispatcher_flush(world->dispatcher);
    run(world, HOUR_MS);
    assert_int_equal(count_seeds(world), seeds);
    world_destroy(world);
}

/* It is planned the day before: what waits for a week would look like a sink that fails. */
static void a_weekly_one_is_planned_the_day_before(void **state)
{
    (void)state;
    struct world *world = world_create();
    run(world, MINUTE_MS);
    stop(world);
    size_t seeds = count_seeds(world);
    world->sink_config.email.digest.every_ms = 7 * DAY_MS;
    start(world, false);
    int64_t week_ms = 7 * DAY_MS - world->sim.now.wall_ms % (7 * DAY_MS);
    if (week_ms > DAY_MS + 2 * HOUR_MS) {
        run(world, week_ms - DAY_MS - HOUR_MS);
        assert_int_equal(count_seeds(world), seeds);
    }
    run(world, 2 * HOUR_MS);
    assert_int_equal(count_seeds(world), seeds + 1);
    size_t sent = world->send_count;
    run(world, DAY_MS);
    assert_int_equal(world->send_count, sent + 1);
    world_destroy(world);
}

static void without_the_wish_nothing_is_sent(void **state)
{
    (void)state;
    struct world *world = world_create();
    world->sink_config.email.digest.tells_unchanged = false;
    run(world, 5 * HOUR_MS);
    assert_int_equal(world->send_count, 0);
    world_destroy(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_outlook_is_what_a_simple_look_finds),
        cmocka_unit_test(it_shows_only_what_the_routes_show),
        cmocka_unit_test(a_store_that_fails_is_asked_again),
        cmocka_unit_test(a_field_that_is_not_for_the_sink_stays_in),
        cmocka_unit_test(one_mail_for_each_time),
        cmocka_unit_test(news_join_it),
        cmocka_unit_test(restarts_and_clocks_make_no_second_one),
        cmocka_unit_test(a_single_run_has_none),
        cmocka_unit_test(a_weekly_one_is_planned_the_day_before),
        cmocka_unit_test(without_the_wish_nothing_is_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
