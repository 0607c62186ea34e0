/* One fingerprint for the same bytes, whatever processor looks at them: it is kept in the state. */
#include "core/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void every_size_gives_what_the_reference_gives(void **state)
{
    (void)state;
    static char bytes[5000];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)(i * 131 + i / 7);
    }
    for (size_t size = 0; size <= sizeof bytes; size++) {
        struct span part = {.data = bytes + sizeof bytes - size, .size = size};
        assert_int_equal(hash64(part), XXH3_64bits(part.data, part.size));
    }
}

static void fingerprints_do_not_change_between_versions(void **state)
{
    (void)state;
    assert_int_equal(hash64(span_of("")), UINT64_C(0x2d06800538d394c2));
    assert_int_equal(hash64(span_of("an order")), UINT64_C(0xf03f212803d77cfe));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size_gives_what_the_reference_gives),
        cmocka_unit_test(fingerprints_do_not_change_between_versions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
