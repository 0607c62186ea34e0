#include "core/log.h"

#include "store_internal.h"

#include <stdlib.h>

/* What the transaction under way changes; written once at its end. */
struct sink_tally {
    char *sink_name;
    struct count_change change;
    bool is_touched;
};

struct counts_job {
    struct job job;
    struct sink_counts *counts;
    size_t count, capacity;
    store_counts_fn *on_done;
};

static struct sink_tally *tally_of(struct database *database, const char *sink_name)
{
    for (size_t i = 0; i < database->tally_count; i++) {
        if (text_equal(database->tallies[i].sink_name, sink_name)) {
            return &database->tallies[i];
        }
    }
    database->tallies =
        alloc_resize(database->tallies, database->tally_count + 1, sizeof *database->tallies);
    struct sink_tally *tally = &database->tallies[database->tally_count++];
    *tally = (struct sink_tally){.sink_name = alloc_text(sink_name)};
    return tally;
}

void counts_add(struct database *database, const char *sink_name, struct count_change change)
{
    struct sink_tally *tally = tally_of(database, sink_name);
    tally->is_touched = true;
    tally->change.observed += change.observed;
    tally->change.delivered += change.delivered;
    tally->change.pending += change.pending;
    tally->change.parked += change.parked;
    tally->change.silenced += change.silenced;
}

void counts_write(struct database *database)
{
    for (size_t i = 0; i < database->tally_count; i++) {
        const struct sink_tally *tally = &database->tallies[i];
        if (!tally->is_touched) {
            continue;
        }
        struct sqlite3_stmt *statement = database_statement(database, STATEMENT_SINK_COUNT);
        bind_text(statement, 1, tally->sink_name);
        bind_number(statement, 2, tally->change.observed);
        bind_number(statement, 3, tally->change.delivered);
        bind_number(statement, 4, tally->change.pending);
        bind_number(statement, 5, tally->change.parked);
        bind_number(statement, 6, tally->change.silenced);
        (void)database_run(database, statement);
    }
}

void counts_forget(struct database *database)
{
    for (size_t i = 0; i < database->tally_count; i++) {
        database->tallies[i].is_touched = false;
        database->tallies[i].change = (struct count_change){.observed = 0};
    }
}

void counts_fini(struct database *database)
{
    for (size_t i = 0; i < database->tally_count; i++) {
        free(database->tallies[i].sink_name);
    }
    free(database->tallies);
    database->tallies = NULL;
    database->tally_count = 0;
}

static int64_t count_rows(struct database *database, const char *sink_name, int64_t state)
{
    struct sqlite3_stmt *statement = database_statement(database, STATEMENT_DELIVERY_COUNT);
    bind_text(statement, 1, sink_name);
    bind_number(statement, 2, state);
    int64_t count = database_next(database, statement) ? column_number(statement, 0) : 0;
    statement_reset(statement);
    return count;
}

/* Ended rows may have been deleted by age, so only the open ones can be held against rows; what
 * was observed follows. */
static void verify_sink(struct database *database, struct sqlite3_stmt *sink)
{
    const char *name = column_text(sink, 0);
    int64_t observed = column_number(sink, 1);
    int64_t delivered = column_number(sink, 2);
    int64_t silenced = column_number(sink, 5);
    int64_t pending = count_rows(database, name, 0);
    int64_t parked = count_rows(database, name, 2);
    struct count_change change = {
        .observed = delivered + pending + parked + silenced - observed,
        .pending = pending - column_number(sink, 3),
        .parked = parked - column_number(sink, 4),
    };
    if (database_is_ok(database) &&
        (change.observed != 0 || change.pending != 0 || change.parked != 0)) {
        LOG_ERROR("store_counts_corrected", log_text("sink", name),
                  log_number("observed", change.observed), log_number("pending", change.pending),
                  log_number("parked", change.parked));
        counts_add(database, name, change);
    }
}

void counts_verify(struct database *database)
{
    struct sqlite3_stmt *statement = database_statement(database, STATEMENT_SINK_VISIT);
    while (database_next(database, statement)) {
        verify_sink(database, statement);
    }
    counts_write(database);
    counts_forget(database);
}

static void run_count(struct database *database, struct job *job)
{
    struct counts_job *counts = (struct counts_job *)job;
    struct sqlite3_stmt *statement = database_statement(database, STATEMENT_SINK_VISIT);
    while (database_next(database, statement)) {
        if (counts->count == counts->capacity) {
            counts->capacity = counts->capacity * 2 + 8;
            counts->counts = alloc_resize(counts->counts, counts->capacity, sizeof *counts->counts);
        }
        counts->counts[counts->count++] = (struct sink_counts){
            .sink_name = arena_text(job->arena, span_of(column_text(statement, 0))),
            .observed = (uint64_t)column_number(statement, 1),
            .delivered = (uint64_t)column_number(statement, 2),
            .pending = (uint64_t)column_number(statement, 3),
            .parked = (uint64_t)column_number(statement, 4),
            .silenced = (uint64_t)column_number(statement, 5),
            .oldest_pending_wall_ms = column_number(statement, 6),
            .waiting_since_wall_ms = column_number(statement, 7),
        };
    }
}

static void tell_counts(struct job *job)
{
    struct counts_job *counts = (struct counts_job *)job;
    size_t count = job->status == STATUS_OK ? counts->count : 0;
    counts->on_done(job->arg, job->status, counts->counts, count);
    free(counts->counts);
}

void store_count_sinks(void *self, store_counts_fn *on_done, void *arg)
{
    struct counts_job *counts =
        (struct counts_job *)job_create(sizeof *counts, run_count, tell_counts, arg);
    counts->on_done = on_done;
    store_ask(self, &counts->job);
}
