#include "cli/table.h"

#include "core/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define CELL_BYTES_MAX ((size_t)2048)
#define COLUMN_COUNT_MAX 12
#define GAP 2
#define NARROWEST 8

struct grid {
    const struct column *columns;
    size_t column_count, row_count;
    struct text *cells; /* row by row */
    size_t widths[COLUMN_COUNT_MAX];
    size_t floors[COLUMN_COUNT_MAX]; /* narrower than this it would mislead */
    size_t width_max;                /* 0: nothing needs to fit */
};

bool terminal_has_colour(void)
{
    const char *no_colour = getenv("NO_COLOR"); /* NOLINT(concurrency-mt-unsafe): one thread */
    return isatty(STDOUT_FILENO) == 1 && (no_colour == NULL || no_colour[0] == '\0');
}

/* 0: no terminal, nothing needs to fit. */
static size_t terminal_width(void)
{
    struct winsize size;
    if (isatty(STDOUT_FILENO) != 1 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) {
        return 0;
    }
    return size.ws_col;
}

static size_t width_of(struct span bytes)
{
    size_t width = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        width += ((unsigned char)bytes.data[i] & 0xc0) != 0x80;
    }
    return width;
}

void table_add_cell(struct text *out, const struct json *value, enum cell_look look)
{
    if (value == NULL) {
        text_add_char(out, '-');
        return;
    }
    if (look == CELL_TIME && json_text(value).size >= 19) {
        text_addf(out, "%.10s %.8sZ", json_text(value).data, json_text(value).data + 11);
        return;
    }
    enum json_kind kind = json_kind(value);
    if (kind == JSON_LIST || kind == JSON_OBJECT) {
        struct text json;
        text_init(&json, (size_t)1 << 20);
        json_add(&json, value);
        utf8_add_clean_line(out, text_span(&json), CELL_BYTES_MAX);
        text_fini(&json);
        return;
    }
    utf8_add_clean_line(out, json_text(value), CELL_BYTES_MAX);
}

static void grid_fill(struct grid *grid, const struct json *const *rows)
{
    for (size_t i = 0; i < grid->row_count * grid->column_count; i++) {
        size_t column = i % grid->column_count;
        struct text *cell = &grid->cells[i];
        text_init(cell, CELL_BYTES_MAX * 2);
        table_add_cell(cell, json_at(rows[i / grid->column_count], grid->columns[column].pointer),
                       grid->columns[column].look);
        size_t width = width_of(text_span(cell));
        bool is_whole = grid->columns[column].look != CELL_TEXT; /* half a number is another one */
        size_t floor = is_whole || width < NARROWEST ? width : NARROWEST;
        grid->widths[column] = width > grid->widths[column] ? width : grid->widths[column];
        grid->floors[column] = floor > grid->floors[column] ? floor : grid->floors[column];
    }
}

static size_t grid_width(const struct grid *grid)
{
    size_t sum = 0;
    for (size_t i = 0; i < grid->column_count; i++) {
        sum += grid->widths[i] + (i != 0 ? GAP : 0);
    }
    return sum;
}

/* column_count: none can give way any more. */
static size_t widest_to_give(const struct grid *grid)
{
    size_t widest = grid->column_count;
    for (size_t i = 0; i < grid->column_count; i++) {
        bool can_give = grid->widths[i] > grid->floors[i];
        bool is_wider = widest == grid->column_count || grid->widths[i] > grid->widths[widest];
        widest = can_give && is_wider ? i : widest;
    }
    return widest;
}

static void grid_fit(struct grid *grid)
{
    size_t widest = 0;
    while (grid->width_max != 0 && grid_width(grid) > grid->width_max &&
           (widest = widest_to_give(grid)) < grid->column_count) {
        grid->widths[widest]--;
    }
}

/* The first width characters, the last of them a mark if some are left out. */
static struct span cut(struct span bytes, size_t width)
{
    size_t position = 0;
    for (size_t i = 0; i + 1 < width && position < bytes.size; i++) {
        (void)utf8_next(bytes, &position);
    }
    return (struct span){.data = bytes.data, .size = position};
}

static const char *colour_of(enum cell_look look, struct span bytes)
{
    static const char *const good[] = {"ok", "delivered"};
    static const char *const bad[] = {"failing", "rejected", "disabled", "parked", "critical"};
    if (look != CELL_STATE || !terminal_has_colour()) {
        return NULL;
    }
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        if (span_is(bytes, good[i])) {
            return "\x1b[32m";
        }
    }
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        if (span_is(bytes, bad[i])) {
            return "\x1b[31m";
        }
    }
    return span_is(bytes, "warning") || span_is(bytes, "pending") ? "\x1b[33m" : NULL;
}

