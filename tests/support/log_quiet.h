/* Counts lines of the log in tests that link core alone. One thread. */
#ifndef TESTS_SUPPORT_LOG_QUIET_H
#define TESTS_SUPPORT_LOG_QUIET_H

#include <stddef.h>

void log_count(const char *event); /* borrowed: lines of this name count from now on */
size_t log_counted(void);

#endif
