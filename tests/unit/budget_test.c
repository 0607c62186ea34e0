/* The rate law: no window sees more than the limit, wherever inside a request its receiver counts
 * it, over crashes, clock jumps and throttling. */
#include "core/budget.h"

#include "core/date.h"
#include "core/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- by brute force --------------------------------------------------------------------------- */

#define REQUESTS_MAX 4000

struct world {
    struct random random;
    struct rate rate;
    struct budget budget;
    struct text durable; /* what the store has */
    struct instant now;
    int64_t starts[REQUESTS_MAX], ends[REQUESTS_MAX];
    size_t count;
};

static void boot(struct world *world)
{
    budget_init(&world->budget, world->rate);
    if (world->durable.size != 0) {
        budget_restore(&world->budget, text_span(&world->durable));
    }
    budget_begin(&world->budget, world->now);
}

static void sleep_for(struct world *world, int64_t ms)
{
    world->now.mono_ms += ms;
    world->now.wall_ms += ms;
}

static void crash(struct world *world)
{
    budget_fini(&world->budget);
    sleep_for(world, random_below(&world->random, 3) == 0 ? 0 : random_below(&world->random, 50));
    if (random_below(&world->random, 3) == 0) { /* the wall clock is set while we are away */
        world->now.wall_ms += random_below(&world->random, 2000000) - 1000000;
    }
    boot(world);
}

static void lease(struct world *world)
{
    struct text value;
    text_init(&value, 65536);
    uint32_t size = budget_add_lease(&world->budget, world->now, &value);
    assert_int_equal(value.status, STATUS_OK);
    if (random_below(&world->random, 10) == 0) {
        text_fini(&value); /* the commit failed: nothing was granted */
        return;
    }
    text_fini(&world->durable);
    world->durable = value;
    budget_grant(&world->budget, size);
}

static void step(struct world *world)
{
    int64_t again_ms = 0;
    switch (budget_ask(&world->budget, world->now.mono_ms, &again_ms)) {
    case BUDGET_WAIT:
        assert_true(again_ms > world->now.mono_ms);
        sleep_for(world, random_below(&world->random, 2) == 0
                             ? again_ms - world->now.mono_ms
                             : random_below(&world->random, again_ms - world->now.mono_ms + 1));
        break;
    case BUDGET_NEEDS_LEASE:
        lease(world);
        break;
    case BUDGET_GO:
        budget_take(&world->budget, world->now.mono_ms);
        world->starts[world->count] = world->now.mono_ms;
        sleep_for(world, random_below(&world->random, 30));
        world->ends[world->count++] = world->now.mono_ms;
        if (random_below(&world->random, 8) != 0) {
            budget_answered(&world->budget, world->now.mono_ms);
        } else {
            crash(world); /* with the answer on its way */
        }
        break;
    }
    if (random_below(&world->random, 40) == 0) {
        crash(world);
    }
}

/* The receiver may count a request anywhere from its start to its end. Worst for the law: the first
 * of count + 1 requests as late, the last as early as possible. */
static void check_law(const struct world *world)
{
    for (size_t i = 0; i + world->rate.count < world->count; i++) {
        int64_t apart = world->starts[i + world->rate.count] - world->ends[i];
        if (apart <= world->rate.window_ms) {
            fail_msg("requests %zu to %zu within %lld ms", i, i + world->rate.count,
                     (long long)apart);
        }
    }
}

static void play(uint64_t seed, struct rate rate)
{
    struct world *world = alloc(sizeof *world);
    world->random.state = seed;
    world->rate = rate;
    world->now = (struct instant){.mono_ms = 5000, .wall_ms = INT64_C(1795000000000)};
    text_init(&world->durable, 65536);
    boot(world);
    while (world->count < 600) {
        step(world);
    }
    check_law(world);
    budget_fini(&world->budget);
    text_fini(&world->durable);
    free(world);
}

static void no_window_ever_sees_more_than_the_limit(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        play(seed, (struct rate){.count = 1, .window_ms = 100});
        play(seed, (struct rate){.count = 5, .window_ms = 1000});
        play(seed, (struct rate){.count = 60, .window_ms = 1000});
        play(seed, (struct rate){.count = 200, .window_ms = 10000});
    }
}

/* --- by example ------------------------------------------------------------------------------- */

static const struct instant start = {.mono_ms = 1000, .wall_ms = INT64_C(1795000000000)};

