/* The same hash, for processors with AVX2: half the time on what is longer than a few hundred
 * bytes. */
#ifndef CORE_HASH_WIDE_H
#define CORE_HASH_WIDE_H

#include "core/base.h"

#ifdef __x86_64__
#define HASH_HAS_WIDE 1
uint64_t hash64_wide(struct span bytes); /* only where __builtin_cpu_supports("avx2") */
#endif

#endif
