/* What the files of the simulated API share; nobody else includes it.
 * sim_api         transfers, and what is asked of whoever calls
 * sim_api_pages   lists and details, right and bent
 * sim_api_faults  the error table, spoilt answers, the token server */
#ifndef SIM_API_INTERNAL_H
#define SIM_API_INTERNAL_H

#include "tests/sim/sim_api.h"

/* What this process was told, and has to keep to. */
struct sim_api_port {
    struct sim_api *api;
    struct sim_process *process;
    struct transfer *under_way;
    int64_t not_before_mono_ms;        /* what Retry-After asked for */
    int64_t refused_until_mono_ms;     /* after a refusal: slow probes only */
    int64_t token_fresh_until_mono_ms; /* nobody needs another one before */
    int64_t throttled_mono_ms;         /* the latest throttling; 0: none */
    uint32_t limit;                    /* what it left of the budget */
};

/* An answer on its way: its header values live here. */
struct answer {
    struct http_response response;
    struct text body;
    char retry_after[64], total[24], etag[24];
};

void sim_answer_code(struct answer *answer, int code, const char *body);

void sim_answer_list(struct sim_api *api, const char *url, bool is_appointments,
                     struct answer *answer);
void sim_answer_detail(struct sim_api *api, const char *encoded, struct answer *answer);

void sim_spoil(struct sim_api_port *port, bool is_page, struct answer *answer);
void sim_answer_token(struct sim_api_port *port, struct answer *answer);

#endif
