/* Seeded randomness: main seeds it once, a test seeds it to replay. */
#ifndef CORE_RANDOM_H
#define CORE_RANDOM_H

#include "core/base.h"

struct random {
    uint64_t state;
};

uint64_t random_next(struct random *random);
int64_t random_below(struct random *random, int64_t bound); /* 0 … bound-1; bound at least 1 */

#endif
