#include "store_database.h"

#include "store_file.h"
#include "store_schema.h"

#include <sqlite3.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A checkpoint after so many pages of log, as soon as nobody asks for anything, so that no answer
 * waits for it; only a log that grew long does not wait for that. */
#define CHECKPOINT_FRAMES 1000
#define CHECKPOINT_FRAMES_LONG 8000

/* Checkpoints are ours (database_tidy): the automatic ones forget their errors. The caches hold
 * what a sweep with some thousands of changes touches: beyond them pages leave for the log before
 * their transaction ends, and each that changes again has the log's checksums computed anew. */
static const char *const settings =
    "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;"
    "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 16777216; PRAGMA mmap_size = 0;"
    "PRAGMA cache_size = -16384; PRAGMA temp_store = FILE; PRAGMA foreign_keys = ON;"
    /* What is forgotten is personal data: it is overwritten, free pages too. */
    "PRAGMA cell_size_check = ON; PRAGMA secure_delete = ON;"
    /* What a large sweep sets aside; id holds the staging and the place in it. Never synced, and of
     * a file that has no name: nobody reads what was deleted in it. */
    "CREATE TEMP TABLE staged(id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);"
    "PRAGMA temp.cache_size = -2048; PRAGMA temp.secure_delete = OFF";

bool database_is_ok(const struct database *database)
{
    return database->failure.status == STATUS_OK;
}

enum status database_fail(struct database *database, enum status status, const char *format, ...)
{
    if (!database_is_ok(database)) {
        return database->failure.status;
    }
    char words[sizeof database->failure.detail];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    return fail(&database->failure, status, "%s: %s", database->path, words);
}

/* From here on nothing is written and nothing read: what the disk holds is no longer certain, and
 * only a fresh start with its checks may say what is true. */
static void stop_for_good(struct database *database, enum status status, const char *words)
{
    (void)database_fail(database, status,
                        "%s; nothing more is written; restart orderwatch when the disk is sound, "
                        "the start checks the file",
                        words);
    database->stop = database->failure;
    atomic_store(&database->has_failed, true);
}

static bool is_out_of_room(struct database *database, int code)
{
    if ((code & 0xff) == SQLITE_FULL) {
        return true;
    }
    int reason = sqlite3_system_errno(database->handle);
    return code == SQLITE_IOERR_WRITE && (reason == ENOSPC || reason == EDQUOT || reason == EFBIG);
}

static void note_error(struct database *database, int code)
{
    const char *words = sqlite3_errmsg(database->handle);
    if (is_out_of_room(database, code)) {
        (void)database_fail(database, STATUS_FULL,
                            "no space left on the disk; make room, it goes on by itself");
        if (database->file != NULL) {
            state_file_release_reserve(database->file);
        }
        return;
    }
    switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        stop_for_good(database, STATUS_CORRUPT, words);
        return;
    case SQLITE_IOERR:
        if (code != SQLITE_IOERR_NOMEM) {
            stop_for_good(database, STATUS_UNAVAILABLE, words);
            return;
        }
        break;
    default:
        break;
    }
    (void)database_fail(database, STATUS_UNAVAILABLE, "%s", words);
}

struct sqlite3_stmt *database_statement(struct database *database, enum statement statement)
{
    return database_is_ok(database) ? database->statements[statement] : NULL;
}

void bind_number(struct sqlite3_stmt *statement, int parameter, int64_t number)
{
    if (statement != NULL) {
        CHECK(sqlite3_bind_int64(statement, parameter, number) == SQLITE_OK);
    }
}

void bind_text(struct sqlite3_stmt *statement, int parameter, const char *text)
{
    if (statement != NULL) {
        CHECK(sqlite3_bind_text(statement, parameter, text, -1, SQLITE_STATIC) == SQLITE_OK);
    }
}

