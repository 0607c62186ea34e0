/* A command that shows a list of the daemon: its filters as options, its columns as a table. */
#ifndef CLI_LIST_H
#define CLI_LIST_H

#include "cli/client.h"
#include "cli/table.h"

enum list_filter {
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

struct list_kind {
    const char *name;  /* of the command, and of the list of the interface */
    const char *usage; /* what --help says before the filters */
    bool has[LIST_FILTER_COUNT];
    int operand_count_max;
    const struct column *columns;
    size_t column_count;
    const char *none; /* instead of an empty table */
};

struct list {
    const struct list_kind *kind;
    struct options options;                 /* as parsed */
    const char *filters[LIST_FILTER_COUNT]; /* NULL: not given */
    struct client *client;
};

/* own: an option beside the filters; NULL: none. False: the command ends here with *exit_code. */
bool list_open(struct list *list, const struct list_kind *kind, const struct option_place *own,
               int argc, char **argv, int *exit_code);
void list_close(struct list *list);
/* Where the interface has it, with the filters: "/api/v1/" NAME rest "?…". */
void list_add_path(const struct list *list, const char *rest, struct text *path);
/* One page of it as a table, or as it came. */
int list_show(const struct list *list);
/* The same of any list. */
int list_print(struct client *client, const char *path, bool is_json, const struct list_kind *kind);

#endif
