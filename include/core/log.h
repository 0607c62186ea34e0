/* One line per decision, as stable event names with typed fields; logfmt or JSON on stderr.
 * Declared here, implemented at the edge; tests link their own. The only global of the core. */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include "core/base.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

struct log_field {
    const char *key;  /* NULL ends the list */
    const char *text; /* NULL: number counts */
    int64_t number;
};

static inline struct log_field log_text(const char *key, const char *text)
{
    return (struct log_field){.key = key, .text = text != NULL ? text : ""};
}

static inline struct log_field log_number(const char *key, int64_t number)
{
    return (struct log_field){.key = key, .number = number};
}

/* The implementation escapes every value; text of any origin is safe. */
void log_write(enum log_level level, const char *event, const struct log_field *fields);

/* ERROR needs a human, WARN is a degraded state entered or left, INFO is start, stop and change
 * seen, DEBUG is each poll. */
#define LOG_AT(level, event, ...)                                                                  \
    log_write((level), (event), (const struct log_field[]){__VA_ARGS__, {.key = NULL}})
#define LOG_ERROR(event, ...) LOG_AT(LOG_LEVEL_ERROR, event, __VA_ARGS__)
#define LOG_WARN(event, ...) LOG_AT(LOG_LEVEL_WARN, event, __VA_ARGS__)
#define LOG_INFO(event, ...) LOG_AT(LOG_LEVEL_INFO, event, __VA_ARGS__)
#define LOG_DEBUG(event, ...) LOG_AT(LOG_LEVEL_DEBUG, event, __VA_ARGS__)

#endif
