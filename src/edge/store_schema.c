#include "store_schema.h"

#include "core/log.h"

#include <sqlite3.h>

#include <string.h>
#include <sys/stat.h>

#define APPLICATION_ID 0x4F576368 /* "OWch" in the header of the file */
#define SMALL_FILE_BYTES (64 << 20)
#define AUTO_VACUUM_INCREMENTAL 2

struct migration {
    int version;
    const char *sql;
};

/* Never edited once released: a new version is a new row. */
static const struct migration migrations[] = {
    {1,
     /* Small, so that a start reads the whole of it; what is large waits in records. */
     "CREATE TABLE orders(source TEXT NOT NULL, id TEXT NOT NULL, record INTEGER NOT NULL,"
     " raw_fingerprint INTEGER NOT NULL, sequence INTEGER NOT NULL, has_left INTEGER NOT NULL,"
     " PRIMARY KEY(source, id)) WITHOUT ROWID;"
     "CREATE TABLE records(id INTEGER PRIMARY KEY, canonical BLOB NOT NULL,"
     " history BLOB NOT NULL);"
     "CREATE TABLE deadlines(source TEXT NOT NULL, order_id TEXT NOT NULL, kind INTEGER NOT NULL,"
     " key TEXT NOT NULL, due INTEGER NOT NULL, PRIMARY KEY(source, order_id, kind, key))"
     " WITHOUT ROWID;"
     "CREATE INDEX deadlines_due ON deadlines(source, due);"
     "CREATE TABLE named_values(key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
     "CREATE TABLE counters(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
     "INSERT INTO counters(name, value) VALUES('state_version', 0);"

     "CREATE TABLE events(id INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL UNIQUE,"
     " source TEXT NOT NULL, order_id TEXT NOT NULL, appointment_id TEXT NOT NULL,"
     " type TEXT NOT NULL, severity INTEGER NOT NULL, sequence INTEGER NOT NULL,"
     " wall_ms INTEGER NOT NULL, sweep INTEGER NOT NULL, json BLOB NOT NULL,"
     " personal BLOB NOT NULL, silence_id TEXT);"
     "CREATE INDEX events_order ON events(source, order_id, id);"

     /* state: 0 pending, 1 delivered, 2 parked, 3 dropped by the operator. Of a bundle that leaves
      * as one message the first row holds everything about it: attempts, due, progress, and
      * last_row, the last one that is part of it. The others name it as their leader. */
     "CREATE TABLE deliveries(id INTEGER PRIMARY KEY AUTOINCREMENT, sink TEXT NOT NULL,"
     " lane TEXT NOT NULL, bundle TEXT, event INTEGER NOT NULL REFERENCES events(id),"
     " severity INTEGER NOT NULL, state INTEGER NOT NULL, is_head INTEGER NOT NULL,"
     " is_retry INTEGER NOT NULL DEFAULT 0, due INTEGER NOT NULL,"
     " first_due INTEGER NOT NULL,"
     " attempts INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL, ended INTEGER,"
     " leader INTEGER, last_row INTEGER, progress TEXT NOT NULL DEFAULT '', detail TEXT);"
     "CREATE INDEX deliveries_event ON deliveries(event);"
     "CREATE INDEX deliveries_lane ON deliveries(sink, lane, id) WHERE state = 0;"
     "CREATE INDEX deliveries_head ON deliveries(sink, due, id) WHERE state = 0 AND is_head = 1;"
     "CREATE INDEX deliveries_retry ON deliveries(sink, due, id)"
     " WHERE state = 0 AND is_head = 1 AND is_retry = 1;"
     "CREATE INDEX deliveries_open ON deliveries(sink, state, id) WHERE state IN (0, 2);"
     "CREATE TABLE attempts(delivery INTEGER NOT NULL REFERENCES deliveries(id) ON DELETE CASCADE,"
     " number INTEGER NOT NULL, wall_ms INTEGER NOT NULL, detail TEXT,"
     " PRIMARY KEY(delivery, number)) WITHOUT ROWID;"
     "CREATE TABLE sinks(name TEXT PRIMARY KEY, observed INTEGER NOT NULL,"
     " delivered INTEGER NOT NULL, pending INTEGER NOT NULL, parked INTEGER NOT NULL)"
     " WITHOUT ROWID;"

     "CREATE TABLE states(sink TEXT NOT NULL, source TEXT NOT NULL, order_id TEXT NOT NULL,"
     " version INTEGER NOT NULL, is_stale INTEGER NOT NULL, published TEXT NOT NULL DEFAULT '',"
     " PRIMARY KEY(sink, source, order_id)) WITHOUT ROWID;"
     "CREATE INDEX states_stale ON states(sink, version) WHERE is_stale = 1;"
     "CREATE TABLE state_sinks(source TEXT NOT NULL, sink TEXT NOT NULL,"
     " PRIMARY KEY(source, sink)) WITHOUT ROWID;"},
    {2, "ALTER TABLE state_sinks ADD COLUMN shape INTEGER NOT NULL DEFAULT 0;"},
    {3, "ALTER TABLE sinks ADD COLUMN silenced INTEGER NOT NULL DEFAULT 0;"},
    {4,
     /* is_whole: the broker may have nothing of it. is_refused: it did not take all of it. */
     "ALTER TABLE states ADD COLUMN is_whole INTEGER NOT NULL DEFAULT 1;"
     "ALTER TABLE states ADD COLUMN is_refused INTEGER NOT NULL DEFAULT 0;"
     "CREATE INDEX states_refused ON states(sink, version) WHERE is_refused = 1;"},
    {5,
     /* By their due only; which ones an order has stands with its record, which is written when
      * they change: kind, due, the key's size and the key of each (store_deadlines.c). */
     "ALTER TABLE records ADD COLUMN deadlines BLOB NOT NULL DEFAULT x'';"
     "UPDATE records SET deadlines = planned.bytes FROM (SELECT o.record AS record,"
     " group_concat(d.kind || ' ' || d.due || ' ' || length(CAST(d.key AS BLOB)) || ':' || d.key,"
     " '') AS bytes FROM deadlines d JOIN orders o ON o.source = d.source AND o.id = d.order_id"
     " GROUP BY o.record) AS planned WHERE id = planned.record;"
     "CREATE TABLE by_due(source TEXT NOT NULL, due INTEGER NOT NULL, order_id TEXT NOT NULL,"
     " kind INTEGER NOT NULL, key TEXT NOT NULL, PRIMARY KEY(source, due, order_id, kind, key))"
     " WITHOUT ROWID;"
     "INSERT INTO by_due SELECT d.source, d.due, d.order_id, d.kind, d.key FROM deadlines d"
     " JOIN orders o ON o.source = d.source AND o.id = d.order_id ORDER BY 1, 2, 3, 4, 5;"
     "DROP TABLE deadlines;"
     "ALTER TABLE by_due RENAME TO deadlines;"},
};