void bind_bytes(struct sqlite3_stmt *statement, int parameter, struct span bytes)
{
    if (statement != NULL) {
        /* A blob of no bytes, where NULL would mean the SQL NULL. */
        const char *data = bytes.data != NULL ? bytes.data : "";
        CHECK(sqlite3_bind_blob64(statement, parameter, data, bytes.size, SQLITE_STATIC) ==
              SQLITE_OK);
    }
}

void statement_reset(struct sqlite3_stmt *statement)
{
    if (statement != NULL) {
        (void)sqlite3_reset(statement); /* repeats the error of the step, which has been noted */
        (void)sqlite3_clear_bindings(statement);
    }
}

bool database_next(struct database *database, struct sqlite3_stmt *statement)
{
    if (statement == NULL) {
        return false;
    }
    if (!database_is_ok(database)) {
        statement_reset(statement);
        return false;
    }
    atomic_fetch_add_explicit(&database->step_count, 1, memory_order_relaxed);
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        return true;
    }
    if (code != SQLITE_DONE) {
        note_error(database, sqlite3_extended_errcode(database->handle));
    }
    statement_reset(statement);
    return false;
}

int64_t database_run(struct database *database, struct sqlite3_stmt *statement)
{
    if (statement == NULL) {
        return 0;
    }
    while (database_next(database, statement)) {
    }
    return database_is_ok(database) ? sqlite3_changes64(database->handle) : 0;
}

int64_t database_last_row(struct database *database)
{
    return sqlite3_last_insert_rowid(database->handle);
}

int64_t column_number(struct sqlite3_stmt *statement, int column)
{
    return sqlite3_column_int64(statement, column);
}

bool column_is_null(struct sqlite3_stmt *statement, int column)
{
    return sqlite3_column_type(statement, column) == SQLITE_NULL;
}

const char *column_text(struct sqlite3_stmt *statement, int column)
{
    return (const char *)sqlite3_column_text(statement, column);
}

struct span column_bytes(struct sqlite3_stmt *statement, int column)
{
    const char *data = sqlite3_column_blob(statement, column);
    return (struct span){.data = data, .size = (size_t)sqlite3_column_bytes(statement, column)};
}

