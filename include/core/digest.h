/* When a digest leaves. Pure. */
#ifndef CORE_DIGEST_H
#define CORE_DIGEST_H

#include "core/config.h"

bool digest_is_on(const struct digest_config *digest);
/* The first time after wall_ms, Unix ms: strictly after it. A time that the clocks skip is that of
 * the moment they jump to; one that they show twice is the first. The digest must be on. */
int64_t digest_next(const struct digest_config *digest, int64_t wall_ms);

#endif
