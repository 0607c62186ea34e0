/* Private to surface*.c: what a list is narrowed to. */
#ifndef CORE_SURFACE_FILTER_H
#define CORE_SURFACE_FILTER_H

#include "core/arena.h"

#include "surface_internal.h"

struct filter { /* texts live in the arena it was read into; NULL: any */
    const char *source, *sink, *order, *status, *type_glob, *id_prefix, *text;
    enum severity severity_min;
    enum delivery_state state;
    int64_t since_wall_ms, until_wall_ms; /* 0: open */
    const char *after;                    /* cursor; NULL: from the start */
    size_t limit;
};

/* Answers and gives false if a parameter is wrong. names: those that this list has. */
bool filter_read(const struct call *call, const char *const *names, struct arena *arena,
                 struct filter *out);
bool filter_read_state(const struct call *call, enum delivery_state *out); /* of deliveries */
bool filter_has_time(const struct filter *filter, int64_t wall_ms);
/* text is somewhere in json, without regard to ASCII case. */
bool filter_has_text(const struct filter *filter, struct span json);
bool cursor_number(const char *cursor, int64_t *out); /* false: not one of ours */

#endif
