#include "cli/list.h"

#include "cli/words.h"
#include "daemon.h"

#include <stdio.h>

#define ANSWER_BYTES_MAX ((size_t)128 << 20)
#define PATH_BYTES_MAX 16384

static const struct {
    const char *option, *value, *help;
} filters[LIST_FILTER_COUNT] = {
    [LIST_SOURCE] = {"source", "NAME", "of this source"},
    [LIST_SINK] = {"sink", "NAME", "to this sink"},
    [LIST_STATUS] = {"status", "WORD", "in this status, or in one of this kind"},
    [LIST_TYPE] = {"type", "GLOB", "such as appointment.* or order.status.*"},
    [LIST_SEVERITY] = {"severity", "WORD", "this or worse: info, notice, warning, critical"},
    [LIST_ORDER] = {"order", "ID", "of this order; with --source where there are several"},
    [LIST_SINCE] = {"since", "TIME", "a date, an instant, or how long ago such as 24h"},
    [LIST_UNTIL] = {"until", "TIME", "as --since; before then"},
    [LIST_SEARCH] = {"search", "TEXT", "somewhere in it"},
    [LIST_LIMIT] = {"limit", "N", "at most so many (100)"},
    [LIST_AFTER] = {"after", "CURSOR", "goes on where an earlier answer ended"},
};

static void add_usage(const struct list_kind *kind, struct text *usage)
{
    text_addf(usage, "%s\nfilters:\n", kind->usage);
    for (size_t i = 0; i < LIST_FILTER_COUNT; i++) {
        char option[32];
        (void)snprintf(option, sizeof option, "--%s %s", filters[i].option, filters[i].value);
        if (kind->has[i]) {
            text_addf(usage, "      %-18s %s\n", option, filters[i].help);
        }
    }
    text_add_text(usage, "      --json             as the daemon gives it\n\n"
                         "Times are UTC. Contacts are not shown. "
                         "exit: 0; 2 wrong filter; 69 no daemon answers\n");
}

bool list_open(struct list *list, const struct list_kind *kind, const struct option_place *own,
               int argc, char **argv, int *exit_code)
{
    struct option_place places[LIST_FILTER_COUNT + 1];
    size_t place_count = 0;
    *list = (struct list){.kind = kind};
    for (size_t i = 0; i < LIST_FILTER_COUNT; i++) {
        if (kind->has[i]) {
            places[place_count++] =
                (struct option_place){.name = filters[i].option, .value = &list->filters[i]};
        }
    }
    if (own != NULL) {
        places[place_count++] = *own;
    }
    struct text usage;
    text_init(&usage, 4096);
    add_usage(kind, &usage);
    list->options = (struct options){.command = kind->name,
                                     .usage = text_cstr(&usage),
                                     .places = places,
                                     .place_count = place_count,
                                     .takes_json = true,
                                     .operand_count_max = kind->operand_count_max};
    bool is_parsed = options_parse(&list->options, argc, argv, exit_code);
    list->options.usage = NULL; /* they were for the parsing */
    list->options.places = NULL;
    text_fini(&usage);
    list->client = is_parsed ? client_open(&list->options, exit_code) : NULL;
    return list->client != NULL;
}

void list_close(struct list *list)
{
    client_close(list->client);
}

void list_add_path(const struct list *list, const char *rest, struct text *path)
{
    text_addf(path, "/api/v1/%s%s", list->kind->name, rest);
    for (size_t i = 0; i < LIST_FILTER_COUNT; i++) {
        client_add_parameter(path, words_parameter(filters[i].option), list->filters[i]);
    }
}

static int print_page(const struct text *answer, const struct list_kind *kind)
{
    struct json *page = NULL;
    struct failure why;
    if (json_parse(text_span(answer), &page, &why) != STATUS_OK) {
        (void)fprintf(stderr, "orderwatch: the daemon's answer is not understood: %s\n",
                      why.detail);
        return EXIT_CODE_UNAVAILABLE;
    }
    table_print(kind->columns, kind->column_count, json_member(page, "items"), kind->none);
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

int list_print(struct client *client, const char *path, bool is_json, const struct list_kind *kind)
{
    int exit_code = EXIT_CODE_OK;
    struct text answer;
    text_init(&answer, ANSWER_BYTES_MAX);
    bool is_good = client_ask(client, path, NULL, &answer, &exit_code);
    if (is_good && is_json) {
        client_print(&answer);
    } else if (is_good) {
        exit_code = print_page(&answer, kind);
    }
    text_fini(&answer);
    return exit_code;
}

int list_show(const struct list *list)
{
    struct text path;
    text_init(&path, PATH_BYTES_MAX);
    list_add_path(list, "", &path);
    int exit_code = list_print(list->client, text_cstr(&path), list->options.is_json, list->kind);
    text_fini(&path);
    return exit_code;
}
