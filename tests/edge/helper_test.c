/* A helper process that dies, hangs or babbles harms nobody, and holds nothing of its parent. */
#include "core/text.h"
#include "edge/helper.h"

#include <uv.h>

#include <dirent.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

/* --- in the child --------------------------------------------------------------------------- */

static int count_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;
    while (readdir(folder) != NULL) { /* NOLINT: one thread */
        count++;
    }
    (void)closedir(folder);
    return count - 3; /* without . and .. and the folder's own */
}

static void tell_surroundings(struct text *result)
{
    struct rlimit core;
    (void)getrlimit(RLIMIT_CORE, &core);
    int death_signal = 0;
    (void)prctl(PR_GET_PDEATHSIG, &death_signal);
    text_addf(result, "descriptors=%d environment=%d dumpable=%d core=%d death=%d",
              count_descriptors(), environ[0] != NULL ? 1 : 0, prctl(PR_GET_DUMPABLE),
              core.rlim_max != 0 ? 1 : 0, death_signal);
}

static void babble(const char *bytes, size_t size)
{
    if (write(STDOUT_FILENO, bytes, size) != (ssize_t)size) {
        _exit(1);
    }
    (void)pause();
}

static void work(struct span job, struct text *result)
{
    if (span_is(job, "die")) {
        (void)raise(SIGKILL);
    } else if (span_is(job, "leave")) {
        _exit(7);
    } else if (span_is(job, "hang")) {
        (void)pause();
    } else if (span_is(job, "babble")) {
        babble("\0\0\0\1xyz", 7);
    } else if (span_is(job, "promise too much")) {
        babble("\x7f\xff\xff\xff", 4);
    } else if (span_is(job, "surroundings")) {
        tell_surroundings(result);
    } else {
        text_add(result, job);
    }
}

/* --- in the parent -------------------------------------------------------------------------- */

struct outcome {
    bool is_done;
    enum status status;
    char *result;
    size_t size;
    char detail[480];
};

static void on_done(void *arg, const struct helper_result *result)
{
    struct outcome *outcome = arg;
    assert_false(outcome->is_done);
    outcome->is_done = true;
    outcome->status = result->status;
    outcome->size = result->result.size;
    outcome->result = alloc(result->result.size + 1);
    if (result->result.size != 0) {
        memcpy(outcome->result, result->result.data, result->result.size);
    }
    (void)snprintf(outcome->detail, sizeof outcome->detail, "%s", result->detail);
}

static void on_closed(void *arg)
{
    *(bool *)arg = true;
}

struct stage {
    uv_loop_t loop;
    struct helper *helper;
    bool is_closed;
};

static struct stage *stage_open(void)
{
    struct stage *stage = alloc(sizeof *stage);
    assert_int_equal(0, uv_loop_init(&stage->loop));
    stage->helper = helper_create(&stage->loop, "test");
    return stage;
}

static void stage_close(struct stage *stage)
{
    helper_close(stage->helper, on_closed, &stage->is_closed);
    assert_false(stage->is_closed);
    (void)uv_run(&stage->loop, UV_RUN_DEFAULT);
    assert_true(stage->is_closed);
    assert_int_equal(0, uv_loop_close(&stage->loop));
    free(stage);
}

static struct outcome ask(struct stage *stage, struct span job, int64_t deadline_ms)
{
    struct outcome outcome = {.is_done = false};
    assert_true(helper_is_idle(stage->helper));
    helper_start(stage->helper, job, deadline_ms, on_done, &outcome);
    assert_false(outcome.is_done);
    assert_false(helper_is_idle(stage->helper));
    while (!outcome.is_done) {
        (void)uv_run(&stage->loop, UV_RUN_ONCE);
    }
    return outcome;
}

static void assert_answer(struct stage *stage, const char *job, const char *expected)
{
    struct outcome outcome = ask(stage, span_of(job), 60000);
    assert_int_equal(STATUS_OK, outcome.status);
    assert_string_equal(expected, outcome.result);
    free(outcome.result);
}

static void assert_failure(struct stage *stage, const char *job, int64_t deadline_ms,
                           const char *reason)
{
    struct outcome outcome = ask(stage, span_of(job), deadline_ms);
    assert_int_equal(STATUS_UNAVAILABLE, outcome.status);
    if (strstr(outcome.detail, reason) == NULL) {
        fail_msg("'%s' does not say '%s'", outcome.detail, reason);
    }
    free(outcome.result);
}

static void answers_come_back(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    assert_answer(stage, "hello", "hello");
    assert_answer(stage, "", "");
    assert_answer(stage, "again", "again");
    stage_close(stage);
}

static void large_jobs_pass(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    size_t size = (size_t)20 << 20;
    char *job = alloc(size);
    for (size_t i = 0; i < size; i++) {
        job[i] = (char)(i * 31 + i / 4096);
    }
    struct outcome outcome = ask(stage, (struct span){.data = job, .size = size}, 60000);
    assert_int_equal(STATUS_OK, outcome.status);
    assert_int_equal(size, outcome.size);
    assert_memory_equal(job, outcome.result, size);
    free(outcome.result);
    free(job);
    stage_close(stage);
}

static void a_lost_child_is_replaced(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    assert_failure(stage, "die", 60000, "ended by signal 9");
    assert_answer(stage, "hello", "hello");
    assert_failure(stage, "leave", 60000, "ended with status 7");
    assert_answer(stage, "hello", "hello");
    assert_failure(stage, "hang", 200, "no result within 200 ms");
    assert_answer(stage, "hello", "hello");
    stage_close(stage);
}

static void a_child_that_breaks_the_protocol_is_ended(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    assert_failure(stage, "babble", 60000, "it said more than it was asked");
    assert_answer(stage, "hello", "hello");
    assert_failure(stage, "promise too much", 60000, "its result is too large");
    assert_answer(stage, "hello", "hello");
    stage_close(stage);
}

static void closing_ends_what_runs(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    struct outcome outcome = {.is_done = false};
    helper_start(stage->helper, span_of("hang"), 60000, on_done, &outcome);
    stage_close(stage);
    assert_true(outcome.is_done);
    assert_int_equal(STATUS_UNAVAILABLE, outcome.status);
    free(outcome.result);
}

static void a_child_holds_nothing(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    int extra = dup(STDERR_FILENO); /* one that is not closed on exec */
    char expected[80];
    (void)snprintf(expected, sizeof expected,
                   "descriptors=3 environment=0 dumpable=0 core=0 death=%d", SIGKILL);
    assert_answer(stage, "surroundings", expected);
    (void)close(extra);
    stage_close(stage);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "helper") == 0) {
        return helper_serve(work);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_come_back),
        cmocka_unit_test(large_jobs_pass),
        cmocka_unit_test(a_lost_child_is_replaced),
        cmocka_unit_test(a_child_that_breaks_the_protocol_is_ended),
        cmocka_unit_test(closing_ends_what_runs),
        cmocka_unit_test(a_child_holds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
