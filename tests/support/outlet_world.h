/* An outlet between the simulated store and a simulated receiver, with a clock that is played. */
#ifndef SUPPORT_OUTLET_WORLD_H
#define SUPPORT_OUTLET_WORLD_H

#include "core/outlet.h"

#include "core/arena.h"

#include "tests/sim/sim_sinks.h"
#include "tests/sim/sim_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct world {
    struct sim sim;
    struct sim_process process;
    struct sim_store store;
    struct sim_store_port *store_port;
    struct sim_sink sink;
    struct sim_sink_port *sink_port;
    struct sink_config config;
    struct route_config route;
    struct config whole; /* of that sink and, once a test sets its count, that route */
    struct outlet *outlet;
    uint64_t sequence;
    char receipts[4096]; /* "LANE.SEQUENCE " as they came; a + joins those of a batch */
    size_t send_count;
};

static inline void on_send(void *arg, const char *sink_name, const struct delivery *delivery)
{
    struct world *world = arg;
    (void)sink_name;
    (void)delivery;
    world->send_count++;
}

static inline void on_receipt(void *arg, const char *sink_name, const struct delivery *delivery)
{
    struct world *world = arg;
    (void)sink_name;
    for (size_t i = 0; i < delivery->event_count; i++) {
        size_t size = strlen(world->receipts);
        (void)snprintf(world->receipts + size, sizeof world->receipts - size, "%s.%d%s",
                       delivery->events[i].order_id, (int)delivery->events[i].sequence,
                       i + 1 < delivery->event_count ? "+" : " ");
    }
}

static inline struct world *world_create(void)
{
    struct world *world = alloc(sizeof *world);
    sim_init(&world->sim, 1, false);
    world->process = (struct sim_process){.sim = &world->sim, .calls_until_crash = -1};
    sim_store_init(&world->store, &world->sim);
    world->store_port = sim_store_port_create(&world->store, &world->process);
    world->config = (struct sink_config){.name = "tickets",
                                         .kind = SINK_WEBHOOK,
                                         .in_flight_max = 4,
                                         .failing_after_ms = 60000,
                                         .retry = {5000, HOUR_MS, 7 * DAY_MS}};
    sim_sink_init(&world->sink, &world->sim, &world->config);
    world->sink.watch = (struct sim_sink_watch){world, on_send, on_receipt};
    world->sink_port = sim_sink_port_create(&world->sink, &world->process);
    return world;
}

static inline void open_outlet(struct world *world)
{
    world->whole.sinks = &world->config;
    world->whole.sink_count = 1;
    world->whole.routes = &world->route;
    struct outlet_options options = {.config = &world->whole,
                                     .port = sim_sink_port(world->sink_port),
                                     .store = sim_store_port(world->store_port),
                                     .seed = 7};
    world->outlet = outlet_create(&options);
}

static inline void add_event(struct world *world, const char *lane, struct span json,
                             int64_t due_wall_ms)
{
    struct planned_delivery plan = {
        .sink_name = "tickets", .lane = lane, .due_wall_ms = due_wall_ms};
    struct new_event news = {.event = {.type = EVENT_ORDER_CREATED,
                                       .source_name = "orange",
                                       .order_id = lane,
                                       .appointment_id = "",
                                       .sequence = ++world->sequence,
                                       .json = json},
                             .deliveries = &plan,
                             .delivery_count = 1};
    struct commit commit = {.events = &news, .event_count = 1};
    sim_store_apply(&world->store, &commit, NULL);
}

static inline void add_due(struct world *world, const char *lane, int64_t due_wall_ms)
{
    add_event(world, lane, span_of("{}"), due_wall_ms);
}

static inline void add(struct world *world, const char *lane)
{
    add_due(world, lane, world->sim.now.wall_ms);
}

/* A delivery for each letter, in the lane of that name. */
static inline void add_lanes(struct world *world, const char *names)
{
    for (const char *name = names; *name != '\0'; name++) {
        add(world, (const char[]){*name, '\0'});
    }
}

static inline int64_t turn(void *arg, struct instant now)
{
    struct world *world = arg;
    return outlet_turn(world->outlet, now);
}

static inline void run(struct world *world, int64_t duration_ms)
{
    sim_play(&world->sim, duration_ms, turn, world);
}

static inline void world_destroy(struct world *world)
{
    outlet_stop(world->outlet);
    run(world, 60000);
    outlet_destroy(world->outlet);
    sim_store_port_destroy(world->store_port);
    sim_sink_port_destroy(world->sink_port);
    sim_sink_fini(&world->sink);
    sim_store_fini(&world->store);
    sim_fini(&world->sim);
    free(world);
}

static inline size_t count_in(const struct world *world, enum sim_row_state state)
{
    size_t count = 0;
    for (size_t i = 0; i < world->store.row_count; i++) {
        count += world->store.rows[i].state == state;
    }
    return count;
}

#endif