static void use(struct budget *budget, uint32_t count, int64_t now_ms)
{
    for (uint32_t i = 0; i < count; i++) {
        int64_t again_ms = 0;
        if (budget_ask(budget, now_ms, &again_ms) == BUDGET_NEEDS_LEASE) {
            budget_grant(budget, 1);
        }
        budget_take(budget, now_ms);
        budget_answered(budget, now_ms);
    }
}

static void the_window_is_used_to_its_limit_and_opens_in_time(void **state)
{
    (void)state;
    struct budget budget;
    budget_init(&budget, (struct rate){.count = 60, .window_ms = 60000});
    budget_begin(&budget, start);
    use(&budget, 60, 1000);
    assert_int_equal(budget_left(&budget, 1000), 0);
    int64_t again_ms = 0;
    assert_int_equal(budget_ask(&budget, 1000, &again_ms), BUDGET_WAIT);
    assert_int_equal(again_ms, 61001);
    assert_int_equal(budget_ask(&budget, 61001, &again_ms), BUDGET_NEEDS_LEASE);
    assert_int_equal(budget_left(&budget, 61001), 60);
    budget_fini(&budget);
}

static void throttling_halves_and_hours_give_back(void **state)
{
    (void)state;
    struct budget budget;
    budget_init(&budget, (struct rate){.count = 60, .window_ms = 60000});
    budget_begin(&budget, start);
    use(&budget, 50, 1000);
    budget_throttled(&budget, 1000);
    assert_int_equal(budget.limit, 30);
    int64_t again_ms = 0;
    assert_int_equal(budget_ask(&budget, 1000, &again_ms), BUDGET_WAIT);
    for (int i = 0; i < 9; i++) {
        budget_throttled(&budget, 1000);
    }
    assert_int_equal(budget.limit, 1);
    budget_recover(&budget, 1000 + HOUR_MS - 1);
    assert_int_equal(budget.limit, 1);
    budget_recover(&budget, 1000 + HOUR_MS);
    assert_int_equal(budget.limit, 8);
    budget_recover(&budget, 1000 + 24 * HOUR_MS);
    assert_int_equal(budget.limit, 60);
    budget_fini(&budget);
}

static void the_learned_limit_survives_a_restart(void **state)
{
    (void)state;
    struct budget budget;
    budget_init(&budget, (struct rate){.count = 60, .window_ms = 60000});
    budget_begin(&budget, start);
    budget_throttled(&budget, 1000);
    struct text value;
    text_init(&value, 65536);
    assert_int_equal(budget_add_lease(&budget, start, &value), 6);
    budget_fini(&budget);
    budget_init(&budget, (struct rate){.count = 60, .window_ms = 60000});
    budget_restore(&budget, text_span(&value));
    budget_begin(&budget, start);
    assert_int_equal(budget.limit, 30);
    assert_int_equal(budget_left(&budget, start.mono_ms), 24); /* the lease counts as used */
    budget_fini(&budget);
    text_fini(&value);
}

static void an_unreadable_value_counts_as_a_full_window(void **state)
{
    (void)state;
    struct budget budget;
    budget_init(&budget, (struct rate){.count = 3, .window_ms = 60000});
    budget_restore(&budget, span_of("{\"limit\":"));
    budget_begin(&budget, start);
    assert_int_equal(budget_left(&budget, start.mono_ms), 0);
    budget_fini(&budget);
}

static void a_large_window_is_written_small(void **state)
{
    (void)state;
    struct budget budget;
    budget_init(&budget, (struct rate){.count = 20000, .window_ms = HOUR_MS});
    budget_begin(&budget, start);
    for (int i = 0; i < 20000; i++) {
        use(&budget, 1, 1000 + i * 100);
    }
    struct text value;
    text_init(&value, 8192);
    (void)budget_add_lease(&budget, start, &value);
    assert_int_equal(value.status, STATUS_OK);
    text_fini(&value);
    budget_fini(&budget);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_window_ever_sees_more_than_the_limit),
        cmocka_unit_test(the_window_is_used_to_its_limit_and_opens_in_time),
        cmocka_unit_test(throttling_halves_and_hours_give_back),
        cmocka_unit_test(the_learned_limit_survives_a_restart),
        cmocka_unit_test(an_unreadable_value_counts_as_a_full_window),
        cmocka_unit_test(a_large_window_is_written_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
