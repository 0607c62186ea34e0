/* The loop with real signals: turns come before each sleep, and nothing is left open at its end. */
#include "edge/loop.h"

#include <uv.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

struct play {
    struct loop *loop;
    int turns, reloads, terminations;
    int64_t woken_mono_ms[8];
    int64_t pause_ms;
    int turns_max;
};

static int64_t on_turn(void *arg, struct instant now)
{
    struct play *play = arg;
    if (play->turns < (int)ARRAY_COUNT(play->woken_mono_ms)) {
        play->woken_mono_ms[play->turns] = now.mono_ms;
    }
    play->turns++;
    if (play->turns_max != 0 && play->turns == play->turns_max) {
        loop_close(play->loop);
    }
    return play->pause_ms < 0 ? INSTANT_NEVER : now.mono_ms + play->pause_ms;
}

static void on_reload(void *arg)
{
    struct play *play = arg;
    play->reloads++;
    assert_int_equal(0, kill(getpid(), SIGTERM));
}

static void on_terminate(void *arg)
{
    struct play *play = arg;
    play->terminations++;
    if (play->terminations == 1) {
        assert_int_equal(0, kill(getpid(), SIGINT));
    }
    play->turns = 0;
    play->turns_max = 5;
    play->pause_ms = 1;
}

static void run(struct play *play)
{
    assert_int_equal(STATUS_OK, loop_create(&play->loop, NULL));
    struct loop_events events = {
        .on_turn = on_turn, .on_terminate = on_terminate, .on_reload = on_reload, .arg = play};
    loop_run(play->loop, &events);
    loop_destroy(play->loop);
}

static void turns_come_no_earlier_than_asked(void **state)
{
    (void)state;
    struct play play = {.pause_ms = 20, .turns_max = 4};
    run(&play);
    assert_int_equal(4, play.turns);
    for (int i = 1; i < 4; i++) {
        assert_true(play.woken_mono_ms[i] - play.woken_mono_ms[i - 1] >= 20);
    }
}

static void a_turn_that_wants_another_at_once_gets_it(void **state)
{
    (void)state;
    struct play play = {.pause_ms = 0, .turns_max = 1000};
    run(&play);
    assert_int_equal(1000, play.turns);
}

static void signals_are_told_and_only_the_first_end_counts(void **state)
{
    (void)state;
    struct play play = {.pause_ms = -1};
    assert_int_equal(STATUS_OK, loop_create(&play.loop, NULL));
    /* Sent before the loop runs: watched since loop_create, so neither lost nor deadly. */
    assert_int_equal(0, kill(getpid(), SIGHUP));
    assert_int_equal(0, kill(getpid(), SIGPIPE));
    struct loop_events events = {
        .on_turn = on_turn, .on_terminate = on_terminate, .on_reload = on_reload, .arg = &play};
    loop_run(play.loop, &events);
    loop_destroy(play.loop);
    assert_int_equal(1, play.reloads);
    assert_int_equal(1, play.terminations);
}

static void both_clocks_are_read(void **state)
{
    (void)state;
    struct loop *loop;
    assert_int_equal(STATUS_OK, loop_create(&loop, NULL));
    struct instant now = loop_now(loop);
    struct instant same = loop_instant(loop_uv(loop));
    assert_true(now.mono_ms > 0 && now.mono_ms == same.mono_ms);
    assert_true(now.wall_ms > INT64_C(1700000000000) && same.wall_ms >= now.wall_ms);
    loop_close(loop);
    (void)uv_run(loop_uv(loop), UV_RUN_DEFAULT);
    loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turns_come_no_earlier_than_asked),
        cmocka_unit_test(a_turn_that_wants_another_at_once_gets_it),
        cmocka_unit_test(signals_are_told_and_only_the_first_end_counts),
        cmocka_unit_test(both_clocks_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
