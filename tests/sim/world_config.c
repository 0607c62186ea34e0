#include "core/profile.h"
#include "core/secret.h"
#include "core/zone.h"

#include "tests/sim/world.h"

#include <string.h>

#define POINTERS(...)                                                                              \
    {                                                                                              \
        .pointers = (const char *const[]){__VA_ARGS__},                                            \
        .count = ARRAY_COUNT(((const char *const[]){__VA_ARGS__}))                                 \
    }

static const struct status_meaning order_meanings[] = {
    {"acknowledged", ORDER_OPEN}, {"inprogress", ORDER_OPEN},     {"held", ORDER_HELD},
    {"pending", ORDER_HELD},      {"completed", ORDER_COMPLETED}, {"cancelled", ORDER_CANCELLED},
    {"failed", ORDER_FAILED},
};

static const struct status_meaning appointment_meanings[] = {
    {"initialized", APPOINTMENT_NEW},     {"confirmed", APPOINTMENT_CONFIRMED},
    {"cancelled", APPOINTMENT_CANCELLED}, {"completed", APPOINTMENT_COMPLETED},
    {"missed", APPOINTMENT_MISSED},
};

static const struct profile nested_profile = {
    .name = "simulated",
    .description = "the simulated API",
    .fingerprint = 1,
    .accept = "application/json",
    .orders = {.path = "/orders?status=Current",
               .detail_path = "/orders/{id}",
               .items_pointer = "",
               .paging = {.kind = PAGING_OFFSET,
                          .offset_parameter = "offset",
                          .limit_parameter = "limit",
                          .total_header = "X-Total-Count",
                          .page_size = 5}},
    .order_id = POINTERS("/id"),
    .order_fields = {[ORDER_STATUS] = POINTERS("/status"),
                     [ORDER_STEP] = POINTERS("/step"),
                     [ORDER_SITE] = POINTERS("/site/name"),
                     [ORDER_COMMITTED_DATE] = POINTERS("/committedDate")},
    .notes = POINTERS("/notes"),
    .note_id = POINTERS("/id"),
    .note_text = POINTERS("/text"),
    .order_appointments = POINTERS("/appointments"),
    .appointment_id = POINTERS("/id"),
    .appointment_fields = {[APPOINTMENT_STATUS] = POINTERS("/status"),
                           [APPOINTMENT_START] = POINTERS("/start"),
                           [APPOINTMENT_END] = POINTERS("/end")},
    .order_statuses = {order_meanings, ARRAY_COUNT(order_meanings)},
    .appointment_statuses = {appointment_meanings, ARRAY_COUNT(appointment_meanings)},
    .ignore = (const char *const[]){"lastUpdate"},
    .ignore_count = 1,
};

static const struct candidates order_of_appointment = POINTERS("/orderId");

static const int digest_times[] = {7 * 60 + 30, 13 * 60, 13 * 60 + 10, 19 * 60};
static const int64_t reminders_ms[] = {24 * HOUR_MS};

static const struct route_config routes[WORLD_ROUTES] = {
    {.types = (const char *const[]){"*"},
     .type_count = 1,
     .sinks = (const size_t[]){1, 2},
     .sink_count = 2},
    {.types = (const char *const[]){"appointment.*", "order.status.*", "sink.*"},
     .type_count = 3,
     .severity = SEVERITY_NOTICE,
     .sinks = (const size_t[]){0},
     .sink_count = 1},
};

static void init_source(struct world *world)
{
    struct sim *sim = &world->sim;
    world->source = (struct source_config){
        .name = "orange",
        .profile = &world->profile,
        .profile_name = "simulated",
        .base_url = SIM_BASE_URL,
        .oauth2 = {.token_url = SIM_TOKEN_URL,
                   .client_id = "client",
                   .client_secret = secret_create(span_of("simulated")),
                   .scope = ""},
        .every_ms = sim_between(sim, 60, 300) * 1000,
        .budget = {.count = (uint32_t)sim_between(sim, 12, 60), .window_ms = 60000},
        .language = "en",
        .is_adaptive = sim_chance(sim, 600),
        .zone = zone_utc(),
        .remind_ms = reminders_ms,
        .remind_count = ARRAY_COUNT(reminders_ms),
        .guard = {.changed_percent = 50, .vanished_percent = 20, .hold_ms = HOUR_MS},
        .timeout_ms = 60000,
        .body_bytes_max = 16u << 20,
        .page_count_max = 60, /* a list that never ends is found out */
        .settle_ms = sim_chance(sim, 250) ? sim_between(sim, 5, 25) * MINUTE_MS : 0,
        .order_count_max = 1000000};
}

