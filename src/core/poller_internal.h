/* What the files of the poller share; nobody else includes it.
 * poller           life, restoring, the turn
 * poller_request   one request: budget, lease, token, answer
 * poller_sweep     one reading after the other to the end of a sweep
 * poller_element   one element of a page: known, changed, new, repeated
 * poller_batch     changed orders: fetch, reconcile, stage
 * poller_absent    orders that the list lacks: misses and details
 * poller_commit    the one transaction, and what it makes true
 * poller_health    failures, waits, credentials, maintenance
 * poller_deadline  what time causes between sweeps */
#ifndef CORE_POLLER_INTERNAL_H
#define CORE_POLLER_INTERNAL_H

#include "core/budget.h"
#include "core/index.h"
#include "core/notice.h"
#include "core/poller.h"
#include "core/profile.h"
#include "core/random.h"
#include "core/token.h"

#include "poller_sweep.h"

#define HEALTH_SAMPLES 8

struct health {
    uint32_t failure_count; /* sweeps in a row */
    enum api_action failing_as;
    bool has_completed, is_maintenance; /* since start; now */
    int64_t well_ms;    /* mono: the latest complete sweep, or the end of what excuses */
    int64_t excused_ms; /* waits that the API ordered, each up to an hour */
    int64_t first_wall_ms, last_wall_ms;
    uint64_t trouble_count;
    char codes[HEALTH_SAMPLES][24]; /* the latest different ones */
    char request_ids[HEALTH_SAMPLES][REQUEST_ID_MAX + 8];
    size_t code_count, request_id_count;
    char last_code[24], last_failure[480];
    int64_t certificate_expires_wall_ms;
};

/* Mono ms, unless said otherwise. */
struct schedule {
    int64_t due_ms;  /* the next sweep */
    int64_t wait_ms; /* the API asked to be left alone until then */
    int64_t wait_wall_ms;
    int64_t hold_ms;  /* a held change is told from then on */
    int64_t store_ms; /* the store is tried again; 0: it works */
    int64_t deadline_ms, deadline_due_wall_ms;
    int64_t credential_ms;
    int64_t again_ms; /* when a step that is not waiting wants to be called */
    uint32_t store_failure_count;
    bool is_asked_for, is_released;
};

enum waiting { WAITING_NONE, WAITING_HTTP, WAITING_STORE };

struct request {
    struct text url;
    struct instant started;
    step_fn *after; /* with poller->answer */
    struct answer answer;
};

struct stored { /* what the store's latest done said */
    enum status status;
    char detail[240];
};

struct poller {
    struct poller_options options;
    const struct source_config *source;
    struct random random;
    bool is_begun, is_paused, is_stopping, is_committing, is_cancelled;
    step_fn *step;
    enum waiting waiting;
    struct stored stored;
    struct request request;
    struct batch batch;
    struct sweep sweep;
    struct source_state state;
    struct text durable; /* the state as last committed: a failed commit goes back to it */
    struct notice_list notices;
    uint64_t told_count; /* notices in the commit under way */
    struct budget budget;
    uint32_t lease_asked;
    struct token token;
    struct index *known[COLLECTION_COUNT];
    uint64_t listed_count[COLLECTION_COUNT]; /* of them, on the list */
    bool is_appointments_cold; /* which appointments the orders have is not in the index yet */
    uint32_t reading_mark;
    uint32_t absent_position; /* where the next look for absent orders begins */
    struct health health;
    struct schedule schedule;
    uint64_t event_count;
    int64_t now_ms; /* of the latest turn */
};

/* Where a port's done goes: it records, the next turn goes on with poller->step. */
void poller_on_stored(void *arg, enum status status, const char *detail);
bool poller_wait_store(struct poller *poller, step_fn *after); /* gives false, for return */

step_fn poller_step_idle;
bool poller_in_maintenance(const struct poller *poller, int64_t wall_ms);
bool poller_is_held(const struct poller *poller);

/* poller_request: poller->request.url, then after with its answer. */
bool poller_ask(struct poller *poller, step_fn *after);

/* poller_sweep */
void poller_begin_sweep(struct poller *poller, struct instant now);
bool poller_fail_sweep(struct poller *poller, const struct trouble *trouble);
bool poller_fail_store(struct poller *poller, const char *doing); /* by poller->stored */
bool poller_abandon_sweep(struct poller *poller);
bool poller_discard(struct poller *poller, step_fn *after);

/* poller_element */
enum status poller_take_element(struct poller *poller, struct span element, struct failure *why);
/* poller_batch: what is in poller->batch, then after. */
bool poller_flush_batch(struct poller *poller, step_fn *after);
bool poller_fetch_batch(struct poller *poller, step_fn *reconcile);
/* poller_absent */
void poller_count_absent(struct poller *poller);
void poller_remove_absent_appointments(struct poller *poller);
step_fn poller_step_absent;
/* poller_commit */
step_fn poller_step_finish;
bool poller_commit(struct poller *poller, struct instant now, const struct commit *commit,
                   step_fn *after);
bool poller_has_committed(struct poller *poller); /* else the state is as it was */
void poller_roll_back(struct poller *poller);     /* state and notices to the last commit */
void poller_tell_committed(struct poller *poller, uint64_t event_count);
/* poller_health */
void poller_note_complete(struct poller *poller, struct instant now); /* before its commit */
void poller_end_trouble(struct poller *poller, struct instant now);   /* after it */
void poller_note_trouble(struct poller *poller, const struct trouble *trouble, struct instant now);
void poller_note_limits(struct poller *poller, const struct trouble *trouble, struct instant now);
void poller_note_store_failure(struct poller *poller, const char *doing);
void poller_schedule_next(struct poller *poller, struct instant now);
bool poller_check_health(struct poller *poller, struct instant now); /* there is to commit */
int64_t poller_health_due(const struct poller *poller);
/* poller_deadline */
step_fn poller_step_deadlines;

#endif
