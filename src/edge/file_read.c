#include "edge/file_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum status fail_with_errno(struct failure *why, const char *path, int code)
{
    char reason[128];
    enum status status = code == ENOENT ? STATUS_NOT_FOUND : STATUS_UNAVAILABLE;
    return fail(why, status, "%s: cannot be read: %s; accepted: a file that this user can read",
                path, strerror_r(code, reason, sizeof reason));
}

/* Opening must not wait for the other end of a pipe. */
static enum status open_file(const char *path, int *descriptor, struct stat *facts,
                             struct failure *why)
{
    int opened = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (opened < 0) {
        return fail_with_errno(why, path, errno);
    }
    if (fstat(opened, facts) != 0 || S_ISDIR(facts->st_mode)) {
        enum status status = fail_with_errno(why, path, EISDIR);
        (void)close(opened);
        return status;
    }
    *descriptor = opened;
    return STATUS_OK;
}

static enum status read_all(int descriptor, const char *path, struct text *out, struct failure *why)
{
    char chunk[4096];
    enum status status = STATUS_OK;
    while (status == STATUS_OK) {
        ssize_t size = read(descriptor, chunk, sizeof chunk);
        if (size == 0) {
            break;
        }
        if (size > 0) {
            text_add(out, (struct span){.data = chunk, .size = (size_t)size});
            status = out->status;
        } else if (errno != EINTR) {
            status = fail_with_errno(why, path, errno);
        }
    }
    explicit_bzero(chunk, sizeof chunk);
    if (status == STATUS_TOO_LARGE) {
        return fail(why, status, "%s: is too large; accepted: up to %zu bytes", path,
                    out->size_max);
    }
    return status;
}

enum status file_read(const char *path, struct text *out, struct failure *why)
{
    struct stat facts = {0};
    int descriptor = -1;
    enum status status = open_file(path, &descriptor, &facts, why);
    if (status != STATUS_OK) {
        return status;
    }
    /* Once open, a pipe (-c <(…)) is read to its end. */
    (void)fcntl(descriptor, F_SETFL, 0);
    status = read_all(descriptor, path, out, why);
    (void)close(descriptor);
    return status;
}

enum status file_is_readable(const char *path, struct failure *why)
{
    struct stat facts = {0};
    int descriptor = -1;
    enum status status = open_file(path, &descriptor, &facts, why);
    if (status == STATUS_OK) {
        (void)close(descriptor);
    }
    return status;
}

/* systemd gives credentials to a dynamic user by an access list, which shows as group bits. */
static bool is_credential(const char *path)
{
    const char *folder = secure_getenv("CREDENTIALS_DIRECTORY");
    size_t size = folder != NULL ? strlen(folder) : 0;
    return size != 0 && strncmp(path, folder, size) == 0 && path[size] == '/' &&
           strstr(path + size, "/../") == NULL;
}

static enum status check_secret_file(const char *path, const struct stat *facts,
                                     struct failure *why)
{
    mode_t forbidden = is_credential(path) ? 0007 : 0077;
    if (!S_ISREG(facts->st_mode)) {
        return fail(why, STATUS_INVALID, "%s: is not a regular file; accepted: a file of mode 0600",
                    path);
    }
    if ((facts->st_mode & forbidden) != 0) {
        return fail(why, STATUS_INVALID,
                    "%s: has mode %04o, so that others than its owner can use it; accepted: mode "
                    "0600 or 0400 (chmod 0600 %s)",
                    path, (unsigned)(facts->st_mode & 07777), path);
    }
    return STATUS_OK;
}

static enum status keep_first_line(const char *path, struct text *out, struct failure *why)
{
    const char *end = out->size != 0 ? memchr(out->data, '\n', out->size) : NULL;
    size_t size = end != NULL ? (size_t)(end - out->data) : out->size;
    if (size > 0 && out->data[size - 1] == '\r') {
        size--;
    }
    if (size == 0) {
        return fail(why, STATUS_INVALID, "%s: has an empty first line; accepted: the secret there",
                    path);
    }
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)out->data[i] < 0x20 || out->data[i] == 0x7f) {
            return fail(why, STATUS_INVALID,
                        "%s: holds a control character; accepted: one line of text", path);
        }
    }
    explicit_bzero(out->data + size, out->size - size);
    out->size = size;
    return STATUS_OK;
}

enum status file_read_secret(const char *path, struct text *out, struct failure *why)
{
    struct stat facts = {0};
    int descriptor = -1;
    enum status status = open_file(path, &descriptor, &facts, why);
    if (status != STATUS_OK) {
        return status;
    }
    status = check_secret_file(path, &facts, why);
    if (status == STATUS_OK) {
        status = read_all(descriptor, path, out, why);
    }
    (void)close(descriptor);
    return status == STATUS_OK ? keep_first_line(path, out, why) : status;
}
