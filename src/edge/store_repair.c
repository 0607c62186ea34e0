#include "store_internal.h"

struct repair_job {
    struct job job;
    int64_t *ids;
    size_t id_count;
    int64_t wall_ms; /* now */
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

static void drop_one(struct database *database, struct arena *arena, int64_t id,
                     struct repair_job *repair)
{
    struct sqlite3_stmt *row = database_statement(database, STATEMENT_PARKED_FIND);
    bind_number(row, 1, id);
    if (!database_next(database, row)) {
        return;
    }
    const char *sink_name = column_copy(arena, row, 0);
    statement_reset(row);
    struct sqlite3_stmt *drop = database_statement(database, STATEMENT_PARKED_DROP);
    bind_number(drop, 1, id);
    bind_number(drop, 2, repair->wall_ms);
    (void)database_run(database, drop);
    counts_add(database, sink_name, (struct count_change){.parked = -1, .observed = -1});
    repair->changed++;
}

static void run_drop(struct database *database, struct job *job)
{
    struct repair_job *repair = (struct repair_job *)job;
    for (size_t i = 0; i < repair->id_count; i++) {
        drop_one(database, job->arena, repair->ids[i], repair);
    }
}

void store_drop_parked(struct store *store, const int64_t *ids, size_t count, int64_t now_wall_ms,
                       store_changed_fn *on_done, void *arg)
{
    ask_for_ids(store, repair_create(run_drop, now_wall_ms, on_done, arg), ids, count);
}
