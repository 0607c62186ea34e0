#include "store_file.h"

#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define RESERVE_BYTES_MIN (64 << 10)

struct state_file {
    int lock; /* descriptor */
    char *reserve_path, *log_path;
    bool has_reserve;
};

static char *beside(const char *path, const char *ending)
{
    struct text text;
    text_init(&text, 8192);
    text_add_text(&text, path);
    text_add_text(&text, ending);
    return text_take(&text);
}

static enum status fail_errno(struct failure *why, const char *path, const char *what, int code)
{
    char words[128];
    return fail(why, STATUS_UNAVAILABLE, "%s: %s: %s; its folder must exist and be writable", path,
                what, strerror_r(code, words, sizeof words));
}

static enum status lock_take(const char *lock_path, int *out, struct failure *why)
{
    int lock = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0) {
        return fail_errno(why, lock_path, "cannot be opened", errno);
    }
    if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        int code = errno;
        (void)close(lock);
        if (code != EWOULDBLOCK) {
            return fail_errno(why, lock_path, "cannot be locked", code);
        }
        return fail(why, STATUS_BUSY,
                    "%s: another orderwatch runs on this state; stop it, or give this one a "
                    "state.database of its own",
                    lock_path);
    }
    *out = lock;
    return STATUS_OK;
}

/* SQLite gives the files it makes the mode of the database file, so that one is made by us. */
static enum status make_private(const char *path, struct failure *why)
{
    int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) {
        return fail_errno(why, path, "cannot be opened", errno);
    }
    (void)close(descriptor);
    return STATUS_OK;
}

enum status state_file_open(const char *path, struct state_file **out, struct failure *why)
{
    char *lock_path = beside(path, ".lock");
    int lock = -1;
    enum status status = lock_take(lock_path, &lock, why);
    free(lock_path);
    if (status == STATUS_OK) {
        status = make_private(path, why);
    }
    if (status != STATUS_OK) {
        if (lock >= 0) {
            (void)close(lock);
        }
        return status;
    }
    struct state_file *file = alloc(sizeof *file);
    file->lock = lock;
    file->reserve_path = beside(path, ".reserve");
    file->log_path = beside(path, "-wal");
    *out = file;
    return STATUS_OK;
}

void state_file_close(struct state_file *file)
{
    if (file == NULL) {
        return;
    }
    (void)close(file->lock);
    free(file->reserve_path);
    free(file->log_path);
    free(file);
}

bool state_file_has_log(const struct state_file *file)
{
    struct stat facts;
    return stat(file->log_path, &facts) == 0 && facts.st_size > 0;
}

/* A sixteenth of a small disk, so that a small disk can be used at all. */
static uint64_t reserve_bytes(const struct statvfs *facts)
{
    uint64_t share = (uint64_t)facts->f_blocks * facts->f_frsize / 16;
    if (share > RESERVE_BYTES) {
        return RESERVE_BYTES;
    }
    return share > RESERVE_BYTES_MIN ? share : RESERVE_BYTES_MIN;
}

bool state_file_keep_reserve(struct state_file *file)
{
    if (file->has_reserve) {
        return true;
    }
    int descriptor = open(file->reserve_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0) {
        return false;
    }
    struct statvfs disk;
    struct stat facts;
    if (fstatvfs(descriptor, &disk) == 0 && fstat(descriptor, &facts) == 0) {
        uint64_t wanted = reserve_bytes(&disk);
        uint64_t held = (uint64_t)facts.st_blocks * 512;
        uint64_t free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize + held;
        file->has_reserve = held >= wanted || (free_bytes >= 2 * wanted &&
                                               posix_fallocate(descriptor, 0, (off_t)wanted) == 0);
    }
    (void)close(descriptor);
    if (!file->has_reserve) {
        (void)unlink(file->reserve_path);
    }
    return file->has_reserve;
}

void state_file_release_reserve(struct state_file *file)
{
    (void)unlink(file->reserve_path);
    file->has_reserve = false;
}
