/* The truth: orders and appointments as the operator knows them, with every version they ever had.
 */
#ifndef SIM_UPSTREAM_H
#define SIM_UPSTREAM_H

#include "core/record.h"
#include "core/text.h"
#include "tests/sim/sim.h"

#define UPSTREAM_ORDERS_MAX 32
#define UPSTREAM_APPOINTMENTS_MAX 3

struct upstream_appointment {
    uint32_t number;
    const char *status;
    int64_t start_ms, end_ms; /* Unix */
};

struct upstream_version {
    int64_t since_mono_ms;
    bool is_listed;
    const char *status, *step;
    int64_t committed_ms; /* a day; 0: none */
    uint32_t note_count;
    struct upstream_appointment appointments[UPSTREAM_APPOINTMENTS_MAX];
    size_t appointment_count;
};

struct upstream_order {
    char id[24];
    const char *site;
    struct upstream_version *versions; /* oldest first; the last one is now */
    size_t version_count;
    uint32_t appointments_made;
    bool has_detail; /* false: the detail answers 404 once it left the list */
};

struct sim_upstream {
    struct sim *sim;
    struct upstream_order orders[UPSTREAM_ORDERS_MAX];
    size_t order_count;
    struct upstream_order *edited; /* by the latest edit; NULL: nothing to undo */
    bool has_own_appointments;     /* a collection of their own; else inside their order */
    bool is_steady;                /* what has not changed is spelt as before */
    bool has_example; /* the first order has all that one can have, and stays as it is: so the list
                         shows all that a detail does */
};

void sim_upstream_init(struct sim_upstream *upstream, struct sim *sim, size_t order_count);
void sim_upstream_fini(struct sim_upstream *upstream);
void sim_upstream_edit(struct sim_upstream *upstream); /* one thing happens */

const struct upstream_version *upstream_now(const struct upstream_order *order);
const struct upstream_order *sim_upstream_order(const struct sim_upstream *upstream,
                                                const char *id); /* NULL: there is none */
bool upstream_version_is(const struct upstream_version *version, const struct record *record);
bool upstream_version_is_without(const struct upstream_version *version,
                                 const struct record *record); /* its appointments */
bool upstream_version_has(const struct upstream_version *version,
                          const struct appointment *appointment); /* just so */
/* As the API shows it: the same meaning, and unless is_steady each time in another spelling. */
void upstream_render(const struct sim_upstream *upstream, const struct upstream_order *order,
                     struct text *out);
void upstream_render_appointment(const struct sim_upstream *upstream,
                                 const struct upstream_order *order,
                                 const struct upstream_appointment *appointment, struct text *out);

#endif
