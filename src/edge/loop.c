#include "edge/loop.h"

#include <uv.h>

#include <signal.h>
#include <stdlib.h>
#include <time.h>

/* A wake-up that is far away is asked for again: a timer of a day would miss what suspend did. */
#define SLEEP_MS_MAX 60000

enum { WATCH_TERMINATE, WATCH_INTERRUPT, WATCH_RELOAD, WATCH_COUNT };

static const int watched_signals[WATCH_COUNT] = {
    [WATCH_TERMINATE] = SIGTERM,
    [WATCH_INTERRUPT] = SIGINT,
    [WATCH_RELOAD] = SIGHUP,
};

struct loop {
    uv_loop_t uv;
    uv_timer_t timer;
    uv_prepare_t prepare;
    uv_signal_t signals[WATCH_COUNT];
    size_t signal_count; /* how many are initialised */
    struct loop_events events;
    bool is_terminating;
};

struct uv_loop_s *loop_uv(struct loop *loop)
{
    return &loop->uv;
}

static int64_t wall_now_ms(void)
{
    struct timespec now;
    CHECK(clock_gettime(CLOCK_REALTIME, &now) == 0);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct instant loop_instant(struct uv_loop_s *uv)
{
    return (struct instant){.mono_ms = (int64_t)uv_now(uv), .wall_ms = wall_now_ms()};
}

struct instant loop_now(const struct loop *loop)
{
    return (struct instant){.mono_ms = (int64_t)uv_now(&loop->uv), .wall_ms = wall_now_ms()};
}

static void on_timer(uv_timer_t *timer)
{
    (void)timer; /* its only task is to wake the loop: the turn comes in prepare */
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct loop *loop = prepare->data;
    uv_update_time(&loop->uv);
    int64_t wake_mono_ms = loop->events.on_turn(loop->events.arg, loop_now(loop));
    if (uv_is_closing((uv_handle_t *)&loop->timer)) {
        return;
    }
    /* The turn took time: libuv must not sleep it a second time. */
    uv_update_time(&loop->uv);
    int64_t now_mono_ms = (int64_t)uv_now(&loop->uv);
    int64_t sleep_ms = wake_mono_ms > now_mono_ms ? wake_mono_ms - now_mono_ms : 0;
    if (sleep_ms > SLEEP_MS_MAX) {
        sleep_ms = SLEEP_MS_MAX;
    }
    CHECK(uv_timer_start(&loop->timer, on_timer, (uint64_t)sleep_ms, 0) == 0);
}

static void on_signal(uv_signal_t *watcher, int number)
{
    struct loop *loop = watcher->data;
    const struct loop_events *events = &loop->events;
    if (number == SIGHUP) {
        if (events->on_reload != NULL) {
            events->on_reload(events->arg);
        }
        return;
    }
    if (!loop->is_terminating && events->on_terminate != NULL) {
        loop->is_terminating = true;
        events->on_terminate(events->arg);
    }
}

static int watch_signals(struct loop *loop)
{
    for (size_t i = 0; i < WATCH_COUNT; i++) {
        int error = uv_signal_init(&loop->uv, &loop->signals[i]);
        if (error != 0) {
            return error;
        }
        loop->signal_count++;
        loop->signals[i].data = loop;
        error = uv_signal_start(&loop->signals[i], on_signal, watched_signals[i]);
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

static enum status refuse(struct failure *why, int error)
{
    char reason[128];
    return fail(why, STATUS_UNAVAILABLE,
                "event loop: %s; check the limit of open files (ulimit -n)",
                uv_strerror_r(error, reason, sizeof reason));
}

enum status loop_create(struct loop **out, struct failure *why)
{
    struct loop *loop = alloc(sizeof *loop);
    int error = uv_loop_init(&loop->uv);
    if (error != 0) {
        free(loop);
        return refuse(why, error);
    }
    /* A peer that closes its end is an error of that write, not the end of the process. */
    CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    CHECK(uv_timer_init(&loop->uv, &loop->timer) == 0);
    CHECK(uv_prepare_init(&loop->uv, &loop->prepare) == 0);
    loop->timer.data = loop;
    loop->prepare.data = loop;
    error = watch_signals(loop);
    if (error != 0) {
        loop_close(loop);
        (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
        loop_destroy(loop);
        return refuse(why, error);
    }
    *out = loop;
    return STATUS_OK;
}

void loop_run(struct loop *loop, const struct loop_events *events)
{
    CHECK(events->on_turn != NULL);
    loop->events = *events;
    CHECK(uv_prepare_start(&loop->prepare, on_prepare) == 0);
    CHECK(uv_run(&loop->uv, UV_RUN_DEFAULT) == 0);
}

void loop_close(struct loop *loop)
{
    uv_close((uv_handle_t *)&loop->timer, NULL);
    uv_close((uv_handle_t *)&loop->prepare, NULL);
    for (size_t i = 0; i < loop->signal_count; i++) {
        uv_close((uv_handle_t *)&loop->signals[i], NULL);
    }
}

void loop_destroy(struct loop *loop)
{
    CHECK(uv_loop_close(&loop->uv) == 0);
    free(loop);
}
