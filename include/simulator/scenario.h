/* A scenario: who may call, what exists at first, and what happens when. Its language is told in
 * conf/scenarios/demo.yaml and in `orderwatch-sim --help`. */
#ifndef SIMULATOR_SCENARIO_H
#define SIMULATOR_SCENARIO_H

#include "core/node.h"
#include "simulator/fault.h"
#include "simulator/world.h"

enum totals {
    TOTALS_RIGHT,
    TOTALS_NONE,
    TOTALS_SAMPLE
}; /* sample: the public page's contradiction */

struct access_rules {
    const char *client_id, *client_secret, *api_key; /* NULL: not asked for */
    const char *api_key_header;
    int64_t token_lifetime_ms;
    uint32_t requests_per_minute; /* 0: no limit; over it 429 with code 53 */
};

struct scenario {
    struct access_rules access;
    size_t page_size_default, page_size_max;
    enum totals totals;
    bool has_own_appointments; /* GET /appointments, not nested */
    bool starts_at_once;       /* else the clock starts when the first list was read to its end */
    const struct node *steps;
    const struct node *next_step; /* NULL: finished */
    const struct zone *zone;
    struct zone *own_zone; /* NULL: UTC's */
};

/* What steps act upon besides the world. */
struct stage {
    struct world *world;
    struct fault_list *faults;
    bool tokens_are_revoked; /* set by a step, taken back by the server */
};

/* Borrows the document, which must outlive the scenario. Every problem goes to problems. */
enum status scenario_read(const struct node *document, struct problem_list *problems,
                          struct scenario *out) MUST_CHECK;
void scenario_fini(struct scenario *scenario);
/* Puts the first orders into the world. */
void scenario_populate(const struct scenario *scenario, const struct node *document,
                       struct world *world);
/* Plays every step whose time has come; told lines go to stdout. */
void scenario_play(struct scenario *scenario, struct stage *stage, int64_t elapsed_ms);
/* When the next step is due, in ms since the clock's start; INSTANT_NEVER: none is left. */
int64_t scenario_next_due(const struct scenario *scenario);
/* One step, whenever. what: a short line of what it did, for people. */
enum status scenario_act(struct stage *stage, const struct node *step, struct text *what,
                         struct failure *why) MUST_CHECK;

#endif
