#include "store_staging.h"

#include "core/arena.h"
#include "core/text.h"

#include <stdlib.h>

/* Of all stagings together. A sweep in which a thousand orders changed stays below it; what a first
 * sweep finds goes to the table. */
#define MEMORY_BYTES_MAX ((size_t)8 << 20)
/* Rows of one staging: its id above, the place in it below. */
#define STAGED_ROWS_MAX ((int64_t)1 << 32)

struct kept {
    struct kept *next;
    struct span order;
};

/* First what is kept in memory, then the rows: once there are rows nothing more is kept. Forgetting
 * a staging makes its rows unreachable at once; deleting them is only tidiness. */
struct staging {
    char *source_name;
    struct arena *arena;
    struct kept *first, *last;
    size_t bytes;
    int64_t id, row_count;
};

static struct staging *find(const struct database *database, const char *source_name)
{
    for (size_t i = 0; source_name != NULL && i < database->staging_count; i++) {
        if (text_equal(database->stagings[i].source_name, source_name)) {
            return &database->stagings[i];
        }
    }
    return NULL;
}

static struct staging *find_or_add(struct database *database, const char *source_name)
{
    struct staging *staging = find(database, source_name);
    if (staging == NULL) {
        database->stagings = alloc_resize(database->stagings, database->staging_count + 1,
                                          sizeof *database->stagings);
        staging = &database->stagings[database->staging_count++];
        *staging = (struct staging){.source_name = alloc_text(source_name),
                                    .arena = arena_create(),
                                    .id = ++database->last_staging};
    }
    return staging;
}

static void keep(struct staging *staging, struct span order)
{
    struct kept *kept = arena_alloc(staging->arena, sizeof *kept);
    kept->order = (struct span){arena_text(staging->arena, order), order.size};
    if (staging->last != NULL) {
        staging->last->next = kept;
    } else {
        staging->first = kept;
    }
    staging->last = kept;
    staging->bytes += order.size;
}

static void add_row(struct database *database, struct staging *staging, struct span order)
{
    CHECK(staging->row_count < STAGED_ROWS_MAX);
    struct sqlite3_stmt *statement = database_statement(database, STATEMENT_STAGED_ADD);
    bind_number(statement, 1, staging->id * STAGED_ROWS_MAX + staging->row_count++);
    bind_bytes(statement, 2, order);
    (void)database_run(database, statement);
}

static size_t bytes_in_memory(const struct database *database)
{
    size_t bytes = 0;
    for (size_t i = 0; i < database->staging_count; i++) {
        bytes += database->stagings[i].bytes;
    }
    return bytes;
}

void staging_add(struct database *database, const char *source_name, struct span order)
{
    struct staging *staging = find_or_add(database, source_name);
    if (staging->row_count == 0 && order.size <= MEMORY_BYTES_MAX - bytes_in_memory(database)) {
        keep(staging, order);
    } else {
        add_row(database, staging, order);
    }
}

bool staging_exists(const struct database *database, const char *source_name)
{
    return find(database, source_name) != NULL;
}

void staging_visit(struct database *database, const char *source_name, staging_visit_fn *visit,
                   void *arg)
{
    const struct staging *staging = find(database, source_name);
    if (staging == NULL) {
        return;
    }
    for (const struct kept *kept = staging->first; kept != NULL && database_is_ok(database);
         kept = kept->next) {
        visit(database, kept->order, arg);
    }
    struct sqlite3_stmt *statement = database_statement(database, STATEMENT_STAGED_VISIT);
    bind_number(statement, 1, staging->id * STAGED_ROWS_MAX);
    bind_number(statement, 2, staging->id * STAGED_ROWS_MAX + staging->row_count - 1);
    while (database_next(database, statement)) {
        visit(database, column_bytes(statement, 0), arg);
    }
}

static bool has_rows(const struct database *database)
{
    for (size_t i = 0; i < database->staging_count; i++) {
        if (database->stagings[i].row_count != 0) {
            return true;
        }
    }
    return false;
}

static void delete_rows(struct database *database, int64_t id)
{
    database_begin(database);
    if (!has_rows(database)) {
        /* Nobody else has anything there: emptied without reading it. */
        (void)database_run(database, database_statement(database, STATEMENT_STAGED_FORGET_ALL));
    } else {
        struct sqlite3_stmt *statement = database_statement(database, STATEMENT_STAGED_FORGET);
        bind_number(statement, 1, id * STAGED_ROWS_MAX);
        bind_number(statement, 2, (id + 1) * STAGED_ROWS_MAX - 1);
        (void)database_run(database, statement);
    }
    (void)database_end(database);
}

static void release(const struct staging *staging)
{
    free(staging->source_name);
    arena_destroy(staging->arena);
}

void staging_forget(struct database *database, const char *source_name)
{
    struct staging *staging = find(database, source_name);
    if (staging == NULL) {
        return;
    }
    struct staging forgotten = *staging;
    release(&forgotten);
    *staging = database->stagings[--database->staging_count];
    if (forgotten.row_count != 0) {
        delete_rows(database, forgotten.id);
    }
}

void staging_fini(struct database *database)
{
    for (size_t i = 0; i < database->staging_count; i++) {
        release(&database->stagings[i]);
    }
    free(database->stagings);
    database->stagings = NULL;
    database->staging_count = 0;
}
