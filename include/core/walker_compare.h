/* What differs between two structs of one shape, by the table that read them. */
#ifndef CORE_WALKER_COMPARE_H
#define CORE_WALKER_COMPARE_H

#include "core/walker.h"

/* Each key whose value differs between two structs of one shape, by its path: oauth2.scope. Secrets
 * are compared by their bytes. Contexts are walker_print's, of each side. */
struct walker_side {
    const void *source, *context;
};
typedef void walker_difference_fn(void *arg, const char *path);
void walker_compare(const struct shape *shape, const struct walker_side *left,
                    const struct walker_side *right, walker_difference_fn *on_difference,
                    void *arg);

#endif
