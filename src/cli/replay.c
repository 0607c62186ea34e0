#include "core/replay.h"

#include "cli/cli.h"
#include "cli/list.h"
#include "cli/words.h"
#include "core/arena.h"
#include "core/slice.h"
#include "daemon.h"
#include "edge/config_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_BYTES_MAX ((size_t)128 << 20)
#define REPORT_BYTES_MAX ((size_t)1 << 30)

static const char usage[] =
    "usage: orderwatch replay --from TIME [--to TIME] [--config FILE] [-c FILE] [--json]\n"
    "What happened, as the daemon recorded it, through the routes, quiet hours, digests and sinks\n"
    "of another configuration: who would have got what and when. Nothing is sent.\n"
    "  --from TIME, --to TIME  a date, an instant, or how long ago such as 24h\n"
    "  --config FILE           the configuration to try\n"
    "  -c FILE                 the daemon's; without it the daemon is looked for by http.listen "
    "of\n"
    "                          the other one\n\n"
    "Silences of the daemon hold at the time of each event. Events are taken as they were "
    "recorded:\n"
    "profiles, reminders and settling have no part in it. Times are UTC.\n\n"
    "exit: 0; 2 usage; 69 no daemon answers; 78 the configuration to try is not valid\n";

struct wishes {
    const char *from, *to, *config_path;
};

static const struct column delivery_columns[] = {
    {"LEAVES", "/time", CELL_TIME},       {"SINK", "/sink", CELL_TEXT},
    {"MESSAGE", "/message", CELL_NUMBER}, {"TYPE", "/type", CELL_TEXT},
    {"ORDER", "/order", CELL_TEXT},       {"HAPPENED", "/happened", CELL_TIME},
    {"SUMMARY", "/summary", CELL_TEXT},
};

static const struct column silenced_columns[] = {
    {"HAPPENED", "/happened", CELL_TIME}, {"TYPE", "/type", CELL_TEXT},
    {"ORDER", "/order", CELL_TEXT},       {"SILENCE", "/silence", CELL_ID},
    {"SUMMARY", "/summary", CELL_TEXT},
};

static const struct column unrouted_columns[] = {
    {"HAPPENED", "/happened", CELL_TIME},
    {"TYPE", "/type", CELL_TEXT},
    {"ORDER", "/order", CELL_TEXT},
    {"SUMMARY", "/summary", CELL_TEXT},
};

/* --- what the daemon knows -------------------------------------------------------------------- */

static int refuse_answer(const struct failure *why)
{
    (void)fprintf(stderr, "orderwatch: replay: the daemon's answer is not understood: %s\n",
                  why->detail);
    return EXIT_CODE_UNAVAILABLE;
}

static enum status add_items(struct replay *replay, struct span page, struct failure *why)
{
    struct slicer slicer;
    struct span event;
    enum status status = slice_open(&slicer, page, "/items", why);
    enum slice_result result = SLICE_ELEMENT;
    while (status == STATUS_OK && (result = slice_next(&slicer, &event)) == SLICE_ELEMENT) {
        status = replay_add(replay, event, why);
    }
    return status == STATUS_OK && result == SLICE_BROKEN
               ? fail(why, STATUS_INVALID, "the list has no end")
               : status;
}

/* The cursor of the next page into next; empty at the end. */
static enum status read_next(struct span page, struct text *next, struct failure *why)
{
    struct span value;
    struct json *cursor = NULL;
    enum status status = slice_find(page, "/next", &value, why);
    if (status == STATUS_OK) {
        status = json_parse(value, &cursor, why);
    }
    text_clear(next);
    if (status == STATUS_OK && json_kind(cursor) == JSON_STRING) {
        text_add(next, json_text(cursor));
    }
    json_destroy(cursor);
    return status;
}

static const struct words_renamed renamed[] = {{"since", "from"}, {"until", "to"}, {NULL, NULL}};

static int load_events(struct client *client, const struct wishes *wishes, struct replay *replay)
{
    int exit_code = EXIT_CODE_OK;
    struct text path;
    struct text next;
    struct text page;
    text_init(&path, 16384);
    text_init(&next, 16384);
    text_init(&page, ANSWER_BYTES_MAX);
    do {
        text_clear(&path);
        text_add_text(&path, "/api/v1/events");
        client_rename(client, renamed);
        client_add_parameter(&path, "since", wishes->from);
        client_add_parameter(&path, "until", wishes->to);
        client_add_parameter(&path, "limit", "1000");
        client_add_parameter(&path, "after", next.size != 0 ? text_cstr(&next) : NULL);
        struct failure why = {0};
        if (client_ask(client, text_cstr(&path), NULL, &page, &exit_code) &&
            (add_items(replay, text_span(&page), &why) != STATUS_OK ||
             read_next(text_span(&page), &next, &why) != STATUS_OK)) {
            exit_code = refuse_answer(&why);
        }
    } while (exit_code == EXIT_CODE_OK && next.size != 0);
    text_fini(&page);
    text_fini(&next);
    text_fini(&path);
    return exit_code;
}

