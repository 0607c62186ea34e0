#include "store_internal.h"

/* Events looked at in one step of forgetting: some milliseconds. */
#define FORGET_STEP 500

struct repair_job {
    struct job job;
    int64_t *ids;
    size_t id_count;
    int64_t wall_ms; /* now; or before which to forget */
    const char *source_name, *order_id;
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

static bool is_open(struct database *database, int64_t event_row)
{
    struct sqlite3_stmt *row = database_statement(database, STATEMENT_EVENT_IS_OPEN);
    bind_number(row, 1, event_row);
    bool has_open = database_next(database, row);
    statement_reset(row);
    return has_open;
}

static void run_on(struct database *database, enum statement statement, int64_t id)
{
    struct sqlite3_stmt *prepared = database_statement(database, statement);
    bind_number(prepared, 1, id);
    (void)database_run(database, prepared);
}

static void forget_event(struct database *database, int64_t event_row)
{
    run_on(database, STATEMENT_EVENT_DELIVERIES_FORGET, event_row);
    run_on(database, STATEMENT_EVENT_FORGET, event_row);
}

/* Goes through the events from the oldest on, step by step, and begins anew when it has met one
 * that is young enough. */
static void run_forget_events(struct database *database, struct job *job)
{
    struct repair_job *repair = (struct repair_job *)job;
    int64_t rows[FORGET_STEP];
    size_t count = 0;
    struct sqlite3_stmt *row = database_statement(database, STATEMENT_EVENT_OLD);
    bind_number(row, 1, database->forgotten_row);
    bind_number(row, 2, FORGET_STEP);
    while (count < FORGET_STEP && database_next(database, row) &&
           column_number(row, 1) < repair->wall_ms) {
        rows[count++] = column_number(row, 0);
    }
    statement_reset(row);
    for (size_t i = 0; i < count; i++) {
        if (!is_open(database, rows[i])) {
            forget_event(database, rows[i]);
        }
    }
    database->forgotten_row = count != 0 ? rows[count - 1] : 0;
    repair->changed = count;
}

void store_forget_events(struct store *store, int64_t before_wall_ms, store_changed_fn *on_done,
                         void *arg)
{
    store_ask(store, &repair_create(run_forget_events, before_wall_ms, on_done, arg)->job);
}

static int64_t next_event(struct database *database, const struct repair_job *repair, int64_t after)
{
    struct sqlite3_stmt *row = database_statement(database, STATEMENT_EVENT_OF_ORDER);
    bind_text(row, 1, repair->source_name);
    bind_text(row, 2, repair->order_id);
    bind_number(row, 3, after);
    bind_number(row, 4, 1);
    int64_t event_row = database_next(database, row) ? column_number(row, 0) : 0;
    statement_reset(row);
    return event_row;
}

static void forget_record(struct database *database, struct repair_job *repair)
{
    struct sqlite3_stmt *find = database_statement(database, STATEMENT_ORDER_FIND);
    bind_text(find, 1, repair->source_name);
    bind_text(find, 2, repair->order_id);
    int64_t record = database_next(database, find) ? column_number(find, 0) : 0;
    statement_reset(find);
    run_on(database, STATEMENT_RECORD_FORGET, record);
    static const enum statement statements[] = {STATEMENT_ORDER_FORGET, STATEMENT_DEADLINE_FORGET};
    for (size_t i = 0; i < ARRAY_COUNT(statements); i++) {
        struct sqlite3_stmt *forget = database_statement(database, statements[i]);
        bind_text(forget, 1, repair->source_name);
        bind_text(forget, 2, repair->order_id);
        (void)database_run(database, forget);
    }
    repair->changed += record != 0;
    state_take_back(database, repair->source_name, repair->order_id);
}

static void run_forget_order(struct database *database, struct job *job)
{
    struct repair_job *repair = (struct repair_job *)job;
    forget_record(database, repair);
    for (int64_t row = 0; (row = next_event(database, repair, row)) != 0;) {
        if (is_open(database, row)) {
            run_on(database, STATEMENT_EVENT_BLANK, row);
        } else {
            forget_event(database, row);
        }
        repair->changed++;
    }
}

void store_forget_order(struct store *store, const char *source_name, const char *order_id,
                        store_changed_fn *on_done, void *arg)
{
    struct repair_job *repair = repair_create(run_forget_order, 0, on_done, arg);
    repair->source_name = arena_text(repair->job.arena, span_of(source_name));
    repair->order_id = arena_text(repair->job.arena, span_of(order_id));
    store_ask(store, &repair->job);
}
