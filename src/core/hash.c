#include "core/hash.h"

#include "hash_wide.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t hash64(struct span bytes)
{
#ifdef HASH_HAS_WIDE
    if (__builtin_cpu_supports("avx2")) {
        return hash64_wide(bytes);
    }
#endif
    return XXH3_64bits(bytes.data, bytes.size);
}

void hash128_hex(struct span bytes, char out[static 33])
{
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.data, bytes.size));
    for (size_t i = 0; i < sizeof canonical.digest; i++) {
        static const char digits[] = "0123456789abcdef";
        out[2 * i] = digits[canonical.digest[i] >> 4];
        out[2 * i + 1] = digits[canonical.digest[i] & 15];
    }
    out[32] = '\0';
}
