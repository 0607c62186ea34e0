/* One SQLite connection: prepared statements, transactions, and what its errors mean. Errors stick
 * to the operation under way: everything after the first one does nothing, and database_end tells.
 */
#ifndef EDGE_STORE_DATABASE_H
#define EDGE_STORE_DATABASE_H

#include "core/ports.h"
#include "store_statements.h"

#include <stdatomic.h>

struct sqlite3;
struct sqlite3_stmt;
struct state_file;
struct sink_tally;
struct staging;
struct state_pair;

struct database {
    struct sqlite3 *handle;
    struct sqlite3_stmt *statements[STATEMENT_COUNT];
    char *path;
    struct state_file *file; /* NULL: in memory */
    struct failure failure;  /* of the operation under way; STATUS_OK: none */
    struct failure stop;     /* the error after which nothing is done any more */
    atomic_bool has_failed;  /* read by the loop thread, as is the next */
    atomic_ullong step_count;
    double commit_s; /* how long the latest COMMIT of something written took; below 0: none */
    int wal_frame_count;
    struct staging *stagings; /* store_staging.c */
    size_t staging_count;
    int64_t last_staging;
    struct sink_tally *tallies; /* store_counts.c */
    size_t tally_count;
    struct state_pair *state_pairs; /* store_state.c */
    size_t state_pair_count;
    int64_t mark_version;
    bool is_backed_up;     /* store_backup.c: a copy is being made */
    int64_t forgotten_row; /* store_forget.c: where its next step begins */
    bool has_forgotten;    /* and the log still has it */
};

/* Opens, verifies, migrates and prepares; on failure nothing is left open. */
enum status database_open(struct database *database, const char *path,
                          struct failure *why) MUST_CHECK;
void database_close(struct database *database); /* checkpoints if it can */

void database_begin(struct database *database);
enum status database_end(struct database *database); /* commits, or rolls back what failed */
bool database_is_ok(const struct database *database);
enum status database_fail(struct database *database, enum status status, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* Between jobs: the reserve, and the checkpoint when its time has come. is_quiet: nobody waits. */
void database_tidy(struct database *database, bool is_quiet);
/* After what was forgotten is gone from the tables: from the log, too. Between jobs. */
void database_wipe_log(struct database *database);
bool database_wants_checkpoint(const struct database *database);
bool database_has_room(struct database *database); /* false: what is left serves deliveries only */

/* Ready to bind; NULL after a failure, which all of the following accept. */
struct sqlite3_stmt *database_statement(struct database *database, enum statement statement);
void bind_number(struct sqlite3_stmt *statement, int parameter, int64_t number);
void bind_text(struct sqlite3_stmt *statement, int parameter, const char *text); /* not copied */
void bind_bytes(struct sqlite3_stmt *statement, int parameter, struct span bytes);
/* One more row; false at the end and after a failure, and the statement is ready again. */
bool database_next(struct database *database, struct sqlite3_stmt *statement);
int64_t database_run(struct database *database, struct sqlite3_stmt *statement); /* rows changed */
int64_t database_last_row(struct database *database); /* the one just inserted */
void statement_reset(struct sqlite3_stmt *statement); /* leaves a loop over rows early */

/* Columns: valid until the next row. */
int64_t column_number(struct sqlite3_stmt *statement, int column);
bool column_is_null(struct sqlite3_stmt *statement, int column);
const char *column_text(struct sqlite3_stmt *statement, int column); /* NULL stays NULL */
struct span column_bytes(struct sqlite3_stmt *statement, int column);

#endif
