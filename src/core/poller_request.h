/* One request of a source: what is asked, and what came back. */
#ifndef CORE_POLLER_REQUEST_H
#define CORE_POLLER_REQUEST_H

#include "core/answer.h"
#include "core/poller.h"

#include "poller_sweep.h"

struct request {
    struct text url;
    const char *etag, *last_modified; /* only if it is another now; NULL: whatever it is */
    struct instant started;
    step_fn *after; /* with poller->answer */
    struct answer answer;
    struct request_tally tallies[REQUEST_CODES_MAX];
    size_t code_count;
};

/* poller->request.url through budget, lease and token; then after, with its answer. */
bool poller_ask(struct poller *poller, step_fn *after);
bool poller_has_token(const struct poller *poller); /* one that works, or none is needed */

#endif
