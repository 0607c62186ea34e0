#include "edge/helper.h"

#include "core/log.h"
#include "core/text.h"

#include <uv.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_SIZE 4

/* A process and its two pipes. It frees itself when its three handles are closed, so that a killed
 * child never holds up the next one. */
struct child {
    struct helper *helper;
    bool is_given_up; /* it only waits for its handles to close */
    uv_process_t process;
    uv_pipe_t input, output;
    int open_handle_count;
    bool has_exited, has_ended_output;
    int64_t exit_code;
    int signal;
    struct text received;
};

struct job {
    bool is_running;
    int64_t deadline_ms;
    helper_done_fn *on_done;
    void *arg;
};

struct helper {
    uv_loop_t *uv;
    char name[32];
    struct child *child; /* NULL: none is running */
    struct job job;
    uv_timer_t timer; /* the deadline; or at once, to report what failed at the start */
    struct failure start_failure;
    size_t closing_count; /* children that are not freed yet, and the timer while it is open */
    bool is_closing;
    closed_fn *on_closed;
    void *closed_arg;
};

/* What is written to the child: lives until libuv is done with it. */
struct write_job {
    uv_write_t request;
    size_t size;
    char bytes[];
};

static void free_when_closed(struct helper *helper)
{
    CHECK(helper->closing_count > 0);
    helper->closing_count--;
    if (helper->closing_count == 0 && helper->is_closing) {
        closed_fn *on_closed = helper->on_closed;
        void *arg = helper->closed_arg;
        free(helper);
        on_closed(arg);
    }
}

static void finish(struct helper *helper, const struct helper_result *result)
{
    CHECK(helper->job.is_running);
    struct job job = helper->job;
    helper->job = (struct job){.is_running = false};
    (void)uv_timer_stop(&helper->timer);
    job.on_done(job.arg, result);
}

static void finish_failed(struct helper *helper, bool has_run, const char *detail)
{
    finish(helper, &(struct helper_result){
                       .status = STATUS_UNAVAILABLE, .has_run = has_run, .detail = detail});
}

/* --- the end of a child --------------------------------------------------------------------- */

static void on_handle_closed(uv_handle_t *handle)
{
    struct child *child = handle->data;
    child->open_handle_count--;
    if (child->open_handle_count > 0) {
        return;
    }
    struct helper *helper = child->helper;
    text_fini(&child->received);
    free(child);
    free_when_closed(helper);
}

/* Kills it if it still runs. libuv reaps it: the process handle stays open until it has exited. */
static void child_give_up(struct child *child)
{
    struct helper *helper = child->helper;
    CHECK(helper->child == child && !child->is_given_up);
    helper->child = NULL;
    child->is_given_up = true;
    uv_close((uv_handle_t *)&child->input, on_handle_closed);
    uv_close((uv_handle_t *)&child->output, on_handle_closed);
    if (child->has_exited) {
        uv_close((uv_handle_t *)&child->process, on_handle_closed);
    } else {
        (void)uv_process_kill(&child->process, SIGKILL);
    }
}

static void describe_end(const struct child *child, const char *name, struct failure *out)
{
    if (child->signal != 0) {
        (void)fail(out, STATUS_UNAVAILABLE, "helper %s: ended by signal %d", name, child->signal);
    } else {
        (void)fail(out, STATUS_UNAVAILABLE, "helper %s: ended with status %lld", name,
                   (long long)child->exit_code);
    }
}

/* The last bytes may still be in the pipe when the exit is seen: both ends must have come. */
static void child_ended(struct child *child)
{
    struct helper *helper = child->helper;
    if (!child->has_exited || !child->has_ended_output) {
        return;
    }
    struct failure why;
    describe_end(child, helper->name, &why);
    child_give_up(child);
    if (helper->job.is_running) {
        finish_failed(helper, true, why.detail);
    }
}

