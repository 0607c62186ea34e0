/* What time will cause, order by order: kept as the core plans it, asked for by its due. */
#include "store_internal.h"

#define DEADLINES_MAX 10000 /* in one answer, whatever was asked */

struct deadlines_job {
    struct job job;
    const char *source_name;
    int64_t now_wall_ms;
    size_t count_max;
    struct due_deadline *deadlines;
    size_t count;
    int64_t next_due_wall_ms;
    store_deadlines_fn *on_done;
};

/* One that stands in the table. */
struct known {
    struct known *next;
    struct deadline deadline;
};

static struct known *read_known(struct database *database, const char *source_name, const char *id,
                                struct arena *arena)
{
    struct known *all = NULL;
    struct sqlite3_stmt *row = database_statement(database, STATEMENT_DEADLINE_LIST);
    bind_text(row, 1, source_name);
    bind_text(row, 2, id);
    while (database_next(database, row)) {
        struct known *known = arena_alloc(arena, sizeof *known);
        known->next = all;
        known->deadline.kind = (enum deadline_kind)column_number(row, 0);
        known->deadline.key = arena_text(arena, span_of(column_text(row, 1)));
        known->deadline.due_wall_ms = column_number(row, 2);
        all = known;
    }
    return all;
}

static const char *key_of(const struct deadline *deadline)
{
    return deadline->key != NULL ? deadline->key : "";
}

static bool is_same(const struct deadline *one, const struct deadline *other)
{
    return one->kind == other->kind && text_equal(key_of(one), key_of(other)) &&
           one->due_wall_ms == other->due_wall_ms;
}

static bool is_planned(const struct staged_order *staged, const struct deadline *known)
{
    for (size_t i = 0; i < staged->deadline_count; i++) {
        if (is_same(&staged->deadlines[i], known)) {
            return true;
        }
    }
    return false;
}

static bool is_known(const struct known *all, const struct deadline *planned)
{
    while (all != NULL && !is_same(&all->deadline, planned)) {
        all = all->next;
    }
    return all != NULL;
}

static void run_on(struct database *database, enum statement what, const char *source_name,
                   const char *id, const struct deadline *deadline)
{
    struct sqlite3_stmt *statement = database_statement(database, what);
    bind_text(statement, 1, source_name);
    bind_text(statement, 2, id);
    bind_number(statement, 3, (int64_t)deadline->kind);
    bind_text(statement, 4, key_of(deadline));
    if (what == STATEMENT_DEADLINE_ADD) {
        bind_number(statement, 5, deadline->due_wall_ms);
    }
    (void)database_run(database, statement);
}

/* What stays as it is is not written again: most changes of an order move none of its deadlines,
 * and each of them is on three pages of its own. */
void deadlines_write(struct database *database, const char *source_name,
                     const struct staged_order *staged, struct arena *arena)
{
    const char *id = staged->order.id;
    const struct known *all = read_known(database, source_name, id, arena);
    for (const struct known *known = all; known != NULL; known = known->next) {
        if (!is_planned(staged, &known->deadline)) {
            run_on(database, STATEMENT_DEADLINE_END, source_name, id, &known->deadline);
        }
    }
    for (size_t i = 0; i < staged->deadline_count; i++) {
        if (!is_known(all, &staged->deadlines[i])) {
            run_on(database, STATEMENT_DEADLINE_ADD, source_name, id, &staged->deadlines[i]);
        }
    }
}

static void run_fetch_deadlines(struct database *database, struct job *job)
{
    struct deadlines_job *wanted = (struct deadlines_job *)job;
    struct arena *arena = job->arena;
    /* One more than wanted: its due is the next one. */
    struct sqlite3_stmt *statement = database_statement(database, STATEMENT_DEADLINE_FETCH);
    bind_text(statement, 1, wanted->source_name);
    bind_number(statement, 2, (int64_t)wanted->count_max + 1);
    while (database_next(database, statement)) {
        int64_t due_wall_ms = column_number(statement, 2);
        if (due_wall_ms > wanted->now_wall_ms || wanted->count == wanted->count_max) {
            wanted->next_due_wall_ms = due_wall_ms;
            break;
        }
        wanted->deadlines[wanted->count++] = (struct due_deadline){
            .order_id = arena_text(arena, span_of(column_text(statement, 0))),
            .deadline = {.kind = (enum deadline_kind)column_number(statement, 1),
                         .due_wall_ms = due_wall_ms,
                         .key = arena_text(arena, span_of(column_text(statement, 3)))},
        };
    }
    statement_reset(statement);
}

static void tell_deadlines(struct job *job)
{
    struct deadlines_job *wanted = (struct deadlines_job *)job;
    size_t count = job->status == STATUS_OK ? wanted->count : 0;
    wanted->on_done(job->arg, job->status, wanted->deadlines, count, wanted->next_due_wall_ms);
}

void store_fetch_deadlines(void *self, const char *source_name, int64_t now_wall_ms,
                           size_t count_max, store_deadlines_fn *on_done, void *arg)
{
    struct deadlines_job *wanted = (struct deadlines_job *)job_create(
        sizeof *wanted, run_fetch_deadlines, tell_deadlines, arg);
    wanted->on_done = on_done;
    wanted->source_name = arena_text(wanted->job.arena, span_of(source_name));
    wanted->now_wall_ms = now_wall_ms;
    wanted->count_max = count_max < DEADLINES_MAX ? count_max : DEADLINES_MAX;
    wanted->deadlines =
        arena_array(wanted->job.arena, wanted->count_max, sizeof *wanted->deadlines);
    wanted->next_due_wall_ms = INSTANT_NEVER;
    store_ask(self, &wanted->job);
}
