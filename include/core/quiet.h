/* Quiet hours: when a route is silent, and when it speaks again. */
#ifndef CORE_QUIET_H
#define CORE_QUIET_H

#include "core/config.h"

/* The end of the quiet time that wall_ms lies in, or wall_ms itself when it lies in none. Each
 * local day has at most one quiet time; it begins and ends at most once even when the clocks
 * change. */
int64_t quiet_end(const struct quiet_config *quiet, int64_t wall_ms);

#endif
