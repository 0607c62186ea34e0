/* Shell-like patterns for event types and field values: *, ? and \ only; no back-tracking blow-up.
 */
#ifndef CORE_GLOB_H
#define CORE_GLOB_H

#include "core/base.h"

bool glob_matches(const char *pattern, const char *text); /* case-sensitive, whole text, UTF-8 */
bool glob_is_valid(const char *pattern);

#endif
