/* The operator's API and its token server: right pages on good days, everything else on others. */
#ifndef SIM_API_H
#define SIM_API_H

#include "core/ports.h"
#include "tests/sim/sim.h"
#include "tests/sim/sim_upstream.h"

#define SIM_BASE_URL "http://127.0.0.1:8080/v1"
#define SIM_TOKEN_URL "http://127.0.0.1:8080/token"

struct sim_api { /* it survives the daemon */
    struct sim *sim;
    struct sim_upstream *upstream;
    const struct source_config *source;

    /* The weather, of 1000 requests. */
    int64_t fault_permille, short_page_permille, bend_permille, token_fault_permille;
    int64_t answer_ms_max;
    bool is_down;          /* no connection at all */
    bool is_steady;        /* no maintenance comes any more */
    bool is_store_failing; /* the daemon's: then it may forget what it was told in a sweep */

    int64_t token_number, token_expires_mono_ms;
    int64_t *request_mono_ms; /* of every request ever made */
    size_t request_count, request_capacity;
    uint64_t page_count, unchanged_count, detail_count;
    uint64_t bent_count, throttled_count, refused_count;
    int64_t total_lie;   /* this seed's totals are never right: added to each */
    bool has_validators; /* every page has an ETag, and 304 is an answer */
};

void sim_api_init(struct sim_api *api, struct sim *sim, struct sim_upstream *upstream,
                  const struct source_config *source);
void sim_api_fini(struct sim_api *api);

struct sim_api_port; /* of one process */
struct sim_api_port *sim_api_port_create(struct sim_api *api, struct sim_process *process);
struct http_port sim_api_port(struct sim_api_port *port);
/* Whoever calls now knows no more than what the store has. */
void sim_api_port_begin_anew(struct sim_api_port *port);
void sim_api_port_destroy(struct sim_api_port *port);

#endif