static int load_silences(struct client *client, struct arena *arena, struct silence_list *out)
{
    int exit_code = EXIT_CODE_OK;
    struct text page;
    text_init(&page, ANSWER_BYTES_MAX);
    struct span items;
    struct failure why = {0};
    if (client_ask(client, "/api/v1/silences?limit=1000", NULL, &page, &exit_code) &&
        (slice_find(text_span(&page), "/items", &items, &why) != STATUS_OK ||
         silence_list_decode(items, arena, out, &why) != STATUS_OK)) {
        exit_code = refuse_answer(&why);
    }
    text_fini(&page);
    return exit_code;
}

/* --- what comes of it ------------------------------------------------------------------------- */

static int show(const struct text *report, bool is_json)
{
    struct json *root = NULL;
    struct failure why = {0};
    if (is_json) {
        client_print(report);
        return EXIT_CODE_OK;
    }
    if (json_parse(text_span(report), &root, &why) != STATUS_OK) {
        (void)fprintf(stderr,
                      "orderwatch: replay: too much for a table: %s; use --json, or less "
                      "time\n",
                      why.detail);
        return EXIT_CODE_INTERNAL;
    }
    const struct json *silenced = json_member(root, "silenced");
    const struct json *unrouted = json_member(root, "unrouted");
    table_print(delivery_columns, ARRAY_COUNT(delivery_columns), json_member(root, "deliveries"),
                "nobody would have got anything");
    if (json_count(silenced) != 0) {
        (void)printf("\nsilenced:\n");
        table_print(silenced_columns, ARRAY_COUNT(silenced_columns), silenced, "");
    }
    if (json_count(unrouted) != 0) {
        (void)printf("\nno route leads anywhere:\n");
        table_print(unrouted_columns, ARRAY_COUNT(unrouted_columns), unrouted, "");
    }
    (void)printf("\n%lld events: %zu deliveries in %lld messages, %zu events silenced, %zu without "
                 "a route\n",
                 (long long)json_member_integer(root, "events", 0),
                 json_count(json_member(root, "deliveries")),
                 (long long)json_member_integer(root, "messages", 0), json_count(silenced),
                 json_count(unrouted));
    json_destroy(root);
    return EXIT_CODE_OK;
}

static int play(struct client *client, const struct config *config, const struct wishes *wishes,
                bool is_json)
{
    struct arena *arena = arena_create();
    struct silence_list silences = {.count = 0};
    struct replay *replay = replay_create(config, &silences);
    int exit_code = load_silences(client, arena, &silences);
    if (exit_code == EXIT_CODE_OK) {
        exit_code = load_events(client, wishes, replay);
    }
    if (exit_code == EXIT_CODE_OK) {
        struct text report;
        text_init(&report, REPORT_BYTES_MAX);
        replay_write(replay, &report);
        exit_code = report.status == STATUS_OK ? show(&report, is_json) : EXIT_CODE_INTERNAL;
        text_fini(&report);
    }
    replay_destroy(replay);
    arena_destroy(arena);
    return exit_code;
}

static int load(const char *path, struct config_file **out)
{
    struct problem_list problems = {0};
    enum status status = config_file_load(path, &problems, out);
    for (const struct problem *problem = problems.first; problem != NULL; problem = problem->next) {
        (void)fprintf(stderr, "%s\n", problem->line_text);
    }
    problem_list_clear(&problems);
    return status == STATUS_OK ? EXIT_CODE_OK : EXIT_CODE_CONFIG;
}

int cli_replay(int argc, char **argv)
{
    struct wishes wishes = {NULL, NULL, NULL};
    const struct option_place places[] = {{.name = "from", .value = &wishes.from},
                                          {.name = "to", .value = &wishes.to},
                                          {.name = "config", .value = &wishes.config_path}};
    struct options options = {.command = "replay",
                              .usage = usage,
                              .places = places,
                              .place_count = ARRAY_COUNT(places),
                              .takes_json = true};
    int exit_code = EXIT_CODE_OK;
    if (!options_parse(&options, argc, argv, &exit_code)) {
        return exit_code;
    }
    if (wishes.from == NULL) {
        (void)fprintf(stderr, "orderwatch: replay: --from is missing; `orderwatch replay --help` "
                              "tells more\n");
        return EXIT_CODE_USAGE;
    }
    if (wishes.config_path == NULL) {
        wishes.config_path = options.config_path;
    } else if (!options.has_config_path) {
        options.config_path = wishes.config_path;
    }
    struct config_file *file = NULL;
    exit_code = load(wishes.config_path, &file);
    struct client *client = exit_code == EXIT_CODE_OK ? client_open(&options, &exit_code) : NULL;
    if (client != NULL) {
        exit_code = play(client, config_file_config(file), &wishes, options.is_json);
    }
    client_close(client);
    config_file_close(file);
    return exit_code;
}
