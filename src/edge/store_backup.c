#include "store_internal.h"

#include <sqlite3.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Pages copied between two other jobs: about a megabyte. */
#define PAGES_A_STEP 256

struct backup_job {
    struct write_job write;
    const char *path, *part_path; /* NULL: not begun */
    sqlite3 *copy;
    sqlite3_backup *backup;
    enum status status; /* of the copy; the database itself is fine */
    const char *detail;
};

static void fail_backup(struct backup_job *backup, enum status status, const char *what)
{
    if (backup->status == STATUS_OK) {
        backup->status = status;
        const char *path = backup->path != NULL ? backup->path : "backup";
        backup->detail = arena_format(backup->write.job.arena, "%s: %s", path, what);
    }
}

static void fail_errno(struct backup_job *backup, int code)
{
    char words[128];
    fail_backup(backup, code == ENOSPC ? STATUS_FULL : STATUS_UNAVAILABLE,
                strerror_r(code, words, sizeof words));
}

static int64_t size_of(const char *path)
{
    struct stat facts;
    return stat(path, &facts) == 0 ? facts.st_size : 0;
}

/* A copy that fills the disk takes from the daemon what it writes on: none is begun that cannot
 * fit, whatever the log beside the state still adds. */
static bool has_room(const struct database *database, struct backup_job *backup)
{
    struct arena *arena = backup->write.job.arena;
    int64_t wanted =
        size_of(database->path) + size_of(arena_format(arena, "%s-wal", database->path));
    struct statvfs disk;
    if (statvfs(database->path, &disk) != 0) {
        return true; /* the copy itself tells what is wrong */
    }
    int64_t room = (int64_t)disk.f_bavail * (int64_t)disk.f_frsize;
    if (room < wanted) {
        fail_backup(backup, STATUS_FULL,
                    arena_format(arena,
                                 "no room on the disk of the state for a copy beside it: "
                                 "it takes %lld bytes, and there are %lld; make room",
                                 (long long)wanted, (long long)room));
    }
    return room >= wanted;
}

/* The copy is made beside its place, private from the first byte. It needs no journal of its own:
 * half a copy is none. */
static void begin(struct database *database, struct backup_job *backup)
{
    if (database->file == NULL) {
        fail_backup(backup, STATUS_INVALID, "the state is in memory only, there is no file");
        return;
    }
    if (database->is_backed_up) {
        fail_backup(backup, STATUS_BUSY, "another backup is being made; try again");
        return;
    }
    backup->path = arena_format(backup->write.job.arena, "%s.backup", database->path);
    if (!has_room(database, backup)) {
        return;
    }
    database->is_backed_up = true;
    backup->part_path = arena_format(backup->write.job.arena, "%s.part", backup->path);
    int part = open(backup->part_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (part < 0) {
        fail_errno(backup, errno);
        return;
    }
    (void)close(part);
    if (sqlite3_open_v2(backup->part_path, &backup->copy, SQLITE_OPEN_READWRITE, NULL) ==
        SQLITE_OK) {
        (void)sqlite3_exec(backup->copy, "PRAGMA journal_mode = OFF", NULL, NULL, NULL);
        backup->backup = sqlite3_backup_init(backup->copy, "main", database->handle, "main");
    }
    if (backup->backup == NULL) {
        fail_backup(backup, STATUS_UNAVAILABLE, sqlite3_errmsg(backup->copy));
    }
}

/* What has this name is on the disk, and so is the name. */
static void put_in_place(struct backup_job *backup)
{
    int part = open(backup->part_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    const char *slash = strrchr(backup->path, '/');
    const char *folder_path = arena_format(backup->write.job.arena, "%.*s/.",
                                           slash != NULL ? (int)(slash - backup->path) : 1,
                                           slash != NULL ? backup->path : ".");
    int folder = open(folder_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (part < 0 || folder < 0 || fsync(part) != 0 ||
        rename(backup->part_path, backup->path) != 0 || fsync(folder) != 0) {
        fail_errno(backup, errno);
    }
    if (part >= 0) {
        (void)close(part);
    }
    if (folder >= 0) {
        (void)close(folder);
    }
}

static void end(struct database *database, struct backup_job *backup)
{
    (void)sqlite3_backup_finish(backup->backup);
    (void)sqlite3_close(backup->copy);
    backup->backup = NULL;
    backup->copy = NULL;
    if (backup->part_path == NULL) {
        return; /* not begun */
    }
    database->is_backed_up = false;
    if (backup->status == STATUS_OK) {
        put_in_place(backup);
    }
    if (backup->status != STATUS_OK) {
        (void)unlink(backup->part_path);
    }
}

static void run_backup(struct database *database, struct job *job)
{
    struct backup_job *backup = (struct backup_job *)job;
    if (backup->backup == NULL) {
        begin(database, backup);
    }
    job->goes_on = false;
    if (!database_is_ok(database)) {
        fail_backup(backup, STATUS_UNAVAILABLE, database->failure.detail);
    }
    if (backup->status == STATUS_OK) {
        int code = sqlite3_backup_step(backup->backup, PAGES_A_STEP);
        job->goes_on = code == SQLITE_OK;
        if (code != SQLITE_OK && code != SQLITE_DONE) {
            fail_backup(backup, code == SQLITE_FULL ? STATUS_FULL : STATUS_UNAVAILABLE,
                        sqlite3_errstr(code));
        }
    }
    if (!job->goes_on) {
        end(database, backup);
    }
}

/* What went wrong with the copy is no error of the transaction around it. */
static void end_backup(struct database *database, struct job *job)
{
    (void)database;
    const struct backup_job *backup = (const struct backup_job *)job;
    if (job->status == STATUS_OK) {
        job->status = backup->status;
        job->detail = backup->status == STATUS_OK ? backup->path : backup->detail;
    }
}

void store_backup(struct store *store, store_done_fn *on_done, void *arg)
{
    struct backup_job *backup =
        (struct backup_job *)write_job_create(sizeof *backup, run_backup, on_done, arg);
    backup->write.job.ended = end_backup;
    store_ask(store, &backup->write.job);
}
