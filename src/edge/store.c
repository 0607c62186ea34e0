#include "edge/store.h"

#include "core/log.h"

#include "store_internal.h"
#include "store_staging.h"

#include <uv.h>

#include <stdlib.h>
#include <sys/prctl.h>

/* As many as share one transaction: each of their answers waits for the same sync. */
#define JOIN_COUNT_MAX 512
#define QUIET_NS ((uint64_t)50 * 1000 * 1000)

struct job_list {
    struct job *first, **end;
};

struct store {
    struct database database; /* of whoever has is_working */
    uv_thread_t thread;
    uv_mutex_t mutex; /* guards the lists, the three states and the times below */
    uv_cond_t asks, rests;
    struct job_list asked, answered;
    bool is_working, is_closing, is_finished;
    struct histogram commits;
    uv_async_t async;
    bool has_told_stop;
    closed_fn *on_closed;
    void *on_closed_arg;
};

struct job *job_create(size_t size, job_run_fn *run, job_done_fn *done, void *arg)
{
    CHECK(size >= sizeof(struct job));
    struct arena *arena = arena_create();
    struct job *job = arena_alloc(arena, size);
    *job = (struct job){.arena = arena, .run = run, .done = done, .arg = arg, .detail = ""};
    return job;
}

static void tell_status(struct job *job)
{
    struct write_job *write = (struct write_job *)job;
    write->on_done(job->arg, job->status, job->detail);
}

struct write_job *write_job_create(size_t size, job_run_fn *run, store_done_fn *on_done, void *arg)
{
    CHECK(size >= sizeof(struct write_job));
    struct write_job *write = (struct write_job *)job_create(size, run, tell_status, arg);
    write->on_done = on_done;
    return write;
}

static void list_clear(struct job_list *list)
{
    list->first = NULL;
    list->end = &list->first;
}

static void list_append(struct job_list *list, struct job *first, struct job *last)
{
    *list->end = first;
    list->end = &last->next;
}

void store_ask(struct store *store, struct job *job)
{
    uv_mutex_lock(&store->mutex);
    CHECK(!store->is_closing);
    list_append(&store->asked, job, job);
    uv_mutex_unlock(&store->mutex);
    uv_cond_signal(&store->asks); /* whoever wakes finds the mutex free */
}

/* The next job, or a run of jobs that may join. */
static struct job *cut_batch(struct job_list *asked)
{
    struct job *first = asked->first;
    struct job *last = first;
    for (size_t count = 1;
         count < JOIN_COUNT_MAX && last->may_join && last->next != NULL && last->next->may_join;
         count++) {
        last = last->next;
    }
    asked->first = last->next;
    if (last->next == NULL) {
        list_clear(asked);
    }
    last->next = NULL;
    return first;
}

/* With the mutex; nothing is asked. A log that is due for a checkpoint gets it in the quiet. */
static void wait_for_asks(struct store *store)
{
    if (!database_wants_checkpoint(&store->database)) {
        uv_cond_wait(&store->asks, &store->mutex);
        return;
    }
    if (uv_cond_timedwait(&store->asks, &store->mutex, QUIET_NS) == UV_ETIMEDOUT) {
        store->is_working = true;
        uv_mutex_unlock(&store->mutex);
        database_tidy(&store->database, true);
        uv_mutex_lock(&store->mutex);
        store->is_working = false;
        uv_cond_signal(&store->rests);
    }
}

/* NULL: the store closes and all that was asked is done. */
static struct job *take_batch(struct store *store)
{
    uv_mutex_lock(&store->mutex);
    store->is_working = false;
    uv_cond_signal(&store->rests);
    while (store->asked.first == NULL && !store->is_closing) {
        wait_for_asks(store);
    }
    store->is_working = true;
    struct job *first = store->asked.first != NULL ? cut_batch(&store->asked) : NULL;
    uv_mutex_unlock(&store->mutex);
    return first;
}

static struct job *run_batch(struct database *database, struct job *first)
{
    struct job *last = first;
    database_begin(database);
    for (struct job *job = first; job != NULL; job = job->next) {
        job->run(database, job);
        last = job;
    }
    counts_write(database);
    enum status status = database_end(database);
    counts_forget(database);
    for (struct job *job = first; job != NULL; job = job->next) {
        job->status = status;
        job->detail =
            status == STATUS_OK ? "" : arena_text(job->arena, span_of(database->failure.detail));
    }
    for (struct job *job = first; job != NULL; job = job->next) {
        if (job->ended != NULL) {
            job->ended(database, job);
        }
    }
    return last;
}

/* With the mutex. The loop need not wake for an answer when another is about to follow: a commit's
 * comes together with the deliveries that it made due. */
static bool is_answer_next(const struct store *store)
{
    return store->asked.first != NULL && store->asked.first->is_brief;
}

/* True: the loop has been woken. */
static bool hand_back(struct store *store, struct job *first, struct job *last)
{
    uv_mutex_lock(&store->mutex);
    if (first != NULL && store->database.commit_s >= 0) {
        histogram_add(&store->commits, store->database.commit_s, 1);
    }
    if (first == NULL) {
        store->is_finished = true;
    } else if (first->goes_on) {
        list_append(&store->asked, first, last);
    } else {
        list_append(&store->answered, first, last);
    }
    bool wakes = !is_answer_next(store);
    uv_mutex_unlock(&store->mutex);
    if (wakes) {
        /* The loop joins this thread before it closes the handle. */
        CHECK(uv_async_send(&store->async) == 0);
    }
    return wakes;
}