#define VERSION_NEWEST (migrations[ARRAY_COUNT(migrations) - 1].version)

static enum status fail_damaged(struct failure *why, const char *path, const char *what)
{
    return fail(why, STATUS_CORRUPT,
                "%s: %s; restore it from a backup, or move it away to begin with a new baseline",
                path, what);
}

static enum status fail_sqlite(struct failure *why, const char *path, sqlite3 *handle)
{
    int code = sqlite3_errcode(handle);
    if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT) {
        return fail_damaged(why, path, sqlite3_errmsg(handle));
    }
    if (code == SQLITE_BUSY) {
        return fail(why, STATUS_BUSY, "%s: another program has it open; close that one", path);
    }
    enum status status = code == SQLITE_FULL ? STATUS_FULL : STATUS_UNAVAILABLE;
    return fail(why, status, "%s: %s; check the disk and the rights of its folder", path,
                sqlite3_errmsg(handle));
}

static int keep_number(void *arg, int count, char **values, char **names)
{
    (void)names;
    int *number = arg;
    *number = 0;
    for (const char *digit = count == 1 && values[0] != NULL ? values[0] : ""; *digit != '\0';
         digit++) {
        *number = *number * 10 + (*digit - '0');
    }
    return 0;
}

static int keep_words(void *arg, int count, char **values, char **names)
{
    (void)names;
    char *words = arg; /* of 128 bytes */
    if (count == 1 && values[0] != NULL && words[0] == '\0') {
        strncpy(words, values[0], 127);
    }
    return 0;
}

