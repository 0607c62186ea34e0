/* Looking at one order between two sweeps. Of a look-up only a change counts: a failed one proves
 * nothing, and no one says anything about another order, or about an order's end. */
#ifndef CORE_POLLER_LOOK_H
#define CORE_POLLER_LOOK_H

#include "core/attention.h"

struct poller;
struct reconcile_result;
struct extraction;

struct look {
    struct attention attention;
    bool is_running;
    uint32_t position;          /* of the order being looked at */
    uint32_t sweep_requests;    /* of the latest complete sweep */
    uint32_t made;              /* since it */
    uint64_t count;             /* since start */
    uint64_t changed_count;     /* orders that look-ups changed since the latest complete sweep */
    uint32_t failure_count;     /* in a row */
    uint32_t rest_count;        /* complete sweeps until look-ups begin again */
    bool was_alike, was_unlike; /* since the latest complete sweep: a detail and the list */
    uint32_t unlike_count;      /* sweeps in a row after which no detail was alike */
    uint32_t disputed_count;    /* changes in a row that the list took back */
    uint32_t survey_position;   /* where the search for orders without a known start goes on */
    bool has_unknown;
};

/* Mono ms of the next look-up, or of the next reading of what is known; INSTANT_NEVER: none. */
int64_t poller_look_due(struct poller *poller, struct instant now);
bool poller_step_look(struct poller *poller, struct instant now);
void poller_look_begin(struct poller *poller, struct instant now); /* a sweep was committed */
/* The list has shown an order that differs from what is known, or does no more. */
void poller_look_note_listed(struct poller *poller, const char *id,
                             const struct reconcile_result *result);
void poller_abandon_look(struct poller *poller);

/* Details, also as a sweep asks for them. */
void poller_set_detail_url(struct poller *poller, const char *id); /* of the next request */
/* Of the order with that id, as the answer has it; NULL: it has not. */
struct extraction *poller_read_detail(struct poller *poller, const char *id, struct failure *why);

#endif
