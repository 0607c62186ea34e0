#include "edge/hub_folder.h"

#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES_MAX 4096

static enum status fail_with(const char *path, struct failure *why)
{
    char reason[128];
    enum status status = errno == ENOENT   ? STATUS_NOT_FOUND
                         : errno == ENOSPC ? STATUS_FULL
                                           : STATUS_UNAVAILABLE;
    return fail(why, status, "%.200s: %s", path, strerror_r(errno, reason, sizeof reason));
}

/* A name in a folder lasts once the folder was synced. */
static enum status sync_folder(const char *folder, struct failure *why)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is_synced = fd >= 0 && fsync(fd) == 0;
    enum status status = is_synced ? STATUS_OK : fail_with(folder, why);
    if (fd >= 0) {
        (void)close(fd);
    }
    return status;
}

static bool write_whole(const char *path, struct span bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return false;
    }
    bool is_whole = write(fd, bytes.data, bytes.size) == (ssize_t)bytes.size && fsync(fd) == 0;
    return close(fd) == 0 && is_whole;
}

static enum status keep(const char *folder, const char *id, struct span yaml, struct failure *why)
{
    char path[PATH_BYTES_MAX];
    char part_path[PATH_BYTES_MAX];
    (void)snprintf(path, sizeof path, "%s/%s.yaml", folder, id);
    (void)snprintf(part_path, sizeof part_path, "%s/%s.part", folder, id);
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        return fail_with(folder, why);
    }
    if (!write_whole(part_path, yaml) || rename(part_path, path) != 0) {
        enum status status = fail_with(path, why);
        (void)unlink(part_path);
        return status;
    }
    return sync_folder(folder, why);
}

static enum status drop(const char *folder, const char *id, struct failure *why)
{
    char path[PATH_BYTES_MAX];
    (void)snprintf(path, sizeof path, "%s/%s.yaml", folder, id);
    return unlink(path) == 0 ? sync_folder(folder, why) : fail_with(path, why);
}

struct hub_port hub_folder_port(void)
{
    return (struct hub_port){.keep = keep, .drop = drop};
}
