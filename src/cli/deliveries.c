#include "cli/cli.h"
#include "cli/list.h"
#include "daemon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_BYTES_MAX ((size_t)16 << 20)
#define ID_SIZE 32
#define BEGINNING_SIZE_MIN 8

static const char usage_head[] = "usage: orderwatch deliveries [-c FILE] [FILTERS] [--json]\n"
                                 "What was sent, waits to be, or is parked, the latest first.\n"
                                 "--status: pending, delivered, parked, dropped.\n";

static const char why_usage[] =
    "usage: orderwatch why EVENT [-c FILE] [--json]\n"
    "One event: the sweep that found it, the fields that changed, its routes or silence, and\n"
    "each try to deliver it with the receiver's answer. EVENT is an id, as events shows it;\n"
    "of the latest thousand its first 8 characters or more are enough.\n\n"
    "exit: 0; 1 no such event; 69 no daemon answers\n";

static const struct column delivery_columns[] = {
    {"ID", "/id", CELL_NUMBER},        {"SINK", "/sink", CELL_TEXT},
    {"STATUS", "/status", CELL_STATE}, {"TYPE", "/type", CELL_TEXT},
    {"ORDER", "/order", CELL_TEXT},    {"CREATED", "/created", CELL_TIME},
    {"ENDED", "/ended", CELL_TIME},    {"TRIES", "/attempts", CELL_NUMBER},
    {"ANSWER", "/detail", CELL_TEXT},
};

static const struct column change_columns[] = {
    {"FIELD", "/field", CELL_TEXT}, {"FROM", "/from", CELL_TEXT}, {"TO", "/to", CELL_TEXT}};

static const struct column try_columns[] = {{"TRIED", "/time", CELL_TIME},
                                            {"ANSWER", "/detail", CELL_TEXT}};

int cli_deliveries(int argc, char **argv)
{
    struct list_filters filters = {.values = {NULL}};
    struct option_place places[LIST_FILTER_COUNT];
    list_places(&filters, places);
    char usage[2048];
    (void)snprintf(usage, sizeof usage, "%s%s", usage_head, list_help);
    struct options options = {.command = "deliveries",
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
        struct text path;
        text_init(&path, 16384);
        text_add_text(&path, "/api/v1/deliveries");
        list_add_filters(&path, &filters);
        exit_code = list_show(client, text_cstr(&path), options.is_json, delivery_columns,
                              ARRAY_COUNT(delivery_columns), "no deliveries");
        text_fini(&path);
        client_close(client);
    }
    return exit_code;
}

/* --- why ---------------------------------------------------------------------------------------
 */

static void print_line(const char *label, const struct json *value, enum cell_look look)
{
    if (value == NULL) {
        return;
    }
    struct text text;
    text_init(&text, 16384);
    table_add_cell(&text, value, look);
    (void)printf("%-10s %s\n", label, text_cstr(&text));
    text_fini(&text);
}

static void print_deliveries(const struct json *deliveries, const struct json *silence)
{
    if (json_count(deliveries) == 0) {
        (void)printf("\nno deliveries: %s\n", silence != NULL
                                                  ? "its silence keeps it from being sent"
                                                  : "no route leads it to a sink");
    }
    for (const struct json *delivery = json_first(deliveries); delivery != NULL;
         delivery = json_next(delivery)) {
        (void)printf("\n");
        print_line("sink", json_member(delivery, "sink"), CELL_TEXT);
        print_line("delivery", json_member(delivery, "id"), CELL_TEXT);
        print_line("status", json_member(delivery, "status"), CELL_TEXT);
        const struct json *route = json_first(json_member(delivery, "routes"));
        for (const char *label = "route"; route != NULL; route = json_next(route), label = "") {
            print_line(label, route, CELL_TEXT);
        }
        print_line("due", json_member(delivery, "due"), CELL_TIME);
        table_print(try_columns, ARRAY_COUNT(try_columns), json_member(delivery, "tries"),
                    "not tried yet");
    }
}

