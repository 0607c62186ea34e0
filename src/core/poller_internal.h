/* What the files of the poller share; nobody else includes it.
 * poller           life, restoring, the turn
 * poller_request   one request: budget, lease, token, answer
 * poller_sweep     one reading after the other to the end of a sweep
 * poller_page      a page as a whole: known, unchanged, what stands beside its elements
 * poller_element, poller_batch  one element of a page; changed orders: fetch, reconcile, stage
 * poller_absent    orders that the list lacks: misses and details
 * poller_commit    the one transaction, and what it makes true
 * poller_health    failures, waits, credentials, maintenance
 * poller_deadline, poller_forget  between sweeps: what time causes, one order forgotten
 * poller_look      one order's detail between sweeps, where attention.c says so */
#ifndef CORE_POLLER_INTERNAL_H
#define CORE_POLLER_INTERNAL_H

#include "core/budget.h"
#include "core/index.h"
#include "core/notice.h"
#include "core/page_memory.h"
#include "core/poller.h"
#include "core/profile.h"
#include "core/random.h"
#include "core/token.h"

#include "poller_forget.h"
#include "poller_health.h"
#include "poller_look.h"
#include "poller_request.h"
#include "poller_sweep.h"

enum waiting { WAITING_NONE, WAITING_HTTP, WAITING_STORE };

struct stored { /* what the store's latest done said */
    enum status status;
    char detail[240];
};

struct poller {
    struct poller_options options;
    const struct source_config *source;
    struct random random;
    bool is_begun, is_paused, is_stopping, is_cancelled;
    bool is_committing, commits_staged; /* what is staged goes with the commit under way */
    step_fn *step;
    enum waiting waiting;
    struct stored stored;
    struct request request;
    struct batch batch;
    struct sweep sweep;
    struct source_state state;
    struct text durable; /* the state as last committed: a failed commit goes back to it */
    int64_t durable_complete_wall_ms; /* its last complete sweep: what status may say */
    struct notice_list notices;
    uint64_t told_count; /* notices in the commit under way */
    struct budget budget;
    uint32_t lease_asked;
    struct token token;
    struct index *known[COLLECTION_COUNT];
    struct page_memory *pages[COLLECTION_COUNT];
    uint64_t listed_count[COLLECTION_COUNT]; /* of them, on the list */
    bool is_resized[COLLECTION_COUNT];       /* pages are asked for in pager_other_size */
    bool knows_details;        /* the profile's path to them has answered for an order */
    bool is_appointments_cold; /* which appointments the orders have is not in the index yet */
    uint32_t reading_mark, absent_position; /* where the next look for absent orders begins */
    struct health health;
    struct schedule schedule;
    struct forgetting forgetting;
    struct look look;
    struct page_tally tally;
    uint64_t event_count;
    struct event_tally committing, told; /* in the commit under way; since start */
    int64_t now_ms;                      /* of the latest turn */
};

/* Where a port's done goes: it records, the next turn goes on with poller->step. */
void poller_on_stored(void *arg, enum status status, const char *detail);
bool poller_wait_store(struct poller *poller, step_fn *after); /* gives false, for return */
step_fn poller_step_idle;
bool poller_is_sweep_due(const struct poller *poller, struct instant now);
bool poller_is_held(const struct poller *poller);

/* poller_sweep */
void poller_begin_sweep(struct poller *poller, struct instant now);
bool poller_fail_sweep(struct poller *poller, const struct trouble *trouble);
bool poller_fail_store(struct poller *poller, const char *doing); /* by poller->stored */
bool poller_abandon_sweep(struct poller *poller);
struct guard_counts poller_guard_counts(const struct poller *poller); /* before any page */
bool poller_discard(struct poller *poller, step_fn *after);
/* poller_page. The first two mark all elements of the page as seen, or do nothing. */
bool poller_take_known_page(struct poller *poller);     /* the same bytes as the last time */
bool poller_take_unchanged_page(struct poller *poller); /* the API says so: 304 */
void poller_add_condition(struct poller *poller, struct instant now); /* after poller_ask */
/* The answer's ETag, else its Last-Modified if that can be trusted; NULL: neither. */
const char *poller_validator(const struct answer *answer, bool *is_date);
enum pager_verdict poller_take_page(struct poller *poller, struct failure *why);
/* poller_element */
bool poller_take_expected(struct poller *poller); /* true: what came next before came again */
void poller_note_unreadable(struct poller *poller, const char *reason);
enum status poller_take_element(struct poller *poller, struct span element, struct failure *why);
/* poller_batch: what is in poller->batch, then after. */
bool poller_flush_batch(struct poller *poller, step_fn *after);
bool poller_fetch_batch(struct poller *poller, step_fn *reconcile);
enum status poller_reconcile(struct poller *poller, const struct work *work,
                             struct reconcile_result *out, struct failure *why);
bool poller_fail_corrupt(struct poller *poller, const struct failure *why);
void poller_count_absent(struct poller *poller); /* poller_absent */
void poller_remove_absent_appointments(struct poller *poller);
step_fn poller_step_absent;
/* poller_commit */
step_fn poller_step_finish;
bool poller_has_other_locale(const struct poller *poller); /* than what is known was read in */
bool poller_commit(struct poller *poller, struct instant now, const struct commit *commit,
                   step_fn *after);
struct stored_value poller_state_value(const struct poller *poller, struct arena *arena);
void poller_keep_durable(struct poller *poller);  /* the state is what was committed */
bool poller_has_committed(struct poller *poller); /* else the state is as it was */
void poller_roll_back(struct poller *poller);     /* state and notices to the last commit */
void poller_tell_news(struct poller *poller);
step_fn poller_step_deadlines; /* poller_deadline */

#endif
