/* What a source keeps of itself over a restart, besides its orders: the value source/NAME. */
#ifndef CORE_SOURCE_STATE_H
#define CORE_SOURCE_STATE_H

#include "core/guard.h"
#include "core/text.h"

#define NOVELTIES_MAX 256   /* further ones are not told: the profile is plainly not this API's */
#define EXPIRIES_TOLD_MAX 8 /* credentials and certificates that were warned about */
#define SOURCE_STATE_BYTES_MAX 1048576

/* The store keeps the numbers. */
enum credential {
    CREDENTIAL_API_KEY,
    CREDENTIAL_CLIENT_SECRET,
    CREDENTIAL_CERTIFICATE, /* the API's server's */
    CREDENTIAL_CLIENT_CERTIFICATE,
    CREDENTIAL_TOKEN_CERTIFICATE, /* the token server's, where it is another one */
};

struct expiry_told {
    enum credential credential;
    int64_t expires_wall_ms;
    int days; /* the nearest threshold that was told */
};

enum collection_kind { COLLECTION_ORDERS, COLLECTION_APPOINTMENTS, COLLECTION_COUNT };

struct total_trust {
    bool is_unreliable;           /* was told; the API's total is ignored from here on */
    uint32_t contradiction_count; /* sweeps in a row whose stable pages contradict the total */
};

#define FORGOTTEN_MAX 1000

/* An order that was forgotten while it was listed: when the list shows it again it is taken as it
 * is, without an event, and its events go on counting. */
struct forgotten_order {
    uint64_t id_hash, sequence;
    bool is_adopted; /* by the sweep under way; not stored */
};

struct source_state {
    bool is_baselined;
    uint64_t sweep_count;         /* that were committed, complete or partial */
    uint64_t sequence;            /* of the source's own events */
    uint64_t profile_fingerprint; /* of the profile the records were read with; 0: none yet */
    uint64_t locale_fingerprint;  /* of the language and time zone they were read in; 0: unknown */
    uint32_t fields_found;        /* merge_shown: what some order of the list had */
    struct total_trust totals[COLLECTION_COUNT];
    int64_t last_complete_wall_ms;
    int64_t held_since_wall_ms; /* 0: nothing is held */
    struct guard_counts held;
    bool is_unreachable_told, is_rejected_told;
    int64_t failing_since_wall_ms; /* the first failure of what was told so; 0: nothing was */
    int64_t wait_until_wall_ms;    /* the API asked to be left alone; 0: no */
    struct expiry_told expiries[EXPIRIES_TOLD_MAX];
    size_t expiry_count;
    char **novelties; /* keys told */
    size_t novelty_count;
    struct forgotten_order *forgotten; /* until the next complete sweep */
    size_t forgotten_count;
};

void source_state_fini(struct source_state *state);
void source_state_add(const struct source_state *state, struct text *out); /* as JSON */
/* Replaces *state. STATUS_CORRUPT: these are not bytes that source_state_add made; *state is
 * untouched. */
enum status source_state_read(struct source_state *state, struct span value,
                              struct failure *why) MUST_CHECK;

/* Two keys of one novelty: the same, or two spellings of one unknown status. */
bool source_state_is_same_novelty(const char *left, const char *right);
/* False: it is known already, or there are too many. */
bool source_state_note_novelty(struct source_state *state, const char *key);
/* Forgets what has expired to make room. False: this threshold, or a nearer one, was told. */
bool source_state_note_expiry(struct source_state *state, const struct expiry_told *told,
                              int64_t now_wall_ms);
/* False: there are FORGOTTEN_MAX of them. */
bool source_state_note_forgotten(struct source_state *state, const char *order_id,
                                 uint64_t sequence);
/* NULL: it is none of them. Valid until one is noted or left out. */
struct forgotten_order *source_state_forgotten(const struct source_state *state,
                                               const char *order_id);
/* Begins a sweep: none is adopted yet. */
void source_state_begin_adopting(struct source_state *state);
/* Those that were adopted are known again; after a complete sweep the others are not listed. */
void source_state_end_adopting(struct source_state *state, bool is_complete);
const char *credential_name(enum credential credential); /* api_key … client_certificate */

#endif
