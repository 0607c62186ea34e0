/* One English line that says what happened to an order: data.summary. */
#ifndef CORE_SUMMARY_H
#define CORE_SUMMARY_H

#include "core/classify.h"

struct summary_context {
    const struct record *order; /* as it is now */
    const struct zone *zone;    /* of the source */
    int64_t now_wall_ms;        /* its year is not said */
};

/* Values are cleaned and cut; contact is named, its values are not. */
void summary_add(const struct summary_context *context, const struct finding *finding,
                 struct text *out);

#endif
