#include "core/text.h"
#include "edge/helper.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define HEAD_SIZE 4

/* A helper ends with its input, or with its parent; nothing else may end it, and nothing of its
 * memory may be seen. */
static void harden(void)
{
    (void)close_range(3, ~0U, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)prctl(PR_SET_DUMPABLE, 0);
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){.rlim_cur = 0, .rlim_max = 0});
    const int ignored[] = {SIGPIPE, SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < ARRAY_COUNT(ignored); i++) {
        (void)signal(ignored[i], SIG_IGN);
    }
}

static bool read_all(char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t got = read(STDIN_FILENO, bytes, size);
        if (got > 0) {
            bytes += got;
            size -= (size_t)got;
        } else if (got == 0 || errno != EINTR) {
            return false;
        }
    }
    return true;
}

static bool write_all(const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t put = write(STDOUT_FILENO, bytes, size);
        if (put > 0) {
            bytes += put;
            size -= (size_t)put;
        } else if (put == 0 || errno != EINTR) {
            return false;
        }
    }
    return true;
}

static bool serve_one(helper_work_fn *work)
{
    unsigned char head[HEAD_SIZE];
    if (!read_all((char *)head, sizeof head)) {
        return false;
    }
    uint32_t size =
        ((uint32_t)head[0] << 24) | ((uint32_t)head[1] << 16) | ((uint32_t)head[2] << 8) | head[3];
    if (size > HELPER_JOB_BYTES_MAX) {
        return false;
    }
    char *job = alloc((size_t)size + 1);
    struct text result;
    text_init(&result, HELPER_JOB_BYTES_MAX);
    bool is_served = read_all(job, size);
    if (is_served) {
        work((struct span){.data = job, .size = size}, &result);
        CHECK(result.status == STATUS_OK);
        unsigned char answer[HEAD_SIZE] = {
            (unsigned char)(result.size >> 24), (unsigned char)(result.size >> 16),
            (unsigned char)(result.size >> 8), (unsigned char)result.size};
        is_served = write_all((const char *)answer, sizeof answer) &&
                    write_all(text_cstr(&result), result.size);
    }
    explicit_bzero(job, size);
    free(job);
    text_fini(&result);
    return is_served;
}

int helper_serve(helper_work_fn *work)
{
    harden();
    while (serve_one(work)) {
    }
    _exit(0); /* nothing is left to flush, and the libraries' own ends are not wanted */
}
