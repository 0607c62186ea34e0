#include "store_internal.h"

/* How many attempts of one delivery are remembered with the receiver's answer. */
#define ATTEMPTS_KEPT 20

struct settle_job {
    struct write_job write;
    struct settlement *settlements;
    size_t count;
};

/* Which rows a settlement is about, besides their ids. */
struct parcel_rows {
    const char *sink_name, *lane, *bundle;
};

struct member {
    int64_t id, event_row;
    enum severity severity;
};

static const char *copy_text(struct arena *arena, const char *text)
{
    return text != NULL ? arena_text(arena, span_of(text)) : NULL;
}

/* False: it has ended already, and stays as it ended. */
static bool find_rows(struct database *database, struct arena *arena, int64_t id,
                      struct parcel_rows *out)
{
    struct sqlite3_stmt *row = database_statement(database, STATEMENT_DELIVERY_FIND);
    bind_number(row, 1, id);
    if (!database_next(database, row)) {
        return false;
    }
    out->sink_name = copy_text(arena, column_text(row, 0));
    out->lane = copy_text(arena, column_text(row, 1));
    out->bundle = copy_text(arena, column_text(row, 2));
    statement_reset(row);
    return true;
}

static int64_t end_rows(struct database *database, const struct parcel_rows *rows,
                        const struct settlement *settlement, enum delivery_state state)
{
    struct sqlite3_stmt *first = database_statement(database, STATEMENT_DELIVERY_END);
    bind_number(first, 1, settlement->delivery_id);
    bind_number(first, 2, (int64_t)state);
    bind_number(first, 3, settlement->at_wall_ms);
    bind_number(first, 4, settlement->counts_attempt);
    bind_text(first, 5, settlement->detail);
    bind_text(first, 6, settlement->progress);
    bind_number(first, 7, settlement->last_id);
    int64_t count = database_run(database, first);
    if (settlement->last_id > settlement->delivery_id) {
        struct sqlite3_stmt *others = database_statement(database, STATEMENT_LANE_END);
        bind_text(others, 1, rows->sink_name);
        bind_text(others, 2, rows->lane);
        bind_number(others, 3, settlement->delivery_id);
        bind_number(others, 4, settlement->last_id);
        bind_number(others, 5, (int64_t)state);
        bind_number(others, 6, settlement->at_wall_ms);
        bind_text(others, 7, rows->bundle);
        count += database_run(database, others);
    }
    return count;
}

static void promote_next(struct database *database, const struct parcel_rows *rows)
{
    struct sqlite3_stmt *statement = database_statement(database, STATEMENT_LANE_PROMOTE);
    bind_text(statement, 1, rows->sink_name);
    bind_text(statement, 2, rows->lane);
    (void)database_run(database, statement);
}

static bool is_planned(struct database *database, int64_t event_row, const char *sink_name)
{
    struct sqlite3_stmt *statement = database_statement(database, STATEMENT_DELIVERY_KNOWN);
    bind_number(statement, 1, event_row);
    bind_text(statement, 2, sink_name);
    bool is_known = database_next(database, statement);
    statement_reset(statement);
    return is_known;
}

/* The first row of the parcel from this id on. */
static bool find_member(struct database *database, const struct parcel_rows *rows, int64_t from_id,
                        int64_t last_id, struct member *out)
{
    struct sqlite3_stmt *row = database_statement(database, STATEMENT_LANE_VISIT);
    bind_text(row, 1, rows->sink_name);
    bind_text(row, 2, rows->lane);
    bind_number(row, 3, from_id);
    bind_number(row, 4, last_id);
    bool is_found = false;
    while (!is_found && database_next(database, row)) {
        out->id = column_number(row, 0);
        out->event_row = column_number(row, 1);
        out->severity = (enum severity)column_number(row, 2);
        is_found = text_equal(column_text(row, 3), rows->bundle);
    }
    if (is_found) {
        statement_reset(row);
    }
    return is_found;
}

