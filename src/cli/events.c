#include "cli/cli.h"
#include "cli/list.h"
#include "daemon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RECONNECT_S 2

static const char usage_head[] =
    "usage: orderwatch events [-c FILE] [--follow] [FILTERS] [--json]\n"
    "What happened, the latest first. --follow shows each event as it happens, one line each,\n"
    "and misses none when the daemon restarts meanwhile.\n";

static const struct column event_columns[] = {
    {"TIME", "/time", CELL_TIME}, {"SEVERITY", "/severity", CELL_STATE},
    {"TYPE", "/type", CELL_TEXT}, {"SUMMARY", "/data/summary", CELL_TEXT},
    {"EVENT", "/id", CELL_TEXT},
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

/* The first look tells of a daemon that is not there, and of filters that it refuses. */
static int follow_events(struct client *client, const struct list_filters *filters, bool is_json)
{
    struct follow follow = {.is_json = is_json};
    struct text path;
    text_init(&path, 16384);
    text_add_text(&path, "/api/v1/events");
    list_add_filters(&path, filters);
    client_add_parameter(&path, "limit", filters->values[LIST_LIMIT] == NULL ? "1" : NULL);
    int exit_code = EXIT_CODE_OK;
    struct json *first = client_ask_json(client, text_cstr(&path), NULL, &exit_code);
    json_destroy(first);
    text_clear(&path);
    text_add_text(&path, "/api/v1/events/stream");
    list_add_filters(&path, filters);
    while (exit_code == EXIT_CODE_OK) {
        (void)client_follow(client, text_cstr(&path), follow.last_id, on_line, &follow);
        if (ferror(stdout) != 0) {
            exit_code = EXIT_CODE_IO;
        }
        (void)nanosleep(&(struct timespec){.tv_sec = RECONNECT_S}, NULL);
    }
    text_fini(&path);
    return exit_code;
}

static int list_events(struct client *client, const struct list_filters *filters, bool is_json)
{
    struct text path;
    text_init(&path, 16384);
    text_add_text(&path, "/api/v1/events");
    list_add_filters(&path, filters);
    int exit_code = list_show(client, text_cstr(&path), is_json, event_columns,
                              ARRAY_COUNT(event_columns), "no events");
    text_fini(&path);
    return exit_code;
}

int cli_events(int argc, char **argv)
{
    struct list_filters filters = {.values = {NULL}};
    struct option_place places[LIST_FILTER_COUNT + 1];
    bool is_following = false;
    list_places(&filters, places);
    places[LIST_FILTER_COUNT] = (struct option_place){.name = "follow", .is_given = &is_following};
    char usage[2048];
    (void)snprintf(usage, sizeof usage, "%s%s", usage_head, list_help);
    struct options options = {.command = "events",
                              .usage = usage,
                              .places = places,
                              .place_count = ARRAY_COUNT(places),
                              .takes_json = true};
    int exit_code = EXIT_CODE_OK;
    if (!options_parse(&options, argc, argv, &exit_code)) {
        return exit_code;
    }
    struct client *client = client_open(&options, &exit_code);
    if (client != NULL) {
        exit_code = is_following ? follow_events(client, &filters, options.is_json)
                                 : list_events(client, &filters, options.is_json);
        client_close(client);
    }
    return exit_code;
}
