/* From an element's bytes to the canonical record, by the profile. Pure. */
#ifndef CORE_EXTRACT_H
#define CORE_EXTRACT_H

#include "core/ports.h"
#include "core/profile.h"
#include "core/record.h"

struct arena;

struct extractor {
    const struct profile *profile;
    const struct zone *zone; /* of local times */
    struct unicode_port unicode;
};

enum novelty_kind {
    NOVELTY_STATUS,  /* a status text that the profile does not know */
    NOVELTY_TYPE,    /* a field of another JSON type than it should have */
    NOVELTY_MISSING, /* an expected field that no element has any more; found by the sweep, not here
                      */
    NOVELTY_LOOKS_WATCHED, /* an unknown member whose name resembles a field we watch */
    NOVELTY_UNREADABLE,    /* an element that cannot be read at all; found by the sweep */
};

/* Something the profile did not foresee; told once per source and key. */
struct novelty {
    enum novelty_kind kind;
    const char *key;    /* stable: order.status:Paused, order.committed_date:number … */
    const char *sample; /* shortened, cleaned */
};

struct extraction {
    struct record record; /* without appointments if they are a collection of their own */
    const struct novelty *novelties;
    size_t novelty_count;
    uint32_t fields_found; /* bit per enum order_field that some candidate matched */
};

/* Everything in *out lives in arena. STATUS_INVALID: not an object, no id, an id over
 * RECORD_ID_MAX. */
enum status extract_order(const struct extractor *extractor, struct span element,
                          struct arena *arena, struct extraction *out,
                          struct failure *why) MUST_CHECK;

/* An element of the appointments' own collection. */
struct appointment_extraction {
    const char *order_id; /* "": it says of no order that it is its */
    struct appointment appointment;
    const struct novelty *novelties;
    size_t novelty_count;
};

enum status extract_appointment(const struct extractor *extractor, struct span element,
                                struct arena *arena, struct appointment_extraction *out,
                                struct failure *why) MUST_CHECK;

#endif
