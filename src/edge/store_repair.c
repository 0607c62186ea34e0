#include "store_internal.h"

struct repair_job {
    struct job job;
    int64_t *ids;
    size_t id_count;
    int64_t wall_ms;         /* now */
    const char **sink_names; /* the configured ones */
    size_t sink_count;
    size_t changed;
    store_changed_fn *on_done;
};

static void tell_changed(struct job *job)
{
    struct repair_job *repair = (struct repair_job *)job;
    size_t changed = job->status == STATUS_OK ? repair->changed : 0;
    repair->on_done(job->arg, job->status, job->detail, changed);
}

static struct repair_job *repair_create(job_run_fn *run, int64_t wall_ms, store_changed_fn *on_done,
                                        void *arg)
{
    struct repair_job *repair =
        (struct repair_job *)job_create(sizeof *repair, run, tell_changed, arg);
    repair->wall_ms = wall_ms;
    repair->on_done = on_done;
    return repair;
}

static void ask_for_ids(struct store *store, struct repair_job *repair, const int64_t *ids,
                        size_t count)
{
    repair->ids = arena_array(repair->job.arena, count, sizeof *repair->ids);
    repair->id_count = count;
    for (size_t i = 0; i < count; i++) {
        repair->ids[i] = ids[i];
    }
    store_ask(store, &repair->job);
}

static void retry_one(struct database *database, struct arena *arena, int64_t id,
                      struct repair_job *repair)
{
    struct sqlite3_stmt *row = database_statement(database, STATEMENT_PARKED_FIND);
    bind_number(row, 1, id);
    if (!database_next(database, row)) {
        return;
    }
    const char *sink_name = column_copy(arena, row, 0);
    const char *lane = column_copy(arena, row, 1);
    statement_reset(row);
    struct sqlite3_stmt *retry = database_statement(database, STATEMENT_PARKED_RETRY);
    bind_number(retry, 1, id);
    bind_number(retry, 2, repair->wall_ms);
    bind_text(retry, 3, sink_name);
    bind_text(retry, 4, lane);
    (void)database_run(database, retry);
    counts_add(database, sink_name, (struct count_change){.parked = -1, .pending = 1});
    repair->changed++;
}

static void run_retry(struct database *database, struct job *job)
{
    struct repair_job *repair = (struct repair_job *)job;
    for (size_t i = 0; i < repair->id_count; i++) {
        retry_one(database, job->arena, repair->ids[i], repair);
    }
}

void store_retry_parked(struct store *store, const int64_t *ids, size_t count, int64_t now_wall_ms,
                        store_changed_fn *on_done, void *arg)
{
    ask_for_ids(store, repair_create(run_retry, now_wall_ms, on_done, arg), ids, count);
}

static bool drop_parked(struct database *database, struct arena *arena, int64_t id,
                        const struct repair_job *repair)
{
    struct sqlite3_stmt *row = database_statement(database, STATEMENT_PARKED_FIND);
    bind_number(row, 1, id);
    if (!database_next(database, row)) {
        return false;
    }
    const char *sink_name = column_copy(arena, row, 0);
    statement_reset(row);
    struct sqlite3_stmt *drop = database_statement(database, STATEMENT_PARKED_DROP);
    bind_number(drop, 1, id);
    bind_number(drop, 2, repair->wall_ms);
    (void)database_run(database, drop);
    counts_add(database, sink_name, (struct count_change){.parked = -1, .observed = -1});
    return true;
}

static bool is_configured(const struct repair_job *repair, const char *sink_name)
{
    for (size_t i = 0; i < repair->sink_count; i++) {
        if (text_equal(repair->sink_names[i], sink_name)) {
            return true;
        }
    }
    return false;
}

static void run_drop(struct database *database, struct job *job)
{
    struct repair_job *repair = (struct repair_job *)job;
    for (size_t i = 0; i < repair->id_count; i++) {
        int64_t id = repair->ids[i];
        const char *sink_name = pending_sink(database, job->arena, id);
        if (sink_name == NULL) {
            repair->changed += drop_parked(database, job->arena, id, repair);
        } else if (!is_configured(repair, sink_name)) {
            drop_pending(database, job->arena, id, repair->wall_ms);
            repair->changed++;
        }
    }
}

void store_drop(struct store *store, const struct drop_request *request, store_changed_fn *on_done,
                void *arg)
{
    struct repair_job *repair = repair_create(run_drop, request->now_wall_ms, on_done, arg);
    struct arena *arena = repair->job.arena;
    repair->sink_names = arena_array(arena, request->sink_count, sizeof *repair->sink_names);
    repair->sink_count = request->sink_count;
    for (size_t i = 0; i < request->sink_count; i++) {
        repair->sink_names[i] = arena_text(arena, span_of(request->sink_names[i]));
    }
    ask_for_ids(store, repair, request->ids, request->count);
}
