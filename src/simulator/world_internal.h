/* What world.c and world_generate.c share. Private to the simulator. */
#ifndef SIMULATOR_WORLD_INTERNAL_H
#define SIMULATOR_WORLD_INTERNAL_H

#include "member.h"
#include "simulator/world.h"

struct sim_appointment {
    struct sim_appointment *next;
    char *id;
    struct member *members;
};

struct sim_order {
    char *id;
    struct member *members;
    struct sim_appointment *appointments;
    size_t note_count; /* that were added; they are the member "notes" */
    bool is_listed;
};

struct world {
    int64_t start_wall_ms;
    const struct zone *zone;
    struct sim_order **orders; /* in order of appearance */
    size_t count, capacity;
};

struct sim_order *world_append(struct world *world, const char *order_id);
struct sim_appointment *sim_order_appointment(struct sim_order *order, const char *id);
/* "@+5d 09:00" and "@+5d": days from the start, a local time. False: not of this form. */
bool world_add_relative_date(const struct world *world, const char *text, struct text *out);

#endif