static void on_child_exit(uv_process_t *process, int64_t exit_code, int signal)
{
    struct child *child = process->data;
    child->has_exited = true;
    child->exit_code = exit_code;
    child->signal = signal;
    if (child->is_given_up) {
        uv_close((uv_handle_t *)process, on_handle_closed);
    } else {
        child_ended(child);
    }
}

/* --- results -------------------------------------------------------------------------------- */

static uint32_t read_size(const char *bytes)
{
    const unsigned char *head = (const unsigned char *)bytes;
    return ((uint32_t)head[0] << 24) | ((uint32_t)head[1] << 16) | ((uint32_t)head[2] << 8) |
           head[3];
}

static void give_up_talking(struct child *child, const char *reason)
{
    struct helper *helper = child->helper;
    struct failure why;
    (void)fail(&why, STATUS_UNAVAILABLE, "helper %s: %s", helper->name, reason);
    child_give_up(child);
    if (helper->job.is_running) {
        finish_failed(helper, true, why.detail);
    }
}

static void take_result(struct child *child)
{
    struct helper *helper = child->helper;
    const struct text *received = &child->received;
    if (received->status != STATUS_OK ||
        (received->size >= HEAD_SIZE && read_size(received->data) > HELPER_JOB_BYTES_MAX)) {
        give_up_talking(child, "its result is too large");
        return;
    }
    if (received->size < HEAD_SIZE || received->size - HEAD_SIZE < read_size(received->data)) {
        return;
    }
    if (!helper->job.is_running || received->size - HEAD_SIZE > read_size(received->data)) {
        give_up_talking(child, "it said more than it was asked");
        return;
    }
    /* The bytes are taken out first: the done may start the next job. */
    size_t size = received->size - HEAD_SIZE;
    char *bytes = text_take(&child->received);
    finish(helper, &(struct helper_result){
                       .status = STATUS_OK,
                       .has_run = true,
                       .result = {.data = bytes + HEAD_SIZE, .size = size},
                       .detail = "",
                   });
    free(bytes);
}

static void on_allocate(uv_handle_t *handle, size_t suggested_size, uv_buf_t *out)
{
    (void)handle;
    *out = uv_buf_init(alloc(suggested_size), (unsigned int)suggested_size);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct child *child = stream->data;
    if (!child->is_given_up && size > 0) {
        text_add(&child->received, (struct span){.data = buffer->base, .size = (size_t)size});
        take_result(child);
    } else if (!child->is_given_up && size < 0) {
        (void)uv_read_stop(stream);
        child->has_ended_output = true;
        child_ended(child);
    }
    free(buffer->base);
}

/* --- starting ------------------------------------------------------------------------------- */

/* The child gets an empty environment and a session of its own: a terminal's ^C is for us. */
static int spawn(struct helper *helper, struct child *child)
{
    char program[] = "orderwatch";
    char mode[] = "helper";
    char *arguments[] = {program, mode, helper->name, NULL};
    char *environment[] = {NULL};
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)&child->input},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&child->output},
        {.flags = UV_INHERIT_FD, .data.fd = 2},
    };
    uv_process_options_t options = {
        .exit_cb = on_child_exit,
        .file = "/proc/self/exe",
        .args = arguments,
        .env = environment,
        .flags = UV_PROCESS_DETACHED,
        .stdio_count = 3,
        .stdio = stdio,
    };
    int error = uv_spawn(helper->uv, &child->process, &options);
    return error != 0 ? error : uv_read_start((uv_stream_t *)&child->output, on_allocate, on_read);
}

static enum status start_child(struct helper *helper, struct failure *why)
{
    struct child *child = alloc(sizeof *child);
    child->helper = helper;
    child->open_handle_count = 3;
    text_init(&child->received, HEAD_SIZE + (size_t)HELPER_JOB_BYTES_MAX);
    (void)uv_pipe_init(helper->uv, &child->input, 0);
    (void)uv_pipe_init(helper->uv, &child->output, 0);
    child->process.data = child;
    child->input.data = child;
    child->output.data = child;
    helper->child = child;
    helper->closing_count++;
    int error = spawn(helper, child);
    if (error == 0) {
        return STATUS_OK;
    }
    char words[128];
    (void)uv_strerror_r(error, words, sizeof words);
    child->has_exited = child->process.pid == 0; /* nothing to reap */
    child_give_up(child);
    return fail(why, STATUS_UNAVAILABLE, "helper %s: cannot be started: %s", helper->name, words);
}

