/* A rate is a ceiling for every window, wherever it begins. */
#include "core/pacer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define SENDS 3000

/* Sends as often as it may, and gives when. */
static void play(struct rate rate, int64_t pause_after, int64_t *times)
{
    struct pacer pacer;
    pacer_init(&pacer, rate);
    int64_t now = 1000;
    for (int i = 0; i < SENDS; i++) {
        int64_t due = pacer_due_mono_ms(&pacer, now);
        now = due > now ? due : now;
        pacer_take(&pacer, now);
        times[i] = now;
        now += i == pause_after ? 10 * rate.window_ms : 0; /* room for the few gathers again */
    }
}

static void each_window_keeps_the_rate(void **state)
{
    (void)state;
    static const struct rate rates[] = {{1, 1000},   {2, 1000},      {3, 60000},  {10, 1000},
                                        {60, 60000}, {100, 3600000}, {1000, 1000}};
    static int64_t times[SENDS];
    for (size_t i = 0; i < ARRAY_COUNT(rates); i++) {
        play(rates[i], 500, times);
        for (uint32_t j = 0; j + rates[i].count < SENDS; j++) {
            assert_true(times[j + rates[i].count] - times[j] > rates[i].window_ms);
        }
    }
}

static void it_is_not_slower_than_it_must(void **state)
{
    (void)state;
    static int64_t times[SENDS];
    play((struct rate){60, 60000}, -1, times);
    int64_t minutes = (times[SENDS - 1] - times[0]) / 60000;
    assert_in_range(SENDS / minutes, 53, 60);
    play((struct rate){60, 60000}, 500, times);
    assert_int_equal(times[501], times[506]); /* a few at once after a pause */
    assert_int_not_equal(times[0], times[1]); /* but not at the start: who knows what was before */
}

/* A small rate is no smaller than it says. */
static void what_is_allowed_is_used(void **state)
{
    (void)state;
    static const struct rate rates[] = {{1, 1000}, {2, 1000}, {5, 1000}, {60, 60000}};
    static int64_t times[SENDS];
    for (size_t i = 0; i < ARRAY_COUNT(rates); i++) {
        play(rates[i], -1, times);
        int64_t windows = (times[SENDS - 1] - times[0]) / rates[i].window_ms;
        int64_t allowed = windows * rates[i].count;
        assert_in_range(SENDS, allowed * 9 / 10, allowed + rates[i].count);
    }
}

static void without_a_rate_there_is_no_wait(void **state)
{
    (void)state;
    struct pacer pacer;
    pacer_init(&pacer, (struct rate){0});
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(pacer_due_mono_ms(&pacer, 5), 5);
        pacer_take(&pacer, 5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_window_keeps_the_rate),
        cmocka_unit_test(it_is_not_slower_than_it_must),
        cmocka_unit_test(what_is_allowed_is_used),
        cmocka_unit_test(without_a_rate_there_is_no_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
