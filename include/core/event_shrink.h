/* Makes the JSON of an event smaller without touching what it is about. */
#ifndef CORE_EVENT_SHRINK_H
#define CORE_EVENT_SHRINK_H

#include "core/base.h"

struct text;

struct shrink_limits {
    size_t text_bytes_max; /* longer strings are cut with a mark; ids stay */
    size_t list_count_max; /* of longer lists the latest elements stay */
    bool drops_extra;      /* the member "extra" goes */
};

/* json is an object or finished members without braces; out gets the same form, its members in the
 * same order. What cannot be read is left out. */
void event_shrink_json(struct span json, const struct shrink_limits *limits, struct text *out);

#endif
