/* Rows of a JSON list as a table that fits the terminal. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "core/json.h"
#include "core/text.h"

enum cell_look {
    CELL_TEXT,
    CELL_NUMBER, /* to the right */
    CELL_TIME,   /* 2026-11-23T09:20:40.422Z as 2026-11-23 09:20:40Z */
    CELL_STATE,  /* coloured by what it says */
    CELL_ID,     /* whole, to be given to another command */
};

struct column {
    const char *title;
    const char *pointer; /* RFC 6901, into the row */
    enum cell_look look;
};

/* Upstream text is made harmless. rows: a list; NULL or empty prints none. */
void table_print(const struct column *columns, size_t column_count, const struct json *rows,
                 const char *none);
void table_print_rows(const struct column *columns, size_t column_count,
                      const struct json *const *rows, size_t row_count, const char *none);
const struct json **table_rows(const struct json *list, size_t *count); /* free it */
/* One value, harmless and on one line. */
void table_add_cell(struct text *out, const struct json *value, enum cell_look look);
bool terminal_has_colour(void);

#endif
