/* Words every module shares: status codes, failures, checks, memory, borrowed text. */
#ifndef CORE_BASE_H
#define CORE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(nth, first) __attribute__((format(printf, nth, first)))
#define ARRAY_COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum status {
    STATUS_OK = 0,
    STATUS_INVALID,     /* input breaks a documented rule; retrying cannot help */
    STATUS_TOO_LARGE,   /* input is over a limit */
    STATUS_NOT_FOUND,   /* what was asked for does not exist */
    STATUS_UNAVAILABLE, /* the outside world said no for now; retrying may help */
    STATUS_FULL,        /* no space left on the disk; resumes when there is */
    STATUS_BUSY,        /* another process owns it */
    STATUS_CORRUPT,     /* durable state is not what we wrote */
};

/* Why something failed, in one line for a human. Owned by the caller; never allocated. */
struct failure {
    enum status status;
    char detail[480];
};

/* Fills *why (may be NULL) and returns status, so that callers write `return fail(...)`.
 * Control characters in the formatted text are shown as '?'. */
enum status fail(struct failure *why, enum status status, const char *format, ...)
    PRINTF_LIKE(3, 4);
const char *status_name(enum status status);

/* Programmer errors only, never outside data. Always compiled in; aborts with file and line. */
#define CHECK(condition) ((condition) ? (void)0 : check_failed(#condition, __FILE__, __LINE__))
_Noreturn void check_failed(const char *condition, const char *file, int line);

/* Memory cannot run out as far as callers know: these abort instead of returning NULL.
 * alloc returns zeroed memory. Release with free(). */
void *alloc(size_t size);
void *alloc_array(size_t count, size_t size); /* aborts on overflow */
void *alloc_resize(void *memory, size_t count, size_t size);
char *alloc_text(const char *text); /* a copy; NULL gives NULL */

/* Two clocks, read once per loop turn and passed down; core never asks for the time. */
struct instant {
    int64_t mono_ms; /* for waiting */
    int64_t wall_ms; /* Unix time, for storing and showing */
};

#define INSTANT_NEVER INT64_MAX /* a due time that does not come */

static inline int64_t earlier(int64_t left, int64_t right)
{
    return left < right ? left : right;
}

/* Borrowed bytes: valid only while the lender says so; not NUL-terminated. */
struct span {
    const char *data;
    size_t size;
};

struct span span_of(const char *text); /* NULL gives an empty span */
bool span_equal(struct span left, struct span right);
bool span_is(struct span bytes, const char *text);
bool text_equal(const char *left, const char *right); /* NULL equals only NULL */

#endif
