/* The one back-off law: bounds, doubling, cap, hints, and the same seed twice. */
#include "core/retry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct retry_policy policy = {.first_ms = 5000, .cap_ms = 3600000};

static void every_wait_is_within_the_doubling_ceiling(void **state)
{
    (void)state;
    struct random random = {.state = 1};
    int64_t ceiling_ms = policy.first_ms;
    for (uint32_t attempts = 1; attempts < 40; attempts++) {
        int64_t longest_ms = 0;
        for (int i = 0; i < 2000; i++) {
            int64_t wait_ms = retry_delay_ms(&policy, attempts, 0, &random);
            assert_in_range(wait_ms, 0, ceiling_ms);
            longest_ms = wait_ms > longest_ms ? wait_ms : longest_ms;
        }
        assert_true(longest_ms > ceiling_ms / 2); /* full jitter uses the whole range */
        ceiling_ms = ceiling_ms * 2 < policy.cap_ms ? ceiling_ms * 2 : policy.cap_ms;
    }
}

static void a_hint_is_never_undercut(void **state)
{
    (void)state;
    struct random random = {.state = 2};
    for (int i = 0; i < 1000; i++) {
        assert_true(retry_delay_ms(&policy, 1, 9000, &random) == 9000);
        assert_true(retry_delay_ms(&policy, 9, 9000, &random) >= 9000);
    }
}

static void one_seed_gives_one_sequence(void **state)
{
    (void)state;
    struct random one = {.state = 3};
    struct random other = {.state = 3};
    for (uint32_t i = 1; i < 100; i++) {
        assert_true(retry_delay_ms(&policy, i, 0, &one) == retry_delay_ms(&policy, i, 0, &other));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_wait_is_within_the_doubling_ceiling),
        cmocka_unit_test(a_hint_is_never_undercut),
        cmocka_unit_test(one_seed_gives_one_sequence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
