#include "core/base.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void hide_controls(char *text)
{
    for (char *byte = text; *byte != '\0'; byte++) {
        if ((unsigned char)*byte < 0x20 || *byte == 0x7f) {
            *byte = '?';
        }
    }
}

enum status fail(struct failure *why, enum status status, const char *format, ...)
{
    if (why == NULL) {
        return status;
    }
    /* Formatted aside, so that the old detail may be an argument of the new one. */
    struct failure fresh = {.status = status};
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(fresh.detail, sizeof fresh.detail, format, arguments);
    va_end(arguments);
    hide_controls(fresh.detail);
    *why = fresh;
    return status;
}

const char *status_name(enum status status)
{
    switch (status) {
    case STATUS_OK:
        return "ok";
    case STATUS_INVALID:
        return "invalid";
    case STATUS_TOO_LARGE:
        return "too_large";
    case STATUS_NOT_FOUND:
        return "not_found";
    case STATUS_UNAVAILABLE:
        return "unavailable";
    case STATUS_FULL:
        return "full";
    case STATUS_BUSY:
        return "busy";
    case STATUS_CORRUPT:
        return "corrupt";
    }
    CHECK(!"a status that does not exist");
}

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
    (void)fprintf(stderr, "orderwatch: %s:%d: broken invariant: %s\n", file, line, condition);
    abort();
}

static void *or_abort(void *memory)
{
    if (memory == NULL) {
        (void)fputs("orderwatch: out of memory\n", stderr);
        abort();
    }
    return memory;
}

void *alloc(size_t size)
{
    return or_abort(calloc(1, size != 0 ? size : 1));
}

void *alloc_array(size_t count, size_t size)
{
    return or_abort(calloc(count != 0 ? count : 1, size != 0 ? size : 1));
}

void *alloc_resize(void *memory, size_t count, size_t size)
{
    CHECK(size != 0 && count <= SIZE_MAX / size);
    return or_abort(realloc(memory, count != 0 ? count * size : 1));
}

char *alloc_text(const char *text)
{
    if (text == NULL) {
        return NULL;
    }
    size_t size = strlen(text) + 1;
    return memcpy(alloc(size), text, size);
}

struct span span_of(const char *text)
{
    return (struct span){.data = text, .size = text != NULL ? strlen(text) : 0};
}

bool span_equal(struct span left, struct span right)
{
    return left.size == right.size &&
           (left.size == 0 || memcmp(left.data, right.data, left.size) == 0);
}

bool span_is(struct span bytes, const char *text)
{
    return span_equal(bytes, span_of(text));
}

bool text_equal(const char *left, const char *right)
{
    if (left == NULL || right == NULL) {
        return left == right;
    }
    return strcmp(left, right) == 0;
}