static double steady_seconds(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void database_begin(struct database *database)
{
    database->failure = database->stop;
    (void)database_run(database, database_statement(database, STATEMENT_BEGIN));
}

enum status database_end(struct database *database)
{
    bool has_written = sqlite3_txn_state(database->handle, NULL) == SQLITE_TXN_WRITE;
    double began_s = steady_seconds();
    (void)database_run(database, database_statement(database, STATEMENT_COMMIT));
    database->commit_s = has_written && database_is_ok(database) ? steady_seconds() - began_s : -1;
    if (!database_is_ok(database) && !sqlite3_get_autocommit(database->handle)) {
        /* Not through database_run, which does nothing after a failure. */
        (void)sqlite3_step(database->statements[STATEMENT_ROLLBACK]);
        (void)sqlite3_reset(database->statements[STATEMENT_ROLLBACK]);
    }
    return database->failure.status;
}

bool database_has_room(struct database *database)
{
    return database->file == NULL || state_file_keep_reserve(database->file);
}

bool database_wants_checkpoint(const struct database *database)
{
    return database->wal_frame_count >= CHECKPOINT_FRAMES && !atomic_load(&database->has_failed);
}

static void checkpoint(struct database *database, int mode)
{
    database->wal_frame_count = 0; /* on failure the next commit counts again */
    database->failure = (struct failure){.status = STATUS_OK};
    if (sqlite3_wal_checkpoint_v2(database->handle, NULL, mode, NULL, NULL) != SQLITE_OK) {
        note_error(database, sqlite3_extended_errcode(database->handle));
    }
}

void database_tidy(struct database *database, bool is_quiet)
{
    if (atomic_load(&database->has_failed)) {
        return;
    }
    if (database->wal_frame_count >= (is_quiet ? CHECKPOINT_FRAMES : CHECKPOINT_FRAMES_LONG)) {
        checkpoint(database, SQLITE_CHECKPOINT_PASSIVE);
    }
    (void)database_has_room(database);
}

void database_wipe_log(struct database *database)
{
    if (!atomic_load(&database->has_failed)) {
        checkpoint(database, SQLITE_CHECKPOINT_TRUNCATE);
    }
}

static int on_logged(void *arg, sqlite3 *handle, const char *name, int frame_count)
{
    (void)handle;
    struct database *database = arg;
    if (strcmp(name, "main") == 0) {
        database->wal_frame_count = frame_count;
    }
    return SQLITE_OK;
}

static void harden(sqlite3 *handle)
{
    static const struct {
        int option, value;
    } options[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},
        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
        {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
        {SQLITE_DBCONFIG_DQS_DDL, 0},
        {SQLITE_DBCONFIG_DQS_DML, 0},
        /* Until the file is known to be ours, closing must not touch it. */
        {SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1},
    };
    for (size_t i = 0; i < ARRAY_COUNT(options); i++) {
        CHECK(sqlite3_db_config(handle, options[i].option, options[i].value, NULL) == SQLITE_OK);
    }
    (void)sqlite3_extended_result_codes(handle, 1);
    (void)sqlite3_busy_timeout(handle, 2000);
    /* Nobody else can write or checkpoint this file while we have it, which this version of SQLite
     * needs to be safe; and, set before the first look, the log's index needs no shared memory. */
    CHECK(sqlite3_exec(handle, "PRAGMA locking_mode = EXCLUSIVE", NULL, NULL, NULL) == SQLITE_OK);
}

static enum status fail_open(struct database *database, struct failure *why)
{
    enum status status = STATUS_UNAVAILABLE;
    int code = sqlite3_errcode(database->handle);
    if (code == SQLITE_FULL) {
        status = STATUS_FULL;
    } else if (code == SQLITE_BUSY) {
        status = STATUS_BUSY;
    }
    return fail(why, status, "%s: %s; check the disk and the rights of its folder", database->path,
                sqlite3_errmsg(database->handle));
}

static enum status prepare_statements(struct database *database, struct failure *why)
{
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        int code = sqlite3_prepare_v3(database->handle, statement_text((enum statement)i)->sql, -1,
                                      SQLITE_PREPARE_PERSISTENT, &database->statements[i], NULL);
        if (code != SQLITE_OK) {
            return fail_open(database, why);
        }
    }
    return STATUS_OK;
}

static enum status open_handle(struct database *database, struct failure *why)
{
    bool is_suspect = database->file != NULL && state_file_has_log(database->file);
    int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    if (sqlite3_open_v2(database->path, &database->handle, flags, NULL) != SQLITE_OK) {
        return fail_open(database, why);
    }
    harden(database->handle);
    enum status status = schema_prepare(database->handle, database->path, is_suspect, why);
    if (status != STATUS_OK) {
        return status;
    }
    (void)sqlite3_db_config(database->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    if (sqlite3_exec(database->handle, settings, NULL, NULL, NULL) != SQLITE_OK) {
        return fail_open(database, why);
    }
    (void)sqlite3_wal_hook(database->handle, on_logged, database);
    return prepare_statements(database, why);
}

enum status database_open(struct database *database, const char *path, struct failure *why)
{
    database->path = alloc_text(path);
    enum status status = STATUS_OK;
    if (strcmp(path, ":memory:") != 0) {
        status = state_file_open(path, &database->file, why);
    }
    if (status == STATUS_OK) {
        status = open_handle(database, why);
    }
    if (status != STATUS_OK) {
        database_close(database);
        return status;
    }
    (void)database_has_room(database); /* makes the reserve */
    return STATUS_OK;
}

void database_close(struct database *database)
{
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        (void)sqlite3_finalize(database->statements[i]);
        database->statements[i] = NULL;
    }
    if (database->handle != NULL && atomic_load(&database->has_failed)) {
        (void)sqlite3_db_config(database->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    }
    CHECK(sqlite3_close(database->handle) == SQLITE_OK);
    database->handle = NULL;
    state_file_close(database->file);
    database->file = NULL;
    free(database->path);
    database->path = NULL;
}
