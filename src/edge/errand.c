#include "errand.h"

#include <uv.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define STACK_BYTES ((size_t)512 << 10)

struct errand {
    uv_async_t async; /* the loop's; the thread touches it with the mutex, and only if not left */
    const struct errand_steps *steps;
    void *job;
    uv_mutex_t mutex;
    bool is_over, is_left; /* with the mutex */
    atomic_int holder_count;
};

static void release(struct errand *errand)
{
    if (atomic_fetch_sub(&errand->holder_count, 1) == 1) {
        uv_mutex_destroy(&errand->mutex);
        free(errand);
    }
}

static void on_async_closed(uv_handle_t *handle)
{
    release(handle->data);
}

static void on_async(uv_async_t *async)
{
    struct errand *errand = async->data;
    uv_mutex_lock(&errand->mutex); /* the thread has let go of the async */
    CHECK(errand->is_over && !errand->is_left);
    uv_mutex_unlock(&errand->mutex);
    uv_close((uv_handle_t *)async, on_async_closed);
    errand->steps->on_done(errand->job);
}

static void *run(void *arg)
{
    struct errand *errand = arg;
    errand->steps->work(errand->job);
    uv_mutex_lock(&errand->mutex);
    errand->is_over = true;
    bool is_left = errand->is_left;
    if (!is_left) {
        CHECK(uv_async_send(&errand->async) == 0);
    }
    uv_mutex_unlock(&errand->mutex);
    if (is_left) {
        errand->steps->drop(errand->job);
    }
    release(errand);
    return NULL;
}

static bool start_thread(struct errand *errand)
{
    pthread_t thread;
    pthread_attr_t attributes;
    CHECK(pthread_attr_init(&attributes) == 0);
    CHECK(pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) == 0);
    CHECK(pthread_attr_setstacksize(&attributes, STACK_BYTES) == 0);
    int error = pthread_create(&thread, &attributes, run, errand);
    CHECK(pthread_attr_destroy(&attributes) == 0);
    return error == 0;
}

struct errand *errand_start(struct uv_loop_s *uv, const struct errand_steps *steps, void *job)
{
    struct errand *errand = alloc(sizeof *errand);
    errand->steps = steps;
    errand->job = job;
    atomic_init(&errand->holder_count, 2);
    CHECK(uv_mutex_init(&errand->mutex) == 0);
    CHECK(uv_async_init(uv, &errand->async, on_async) == 0);
    errand->async.data = errand;
    if (!start_thread(errand)) {
        release(errand);
        uv_close((uv_handle_t *)&errand->async, on_async_closed);
        return NULL;
    }
    return errand;
}

void errand_leave(struct errand *errand)
{
    uv_mutex_lock(&errand->mutex);
    CHECK(!errand->is_left);
    errand->is_left = true;
    bool is_over = errand->is_over;
    uv_mutex_unlock(&errand->mutex);
    if (is_over) {
        errand->steps->drop(errand->job);
    }
    uv_close((uv_handle_t *)&errand->async, on_async_closed);
}
