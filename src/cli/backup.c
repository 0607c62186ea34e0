/* The daemon makes the copy beside its state, this command takes it away: with the rights of
 * whoever calls it, to wherever those reach. Who may read the state may have a copy of it, nobody
 * else. */
#include "cli/cli.h"
#include "cli/client.h"
#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY_BYTES ((size_t)1 << 20)
#define PATH_BYTES_MAX ((size_t)8192)

static const char usage[] =
    "usage: orderwatch backup FILE [--force] [-c FILE] [--json]\n"
    "Copies the state of the daemon that runs to FILE, which appears when it is whole, mode 0600.\n"
    "To be run where the daemon is, as root or as its user. To restore it: stop the daemon, put "
    "it\n"
    "in the place of state.database, remove the -wal file beside that, start.\n"
    "  --force  FILE may exist; it is replaced\n\n"
    "exit: 0; 1 another backup is being made; 2 usage; 69 no daemon answers; 74 FILE cannot be "
    "written\n";

struct copying {
    const char *path;   /* where it is to be */
    struct text part;   /* where it is while it is not whole */
    struct text source; /* where the daemon has made it */
    bool replaces;
};

static int refuse(const char *path, const char *what, const char *why, int exit_code)
{
    (void)fprintf(stderr, "orderwatch: backup: %s: %s%s%s\n", path, what,
                  why[0] != '\0' ? ": " : "", why);
    return exit_code;
}

static int refuse_errno(const char *path, const char *what)
{
    char words[128];
    return refuse(path, what, strerror_r(errno, words, sizeof words), EXIT_CODE_IO);
}

static bool copy_bytes(int from, int to, size_t *size)
{
    char *bytes = alloc(COPY_BYTES);
    ssize_t count = 0;
    bool is_good = true;
    *size = 0;
    while (is_good && (count = read(from, bytes, COPY_BYTES)) > 0) {
        for (ssize_t done = 0; is_good && done < count;) {
            ssize_t written = write(to, bytes + done, (size_t)(count - done));
            is_good = written > 0;
            done += written;
        }
        *size += (size_t)count;
    }
    free(bytes);
    return is_good && count == 0;
}

/* Neither a crash nor another program that makes the same name leaves half of it there. */
static int put_in_place(const struct copying *copying)
{
    const char *part = text_cstr(&copying->part);
    unsigned int flags = copying->replaces ? 0 : RENAME_NOREPLACE;
    if (renameat2(AT_FDCWD, part, AT_FDCWD, copying->path, flags) != 0) {
        return errno == EEXIST
                   ? refuse(copying->path, "exists already",
                            "name a new file, or replace it with --force", EXIT_CODE_USAGE)
                   : refuse_errno(copying->path, "cannot be put in its place");
    }
    const char *slash = strrchr(copying->path, '/');
    struct text folder;
    text_init(&folder, PATH_BYTES_MAX);
    text_addf(&folder, "%.*s/.", slash != NULL ? (int)(slash - copying->path) : 1,
              slash != NULL ? copying->path : ".");
    int opened = open(text_cstr(&folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is_synced = opened >= 0 && fsync(opened) == 0;
    if (opened >= 0) {
        (void)close(opened);
    }
    text_fini(&folder);
    return is_synced ? EXIT_CODE_OK : refuse_errno(copying->path, "its folder cannot be synced");
}

static int write_copy(const struct copying *copying, int from, size_t *size)
{
    const char *part = text_cstr(&copying->part);
    int to = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (to < 0) {
        return refuse_errno(copying->path, "its folder must exist and be writable");
    }
    bool is_copied = copy_bytes(from, to, size) && fsync(to) == 0;
    int exit_code = is_copied ? EXIT_CODE_OK : refuse_errno(copying->path, "cannot be written");
    (void)close(to);
    if (exit_code == EXIT_CODE_OK) {
        exit_code = put_in_place(copying);
    }
    if (exit_code != EXIT_CODE_OK) {
        (void)unlink(part);
    }
    return exit_code;
}

/* What the daemon made goes as soon as it is open: the copy is the only one then. */
static int take_away(const struct copying *copying, size_t *size)
{
    const char *source = text_cstr(&copying->source);
    int from = open(source, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (from < 0) {
        return refuse_errno(source, "the daemon made it, and it cannot be read here; run this as "
                                    "root or as the daemon's user, on its machine");
    }
    if (unlink(source) != 0) {
        (void)refuse_errno(source, "stays there");
    }
    int exit_code = write_copy(copying, from, size);
    (void)close(from);
    return exit_code;
}

static bool make_copy(struct client *client, struct copying *copying, int *exit_code)
{
    client_be_patient(client);
    struct json *answer = client_ask_json(client, "/api/v1/backup", "{}", exit_code);
    const char *file = json_member_text(answer, "file");
    if (file != NULL) {
        text_add_text(&copying->source, file);
    } else if (*exit_code == EXIT_CODE_OK) {
        *exit_code =
            refuse(copying->path, "the daemon does not say where it is", "", EXIT_CODE_UNAVAILABLE);
    }
    json_destroy(answer);
    return *exit_code == EXIT_CODE_OK;
}

static int back_up(struct client *client, struct copying *copying, bool is_json)
{
    int exit_code = EXIT_CODE_OK;
    size_t size = 0;
    text_init(&copying->part, PATH_BYTES_MAX);
    text_init(&copying->source, PATH_BYTES_MAX);
    text_addf(&copying->part, "%s.part-%ld", copying->path, (long)getpid());
    if (make_copy(client, copying, &exit_code)) {
        exit_code = take_away(copying, &size);
    }
    if (exit_code == EXIT_CODE_OK && is_json) {
        struct text line;
        text_init(&line, PATH_BYTES_MAX * 6);
        text_add_text(&line, "{\"file\":");
        text_add_json_text(&line, copying->path);
        text_addf(&line, ",\"bytes\":%zu}", size);
        client_print(&line);
        text_fini(&line);
    } else if (exit_code == EXIT_CODE_OK) {
        (void)printf("%s: %zu bytes\n", copying->path, size);
    }
    text_fini(&copying->part);
    text_fini(&copying->source);
    return exit_code;
}

int cli_backup(int argc, char **argv)
{
    struct copying copying = {.path = NULL};
    const struct option_place places[] = {{.name = "force", .is_given = &copying.replaces}};
    struct options options = {.command = "backup",
                              .usage = usage,
                              .places = places,
                              .place_count = ARRAY_COUNT(places),
                              .takes_json = true,
                              .operand_count_max = 1};
    int exit_code = EXIT_CODE_OK;
    if (!options_parse(&options, argc, argv, &exit_code)) {
        return exit_code;
    }
    copying.path = options.operand_count == 1 ? options.operands[0] : "";
    if (copying.path[0] == '\0' || strlen(copying.path) > PATH_BYTES_MAX / 2) {
        return refuse("FILE", "is missing or too long", "`orderwatch backup --help` tells more",
                      EXIT_CODE_USAGE);
    }
    struct stat facts;
    if (!copying.replaces && lstat(copying.path, &facts) == 0) {
        return refuse(copying.path, "exists already", "name a new file, or replace it with --force",
                      EXIT_CODE_USAGE);
    }
    struct client *client = client_open(&options, &exit_code);
    if (client != NULL) {
        exit_code = back_up(client, &copying, options.is_json);
        client_close(client);
    }
    return exit_code;
}