static enum status check_identity(sqlite3 *handle, const char *path, int *version,
                                  struct failure *why)
{
    int application = 0;
    int table_count = 0;
    if (sqlite3_exec(handle, "PRAGMA application_id", keep_number, &application, NULL) ||
        sqlite3_exec(handle, "PRAGMA user_version", keep_number, version, NULL) ||
        sqlite3_exec(handle, "SELECT count(*) FROM sqlite_schema", keep_number, &table_count,
                     NULL)) {
        return fail_sqlite(why, path, handle);
    }
    bool is_new = application == 0 && *version == 0 && table_count == 0;
    if (!is_new && application != APPLICATION_ID) {
        return fail_damaged(why, path, "it is a database, but not of orderwatch");
    }
    if (*version > VERSION_NEWEST) {
        return fail(why, STATUS_INVALID,
                    "%s: written by a newer orderwatch (schema %d, this one knows %d) and left "
                    "untouched; run that version, or restore the backup made before the upgrade",
                    path, *version, VERSION_NEWEST);
    }
    return STATUS_OK;
}

static enum status check_pages(sqlite3 *handle, const char *path, struct failure *why)
{
    char words[128] = "";
    if (sqlite3_exec(handle, "PRAGMA quick_check(1)", keep_words, words, NULL)) {
        return fail_sqlite(why, path, handle);
    }
    return strcmp(words, "ok") == 0 ? STATUS_OK : fail_damaged(why, path, words);
}

/* Every step and the new version's number, in one transaction: the file is of the old version or of
 * the new one, whatever happens in between. */
static enum status migrate(sqlite3 *handle, const char *path, int version, struct failure *why)
{
    char *stamp = sqlite3_mprintf("PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
                                  APPLICATION_ID, VERSION_NEWEST);
    CHECK(stamp != NULL);
    bool is_good = sqlite3_exec(handle, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK;
    for (size_t i = 0; is_good && i < ARRAY_COUNT(migrations); i++) {
        is_good = migrations[i].version <= version ||
                  sqlite3_exec(handle, migrations[i].sql, NULL, NULL, NULL) == SQLITE_OK;
    }
    is_good = is_good && sqlite3_exec(handle, stamp, NULL, NULL, NULL) == SQLITE_OK;
    enum status status = is_good ? STATUS_OK : fail_sqlite(why, path, handle);
    if (!is_good && !sqlite3_get_autocommit(handle)) {
        (void)sqlite3_exec(handle, "ROLLBACK", NULL, NULL, NULL);
    }
    sqlite3_free(stamp);
    return status;
}

static bool is_small(const char *path)
{
    struct stat facts;
    return stat(path, &facts) != 0 || facts.st_size <= SMALL_FILE_BYTES;
}

/* Pages that are free can be given back only by a file that was made so. An older one is made anew,
 * if that takes no time to speak of; a large one uses its free pages again and keeps them. */
static enum status prepare_pages(sqlite3 *handle, const char *path, int version,
                                 struct failure *why)
{
    int mode = 0;
    if (sqlite3_exec(handle, "PRAGMA auto_vacuum", keep_number, &mode, NULL)) {
        return fail_sqlite(why, path, handle);
    }
    if (mode == AUTO_VACUUM_INCREMENTAL || (version != 0 && !is_small(path))) {
        return STATUS_OK;
    }
    const char *sql = version == 0 ? "PRAGMA auto_vacuum = INCREMENTAL"
                                   : "PRAGMA auto_vacuum = INCREMENTAL; VACUUM";
    return sqlite3_exec(handle, sql, NULL, NULL, NULL) == SQLITE_OK
               ? STATUS_OK
               : fail_sqlite(why, path, handle);
}

enum status schema_prepare(struct sqlite3 *handle, const char *path, bool is_suspect,
                           struct failure *why)
{
    int version = 0;
    enum status status = check_identity(handle, path, &version, why);
    if (status == STATUS_OK && (is_suspect || is_small(path))) {
        status = check_pages(handle, path, why);
    }
    if (status == STATUS_OK) {
        status = prepare_pages(handle, path, version, why);
    }
    if (status == STATUS_OK && version < VERSION_NEWEST) {
        status = migrate(handle, path, version, why);
        if (status == STATUS_OK && version != 0) {
            LOG_INFO("state_migrated", log_text("database", path), log_number("from", version),
                     log_number("to", VERSION_NEWEST));
        }
    }
    return status;
}
