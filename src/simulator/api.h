/* What the simulated API answers to a request: pure of any HTTP library. Private to the simulator.
 */
#ifndef SIMULATOR_API_H
#define SIMULATOR_API_H

#include "reply.h"
#include "simulator/scenario.h"
#include "tokens.h"

struct api {
    struct scenario *scenario;
    struct stage *stage;
    struct tokens tokens;
    bool gave_baseline;
    int64_t recent_mono_ms[4096]; /* ring of request times, for the rate limit */
    size_t recent_next;
    struct text request_log; /* JSON objects, comma-separated */
};

struct api_request {
    const char *method, *path;
    const char *authorization, *api_key, *if_none_match; /* NULL: absent */
    const char *offset, *limit, *status;
    struct span body;
    struct instant now;
};

void api_init(struct api *api, struct scenario *scenario, struct stage *stage);
void api_fini(struct api *api);
/* Fills reply. The fault that the transport has to play (slow, hang, drop, truncated), or NULL. */
const struct fault *api_answer(struct api *api, const struct api_request *request,
                               struct reply *reply);

#endif
