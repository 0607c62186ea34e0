/* The usual source of tests of the poller, and what they ask of its world. cmocka comes before. */
#ifndef POLLER_FIXTURE_H
#define POLLER_FIXTURE_H

#include "tests/support/poller_world.h"

#define EVERY_MS (5 * MINUTE_MS)
#define ROUND_MS (EVERY_MS + EVERY_MS / 10 + 1000) /* at least one sweep fits in */

/* --- the world of each test ------------------------------------------------------------------- */

static const char *const id_pointer[] = {"/id"};
static const char *const status_pointer[] = {"/status"};
static const char *const state_pointer[] = {"/state"};
static const char *const committed_pointer[] = {"/committedDate"};
static const char *const appointments_pointer[] = {"/appointments"};
static const char *const start_pointer[] = {"/start"};
static const char *const site_pointer[] = {"/site"};
static const char *const order_id_pointer[] = {"/orderId"};

static const struct status_meaning order_statuses[] = {
    {"inprogress", ORDER_OPEN}, {"held", ORDER_HELD}, {"completed", ORDER_COMPLETED}};
static const struct status_meaning appointment_statuses[] = {{"confirmed", APPOINTMENT_CONFIRMED},
                                                             {"initialized", APPOINTMENT_NEW}};

static const char *const all_types[] = {"*"};

static void configure(struct world *world)
{
    struct paging paging = {.kind = PAGING_OFFSET,
                            .offset_parameter = "offset",
                            .limit_parameter = "limit",
                            .total_header = "X-Total-Count",
                            .page_size = 100};
    world->profile = (struct profile){
        .name = "test",
        .fingerprint = 1,
        .orders = {"/orders?status=Current", "/orders/{id}", "", paging},
        .appointments = {"/appointments?x=1", NULL, "", paging},
        .order_id = {id_pointer, 1},
        .order_appointments = {appointments_pointer, 1},
        .appointment_id = {id_pointer, 1},
        .appointment_order_id = {order_id_pointer, 1},
        .order_statuses = {order_statuses, ARRAY_COUNT(order_statuses)},
        .appointment_statuses = {appointment_statuses, ARRAY_COUNT(appointment_statuses)}};
    world->profile.order_fields[ORDER_STATUS] = (struct candidates){status_pointer, 1};
    world->profile.order_fields[ORDER_COMMITTED_DATE] = (struct candidates){committed_pointer, 1};
    world->profile.appointment_fields[APPOINTMENT_STATUS] = (struct candidates){status_pointer, 1};
    world->profile.appointment_fields[APPOINTMENT_START] = (struct candidates){start_pointer, 1};
    world->source =
        (struct source_config){.name = "orange",
                               .profile = &world->profile,
                               .profile_name = "test",
                               .base_url = "https://api.example.com/v1",
                               .oauth2 = {.token_url = "https://api.example.com/token",
                                          .client_id = "client",
                                          .client_secret = world->secret,
                                          .scope = ""},
                               .api_key = {.header = "X-Api-Key", .value = world->secret},
                               .every_ms = EVERY_MS,
                               .budget = {600, MINUTE_MS},
                               .language = "fr",
                               .zone = zone_utc(),
                               .guard = {50, 20, HOUR_MS, GUARD_HOLD},
                               .timeout_ms = 60000,
                               .body_bytes_max = 16777216,
                               .page_count_max = 25000,
                               .order_count_max = 1000000};
    world->route = (struct route_config){.types = all_types, .type_count = 1};
    world->config = (struct config){
        .sources = &world->source, .source_count = 1, .routes = &world->route, .route_count = 1};
}

static int begin(void **state)
{
    struct world *world = alloc(sizeof *world);
    world->now = (struct instant){.mono_ms = 1000000, .wall_ms = INT64_C(1795000000000)};
    world->arena = arena_create();
    world->fail_body = "";
    world->secret = secret_create(span_of("s3cret"));
    text_init(&world->body, 4194304);
    configure(world);
    *state = world;
    return 0;
}

static int end(void **state)
{
    struct world *world = *state;
    if (world->poller != NULL) {
        world_stop(world);
    }
    text_fini(&world->body);
    secret_destroy(world->secret);
    arena_destroy(world->arena);
    free(world);
    return 0;
}

/* Boots, and reads the baseline. */
static void settle(struct world *world)
{
    world_boot(world);
    world_run_for(world, 1000);
    assert_true(poller_status(world->poller).last_complete_wall_ms != 0);
    assert_int_equal(world->event_count, 0);
}

static void sweeps(struct world *world, int count)
{
    world_run_for(world, count * ROUND_MS);
}

static size_t count_events(const struct world *world, enum event_type type)
{
    size_t count = 0;
    for (size_t i = 0; i < world->event_count; i++) {
        count += world->events[i].type == type ? 1 : 0;
    }
    return count;
}

static const struct kept_event *find_event(const struct world *world, enum event_type type)
{
    size_t i = 0;
    while (i < world->event_count && world->events[i].type != type) {
        i++;
    }
    assert_true(i < world->event_count);
    return &world->events[i];
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

#endif
