/* The configuration read again while the daemon lives: what it names as changed begins anew over
 * the same store, the rest goes on untouched, and no promise may know of it. */
#include "tests/sim/world.h"

static struct monitor_change change_of(struct world *world)
{
    struct world_process *life = world->life;
    return (struct monitor_change){.config = &world->config,
                                   .sinks = life->sinks,
                                   .is_source_kept = &life->reload.is_source_kept,
                                   .is_sink_kept = life->reload.is_sink_kept};
}

void world_begin_reload(struct world *world)
{
    struct sim *sim = &world->sim;
    struct world_reload *reload = &world->life->reload;
    if (reload->is_under_way) {
        return;
    }
    *reload =
        (struct world_reload){.is_under_way = true,
                              .is_source_kept = sim_chance(sim, 600),
                              .grace_until_mono_ms = sim->now.mono_ms + sim_between(sim, 0, 10000)};
    for (size_t i = 0; i < WORLD_SINKS; i++) {
        reload->is_sink_kept[i] = sim_chance(sim, 600);
    }
    sim_trace(sim, "reload: keeps source %d, sinks %d %d %d", reload->is_source_kept,
              reload->is_sink_kept[0], reload->is_sink_kept[1], reload->is_sink_kept[2]);
    const struct monitor_change change = change_of(world);
    monitor_rest(world->life->monitor, &change);
}

static void close_sinks(struct world *world)
{
    struct world_reload *reload = &world->life->reload;
    reload->is_closing = true;
    for (size_t i = 0; i < WORLD_SINKS; i++) {
        if (!reload->is_sink_kept[i]) {
            sim_sink_port_close(world->life->sink_ports[i]);
        }
    }
}

static bool are_closed(const struct world *world)
{
    const struct world_process *life = world->life;
    for (size_t i = 0; i < WORLD_SINKS; i++) {
        if (!life->reload.is_sink_kept[i] && !sim_sink_port_is_quiet(life->sink_ports[i])) {
            return false;
        }
    }
    return true;
}

static void replace_sinks(struct world *world)
{
    struct world_process *life = world->life;
    for (size_t i = 0; i < WORLD_SINKS; i++) {
        if (!life->reload.is_sink_kept[i]) {
            sim_sink_port_destroy(life->sink_ports[i]);
            life->sink_ports[i] = sim_sink_port_create(&world->sinks[i], &life->process);
            life->sinks[i] = plant_sink(life->plant, sim_sink_port(life->sink_ports[i]));
        }
    }
}

static void finish(struct world *world)
{
    struct world_process *life = world->life;
    replace_sinks(world);
    const struct monitor_change change = change_of(world);
    struct failure why;
    life->reload.is_under_way = false;
    if (monitor_change(life->monitor, &change, &why) != STATUS_OK) {
        if (life->process.is_dead) {
            return; /* it died of reading: the next life has it all */
        }
        sim_violation(&world->sim, "a reload cannot load: %s", why.detail);
    }
    for (size_t i = 0; i < WORLD_SINKS; i++) {
        if (!life->reload.is_sink_kept[i]) {
            sim_sink_port_connect(life->sink_ports[i]);
        }
    }
    if (!life->reload.is_source_kept) {
        sim_api_port_begin_anew(life->api_port);
    }
    sim_trace(&world->sim, "reloaded");
    world->reload_count++;
}

int64_t world_reload_turn(struct world *world)
{
    struct world_reload *reload = &world->life->reload;
    if (!reload->is_under_way) {
        return INSTANT_NEVER;
    }
    bool is_rested = monitor_is_rested(world->life->monitor);
    if (!reload->is_closing && !is_rested && world->sim.now.mono_ms < reload->grace_until_mono_ms) {
        return reload->grace_until_mono_ms;
    }
    if (!reload->is_closing) {
        close_sinks(world);
    }
    if (is_rested && are_closed(world)) {
        finish(world);
    }
    return INSTANT_NEVER;
}
