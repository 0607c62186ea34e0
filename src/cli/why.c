/* orderwatch why: the whole story of one event. */
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/table.h"
#include "daemon.h"

#include <stdio.h>
#include <string.h>

#define ANSWER_BYTES_MAX ((size_t)16 << 20)
#define ID_SIZE 32
#define BEGINNING_SIZE_MIN 4

static const char usage[] =
    "usage: orderwatch why EVENT [-c FILE] [--json]\n"
    "One event: the sweep that found it, the fields that changed, its routes or silence, and\n"
    "each try to deliver it with the receiver's answer. EVENT is an id, as events shows it,\n"
    "or its first 4 characters or more if no other begins so.\n\n"
    "exit: 0; 1 no such event, or several; 69 no daemon answers\n";

static const struct column change_columns[] = {
    {"FIELD", "/field", CELL_TEXT}, {"FROM", "/from", CELL_TEXT}, {"TO", "/to", CELL_TEXT}};

static const struct column try_columns[] = {{"TRIED", "/time", CELL_TIME},
                                            {"ANSWER", "/detail", CELL_TEXT}};

static const struct column candidate_columns[] = {{"EVENT", "/id", CELL_TEXT},
                                                  {"TIME", "/time", CELL_TIME},
                                                  {"SUMMARY", "/data/summary", CELL_TEXT}};

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

static void tell_candidates(const char *given, const struct json *page)
{
    (void)fprintf(stderr, "orderwatch: why: %s: several events begin so; give more of the id:\n",
                  given);
    for (const struct json *event = json_first(json_member(page, "items")); event != NULL;
         event = json_next(event)) {
        struct text line;
        text_init(&line, 16384);
        for (size_t i = 0; i < ARRAY_COUNT(candidate_columns); i++) {
            text_add_text(&line, "  ");
            table_add_cell(&line, json_at(event, candidate_columns[i].pointer),
                           candidate_columns[i].look);
        }
        (void)fprintf(stderr, "%s\n", text_cstr(&line));
        text_fini(&line);
    }
}

/* Tables cut what they have no room for, and nobody types a whole id: its beginning is enough, also
 * with the mark of a table. out stays as it is where nothing begins so: the daemon tells of that.
 */
static bool complete_id(struct client *client, const char *given, char out[static ID_SIZE + 1],
                        int *exit_code)
{
    size_t size = strspn(given, "0123456789abcdef");
    bool is_beginning = size >= BEGINNING_SIZE_MIN && size < ID_SIZE &&
                        (given[size] == '\0' || strcmp(given + size, "…") == 0);
    if (size != 0 && size < BEGINNING_SIZE_MIN && given[size] == '\0') {
        (void)fprintf(stderr,
                      "orderwatch: why: %s: give at least %d characters of the event's id\n", given,
                      BEGINNING_SIZE_MIN);
        *exit_code = EXIT_CODE_USAGE;
        return false;
    }
    if (!is_beginning) {
        return true;
    }
    char path[128];
    (void)snprintf(path, sizeof path, "/api/v1/events?id=%.*s&limit=10", (int)size, given);
    struct json *page = client_ask_json(client, path, NULL, exit_code);
    size_t count = json_count(json_member(page, "items"));
    if (count == 1) {
        const char *id = json_member_text(json_first(json_member(page, "items")), "id");
        (void)snprintf(out, ID_SIZE + 1, "%s", id != NULL ? id : "");
    } else if (count > 1) {
        tell_candidates(given, page);
        *exit_code = EXIT_CODE_NEGATIVE;
    }
    json_destroy(page);
    return *exit_code == EXIT_CODE_OK;
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
            client_print(&answer);
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
        .command = "why", .usage = usage, .takes_json = true, .operand_count_max = 1};
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
        char id[ID_SIZE + 1] = "";
        if (complete_id(client, options.operands[0], id, &exit_code)) {
            const char *whole = id[0] != '\0' ? id : options.operands[0];
            exit_code = show_story(client, whole, options.is_json);
        }
        client_close(client);
    }
    return exit_code;
}
