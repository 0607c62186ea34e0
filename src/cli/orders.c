#include "cli/cli.h"
#include "cli/list.h"
#include "daemon.h"

#include <stdio.h>
#include <stdlib.h>

#define ANSWER_BYTES_MAX ((size_t)128 << 20)

static const char usage[] =
    "usage: orderwatch orders [-c FILE] [FILTERS] [--json]\n"
    "       orderwatch orders ID [--source NAME] [--json]\n"
    "The orders that are known; with an ID one of them: its fields, appointments and time line.\n";

static const struct column order_columns[] = {
    {"SOURCE", "/source", CELL_TEXT},
    {"ID", "/id", CELL_TEXT},
    {"REFERENCE", "/reference", CELL_TEXT},
    {"STATUS", "/status", CELL_STATE},
    {"STEP", "/step", CELL_TEXT},
    {"SITE", "/site", CELL_TEXT},
    {"COMMITTED", "/committed_date", CELL_TEXT},
};

static const struct list_kind orders = {
    .name = "orders",
    .usage = usage,
    .has = {[LIST_SOURCE] = true,
            [LIST_STATUS] = true,
            [LIST_SEARCH] = true,
            [LIST_LIMIT] = true,
            [LIST_AFTER] = true},
    .operand_count_max = 1,
    .columns = order_columns,
    .column_count = ARRAY_COUNT(order_columns),
    .none = "no orders",
};

static const struct column appointment_columns[] = {
    {"APPOINTMENT", "/id", CELL_TEXT},
    {"STATUS", "/status", CELL_STATE},
    {"START", "/start", CELL_TIME},
    {"END", "/end", CELL_TIME},
};

static const struct column time_line_columns[] = {
    {"TIME", "/time", CELL_TIME},
    {"TYPE", "/type", CELL_TEXT},
    {"SUMMARY", "/data/summary", CELL_TEXT},
    {"EVENT", "/id", CELL_TEXT},
};

static void print_fields(const struct json *order)
{
    for (const struct json *field = json_first(order); field != NULL; field = json_next(field)) {
        if (json_kind(field) == JSON_LIST) {
            continue; /* the tables below */
        }
        struct text value;
        text_init(&value, 16384);
        table_add_cell(&value, field, CELL_TEXT);
        (void)printf("%-16s %s\n", json_key(field), text_cstr(&value));
        text_fini(&value);
    }
}

static void print_order(const struct json *order)
{
    print_fields(order);
    (void)printf("\n");
    table_print(appointment_columns, ARRAY_COUNT(appointment_columns),
                json_member(order, "appointments"), "no appointments");
    (void)printf("\n");
    table_print(time_line_columns, ARRAY_COUNT(time_line_columns), json_member(order, "events"),
                "no events: as it was at the baseline");
}

/* Another source may have the same id: who asked for one must not take it for the other. */
static void tell_others(struct client *client, const struct json *item, const char *id)
{
    struct text answer;
    text_init(&answer, ANSWER_BYTES_MAX);
    for (; item != NULL; item = json_next(item)) {
        struct span name = json_text(json_member(item, "name"));
        int exit_code = EXIT_CODE_OK;
        text_clear(&answer);
        if (client_try_order(client, name, id, &answer, &exit_code) == 200) {
            (void)fprintf(stderr,
                          "orderwatch: orders: %s: source %.*s has such an order too; see it with "
                          "--source %.*s\n",
                          id, (int)name.size, name.data, (int)name.size, name.data);
        }
    }
    text_fini(&answer);
}

/* An id is unique within its source only: without --source the first source that has it counts. */
static bool find_order(struct client *client, const char *source, const char *id,
                       struct text *answer, int *exit_code)
{
    if (source != NULL) {
        return client_ask_order(client, span_of(source), id, answer, exit_code);
    }
    struct json *sources = client_ask_json(client, "/api/v1/sources", NULL, exit_code);
    bool is_found = false;
    const struct json *items = json_member(sources, "items");
    const struct json *item = json_first(items);
    if (json_count(items) == 1) { /* its own words say what comes near */
        is_found =
            client_ask_order(client, json_text(json_member(item, "name")), id, answer, exit_code);
        item = NULL;
    }
    for (; item != NULL && !is_found; item = json_next(item)) {
        struct span name = json_text(json_member(item, "name"));
        is_found = client_try_order(client, name, id, answer, exit_code) == 200;
        if (is_found) {
            tell_others(client, json_next(item), id);
        }
    }
    json_destroy(sources);
    return is_found;
}

static int show_order(struct client *client, const char *source, const char *id, bool is_json)
{
    int exit_code = EXIT_CODE_OK;
    struct text answer;
    text_init(&answer, ANSWER_BYTES_MAX);
    struct json *order = NULL;
    if (!find_order(client, source, id, &answer, &exit_code)) {
        if (exit_code == EXIT_CODE_OK) {
            (void)fprintf(stderr,
                          "orderwatch: orders: %s: no source has such an order; `orderwatch "
                          "orders` lists those that are known\n",
                          id);
            exit_code = EXIT_CODE_NEGATIVE;
        }
    } else if (is_json) {
        client_print(&answer);
    } else if (json_parse(text_span(&answer), &order, NULL) == STATUS_OK) {
        print_order(order);
    }
    json_destroy(order);
    text_fini(&answer);
    return exit_code;
}

int cli_orders(int argc, char **argv)
{
    struct list list;
    int exit_code = EXIT_CODE_OK;
    if (list_open(&list, &orders, NULL, argc, argv, &exit_code)) {
        const struct options *options = &list.options;
        exit_code = options->operand_count == 1 ? show_order(list.client, list.filters[LIST_SOURCE],
                                                             options->operands[0], options->is_json)
                                                : list_show(&list);
        list_close(&list);
    }
    return exit_code;
}
