/* One source's state machine: idle, token, pages, details, commit, waiting. */
#ifndef CORE_POLLER_H
#define CORE_POLLER_H

#include "core/event_tally.h"
#include "core/ports.h"

struct poller;
struct silencer;

enum poller_health {
    POLLER_STARTING,
    POLLER_OK,
    POLLER_FAILING,
    POLLER_REJECTED,
    POLLER_MAINTENANCE
};

/* Requests since start by what came back; code 0: no answer. */
struct request_tally {
    int code;
    uint64_t count;
};
#define REQUEST_CODES_MAX 32

/* What status, health and the retained source state show. Texts are valid until the next turn. */
/* How pages were read since the start, and how many elements of theirs were parsed. */
struct page_tally {
    uint64_t unchanged_count; /* the API said so: 304 */
    uint64_t known_count;     /* the bytes were the same */
    uint64_t cut_count;       /* into elements, of which only those with other bytes are parsed */
    uint64_t parsed_count;
};

struct poller_status {
    const char *source_name;
    enum poller_health health;
    int64_t last_complete_wall_ms; /* of those that are durable; 0: none yet */
    uint64_t order_count;          /* on the list now */
    uint64_t sweep_count;
    int64_t next_due_mono_ms;
    const char *last_failure; /* "" if none since the last complete sweep */
    bool is_held;             /* a mass change waits for release */
    bool is_empty_doubted;    /* an empty list does */
    bool is_sweeping, is_paused;
    uint32_t budget_left, budget_limit;
    uint64_t look_up_count;           /* details asked for between sweeps, since start */
    uint64_t event_count;             /* committed since start */
    const struct event_tally *events; /* the same by type */
    const struct request_tally *requests;
    size_t request_code_count;
    struct page_tally pages;
    int64_t token_obtained_mono_ms; /* 0: there is none */
    int64_t certificate_expires_wall_ms, own_certificate_expires_wall_ms,
        token_certificate_expires_wall_ms; /* 0: not known */
};

/* Told when a transaction that makes events or changes states has been asked of the store. It
 * serves in order: who asks it from now on gets to see them, with one wait instead of two. */
typedef void news_fn(void *arg);

struct poller_options {
    const struct config *config;        /* borrowed; must outlive the poller */
    const struct source_config *source; /* one of config's */
    struct http_port http;
    struct store_port store;
    struct unicode_port unicode;
    const struct silencer *silencer; /* NULL: nothing is silenced */
    uint64_t seed;
    news_fn *on_news;
    void *on_news_arg;
};

struct poller *poller_create(const struct poller_options *options);
/* Loads what is known; before the first turn. Values come through poller_restore. */
enum status poller_load(struct poller *poller, struct failure *why) MUST_CHECK;
void poller_restore(struct poller *poller, const struct stored_value *value);
/* Takes over from the poller of the same source before a reload, which is idle: what counts since
 * the start of the process, and a pause. Before the first turn. */
void poller_inherit(struct poller *poller, const struct poller *before);
/* Another configuration is in force, in which this source is as it was. */
void poller_use_config(struct poller *poller, const struct config *config);
/* Starts what is due. Returns the mono ms of the next call; now.mono_ms: again at once. */
int64_t poller_turn(struct poller *poller, struct instant now);
void poller_sweep_now(struct poller *poller); /* the next turn begins a sweep if the law allows */
void poller_release(struct poller *poller);   /* lets a held mass change out with the next sweep */
void poller_pause(struct poller *poller, bool is_paused);
/* Forgets one order between two sweeps, as store_port.forget_order. Is it still listed, the next
 * sweep knows it anew and tells nothing. Anything but STATUS_OK: nothing was begun, and on_done
 * does not come. STATUS_BUSY: another order is being forgotten. */
enum status poller_forget(struct poller *poller, const char *order_id, bool drops_open,
                          store_forgot_fn *on_done, void *arg, struct failure *why) MUST_CHECK;
/* The known order whose id is close to this one, of the first many; NULL: none is. */
const char *poller_similar_order(const struct poller *poller, const char *order_id);
struct poller_status poller_status(const struct poller *poller);
void poller_stop(struct poller *poller); /* abandons the sweep; a commit under way finishes */
bool poller_is_idle(const struct poller *poller); /* nothing in flight */
void poller_destroy(struct poller *poller);       /* requires idle */

#endif
