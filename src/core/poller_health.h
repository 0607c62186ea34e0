/* How a source fares: its failures in a row, what it is waiting for, and what is due when. */
#ifndef CORE_POLLER_HEALTH_H
#define CORE_POLLER_HEALTH_H

#include "core/answer.h"

struct poller;

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
    int64_t certificate_expires_wall_ms, own_certificate_expires_wall_ms,
        token_certificate_expires_wall_ms;
};

/* Mono ms, unless said otherwise. */
struct schedule {
    int64_t due_ms;  /* the next sweep */
    int64_t wait_ms; /* the API asked to be left alone until then */
    int64_t wait_wall_ms;
    int64_t hold_ms;  /* a held change is told from then on */
    int64_t store_ms; /* the store is tried again; 0: it takes writes */
    int64_t deadline_ms, deadline_due_wall_ms;
    int64_t credential_ms;
    int64_t again_ms;             /* when a step that is not waiting wants to be called */
    int64_t sweep_ms;             /* how long the latest sweep took, with its commit */
    uint32_t store_failure_count; /* since it took what it refused */
    bool is_store_trial;          /* what is being committed */
    bool is_sweep_unstored;       /* the latest sweep ended at the store */
    bool is_store_shut;           /* and a trial has failed since */
    bool is_asked_for, is_released;
    bool is_empty_doubted;  /* the latest list was empty, and the one before was not */
    bool is_empty_believed; /* somebody says that it is true: until it is not empty any more */
    bool is_fresh;          /* a complete sweep has just ended */
};

bool poller_in_maintenance(const struct poller *poller, int64_t wall_ms);
void poller_note_complete(struct poller *poller, struct instant now); /* before its commit */
void poller_end_trouble(struct poller *poller, struct instant now);   /* after it */
void poller_note_trouble(struct poller *poller, const struct trouble *trouble, struct instant now);
void poller_note_limits(struct poller *poller, const struct trouble *trouble, struct instant now);
void poller_note_store_failure(struct poller *poller, const char *doing);
void poller_note_store_trial(struct poller *poller);
void poller_note_stored(struct poller *poller); /* it took as much as it had refused */
void poller_schedule_next(struct poller *poller, struct instant now);
bool poller_check_health(struct poller *poller, struct instant now); /* there is to commit */
int64_t poller_health_due(const struct poller *poller);
int64_t poller_lead_ms(const struct poller *poller); /* until what is found now may be durable */

#endif
