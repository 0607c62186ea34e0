#include "smtps.h"

#include "smtps_mail.h"

#include <uv.h>

#include <stdlib.h>

#define STACK_BYTES (512u << 10)

struct smtps_job {
    struct smtps_job *next;
    struct smtps *smtps;
    smtps_done_fn *on_done;
    void *arg;
    uv_thread_t thread;
    bool has_thread;
    struct smtps_mail *mail; /* the thread's until is_finished */
    struct smtps_outcome outcome;
    atomic_bool is_cancelled, is_finished;
};

struct smtps {
    uv_async_t async;
    struct smtps_job *jobs;
    bool is_closing;
    closed_fn *on_closed;
    void *closed_arg;
};

static void on_async_closed(uv_handle_t *handle)
{
    struct smtps *smtps = handle->data;
    smtps->on_closed(smtps->closed_arg);
    free(smtps);
}

static void end_job(struct smtps_job *job)
{
    if (job->has_thread) {
        CHECK(uv_thread_join(&job->thread) == 0);
    }
    const struct smtps_outcome *outcome = &job->outcome;
    struct smtps_response response = {
        .status = outcome->status,
        .reply_code = outcome->reply_code,
        .is_session_refused = outcome->is_session_refused,
        .is_tls_failure = outcome->is_tls_failure,
        .is_connect_failure = outcome->is_connect_failure,
        .detail = outcome->why.detail,
    };
    job->on_done(job->arg, &response);
    smtps_mail_destroy(job->mail);
    free(job);
}

static struct smtps_job *take_finished(struct smtps *smtps)
{
    for (struct smtps_job **link = &smtps->jobs; *link != NULL; link = &(*link)->next) {
        struct smtps_job *job = *link;
        if (atomic_load(&job->is_finished)) {
            *link = job->next;
            return job;
        }
    }
    return NULL;
}

static void on_async(uv_async_t *async)
{
    struct smtps *smtps = async->data;
    struct smtps_job *job;
    while ((job = take_finished(smtps)) != NULL) {
        end_job(job);
    }
    if (smtps->is_closing && smtps->jobs == NULL && !uv_is_closing((uv_handle_t *)async)) {
        uv_close((uv_handle_t *)async, on_async_closed);
    }
}

static void work(void *arg)
{
    struct smtps_job *job = arg;
    smtps_mail_send(job->mail, &job->is_cancelled, &job->outcome);
    struct smtps *smtps = job->smtps;
    /* From here on the loop may join and free the job; the async outlives every job. */
    atomic_store(&job->is_finished, true);
    CHECK(uv_async_send(&smtps->async) == 0);
}

struct smtps *smtps_create(struct uv_loop_s *uv)
{
    struct smtps *smtps = alloc(sizeof *smtps);
    CHECK(uv_async_init(uv, &smtps->async, on_async) == 0);
    smtps->async.data = smtps;
    return smtps;
}

void smtps_send(struct smtps *smtps, const struct smtps_request *request, smtps_done_fn *on_done,
                void *arg)
{
    CHECK(!smtps->is_closing);
    struct smtps_job *job = alloc(sizeof *job);
    job->smtps = smtps;
    job->on_done = on_done;
    job->arg = arg;
    job->mail = smtps_mail_create(request);
    job->next = smtps->jobs;
    smtps->jobs = job;
    const uv_thread_options_t options = {.flags = UV_THREAD_HAS_STACK_SIZE,
                                         .stack_size = STACK_BYTES};
    int error = uv_thread_create_ex(&job->thread, &options, work, job);
    job->has_thread = error == 0;
    if (error != 0) {
        job->outcome.status = fail(&job->outcome.why, STATUS_UNAVAILABLE,
                                   "no thread for the mail; check the limit of tasks");
        atomic_store(&job->is_finished, true);
        CHECK(uv_async_send(&smtps->async) == 0);
    }
}

void smtps_cancel(struct smtps *smtps, const void *arg)
{
    for (struct smtps_job *job = smtps->jobs; job != NULL; job = job->next) {
        if (job->arg == arg) {
            atomic_store(&job->is_cancelled, true);
        }
    }
}

void smtps_close(struct smtps *smtps, closed_fn *on_closed, void *arg)
{
    CHECK(!smtps->is_closing);
    smtps->is_closing = true;
    smtps->on_closed = on_closed;
    smtps->closed_arg = arg;
    for (struct smtps_job *job = smtps->jobs; job != NULL; job = job->next) {
        atomic_store(&job->is_cancelled, true);
    }
    CHECK(uv_async_send(&smtps->async) == 0);
}
