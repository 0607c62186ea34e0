/* A command that shows a list of the daemon: its filters as options, its columns as a table. */
#ifndef CLI_LIST_H
#define CLI_LIST_H

#include "cli/client.h"
#include "cli/table.h"

enum {
    LIST_SOURCE,
    LIST_SINK,
    LIST_STATUS,
    LIST_TYPE,
    LIST_SEVERITY,
    LIST_ORDER,
    LIST_SINCE,
    LIST_UNTIL,
    LIST_SEARCH,
    LIST_LIMIT,
    LIST_AFTER,
    LIST_FILTER_COUNT
};

struct list_filters {
    const char *values[LIST_FILTER_COUNT]; /* NULL: not given */
};

/* Rows of places for options_parse; the daemon says which of them its list does not have. */
void list_places(struct list_filters *filters, struct option_place places[LIST_FILTER_COUNT]);
void list_add_filters(struct text *path, const struct list_filters *filters);
/* One page as a table, or as it came. */
int list_show(struct client *client, const char *path, bool is_json, const struct column *columns,
              size_t column_count, const char *none);

extern const char list_help[];

#endif
