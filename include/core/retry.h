/* When to try again: one law for sources and for every sink. Full jitter, doubling, capped. */
#ifndef CORE_RETRY_H
#define CORE_RETRY_H

#include "core/config.h"
#include "core/random.h"

/* The wait before attempt attempts_made + 1 (attempts_made at least 1): uniformly from
 * [0, min(cap, first * 2^(attempts_made-1))], but never shorter than server_hint_ms. */
int64_t retry_delay_ms(const struct retry_policy *policy, uint32_t attempts_made,
                       int64_t server_hint_ms, struct random *random);

#endif
