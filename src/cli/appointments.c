#include "cli/cli.h"
#include "cli/list.h"
#include "daemon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_COUNT_MAX 50
#define SINCE_DEFAULT "12h" /* what has begun today may still go on */

static const char usage[] =
    "usage: orderwatch appointments [-c FILE] [FILTERS] [--json]\n"
    "The appointments to come, in the order of their start; --since shows earlier ones.\n";

static const struct column columns[] = {
    {"START", "/start", CELL_TIME},
    {"END", "/end", CELL_TIME},
    {"STATUS", "/status", CELL_STATE},
    {"SITE", "/site", CELL_TEXT},
    {"REFERENCE", "/reference", CELL_TEXT},
    {"ORDER", "/order", CELL_TEXT},
    {"ORDER IS", "/order_status_kind", CELL_STATE},
    {"ID", "/id", CELL_TEXT},
    {"SOURCE", "/source", CELL_TEXT},
};

static const struct list_kind appointments = {
    .name = "appointments",
    .usage = usage,
    .has = {[LIST_SOURCE] = true,
            [LIST_STATUS] = true,
            [LIST_ORDER] = true,
            [LIST_SINCE] = true,
            [LIST_UNTIL] = true,
            [LIST_SEARCH] = true,
            [LIST_LIMIT] = true,
            [LIST_AFTER] = true},
    .columns = columns,
    .column_count = ARRAY_COUNT(columns),
    .none = "no appointments",
};

struct gathering {
    struct json *pages[PAGE_COUNT_MAX];
    size_t page_count;
    const struct json **rows;
    size_t row_count;
};

static void gather_page(struct gathering *gathering, struct json *page)
{
    gathering->pages[gathering->page_count++] = page;
    size_t count = 0;
    const struct json **rows = table_rows(json_member(page, "items"), &count);
    gathering->rows = alloc_resize(gathering->rows, gathering->row_count + count + 1,
                                   sizeof(const struct json *));
    memcpy(gathering->rows + gathering->row_count, rows, count * sizeof(const struct json *));
    gathering->row_count += count;
    free(rows);
}

/* The daemon lists them by order; in time they are sorted here. */
static int gather(struct list *list, struct gathering *gathering)
{
    int exit_code = EXIT_CODE_OK;
    const char *next = list->filters[LIST_AFTER];
    do {
        struct text path;
        text_init(&path, 16384);
        list->filters[LIST_AFTER] = next;
        list_add_path(list, "", &path);
        struct json *page = client_ask_json(list->client, text_cstr(&path), NULL, &exit_code);
        text_fini(&path);
        next = NULL;
        if (page != NULL) {
            next = json_member_text(page, "next");
            gather_page(gathering, page);
        }
    } while (next != NULL && gathering->page_count < PAGE_COUNT_MAX);
    return exit_code;
}

static int compare_starts(const void *left, const void *right)
{
    const struct json *const *a = left;
    const struct json *const *b = right;
    const char *start_a = json_member_text(*a, "start");
    const char *start_b = json_member_text(*b, "start");
    return strcmp(start_a != NULL ? start_a : "", start_b != NULL ? start_b : "");
}

static int show_table(struct list *list)
{
    struct gathering gathering = {.page_count = 0};
    size_t row_count_max = SIZE_MAX;
    if (list->filters[LIST_LIMIT] != NULL) {
        row_count_max = strtoul(list->filters[LIST_LIMIT], NULL, 10);
    }
    list->filters[LIST_LIMIT] = "1000";
    int exit_code = gather(list, &gathering);
    if (exit_code == EXIT_CODE_OK) {
        if (gathering.row_count != 0) {
            qsort(gathering.rows, gathering.row_count, sizeof(const struct json *), compare_starts);
        }
        size_t row_count =
            gathering.row_count < row_count_max ? gathering.row_count : row_count_max;
        table_print_rows(columns, ARRAY_COUNT(columns), gathering.rows, row_count,
                         "no appointments");
    }
    for (size_t i = 0; i < gathering.page_count; i++) {
        json_destroy(gathering.pages[i]);
    }
    free(gathering.rows);
    return exit_code;
}

int cli_appointments(int argc, char **argv)
{
    struct list list;
    int exit_code = EXIT_CODE_OK;
    if (list_open(&list, &appointments, NULL, argc, argv, &exit_code)) {
        if (list.filters[LIST_SINCE] == NULL) {
            list.filters[LIST_SINCE] = SINCE_DEFAULT;
        }
        exit_code = list.options.is_json ? list_show(&list) : show_table(&list);
        list_close(&list);
    }
    return exit_code;
}
