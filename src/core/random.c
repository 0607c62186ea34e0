#include "core/random.h"

/* SplitMix64: small, seedable with any value, good enough for jitter. */
uint64_t random_next(struct random *random)
{
    random->state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t mixed = random->state;
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

int64_t random_below(struct random *random, int64_t bound)
{
    CHECK(bound >= 1);
    return (int64_t)(random_next(random) % (uint64_t)bound);
}
