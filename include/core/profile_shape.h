/* The keys of a profile document; private to the profile's own files. */
#ifndef CORE_PROFILE_SHAPE_H
#define CORE_PROFILE_SHAPE_H

#include "core/profile.h"
#include "core/walker.h"

#define ORDER_KIND_COUNT (ORDER_FAILED + 1)
#define APPOINTMENT_KIND_COUNT (APPOINTMENT_MISSED + 1)

struct texts {
    const char *const *texts;
    size_t count;
};

/* What is read before the words of all kinds become one table. */
struct profile_draft {
    struct profile profile;
    struct {
        struct texts order[ORDER_KIND_COUNT];
        struct texts appointment[APPOINTMENT_KIND_COUNT];
    } words;
};

const struct shape *profile_shape(void); /* of struct profile_draft */
/* words: one list for each kind. */
void profile_build_statuses(struct walker *walker, const struct node *map,
                            const struct texts *words, size_t kind_count, struct status_table *out);

/* Fills profile->names, in the arena, once everything else is read. */
void profile_gather_names(struct profile *profile, struct arena *arena);

#endif
