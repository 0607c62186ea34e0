#include "check_input.h"

#include "edge/file_read.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static enum status read_stdin(struct text *out, struct failure *why)
{
    char bytes[65536];
    ssize_t got = 0;
    while ((got = read(STDIN_FILENO, bytes, sizeof bytes)) != 0) {
        if (got < 0 && errno != EINTR) {
            char reason[128];
            return fail(why, STATUS_UNAVAILABLE, "standard input: %s",
                        strerror_r(errno, reason, sizeof reason));
        }
        if (got > 0) {
            text_add(out, (struct span){.data = bytes, .size = (size_t)got});
        }
    }
    return out->status == STATUS_OK
               ? STATUS_OK
               : fail(why, out->status, "standard input: larger than %zu bytes", out->size_max);
}

enum status check_input_read(const char *path, struct text *out, struct failure *why)
{
    return text_equal(path, "-") ? read_stdin(out, why) : file_read(path, out, why);
}
