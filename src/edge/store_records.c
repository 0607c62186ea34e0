#include "store_internal.h"

struct orders_job {
    struct job job;
    const char *source_name;
    const char **ids;
    size_t count;
    struct stored_order *orders;
    store_orders_fn *on_done;
};

void records_visit_orders(struct database *database, const char *source_name, store_index_fn *visit,
                          void *arg)
{
    struct sqlite3_stmt *statement = database_statement(database, STATEMENT_ORDER_VISIT);
    bind_text(statement, 1, source_name);
    while (database_next(database, statement)) {
        struct stored_order order = {
            .id = column_text(statement, 0),
            .raw_fingerprint = (uint64_t)column_number(statement, 1),
            .sequence = (uint64_t)column_number(statement, 2),
            .has_left = column_number(statement, 3) != 0,
        };
        visit(arg, &order);
    }
}

void records_visit_values(struct database *database, store_value_fn *visit, void *arg)
{
    struct sqlite3_stmt *statement = database_statement(database, STATEMENT_VALUE_VISIT);
    while (database_next(database, statement)) {
        struct stored_value value = {.key = column_text(statement, 0),
                                     .value = column_bytes(statement, 1)};
        visit(arg, &value);
    }
}

static void bind_order(struct sqlite3_stmt *statement, const char *source_name,
                       const struct stored_order *order)
{
    bind_text(statement, 1, source_name);
    bind_text(statement, 2, order->id);
    bind_number(statement, 3, (int64_t)order->raw_fingerprint);
    bind_number(statement, 4, (int64_t)order->sequence);
    bind_number(statement, 5, order->has_left);
}

/* The row in records; 0: there is none yet. */
static int64_t find_record(struct database *database, const char *source_name, const char *id)
{
    struct sqlite3_stmt *find = database_statement(database, STATEMENT_ORDER_FIND);
    bind_text(find, 1, source_name);
    bind_text(find, 2, id);
    int64_t record = database_next(database, find) ? column_number(find, 0) : 0;
    statement_reset(find);
    return record;
}

static void write_record(struct database *database, const char *source_name, int64_t record,
                         const struct stored_order *order, struct span deadlines)
{
    bool is_known = record != 0;
    struct sqlite3_stmt *change =
        database_statement(database, is_known ? STATEMENT_RECORD_CHANGE : STATEMENT_RECORD_ADD);
    bind_bytes(change, 1, order->canonical);
    bind_bytes(change, 2, order->history);
    bind_bytes(change, 3, deadlines);
    if (is_known) {
        bind_number(change, 4, record);
    }
    (void)database_run(database, change);

    struct sqlite3_stmt *index =
        database_statement(database, is_known ? STATEMENT_ORDER_CHANGE : STATEMENT_ORDER_ADD);
    bind_order(index, source_name, order);
    if (!is_known) {
        bind_number(index, 6, database_last_row(database));
    }
    (void)database_run(database, index);
}

void records_write(struct database *database, const char *source_name,
                   const struct staged_order *staged, struct arena *arena)
{
    const struct stored_order *order = &staged->order;
    int64_t record = find_record(database, source_name, order->id);
    struct span known = {.data = NULL};
    if (record != 0) {
        known = deadlines_of(database, record, arena);
    }
    struct span deadlines = deadlines_encode(staged, arena);
    write_record(database, source_name, record, order, deadlines);
    deadlines_change(database, source_name, order->id, known, deadlines, arena);
    state_mark(database, source_name, order->id);
}

void records_write_values(struct database *database, const struct stored_value *values,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct sqlite3_stmt *statement = database_statement(database, STATEMENT_VALUE_SET);
        bind_text(statement, 1, values[i].key);
        bind_bytes(statement, 2, values[i].value);
        (void)database_run(database, statement);
    }
}

static struct span copy_bytes(struct arena *arena, struct span bytes)
{
    return (struct span){.data = arena_text(arena, bytes), .size = bytes.size};
}

static void fetch_one(struct database *database, struct orders_job *orders, size_t index)
{
    struct arena *arena = orders->job.arena;
    struct sqlite3_stmt *statement = database_statement(database, STATEMENT_ORDER_FETCH);
    bind_text(statement, 1, orders->source_name);
    bind_text(statement, 2, orders->ids[index]);
    if (database_next(database, statement)) {
        orders->orders[index] = (struct stored_order){
            .id = orders->ids[index],
            .raw_fingerprint = (uint64_t)column_number(statement, 0),
            .sequence = (uint64_t)column_number(statement, 1),
            .has_left = column_number(statement, 2) != 0,
            .canonical = copy_bytes(arena, column_bytes(statement, 3)),
            .history = copy_bytes(arena, column_bytes(statement, 4)),
        };
    }
    statement_reset(statement);
}

static void run_fetch_orders(struct database *database, struct job *job)
{
    struct orders_job *orders = (struct orders_job *)job;
    for (size_t i = 0; i < orders->count; i++) {
        fetch_one(database, orders, i);
    }
}

static void tell_orders(struct job *job)
{
    struct orders_job *orders = (struct orders_job *)job;
    size_t count = job->status == STATUS_OK ? orders->count : 0;
    orders->on_done(job->arg, job->status, orders->orders, count);
}

void store_fetch_orders(void *self, const char *source_name, const char *const *ids, size_t count,
                        store_orders_fn *on_done, void *arg)
{
    struct orders_job *orders =
        (struct orders_job *)job_create(sizeof *orders, run_fetch_orders, tell_orders, arg);
    struct arena *arena = orders->job.arena;
    orders->on_done = on_done;
    orders->source_name = arena_text(arena, span_of(source_name));
    orders->count = count;
    orders->orders = arena_array(arena, count, sizeof *orders->orders);
    orders->ids = arena_array(arena, count, sizeof *orders->ids);
    for (size_t i = 0; i < count; i++) {
        orders->ids[i] = arena_text(arena, span_of(ids[i]));
    }
    store_ask(self, &orders->job);
}
