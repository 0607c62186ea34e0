/* One simulated world: the operator's API, the store, three receivers, and one daemon after the
 * other, all drawn from one seed. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "core/monitor.h"
#include "core/profile.h"
#include "tests/sim/oracle.h"
#include "tests/sim/planted.h"
#include "tests/sim/sim_api.h"

#define WORLD_SINKS 3
#define WORLD_ROUTES 2

struct world_reload {
    bool is_under_way, is_closing;
    bool is_source_kept, is_sink_kept[WORLD_SINKS];
    int64_t grace_until_mono_ms;
};

struct world_process { /* one life of the daemon, and its ends of the ports */
    struct sim_process process;
    struct sim_store_port *store_port;
    struct sim_api_port *api_port;
    struct sim_sink_port *sink_ports[WORLD_SINKS];
    struct sink_port sinks[WORLD_SINKS]; /* as handed to the monitor */
    struct plant *plant;
    struct monitor *monitor; /* NULL: it could not load */
    struct world_reload reload;
};

struct world {
    struct sim sim;
    struct sim_upstream upstream;
    struct sim_api api;
    struct sim_store store;
    struct sim_sink sinks[WORLD_SINKS];
    struct oracle oracle;
    struct profile profile;
    struct source_config source;
    struct window maintenance[2];
    struct sink_config sink_configs[WORLD_SINKS];
    struct route_config routes[WORLD_ROUTES];
    struct config config;
    struct source_config deaf_source; /* the same, and nothing was announced */
    struct config deaf_config;
    enum plant_kind plant;
    struct world_process *life;
    uint32_t life_count, crash_count, reload_count, sleep_count;
    uint64_t look_up_count;
    int64_t storm_permille; /* how bad this seed's weather gets */
    bool is_ending;         /* no more edits, faults or crashes */
};

struct world *world_create(uint64_t seed, bool is_traced, enum plant_kind plant);
void world_destroy(struct world *world);
void world_live(struct world *world);   /* edits, faults and crashes for some hours */
void world_settle(struct world *world); /* fair weather until all is told; then the end's checks */

/* world_reload.c: some parts are named as changed, at random; before the monitor's turn. */
void world_begin_reload(struct world *world);
int64_t world_reload_turn(struct world *world); /* the mono ms of the next call */

/* world_silence.c: a task that comes again and again. */
void world_on_silence(void *self, bool is_alive);

/* world_config.c: what never differs between seeds. */
void world_init_config(struct world *world);

#endif
