/* An errand is told from the loop, or left behind; its job is freed once, whoever is faster. */
#include "src/edge/errand.h"

#include <uv.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <cmocka.h>

/* What a test looks at when the job is gone. */
struct seen {
    uv_sem_t begun, may_end, dropped;
    atomic_int work_count, done_count, drop_count;
    bool is_done_in_loop;
};

struct job {
    struct seen *seen;
    uv_thread_t loop_thread;
};

static void work(void *arg)
{
    struct job *job = arg;
    atomic_fetch_add(&job->seen->work_count, 1);
    uv_sem_post(&job->seen->begun);
    uv_sem_wait(&job->seen->may_end);
}

static void on_done(void *arg)
{
    struct job *job = arg;
    uv_thread_t self = uv_thread_self();
    job->seen->is_done_in_loop = uv_thread_equal(&self, &job->loop_thread) != 0;
    atomic_fetch_add(&job->seen->done_count, 1);
    free(job);
}

static void drop(void *arg)
{
    struct job *job = arg;
    struct seen *seen = job->seen;
    free(job);
    atomic_fetch_add(&seen->drop_count, 1);
    uv_sem_post(&seen->dropped);
}

static const struct errand_steps steps = {.work = work, .on_done = on_done, .drop = drop};

static void seen_init(struct seen *seen)
{
    assert_int_equal(0, uv_sem_init(&seen->begun, 0));
    assert_int_equal(0, uv_sem_init(&seen->may_end, 0));
    assert_int_equal(0, uv_sem_init(&seen->dropped, 0));
}

static void seen_fini(struct seen *seen)
{
    uv_sem_destroy(&seen->begun);
    uv_sem_destroy(&seen->may_end);
    uv_sem_destroy(&seen->dropped);
}

static struct errand *start(uv_loop_t *uv, struct seen *seen)
{
    struct job *job = alloc(sizeof *job);
    job->seen = seen;
    job->loop_thread = uv_thread_self();
    struct errand *errand = errand_start(uv, &steps, job);
    assert_non_null(errand);
    return errand;
}

static void close_loop(uv_loop_t *uv)
{
    assert_int_equal(0, uv_run(uv, UV_RUN_DEFAULT));
    assert_int_equal(0, uv_loop_close(uv));
}

static void its_end_is_told_from_the_loop(void **state)
{
    (void)state;
    uv_loop_t uv;
    struct seen seen = {.work_count = 0};
    seen_init(&seen);
    assert_int_equal(0, uv_loop_init(&uv));
    (void)start(&uv, &seen);
    uv_sem_post(&seen.may_end);
    close_loop(&uv);
    assert_true(seen.is_done_in_loop);
    assert_int_equal(1, atomic_load(&seen.work_count));
    assert_int_equal(1, atomic_load(&seen.done_count));
    assert_int_equal(0, atomic_load(&seen.drop_count));
    seen_fini(&seen);
}

static void what_is_left_behind_outlives_the_loop(void **state)
{
    (void)state;
    uv_loop_t uv;
    struct seen seen = {.work_count = 0};
    seen_init(&seen);
    assert_int_equal(0, uv_loop_init(&uv));
    struct errand *errand = start(&uv, &seen);
    uv_sem_wait(&seen.begun);
    errand_leave(errand);
    close_loop(&uv);
    assert_int_equal(0, atomic_load(&seen.drop_count));
    uv_sem_post(&seen.may_end);
    uv_sem_wait(&seen.dropped);
    assert_int_equal(0, atomic_load(&seen.done_count));
    seen_fini(&seen);
}

/* The thread may be over, about to be over, or not have begun. */
static void whoever_is_faster_the_job_is_dropped_once(void **state)
{
    (void)state;
    for (int i = 0; i < 300; i++) {
        uv_loop_t uv;
        struct seen seen = {.work_count = 0};
        seen_init(&seen);
        assert_int_equal(0, uv_loop_init(&uv));
        struct errand *errand = start(&uv, &seen);
        uv_sem_post(&seen.may_end);
        for (unsigned spin = 0; spin < (unsigned)i % 3; spin++) {
            uv_sem_wait(&seen.begun);
            uv_sem_post(&seen.begun);
            uv_sleep(spin);
        }
        errand_leave(errand);
        close_loop(&uv);
        uv_sem_wait(&seen.dropped);
        assert_int_equal(1, atomic_load(&seen.drop_count));
        assert_int_equal(0, atomic_load(&seen.done_count));
        seen_fini(&seen);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_end_is_told_from_the_loop),
        cmocka_unit_test(what_is_left_behind_outlives_the_loop),
        cmocka_unit_test(whoever_is_faster_the_job_is_dropped_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
