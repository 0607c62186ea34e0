/* The log of tests that link core alone: nothing is written; what a test asks for is counted. */
#include "tests/support/log_quiet.h"
#include "core/log.h"

#include <string.h>

/* NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables): as the log's own state is */
static const char *counted;
static size_t count;
/* NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables) */

void log_count(const char *event)
{
    counted = event;
    count = 0;
}

size_t log_counted(void)
{
    return count;
}

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
    (void)level;
    (void)fields;
    count += counted != NULL && strcmp(counted, event) == 0 ? 1 : 0;
}