/* Each event alone: the other sink may not know what a bundle is. */
static void plan_fallback(struct database *database, const struct parcel_rows *rows,
                          const struct settlement *settlement)
{
    struct planned_delivery planned = {
        .sink_name = settlement->fallback_sink_name,
        .lane = rows->lane,
        .due_wall_ms = settlement->at_wall_ms,
    };
    struct member member = {.id = settlement->delivery_id - 1};
    while (find_member(database, rows, member.id + 1, settlement->last_id, &member)) {
        if (!is_planned(database, member.event_row, planned.sink_name)) {
            intake_add_delivery(database, &planned, member.event_row, member.severity,
                                settlement->at_wall_ms);
        }
    }
}

/* What is older among what was planned there stays the first of it. */
static void move_rest(struct database *database, const struct parcel_rows *rows,
                      const struct settlement *settlement)
{
    struct sqlite3_stmt *move = database_statement(database, STATEMENT_LANE_MOVE);
    bind_text(move, 1, rows->sink_name);
    bind_text(move, 2, rows->lane);
    bind_text(move, 3, settlement->rest->lane);
    bind_text(move, 4, settlement->rest->bundle);
    bind_number(move, 5, settlement->rest->due_wall_ms);
    bind_number(move, 6, settlement->last_id);
    bind_text(move, 7, rows->bundle);
    if (database_run(database, move) == 0) {
        return;
    }
    const struct parcel_rows there = {.sink_name = rows->sink_name, .lane = settlement->rest->lane};
    struct sqlite3_stmt *demote = database_statement(database, STATEMENT_LANE_DEMOTE);
    bind_text(demote, 1, there.sink_name);
    bind_text(demote, 2, there.lane);
    (void)database_run(database, demote);
    promote_next(database, &there);
}

static void end_parcel(struct database *database, const struct parcel_rows *rows,
                       const struct settlement *settlement, enum delivery_state state)
{
    if (state == DELIVERY_PARKED && settlement->fallback_sink_name != NULL) {
        plan_fallback(database, rows, settlement);
    }
    int64_t count = end_rows(database, rows, settlement, state);
    if (settlement->rest != NULL) {
        move_rest(database, rows, settlement);
    }
    promote_next(database, rows);
    counts_add(database, rows->sink_name,
               (struct count_change){.pending = -count,
                                     .delivered = state == DELIVERY_DELIVERED ? count : 0,
                                     .parked = state == DELIVERY_PARKED ? count : 0,
                                     .observed = state == DELIVERY_DROPPED ? -count : 0});
}

const char *pending_sink(struct database *database, struct arena *arena, int64_t id)
{
    struct parcel_rows rows;
    return find_rows(database, arena, id, &rows) ? rows.sink_name : NULL;
}

void drop_pending(struct database *database, struct arena *arena, int64_t id, int64_t wall_ms)
{
    struct parcel_rows rows;
    const struct settlement settlement = {.delivery_id = id,
                                          .last_id = id,
                                          .at_wall_ms = wall_ms,
                                          .detail = "dropped: its sink is not configured"};
    if (find_rows(database, arena, id, &rows)) {
        end_parcel(database, &rows, &settlement, DELIVERY_DROPPED);
    }
}

static void postpone(struct database *database, const struct settlement *settlement)
{
    struct sqlite3_stmt *statement = database_statement(database, STATEMENT_DELIVERY_POSTPONE);
    bind_number(statement, 1, settlement->delivery_id);
    bind_number(statement, 2, settlement->due_wall_ms);
    bind_number(statement, 3, settlement->counts_attempt);
    bind_text(statement, 4, settlement->progress);
    bind_number(statement, 5, settlement->last_id);
    bind_text(statement, 6, settlement->detail);
    (void)database_run(database, statement);

    struct sqlite3_stmt *attempt = database_statement(database, STATEMENT_ATTEMPT_ADD);
    bind_number(attempt, 1, settlement->delivery_id);
    bind_number(attempt, 2, settlement->at_wall_ms);
    bind_text(attempt, 3, settlement->detail);
    (void)database_run(database, attempt);

    struct sqlite3_stmt *trim = database_statement(database, STATEMENT_ATTEMPT_TRIM);
    bind_number(trim, 1, settlement->delivery_id);
    bind_number(trim, 2, ATTEMPTS_KEPT);
    (void)database_run(database, trim);
}

