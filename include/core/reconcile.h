/* What is known of an order, and what the API says now: the record to write and the events it
 * makes. Pure: diff, classify, slippage, routing and deadlines of one order, in one call. */
#ifndef CORE_RECONCILE_H
#define CORE_RECONCILE_H

#include "core/ports.h"
#include "core/record.h"

struct arena;
struct silence_list;

struct reconcile_context {
    const struct config *config;
    const struct source_config *source;
    const struct silence_list *silences; /* NULL: none */
    uint64_t sweep;
    int64_t now_wall_ms;
    int64_t lead_ms;       /* as of struct route_facts */
    int64_t as_of_wall_ms; /* for what time causes: the latest complete sweep; 0: not said */
    bool is_baseline;      /* state, no events */
};

enum sighting {
    SIGHTING_LISTED,      /* the list has it */
    SIGHTING_LOOKED_UP,   /* the list had it, its detail was asked for between two sweeps */
    SIGHTING_CLOSED,      /* gone from the list, the detail says final */
    SIGHTING_DISAPPEARED, /* gone from the list, the detail does not explain it */
};

struct reconcile_input {
    enum sighting sighting;
    const struct stored_order *before; /* NULL: not known */
    const struct record *after;        /* NULL: gone without a detail, or only appointments moved */
    uint64_t raw_fingerprint;          /* of the element that after was read from */
    uint32_t list_shows;               /* SIGHTING_LOOKED_UP: merge_shown of the list */
    /* Appointments that are a collection of their own: those that are new or changed, and those
     * gone. after then has none. */
    bool has_own_appointments;
    const struct appointment *appointments;
    size_t appointment_count;
    const char *const *removed_appointment_ids;
    size_t removed_appointment_count;
    struct span
        detail_json; /* what the detail said, cleaned and short: data.detail; may be empty */
};

struct reconcile_result {
    struct staged_order staged;  /* everything in it lives in arena */
    const struct record *record; /* the same, readable; NULL if not is_changed */
    bool is_changed;             /* the canonical record differs: write it */
    bool has_news; /* of it there is something to tell, now or after its settle window */
    bool is_new;
};

/* STATUS_CORRUPT: what the store gave is not what was written. */
enum status reconcile_order(const struct reconcile_context *context,
                            const struct reconcile_input *input, struct arena *arena,
                            struct reconcile_result *out, struct failure *why) MUST_CHECK;

/* A deadline of the order has come: its event, or none when it no longer applies. The order is
 * written either way, without this deadline. is_changed: there is an event. */
enum status reconcile_deadline(const struct reconcile_context *context,
                               const struct stored_order *before, const struct deadline *deadline,
                               struct arena *arena, struct reconcile_result *out,
                               struct failure *why) MUST_CHECK;

#endif