static void on_written(uv_write_t *request, int status)
{
    (void)status; /* a broken pipe shows as the child's end */
    struct write_job *job = (struct write_job *)request;
    explicit_bzero(job->bytes, job->size); /* it may have held a password */
    free(job);
}

static enum status write_job(struct helper *helper, struct span bytes, struct failure *why)
{
    struct write_job *job = alloc(sizeof *job + HEAD_SIZE + bytes.size);
    job->size = HEAD_SIZE + bytes.size;
    for (int i = 0; i < HEAD_SIZE; i++) {
        job->bytes[i] = (char)(bytes.size >> (24 - 8 * i));
    }
    memcpy(job->bytes + HEAD_SIZE, bytes.data, bytes.size);
    uv_buf_t buffer = uv_buf_init(job->bytes, (unsigned int)job->size);
    int error =
        uv_write(&job->request, (uv_stream_t *)&helper->child->input, &buffer, 1, on_written);
    if (error == 0) {
        return STATUS_OK;
    }
    on_written(&job->request, error);
    return fail(why, STATUS_UNAVAILABLE, "helper %s: its pipe is closed", helper->name);
}

static void on_timer(uv_timer_t *timer)
{
    struct helper *helper = timer->data;
    CHECK(helper->job.is_running);
    bool has_started = helper->start_failure.status == STATUS_OK;
    if (has_started) {
        (void)fail(&helper->start_failure, STATUS_UNAVAILABLE,
                   "helper %s: no result within %lld ms; it was ended", helper->name,
                   (long long)helper->job.deadline_ms);
    }
    struct failure why = helper->start_failure;
    helper->start_failure.status = STATUS_OK;
    if (helper->child != NULL) {
        child_give_up(helper->child);
    }
    finish_failed(helper, has_started, why.detail);
}

struct helper *helper_create(struct uv_loop_s *uv, const char *name)
{
    struct helper *helper = alloc(sizeof *helper);
    CHECK(strlen(name) < sizeof helper->name);
    helper->uv = uv;
    memcpy(helper->name, name, strlen(name) + 1);
    (void)uv_timer_init(uv, &helper->timer);
    helper->timer.data = helper;
    helper->closing_count = 1;
    return helper;
}

void helper_start(struct helper *helper, struct span job, int64_t deadline_ms,
                  helper_done_fn *on_done, void *arg)
{
    CHECK(helper_is_idle(helper) && deadline_ms > 0 && job.size <= HELPER_JOB_BYTES_MAX);
    helper->job = (struct job){
        .is_running = true, .deadline_ms = deadline_ms, .on_done = on_done, .arg = arg};
    enum status status = STATUS_OK;
    if (helper->child == NULL) {
        status = start_child(helper, &helper->start_failure);
    }
    if (status == STATUS_OK) {
        status = write_job(helper, job, &helper->start_failure);
    }
    (void)uv_timer_start(&helper->timer, on_timer, status == STATUS_OK ? (uint64_t)deadline_ms : 0,
                         0);
}

bool helper_is_idle(const struct helper *helper)
{
    return !helper->job.is_running && !helper->is_closing;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct helper *helper = handle->data;
    if (helper->job.is_running) {
        finish_failed(helper, false, "the helper was closed");
    }
    free_when_closed(helper);
}

void helper_close(struct helper *helper, closed_fn *on_closed, void *arg)
{
    CHECK(!helper->is_closing);
    helper->is_closing = true;
    helper->on_closed = on_closed;
    helper->closed_arg = arg;
    if (helper->child != NULL) {
        child_give_up(helper->child);
    }
    uv_close((uv_handle_t *)&helper->timer, on_timer_closed);
}
