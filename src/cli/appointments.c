#include "cli/cli.h"
#include "cli/list.h"
#include "daemon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_COUNT_MAX 50
#define SINCE_DEFAULT "12h" /* what has begun today may still go on */

static const char usage_head[] =
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
static int gather(struct client *client, struct list_filters *filters, struct gathering *gathering)
{
    int exit_code = EXIT_CODE_OK;
    const char *next = filters->values[LIST_AFTER];
    do {
        struct text path;
        text_init(&path, 16384);
        text_add_text(&path, "/api/v1/appointments");
        filters->values[LIST_AFTER] = next;
        list_add_filters(&path, filters);
        struct json *page = client_ask_json(client, text_cstr(&path), NULL, &exit_code);
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

static int show_table(struct client *client, struct list_filters *filters)
{
    struct gathering gathering = {.page_count = 0};
    size_t row_count_max = SIZE_MAX;
    if (filters->values[LIST_LIMIT] != NULL) {
        row_count_max = strtoul(filters->values[LIST_LIMIT], NULL, 10);
    }
    filters->values[LIST_LIMIT] = "1000";
    int exit_code = gather(client, filters, &gathering);
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

static int show_json(struct client *client, const struct list_filters *filters)
{
    struct text path;
    text_init(&path, 16384);
    text_add_text(&path, "/api/v1/appointments");
    list_add_filters(&path, filters);
    int exit_code = list_show(client, text_cstr(&path), true, NULL, 0, "");
    text_fini(&path);
    return exit_code;
}

int cli_appointments(int argc, char **argv)
{
    struct list_filters filters = {.values = {NULL}};
    struct option_place places[LIST_FILTER_COUNT];
    list_places(&filters, places);
    char usage[2048];
    (void)snprintf(usage, sizeof usage, "%s%s", usage_head, list_help);
    struct options options = {.command = "appointments",
                              .usage = usage,
                              .places = places,
                              .place_count = ARRAY_COUNT(places),
                              .takes_json = true};
    int exit_code = EXIT_CODE_OK;
    if (!options_parse(&options, argc, argv, &exit_code)) {
        return exit_code;
    }
    if (filters.values[LIST_SINCE] == NULL) {
        filters.values[LIST_SINCE] = SINCE_DEFAULT;
    }
    struct client *client = client_open(&options, &exit_code);
    if (client != NULL) {
        exit_code = options.is_json ? show_json(client, &filters) : show_table(client, &filters);
        client_close(client);
    }
    return exit_code;
}