static void print_story(const struct json *story)
{
    const struct json *event = json_member(story, "event");
    print_line("event", json_member(event, "id"), CELL_TEXT);
    print_line("type", json_member(event, "type"), CELL_TEXT);
    print_line("severity", json_member(event, "severity"), CELL_TEXT);
    print_line("time", json_member(event, "time"), CELL_TIME);
    print_line("subject", json_member(event, "subject"), CELL_TEXT);
    print_line("sequence", json_member(event, "sequence"), CELL_TEXT);
    print_line("sweep", json_member(story, "sweep"), CELL_TEXT);
    print_line("summary", json_at(event, "/data/summary"), CELL_TEXT);
    print_line("silence", json_member(story, "silence"), CELL_TEXT);
    (void)printf("\n");
    table_print(change_columns, ARRAY_COUNT(change_columns), json_at(event, "/data/changes"),
                "no field changed");
    print_deliveries(json_member(story, "deliveries"), json_member(story, "silence"));
}

/* Tables cut what they have no room for: of the latest events the beginning of an id is enough.
 * out "": it is an id as it is. */
static bool complete_id(struct client *client, const char *given, char out[static ID_SIZE + 1],
                        int *exit_code)
{
    size_t size = strspn(given, "0123456789abcdef");
    bool is_beginning = size >= BEGINNING_SIZE_MIN && size < ID_SIZE &&
                        (given[size] == '\0' || strcmp(given + size, "…") == 0);
    out[0] = '\0';
    if (!is_beginning) {
        return true;
    }
    size_t found = 0;
    struct json *page = client_ask_json(client, "/api/v1/events?limit=1000", NULL, exit_code);
    const struct json *event = json_first(json_member(page, "items"));
    for (; event != NULL; event = json_next(event)) {
        const char *id = json_member_text(event, "id");
        if (id != NULL && strncmp(id, given, size) == 0 && found++ == 0) {
            (void)snprintf(out, ID_SIZE + 1, "%s", id);
        }
    }
    if (found > 1) {
        (void)fprintf(stderr, "orderwatch: why: %s: %zu events begin so; give more of the id\n",
                      given, found);
        *exit_code = EXIT_CODE_NEGATIVE;
    }
    bool is_good = page != NULL && found <= 1;
    json_destroy(page);
    return is_good;
}

static int show_story(struct client *client, const char *event_id, bool is_json)
{
    struct text path;
    struct text answer;
    text_init(&path, 8192);
    text_init(&answer, ANSWER_BYTES_MAX);
    text_add_text(&path, "/api/v1/events/");
    text_add_percent(&path, span_of(event_id));
    int exit_code = EXIT_CODE_OK;
    struct json *story = NULL;
    if (client_ask(client, text_cstr(&path), NULL, &answer, &exit_code)) {
        if (is_json) {
            exit_code = client_print("why", &answer);
        } else if (json_parse(text_span(&answer), &story, NULL) == STATUS_OK) {
            print_story(story);
        }
    }
    json_destroy(story);
    text_fini(&answer);
    text_fini(&path);
    return exit_code;
}

int cli_why(int argc, char **argv)
{
    struct options options = {
        .command = "why", .usage = why_usage, .takes_json = true, .operand_count_max = 1};
    int exit_code = EXIT_CODE_OK;
    if (!options_parse(&options, argc, argv, &exit_code)) {
        return exit_code;
    }
    if (options.operand_count != 1) {
        (void)fputs("orderwatch: why: EVENT is missing; `orderwatch events` lists ids\n", stderr);
        return EXIT_CODE_USAGE;
    }
    struct client *client = client_open(&options, &exit_code);
    if (client != NULL) {
        char id[ID_SIZE + 1];
        if (complete_id(client, options.operands[0], id, &exit_code)) {
            const char *whole = id[0] != '\0' ? id : options.operands[0];
            exit_code = show_story(client, whole, options.is_json);
        }
        client_close(client);
    }
    return exit_code;
}
