#include "cli/cli.h"
#include "cli/list.h"
#include "daemon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RECONNECT_S 2

static const char usage[] =
    "usage: orderwatch events [-c FILE] [--follow] [FILTERS] [--json]\n"
    "What happened, the latest first. --follow shows each event as it happens, one line each,\n"
    "and misses none when the daemon restarts meanwhile; with --since what happened from then on, "
    "too.\n";

static const struct column event_columns[] = {
    {"TIME", "/time", CELL_TIME}, {"SEVERITY", "/severity", CELL_STATE},
    {"TYPE", "/type", CELL_TEXT}, {"SUMMARY", "/data/summary", CELL_TEXT},
    {"EVENT", "/id", CELL_TEXT},
};

static const struct list_kind events = {
    .name = "events",
    .usage = usage,
    .has = {[LIST_SOURCE] = true,
            [LIST_TYPE] = true,
            [LIST_SEVERITY] = true,
            [LIST_ORDER] = true,
            [LIST_SINCE] = true,
            [LIST_UNTIL] = true,
            [LIST_SEARCH] = true,
            [LIST_LIMIT] = true,
            [LIST_AFTER] = true},
    .columns = event_columns,
    .column_count = ARRAY_COUNT(event_columns),
    .none = "no events",
};

static void print_event_line(struct span json)
{
    struct json *event = NULL;
    if (json_parse(json, &event, NULL) != STATUS_OK) {
        return;
    }
    struct text line;
    text_init(&line, 16384);
    for (size_t i = 0; i < ARRAY_COUNT(event_columns); i++) {
        text_add_text(&line, i != 0 ? "  " : "");
        table_add_cell(&line, json_at(event, event_columns[i].pointer), event_columns[i].look);
    }
    (void)printf("%s\n", text_cstr(&line));
    (void)fflush(stdout);
    text_fini(&line);
    json_destroy(event);
}

struct follow {
    char last_id[32];
    bool is_json;
};

static bool starts_with(struct span line, const char *prefix, struct span *rest)
{
    size_t size = strlen(prefix);
    if (line.size < size || memcmp(line.data, prefix, size) != 0) {
        return false;
    }
    *rest = (struct span){.data = line.data + size, .size = line.size - size};
    return true;
}

static void on_line(void *arg, struct span line)
{
    struct follow *follow = arg;
    struct span rest;
    if (starts_with(line, "id: ", &rest)) {
        (void)snprintf(follow->last_id, sizeof follow->last_id, "%.*s", (int)rest.size, rest.data);
    } else if (starts_with(line, "data: ", &rest) && follow->is_json) {
        (void)printf("%.*s\n", (int)rest.size, rest.data);
        (void)fflush(stdout);
    } else if (starts_with(line, "data: ", &rest)) {
        print_event_line(rest);
    }
}

/* What ends by itself is not followed. */
static bool can_follow(const struct list *list)
{
    static const struct {
        enum list_filter filter;
        const char *option;
    } ends[] = {{LIST_UNTIL, "--until"}, {LIST_LIMIT, "--limit"}};
    for (size_t i = 0; i < ARRAY_COUNT(ends); i++) {
        if (list->filters[ends[i].filter] != NULL) {
            (void)fprintf(stderr,
                          "orderwatch: events: %s: not beside --follow, which has no end; --since "
                          "says where it begins\n",
                          ends[i].option);
            return false;
        }
    }
    return true;
}

/* Comes back whenever it breaks off, until it is refused or nobody reads any more. */
static int follow_stream(const struct list *list, const char *path)
{
    struct follow follow = {.is_json = list->options.is_json};
    for (;;) {
        long http_code = client_follow(list->client, path, follow.last_id, on_line, &follow);
        if (!client_is_read()) {
            return EXIT_CODE_OK;
        }
        if (http_code >= 400 && http_code < 500) {
            (void)fprintf(stderr,
                          "orderwatch: events: the daemon does not let them be followed any more "
                          "(HTTP %ld); ask again for the reason\n",
                          http_code);
            return EXIT_CODE_UNAVAILABLE;
        }
        (void)nanosleep(&(struct timespec){.tv_sec = RECONNECT_S}, NULL);
    }
}

/* The first look tells of a daemon that is not there, and of filters that it refuses. */
static int follow_events(struct list *list)
{
    if (!can_follow(list)) {
        return EXIT_CODE_USAGE;
    }
    int exit_code = EXIT_CODE_OK;
    struct text path;
    text_init(&path, 16384);
    list_add_path(list, "", &path);
    client_add_parameter(&path, "limit", "1");
    struct json *first = client_ask_json(list->client, text_cstr(&path), NULL, &exit_code);
    json_destroy(first);
    text_clear(&path);
    list_add_path(list, "/stream", &path);
    if (exit_code == EXIT_CODE_OK) {
        exit_code = follow_stream(list, text_cstr(&path));
    }
    text_fini(&path);
    return exit_code;
}

int cli_events(int argc, char **argv)
{
    struct list list;
    bool is_following = false;
    const struct option_place follow = {.name = "follow", .is_given = &is_following};
    int exit_code = EXIT_CODE_OK;
    if (list_open(&list, &events, &follow, argc, argv, &exit_code)) {
        exit_code = is_following ? follow_events(&list) : list_show(&list);
        list_close(&list);
    }
    return exit_code;
}
