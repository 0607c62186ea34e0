#include "cli/list.h"

#include "daemon.h"

#include <stdio.h>

#define ANSWER_BYTES_MAX ((size_t)128 << 20)

static const struct {
    const char *option, *parameter;
} filter_names[LIST_FILTER_COUNT] = {
    [LIST_SOURCE] = {"source", "source"},
    [LIST_SINK] = {"sink", "sink"},
    [LIST_STATUS] = {"status", "status"},
    [LIST_TYPE] = {"type", "type"},
    [LIST_SEVERITY] = {"severity", "severity"},
    [LIST_ORDER] = {"order", "order"},
    [LIST_SINCE] = {"since", "since"},
    [LIST_UNTIL] = {"until", "until"},
    [LIST_SEARCH] = {"search", "q"},
    [LIST_LIMIT] = {"limit", "limit"},
    [LIST_AFTER] = {"after", "after"},
};

const char list_help[] =
    "\nfilters, where the list has what they ask for:\n"
    "      --source NAME, --sink NAME, --status WORD, --order ID\n"
    "      --type GLOB        such as appointment.* or order.status.*\n"
    "      --severity WORD    this or worse: info, notice, warning, critical\n"
    "      --since, --until   a date, an instant, or how long ago such as 24h\n"
    "      --search TEXT      somewhere in it\n"
    "      --limit N          at most so many (100); --after CURSOR goes on\n"
    "      --json             as the daemon gives it\n"
    "\nTimes are UTC. Contacts are not shown. exit: 0; 2 wrong filter; 69 no daemon answers\n";

void list_places(struct list_filters *filters, struct option_place places[LIST_FILTER_COUNT])
{
    for (size_t i = 0; i < LIST_FILTER_COUNT; i++) {
        places[i] =
            (struct option_place){.name = filter_names[i].option, .value = &filters->values[i]};
    }
}

void list_add_filters(struct text *path, const struct list_filters *filters)
{
    for (size_t i = 0; i < LIST_FILTER_COUNT; i++) {
        client_add_parameter(path, filter_names[i].parameter, filters->values[i]);
    }
}

static int print_page(const struct text *answer, const struct column *columns, size_t column_count,
                      const char *none)
{
    struct json *page = NULL;
    struct failure why;
    if (json_parse(text_span(answer), &page, &why) != STATUS_OK) {
        (void)fprintf(stderr, "orderwatch: the daemon's answer is not understood: %s\n",
                      why.detail);
        return EXIT_CODE_UNAVAILABLE;
    }
    table_print(columns, column_count, json_member(page, "items"), none);
    const struct json *next = json_member(page, "next");
    if (next != NULL && json_kind(next) == JSON_STRING) {
        struct text cursor;
        text_init(&cursor, 8192);
        table_add_cell(&cursor, next, CELL_TEXT);
        (void)printf("there are more: --after '%s'\n", text_cstr(&cursor));
        text_fini(&cursor);
    }
    json_destroy(page);
    return EXIT_CODE_OK;
}

int list_show(struct client *client, const char *path, bool is_json, const struct column *columns,
              size_t column_count, const char *none)
{
    int exit_code = EXIT_CODE_OK;
    struct text answer;
    text_init(&answer, ANSWER_BYTES_MAX);
    if (client_ask(client, path, NULL, &answer, &exit_code)) {
        exit_code = is_json ? client_print("list", &answer)
                            : print_page(&answer, columns, column_count, none);
    }
    text_fini(&answer);
    return exit_code;
}