/* Announced windows, in which the API is mostly away. */
static void init_maintenance(struct world *world)
{
    struct sim *sim = &world->sim;
    size_t count = sim_chance(sim, 300) ? ARRAY_COUNT(world->maintenance) : 0;
    int64_t at = sim->now.wall_ms;
    for (size_t i = 0; i < count; i++) {
        world->maintenance[i].from_wall_ms = at + sim_between(sim, 5, 90) * MINUTE_MS;
        at = world->maintenance[i].from_wall_ms + sim_between(sim, 20, 90) * MINUTE_MS;
        world->maintenance[i].to_wall_ms = at;
    }
    world->source.maintenance = world->maintenance;
    world->source.maintenance_count = count;
}

static void init_profile(struct world *world)
{
    world->profile = nested_profile;
    world->upstream.has_own_appointments = sim_chance(&world->sim, 400);
    if (world->upstream.has_own_appointments) {
        world->profile.has_appointments_collection = true;
        world->profile.appointments = nested_profile.orders;
        world->profile.appointments.path = "/appointments?status=Current";
        world->profile.appointments.detail_path = NULL;
        world->profile.order_appointments = (struct candidates){0};
        world->profile.appointment_order_id = order_of_appointment;
    }
}

/* Some project managers want to sleep, half of those not when it is critical. */
static void init_routes(struct world *world)
{
    (void)memcpy(world->routes, routes, sizeof routes);
    if (sim_chance(&world->sim, 400)) {
        int from_minute = (int)sim_between(&world->sim, INT64_C(8) * 60, INT64_C(12) * 60);
        world->routes[1].quiet =
            (struct quiet_config){.is_set = true,
                                  .from_minute = from_minute,
                                  .to_minute = from_minute + (int)sim_between(&world->sim, 10, 120),
                                  .zone = zone_utc(),
                                  .has_exception = sim_chance(&world->sim, 500),
                                  .exception = SEVERITY_CRITICAL};
    }
}

void world_init_config(struct world *world)
{
    static const char *const names[WORLD_SINKS] = {"project-managers", "noc", "tickets"};
    static const enum sink_kind kinds[WORLD_SINKS] = {SINK_EMAIL, SINK_MQTT, SINK_WEBHOOK};
    init_profile(world);
    init_source(world);
    init_routes(world);
    init_maintenance(world);
    for (size_t i = 0; i < WORLD_SINKS; i++) {
        world->sink_configs[i] = (struct sink_config){
            .name = names[i],
            .kind = kinds[i],
            .in_flight_max = (uint32_t)sim_between(&world->sim, 1, 20),
            .retry = {.first_ms = 1000, .cap_ms = 10 * MINUTE_MS, .give_up_ms = 6 * HOUR_MS},
            .failing_after_ms = 60000};
    }
    world->sink_configs[0].email.zone = zone_utc();
    if (sim_chance(&world->sim, 400)) {
        struct digest_config *digest = &world->sink_configs[0].email.digest;
        digest->every_ms = sim_between(&world->sim, 5, 30) * MINUTE_MS;
        digest->tells_unchanged = sim_chance(&world->sim, 500);
        if (sim_chance(&world->sim, 300)) {
            digest->at_minutes = digest_times;
            digest->at_count = ARRAY_COUNT(digest_times);
            digest->zone = zone_utc();
        }
    }
    world->sink_configs[1].mqtt.has_state = true;
    world->sink_configs[1].mqtt.prefix = "orderwatch";
    if (world->sink_configs[1].in_flight_max % 3 == 0) {
        world->sink_configs[1].mqtt.home_assistant.discovery_prefix = "homeassistant";
    }
    if (sim_chance(&world->sim, 300)) {
        world->sink_configs[2].fallback = names[1];
    }
    if (sim_chance(&world->sim, 400)) {
        world->sink_configs[2].webhook.batch =
            (struct batch_config){.count = (uint32_t)sim_between(&world->sim, 1, 20),
                                  .bytes = (size_t)sim_between(&world->sim, 2000, 100000),
                                  .wait_ms = sim_between(&world->sim, 0, 2) * 10000};
    }
    if (sim_chance(&world->sim, 300)) {
        world->sink_configs[sim_between(&world->sim, 0, WORLD_SINKS - 1)].rate = (struct rate){
            .count = (uint32_t)sim_between(&world->sim, 20, 120), .window_ms = MINUTE_MS};
    }
    world->config = (struct config){.sources = &world->source,
                                    .source_count = 1,
                                    .sinks = world->sink_configs,
                                    .sink_count = WORLD_SINKS,
                                    .routes = world->routes,
                                    .route_count = WORLD_ROUTES,
                                    .keep_events_ms = 400 * DAY_MS,
                                    .shutdown_grace_ms = 10000};
    world->deaf_source = world->source;
    world->deaf_source.maintenance_count = 0;
    world->deaf_config = world->config;
    world->deaf_config.sources = &world->deaf_source;
}
