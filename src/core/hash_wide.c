#include "hash_wide.h"

#ifdef HASH_HAS_WIDE

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t hash64_wide(struct span bytes)
{
    return XXH3_64bits(bytes.data, bytes.size);
}

#endif
