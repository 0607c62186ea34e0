/* Adaptive polling: which order is looked at between two sweeps, and whether the budget has room.
 *
 * The policy, all of it, is in attention.c with its reasons. It knows no request and no answer;
 * poller_look.c asks it, and does as it says. */
#ifndef CORE_ATTENTION_H
#define CORE_ATTENTION_H

#include "core/base.h"

struct record;
struct zone;

#define ATTENTION_NEAR_MAX 256  /* orders with an appointment soon; of more, the nearest */
#define ATTENTION_RECENT_MAX 64 /* orders that changed lately; of more, the latest */

/* When an order's next appointment begins, in Unix minutes: what index_entry.start_min holds. */
#define ATTENTION_UNKNOWN UINT32_MAX /* not looked up yet, or over: its record tells */
#define ATTENTION_NONE 0u            /* nothing is to come */

#define ATTENTION_VALIDATOR_MAX 128

struct attention_item {
    uint32_t position; /* in the index of orders */
    uint32_t start_min;
    int64_t changed_ms; /* mono: recent ones only */
    int64_t looked_ms;  /* mono; 0: not since it came here */
    /* What the latest look-up brought: the same again need not be read. */
    uint64_t fingerprint;                    /* of the answer's bytes; 0: none */
    int64_t read_ms;                         /* mono: when its bytes came */
    bool is_date;                            /* the validator is a Last-Modified, not an ETag */
    char validator[ATTENTION_VALIDATOR_MAX]; /* "": none */
};

struct attention {
    struct attention_item near[ATTENTION_NEAR_MAX], recent[ATTENTION_RECENT_MAX];
    size_t near_count, recent_count;
    int64_t swept_ms;  /* mono: the end of the latest sweep, which saw them all */
    int64_t looked_ms; /* mono: the latest look-up of any */
};

/* The start of the earliest appointment that is still to take place or has just begun. */
uint32_t attention_start_min(const struct record *record, const struct zone *zone,
                             int64_t now_wall_ms);
bool attention_is_over(uint32_t start_min, int64_t now_wall_ms); /* look for the next one */
bool attention_is_near(uint32_t start_min, int64_t now_wall_ms);

/* After a sweep: the start of every order is noted anew; who stays keeps what its look-ups gave. */
void attention_sweep(struct attention *attention, int64_t now_ms);
/* Of an order that is not near it is no more than forgotten. */
void attention_note_start(struct attention *attention, uint32_t position, uint32_t start_min,
                          int64_t now_wall_ms);
void attention_note_changed(struct attention *attention, uint32_t position, int64_t now_ms);
void attention_forget(struct attention *attention, uint32_t position); /* it has left */

struct attention_room {
    int64_t every_ms, window_ms;
    uint32_t limit, left;  /* of the budget in any window: in all, and now */
    uint32_t sweep_count;  /* requests that a sweep needs: pages, token, details */
    int64_t due_in_ms;     /* until the next sweep */
    int64_t answer_ms_max; /* the longest that a request may take */
};

/* Look-ups between two sweeps. */
uint32_t attention_allowance(const struct attention_room *room);
bool attention_has_room(const struct attention_room *room);
/* When the next look-up is due (mono), and of whom; INSTANT_NEVER: nobody needs one. *out is NULL
 * until then. It stays valid until an order is noted or forgotten. */
int64_t attention_next(struct attention *attention, const struct attention_room *room,
                       struct instant now, struct attention_item **out);

#endif