static void run_thread(void *arg)
{
    struct store *store = arg;
    struct database *database = &store->database;
    (void)prctl(PR_SET_NAME, "store"); /* as `top -H` shows it */
    for (struct job *first; (first = take_batch(store)) != NULL;) {
        struct job *last = run_batch(database, first);
        if (hand_back(store, first, last)) {
            database_tidy(database, false);
        }
    }
    counts_fini(database);
    staging_fini(database);
    database_close(database);
    (void)hand_back(store, NULL, NULL);
}

static void store_destroy(struct store *store)
{
    uv_cond_destroy(&store->asks);
    uv_cond_destroy(&store->rests);
    uv_mutex_destroy(&store->mutex);
    state_fini(&store->database);
    free(store);
}

static void on_async_closed(uv_handle_t *handle)
{
    struct store *store = handle->data;
    closed_fn *on_closed = store->on_closed;
    void *arg = store->on_closed_arg;
    store_destroy(store);
    on_closed(arg);
}

/* Once: every answer from here on says the same. */
static void tell_stop(struct store *store)
{
    if (!store->has_told_stop && store_has_failed(store)) {
        store->has_told_stop = true;
        LOG_ERROR("store_stopped", log_text("reason", store->database.stop.detail));
    }
}

static void on_answered(uv_async_t *async)
{
    struct store *store = async->data;
    uv_mutex_lock(&store->mutex);
    struct job *job = store->answered.first;
    list_clear(&store->answered);
    bool is_finished = store->is_finished;
    uv_mutex_unlock(&store->mutex);

    tell_stop(store);
    while (job != NULL) {
        struct job *next = job->next;
        job->done(job);
        arena_destroy(job->arena);
        job = next;
    }
    if (is_finished) {
        CHECK(uv_thread_join(&store->thread) == 0);
        uv_close((uv_handle_t *)async, on_async_closed);
    }
}

bool store_has_failed(const struct store *store)
{
    return atomic_load(&store->database.has_failed);
}

void store_read_commits(void *self, struct histogram *out)
{
    struct store *store = self;
    uv_mutex_lock(&store->mutex);
    *out = store->commits;
    uv_mutex_unlock(&store->mutex);
}

uint64_t store_progress(const struct store *store)
{
    return atomic_load_explicit(&store->database.step_count, memory_order_relaxed);
}

void store_close(struct store *store, closed_fn *on_closed, void *arg)
{
    store->on_closed = on_closed;
    store->on_closed_arg = arg;
    uv_mutex_lock(&store->mutex);
    CHECK(!store->is_closing);
    store->is_closing = true;
    uv_cond_signal(&store->asks);
    uv_mutex_unlock(&store->mutex);
}

/* Waits until the thread has nothing to do and keeps it so. */
static struct database *borrow_database(struct store *store)
{
    uv_mutex_lock(&store->mutex);
    while (store->is_working || store->asked.first != NULL) {
        uv_cond_wait(&store->rests, &store->mutex);
    }
    database_begin(&store->database);
    return &store->database;
}

static enum status return_database(struct store *store, struct failure *why)
{
    enum status status = database_end(&store->database);
    if (status != STATUS_OK) {
        (void)fail(why, status, "%s", store->database.failure.detail);
    }
    uv_mutex_unlock(&store->mutex);
    return status;
}

static enum status visit_orders(void *self, const char *source_name, store_index_fn *visit,
                                void *arg, struct failure *why)
{
    records_visit_orders(borrow_database(self), source_name, visit, arg);
    return return_database(self, why);
}

static enum status visit_values(void *self, store_value_fn *visit, void *arg, struct failure *why)
{
    records_visit_values(borrow_database(self), visit, arg);
    return return_database(self, why);
}

/* What must be true before the first job. */
static enum status settle_in(struct database *database, const struct store_options *options,
                             struct failure *why)
{
    database_begin(database);
    state_adopt_pairs(database, options->state_sinks, options->state_sink_count);
    counts_verify(database);
    enum status status = database_end(database);
    return status == STATUS_OK ? STATUS_OK : fail(why, status, "%s", database->failure.detail);
}

enum status store_open(const struct store_options *options, struct store **out, struct failure *why)
{
    struct store *store = alloc(sizeof *store);
    enum status status = database_open(&store->database, options->path, why);
    if (status != STATUS_OK) {
        free(store);
        return status;
    }
    status = settle_in(&store->database, options, why);
    if (status != STATUS_OK) {
        database_close(&store->database);
        state_fini(&store->database);
        free(store);
        return status;
    }
    CHECK(uv_mutex_init(&store->mutex) == 0);
    CHECK(uv_cond_init(&store->asks) == 0 && uv_cond_init(&store->rests) == 0);
    CHECK(uv_async_init(options->uv, &store->async, on_answered) == 0);
    store->async.data = store;
    histogram_init(&store->commits, work_bounds_s, ARRAY_COUNT(work_bounds_s));
    list_clear(&store->asked);
    list_clear(&store->answered);
    store->is_working = true; /* until it first waits */
    CHECK(uv_thread_create(&store->thread, run_thread, store) == 0);
    *out = store;
    return STATUS_OK;
}

struct store_port store_port(struct store *store)
{
    return (struct store_port){
        .self = store,
        .visit_orders = visit_orders,
        .visit_values = visit_values,
        .fetch_orders = store_fetch_orders,
        .stage = store_stage,
        .discard = store_discard,
        .commit = store_commit,
        .fetch_deadlines = store_fetch_deadlines,
        .fetch_due = store_fetch_due,
        .settle = store_settle,
        .count_sinks = store_count_sinks,
        .fetch_stale = store_fetch_stale,
        .settle_state = store_settle_state,
        .refill = store_refill,
        .retry_states = store_retry_states,
        .forget_events = store_forget_events,
        .forget_order = store_forget_order,
    };
}