/* In at most width characters. */
static void print_value(enum cell_look look, struct span bytes, size_t width)
{
    bool is_cut = width_of(bytes) > width;
    struct span shown = is_cut ? cut(bytes, width) : bytes;
    const char *colour = colour_of(look, bytes);
    (void)printf("%s%.*s%s%s", colour != NULL ? colour : "", (int)shown.size,
                 shown.data != NULL ? shown.data : "", is_cut ? "…" : "",
                 colour != NULL ? "\x1b[0m" : "");
}

static void print_cell(const struct grid *grid, size_t column, struct span bytes)
{
    size_t width = grid->widths[column];
    size_t own_width = width_of(bytes);
    int padding = own_width < width ? (int)(width - own_width) : 0;
    bool is_right = grid->columns[column].look == CELL_NUMBER;
    bool is_last = column + 1 == grid->column_count;
    (void)printf("%*s", is_right ? padding : 0, "");
    print_value(grid->columns[column].look, bytes, width);
    (void)printf("%*s%s", is_right || is_last ? 0 : padding, "", is_last ? "\n" : "  ");
}

static void grid_print(const struct grid *grid)
{
    for (size_t i = 0; i < grid->column_count; i++) {
        print_cell(grid, i, span_of(grid->columns[i].title));
    }
    for (size_t i = 0; i < grid->row_count * grid->column_count; i++) {
        print_cell(grid, i % grid->column_count, text_span(&grid->cells[i]));
    }
}

/* What must stay whole moves closer to its title where that makes room for it. */
static void print_beside(const struct column *column, struct span value, size_t title_width,
                         size_t value_width)
{
    size_t own_width = strlen(column->title);
    bool is_tight = column->look != CELL_TEXT && width_of(value) > value_width;
    size_t gap = is_tight ? 1 : title_width - own_width + GAP;
    (void)printf("%*s", (int)gap, "");
    print_value(column->look, value, value_width + title_width + GAP - own_width - gap);
}

/* Where no table fits: each row as a block, a line for each of its values. */
static void grid_print_blocks(const struct grid *grid)
{
    size_t title_width = 0;
    for (size_t i = 0; i < grid->column_count; i++) {
        size_t width = strlen(grid->columns[i].title);
        title_width = width > title_width ? width : title_width;
    }
    bool has_room = grid->width_max > title_width + GAP;
    size_t value_width = has_room ? grid->width_max - title_width - GAP : 1;
    for (size_t i = 0; i < grid->row_count * grid->column_count; i++) {
        const struct column *column = &grid->columns[i % grid->column_count];
        bool begins_another = i != 0 && i % grid->column_count == 0;
        struct span value = text_span(&grid->cells[i]);
        (void)printf("%s%s", begins_another ? "\n" : "", column->title);
        print_beside(column, value, title_width, value_width);
        (void)fputs("\n", stdout);
    }
}

void table_print_rows(const struct column *columns, size_t column_count,
                      const struct json *const *rows, size_t row_count, const char *none)
{
    CHECK(column_count <= COLUMN_COUNT_MAX);
    struct grid grid = {.columns = columns,
                        .column_count = column_count,
                        .row_count = row_count,
                        .width_max = terminal_width()};
    if (grid.row_count == 0) {
        (void)printf("%s\n", none);
        return;
    }
    for (size_t i = 0; i < column_count; i++) {
        grid.widths[i] = strlen(columns[i].title);
    }
    grid.cells = alloc_array(grid.row_count * column_count, sizeof *grid.cells);
    grid_fill(&grid, rows);
    grid_fit(&grid);
    if (grid.width_max == 0 || grid_width(&grid) <= grid.width_max) {
        grid_print(&grid);
    } else {
        grid_print_blocks(&grid);
    }
    for (size_t i = 0; i < grid.row_count * column_count; i++) {
        text_fini(&grid.cells[i]);
    }
    free(grid.cells);
}

const struct json **table_rows(const struct json *list, size_t *count)
{
    *count = json_count(list);
    const struct json **rows = alloc_array(*count + 1, sizeof(const struct json *));
    size_t index = 0;
    for (const struct json *row = json_first(list); row != NULL; row = json_next(row)) {
        rows[index++] = row;
    }
    return rows;
}

void table_print(const struct column *columns, size_t column_count, const struct json *rows,
                 const char *none)
{
    size_t count = 0;
    const struct json **list = table_rows(rows, &count);
    table_print_rows(columns, column_count, list, count, none);
    free(list);
}
