/* Fingerprints: they tell bytes apart and give events their id; they protect nothing. */
#ifndef CORE_HASH_H
#define CORE_HASH_H

#include "core/base.h"

/* XXH3 (xxhash.h is header-only, so core still links with cJSON and libc alone). */
uint64_t hash64(struct span bytes);
void hash128_hex(struct span bytes, char out[static 33]); /* 32 lower-case hex digits and NUL */

#endif
