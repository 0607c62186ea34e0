/* What time will cause, order by order: kept as the core plans it, asked for by its due. */
#include "store_internal.h"

#include "core/keep.h"
#include "core/text.h"

#define DEADLINES_MAX 10000 /* in one answer, whatever was asked */
#define ENCODED_BYTES_MAX ((size_t)1 << 30)
#define DIGITS_MAX 19 /* of an int64_t; of no more a uint64_t overflows */

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

/* --- those of one order, as bytes that its record holds --------------------------------------- */

struct planned {
    struct planned *next;
    struct deadline deadline;
};

static const char *key_of(const struct deadline *deadline)
{
    return deadline->key != NULL ? deadline->key : "";
}

struct span deadlines_encode(const struct staged_order *staged, struct arena *arena)
{
    struct text bytes;
    text_init(&bytes, ENCODED_BYTES_MAX);
    for (size_t i = 0; i < staged->deadline_count; i++) {
        const struct deadline *deadline = &staged->deadlines[i];
        struct span key = span_of(key_of(deadline));
        text_add_number(&bytes, (int64_t)deadline->kind, 1);
        text_add_char(&bytes, ' ');
        text_add_number(&bytes, deadline->due_wall_ms, 1);
        text_add_char(&bytes, ' ');
        text_add_number(&bytes, (int64_t)key.size, 1);
        text_add_char(&bytes, ':');
        text_add(&bytes, key);
    }
    return keep_text(&bytes, arena);
}

struct span deadlines_of(struct database *database, int64_t record, struct arena *arena)
{
    struct span bytes = {.data = NULL};
    struct sqlite3_stmt *row = database_statement(database, STATEMENT_DEADLINE_LIST);
    bind_number(row, 1, record);
    if (database_next(database, row)) {
        bytes = keep_span(arena, column_bytes(row, 0));
    }
    statement_reset(row);
    return bytes;
}

/* A number and the byte behind it. */
static bool take_number(struct span *rest, char end, int64_t *out)
{
    size_t from = rest->size != 0 && rest->data[0] == '-' ? 1 : 0;
    size_t size = from;
    uint64_t number = 0;
    while (size < rest->size && size - from < DIGITS_MAX && rest->data[size] >= '0' &&
           rest->data[size] <= '9') {
        number = number * 10 + (uint64_t)(rest->data[size++] - '0');
    }
    if (size == from || size == rest->size || rest->data[size] != end || number > INT64_MAX) {
        return false;
    }
    *out = from != 0 ? -(int64_t)number : (int64_t)number;
    *rest = (struct span){.data = rest->data + size + 1, .size = rest->size - size - 1};
    return true;
}

static bool take_deadline(struct span *rest, struct arena *arena, struct deadline *out)
{
    int64_t kind = 0;
    int64_t key_size = 0;
    if (!take_number(rest, ' ', &kind) || !take_number(rest, ' ', &out->due_wall_ms) ||
        !take_number(rest, ':', &key_size) || key_size < 0 || (uint64_t)key_size > rest->size) {
        return false;
    }
    size_t size = (size_t)key_size;
    out->kind = (enum deadline_kind)kind;
    out->key = arena_text(arena, (struct span){.data = rest->data, .size = size});
    *rest = (struct span){.data = rest->data + size, .size = rest->size - size};
    return true;
}

static const struct planned *decode(struct database *database, struct span bytes,
                                    struct arena *arena)
{
    struct planned *all = NULL;
    while (bytes.size != 0) {
        struct planned *planned = arena_alloc(arena, sizeof *planned);
        if (!take_deadline(&bytes, arena, &planned->deadline)) {
            (void)database_fail(database, STATUS_CORRUPT,
                                "the deadlines of an order are damaged; restore it from a backup");
            return NULL;
        }
        planned->next = all;
        all = planned;
    }
    return all;
}

/* --- all of them, by their due ---------------------------------------------------------------- */

static bool is_among(const struct planned *all, const struct deadline *one)
{
    while (all != NULL &&
           !(all->deadline.kind == one->kind && all->deadline.due_wall_ms == one->due_wall_ms &&
             text_equal(all->deadline.key, one->key))) {
        all = all->next;
    }
    return all != NULL;
}

static void run_on(struct database *database, enum statement what, const char *source_name,
                   const char *order_id, const struct deadline *deadline)
{
    struct sqlite3_stmt *statement = database_statement(database, what);
    bind_text(statement, 1, source_name);
    bind_number(statement, 2, deadline->due_wall_ms);
    bind_text(statement, 3, order_id);
    bind_number(statement, 4, (int64_t)deadline->kind);
    bind_text(statement, 5, deadline->key);
    (void)database_run(database, statement);
}

/* What stays as it is is not written again: most changes of an order move none of its deadlines. */
void deadlines_change(struct database *database, const char *source_name, const char *order_id,
                      struct span from, struct span to, struct arena *arena)
{
    if (span_equal(from, to)) {
        return;
    }
    const struct planned *before = decode(database, from, arena);
    const struct planned *after = decode(database, to, arena);
    for (const struct planned *one = before; one != NULL; one = one->next) {
        if (!is_among(after, &one->deadline)) {
            run_on(database, STATEMENT_DEADLINE_END, source_name, order_id, &one->deadline);
        }
    }
    for (const struct planned *one = after; one != NULL; one = one->next) {
        if (!is_among(before, &one->deadline)) {
            run_on(database, STATEMENT_DEADLINE_ADD, source_name, order_id, &one->deadline);
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
