#include "core/guard.h"

static bool is_over(uint64_t count, uint64_t least, uint64_t known, uint32_t percent)
{
    uint64_t share = known * percent; /* in hundredths, so that nothing is rounded away */
    return count > least && count * 100 > share;
}

bool guard_exceeds_vanished(const struct guard_config *config, const struct guard_counts *counts)
{
    return is_over(counts->vanished, GUARD_VANISHED_MIN, counts->known, config->vanished_percent);
}

bool guard_exceeds(const struct guard_config *config, const struct guard_counts *counts)
{
    return guard_exceeds_vanished(config, counts) ||
           is_over(counts->changed, GUARD_CHANGED_MIN, counts->known, config->changed_percent);
}
