/* Bugs that the oracle must find, planted between the daemon and its ports: production code has
 * none of it. (Others are linked over functions of the core: tests/planted.) */
#ifndef SIM_PLANTED_H
#define SIM_PLANTED_H

#include "core/ports.h"
#include "tests/sim/sim.h"

enum plant_kind {
    PLANT_NONE,
    PLANT_SNAPSHOT_FIRST, /* the new state is committed before its events */
    PLANT_NEW_ID,         /* a change that is found again gets another id */
    PLANT_EARLY_DONE,     /* a send counts as delivered before the receiver took it */
    PLANT_LANE_IGNORED,   /* the next of an order is sent while the first one waits */
    PLANT_LATE_JOINS,     /* what comes after the moment of a mail still leaves for that moment */
    PLANT_CLOCK_BACK_STRANDS,  /* a wait until a time that the clock took back is waited for */
    PLANT_WINDOW_FORGOTTEN,    /* a restart begins with an empty window */
    PLANT_MAINTENANCE_UNKNOWN, /* announced windows are not known to the daemon */
    PLANT_STATE_EARLY,         /* retained state counts as there before the receiver has it */
    PLANT_KIND_COUNT
};

bool plant_parse(const char *name, enum plant_kind *out);

struct plant; /* of one process */
struct plant *plant_create(enum plant_kind kind, struct sim_process *process);
void plant_destroy(struct plant *plant);
/* The port with the bug in it; without a bug the real one itself. */
struct store_port plant_store(struct plant *plant, struct store_port real);
struct sink_port plant_sink(struct plant *plant, struct sink_port real);

#endif