static void defer(struct database *database, const struct settlement *settlement)
{
    struct sqlite3_stmt *statement = database_statement(database, STATEMENT_DELIVERY_DEFER);
    bind_number(statement, 1, settlement->delivery_id);
    bind_number(statement, 2, settlement->due_wall_ms);
    bind_text(statement, 3, settlement->detail);
    (void)database_run(database, statement);
}

static void settle_one(struct database *database, struct arena *arena,
                       const struct settlement *settlement)
{
    struct parcel_rows rows;
    if (!find_rows(database, arena, settlement->delivery_id, &rows)) {
        return;
    }
    switch (settlement->kind) {
    case SETTLE_DELIVERED:
        end_parcel(database, &rows, settlement, DELIVERY_DELIVERED);
        return;
    case SETTLE_LATER:
        postpone(database, settlement);
        return;
    case SETTLE_PARKED:
        end_parcel(database, &rows, settlement, DELIVERY_PARKED);
        return;
    case SETTLE_DEFERRED:
        defer(database, settlement);
        return;
    }
    CHECK(!"a settlement of no kind");
}

static void write_values(struct database *database, const struct settlement *settlement)
{
    for (size_t i = 0; i < settlement->value_count; i++) {
        const struct stored_value *value = &settlement->values[i];
        bool is_forgotten = value->value.size == 0;
        struct sqlite3_stmt *statement = database_statement(
            database, is_forgotten ? STATEMENT_VALUE_FORGET : STATEMENT_VALUE_SET);
        bind_text(statement, 1, value->key);
        if (!is_forgotten) {
            bind_bytes(statement, 2, value->value);
        }
        (void)database_run(database, statement);
    }
}

static void run_settle(struct database *database, struct job *job)
{
    struct settle_job *settle = (struct settle_job *)job;
    for (size_t i = 0; i < settle->count; i++) {
        settle_one(database, job->arena, &settle->settlements[i]);
        write_values(database, &settle->settlements[i]);
    }
}

static const struct stored_value *copy_values(struct arena *arena,
                                              const struct settlement *settlement)
{
    struct stored_value *copies = arena_array(arena, settlement->value_count, sizeof *copies);
    for (size_t i = 0; i < settlement->value_count; i++) {
        struct span value = settlement->values[i].value;
        copies[i].key = copy_text(arena, settlement->values[i].key);
        copies[i].value = (struct span){arena_text(arena, value), value.size};
    }
    return copies;
}

static const struct planned_delivery *copy_rest(struct arena *arena,
                                                const struct planned_delivery *rest)
{
    if (rest == NULL) {
        return NULL;
    }
    struct planned_delivery *copy = arena_alloc(arena, sizeof *copy);
    *copy = (struct planned_delivery){.lane = copy_text(arena, rest->lane),
                                      .bundle = copy_text(arena, rest->bundle),
                                      .due_wall_ms = rest->due_wall_ms};
    return copy;
}

void store_settle(void *self, const struct settlement *settlements, size_t count,
                  store_done_fn *on_done, void *arg)
{
    struct settle_job *settle =
        (struct settle_job *)write_job_create(sizeof *settle, run_settle, on_done, arg);
    struct job *job = &settle->write.job;
    job->may_join = true;
    settle->count = count;
    settle->settlements = arena_array(job->arena, count, sizeof *settle->settlements);
    for (size_t i = 0; i < count; i++) {
        struct settlement *copy = &settle->settlements[i];
        *copy = settlements[i];
        copy->progress = copy_text(job->arena, settlements[i].progress);
        copy->detail = copy_text(job->arena, settlements[i].detail);
        copy->values = copy_values(job->arena, &settlements[i]);
        copy->rest = copy_rest(job->arena, settlements[i].rest);
        copy->fallback_sink_name = copy_text(job->arena, settlements[i].fallback_sink_name);
        if (copy->last_id < copy->delivery_id) {
            copy->last_id = copy->delivery_id; /* a single one */
        }
    }
    store_ask(self, job);
}
