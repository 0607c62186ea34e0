#include "core/retry.h"

int64_t retry_delay_ms(const struct retry_policy *policy, uint32_t attempts_made,
                       int64_t server_hint_ms, struct random *random)
{
    CHECK(attempts_made >= 1);
    int64_t ceiling = policy->first_ms;
    for (uint32_t i = 1; i < attempts_made && ceiling < policy->cap_ms; i++) {
        ceiling *= 2;
    }
    if (ceiling > policy->cap_ms) {
        ceiling = policy->cap_ms;
    }
    int64_t delay = random_below(random, ceiling + 1);
    return delay > server_hint_ms ? delay : server_hint_ms;
}
