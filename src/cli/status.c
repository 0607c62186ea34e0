#include "cli/cli.h"
#include "cli/client.h"
#include "cli/options.h"
#include "cli/table.h"
#include "daemon.h"

#include <stdio.h>

static const char usage[] =
    "usage: orderwatch status [--alive] [-c FILE] [--json]\n"
    "Sources, sinks, backlog and health of the daemon that runs, on one screen. Times are UTC.\n"
    "  --alive   only whether its loop and its store turn, for who would restart it: an API or\n"
    "            a receiver that is down is no reason to\n\n"
    "exit: 0 healthy (alive); 1 not, with the reasons; 69 no daemon answers\n";

static const struct column source_columns[] = {
    {"SOURCE", "/name", CELL_TEXT},
    {"STATE", "/state", CELL_STATE},
    {"LAST COMPLETE SWEEP", "/last_complete_sweep", CELL_TIME},
    {"ORDERS", "/orders", CELL_NUMBER},
    {"EVENTS", "/events", CELL_NUMBER},
    {"LOOK-UPS", "/look_ups", CELL_NUMBER},
    {"BUDGET LEFT", "/budget/left", CELL_NUMBER},
    {"HELD", "/held", CELL_TEXT},
    {"PAUSED", "/paused", CELL_TEXT},
};

static const struct column sink_columns[] = {
    {"SINK", "/name", CELL_TEXT},
    {"KIND", "/kind", CELL_TEXT},
    {"STATE", "/state", CELL_STATE},
    {"OBSERVED", "/observed", CELL_NUMBER},
    {"DELIVERED", "/delivered", CELL_NUMBER},
    {"PENDING", "/pending", CELL_NUMBER},
    {"PARKED", "/parked", CELL_NUMBER},
    {"SILENCED", "/silenced", CELL_NUMBER},
    {"OLDEST PENDING", "/oldest_pending", CELL_TIME},
    {"NEXT ATTEMPT", "/next_attempt", CELL_TIME},
    {"PAUSED", "/paused", CELL_TEXT},
};

static void print_reasons(const struct json *reasons)
{
    for (const struct json *reason = json_first(reasons); reason != NULL;
         reason = json_next(reason)) {
        const struct json *subject = json_first(reason);
        struct text line;
        text_init(&line, 8192);
        text_addf(&line, "  %s ", json_key(subject));
        table_add_cell(&line, subject, CELL_TEXT);
        text_add_text(&line, ": ");
        table_add_cell(&line, json_member(reason, "reason"), CELL_TEXT);
        (void)printf("%s\n", text_cstr(&line));
        text_fini(&line);
    }
}

static void print_connections(const struct json *sinks)
{
    for (const struct json *sink = json_first(sinks); sink != NULL; sink = json_next(sink)) {
        if (json_member_text(sink, "connection") == NULL) {
            continue;
        }
        struct text line;
        text_init(&line, 8192);
        table_add_cell(&line, json_member(sink, "name"), CELL_TEXT);
        text_add_text(&line, ": ");
        table_add_cell(&line, json_member(sink, "connection"), CELL_TEXT);
        (void)printf("  %s\n", text_cstr(&line));
        text_fini(&line);
    }
}

/* Who asked for a pause is well: no reason to call the daemon unhealthy. */
static void print_pauses(const struct json *sinks)
{
    for (const struct json *sink = json_first(sinks); sink != NULL; sink = json_next(sink)) {
        if (json_member(sink, "asked_to_wait_until") == NULL) {
            continue;
        }
        struct text line;
        text_init(&line, 8192);
        table_add_cell(&line, json_member(sink, "name"), CELL_TEXT);
        text_add_text(&line, ": asked for a pause until ");
        table_add_cell(&line, json_member(sink, "asked_to_wait_until"), CELL_TIME);
        if (json_member_text(sink, "last_failure") != NULL) {
            text_add_text(&line, ": ");
            table_add_cell(&line, json_member(sink, "last_failure"), CELL_TEXT);
        }
        (void)printf("  %s\n", text_cstr(&line));
        text_fini(&line);
    }
}

/* What is wrong with a source while that is no reason yet to call the daemon unhealthy. */
static void print_failures(const struct json *sources)
{
    for (const struct json *source = json_first(sources); source != NULL;
         source = json_next(source)) {
        const char *failure = json_member_text(source, "last_failure");
        if (failure == NULL || text_equal(json_member_text(source, "state"), "ok")) {
            continue;
        }
        struct text line;
        text_init(&line, 8192);
        table_add_cell(&line, json_member(source, "name"), CELL_TEXT);
        text_add_text(&line, ": ");
        table_add_cell(&line, json_member(source, "last_failure"), CELL_TEXT);
        (void)printf("  %s\n", text_cstr(&line));
        text_fini(&line);
    }
}

static void print_status(const struct json *status, bool is_ready)
{
    struct text started;
    text_init(&started, 256);
    table_add_cell(&started, json_member(status, "started"), CELL_TIME);
    (void)printf("orderwatch %s, since %s: %s\n", json_member_text(status, "version"),
                 text_cstr(&started), is_ready ? "healthy" : "not healthy");
    text_fini(&started);
    print_reasons(json_member(status, "reasons"));
    (void)printf("\n");
    table_print(source_columns, ARRAY_COUNT(source_columns), json_member(status, "sources"),
                "no sources");
    if (is_ready) { /* else it is among the reasons */
        print_failures(json_member(status, "sources"));
    }
    (void)printf("\n");
    table_print(sink_columns, ARRAY_COUNT(sink_columns), json_member(status, "sinks"), "no sinks");
    print_connections(json_member(status, "sinks"));
    print_pauses(json_member(status, "sinks"));
}

static void print_life(const struct json *answer, bool is_alive)
{
    (void)printf("%s\n", is_alive ? "alive" : "not alive");
    print_reasons(json_member(answer, "reasons"));
}

/* One thing to ask, and the member of the answer that is its verdict. */
struct question {
    const char *path, *verdict;
    void (*print)(const struct json *answer, bool is_good);
};

static const struct question whole_status = {"/api/v1/status", "ready", print_status};
static const struct question life = {"/-/healthy", "healthy", print_life};

static int show_answer(const struct question *question, const struct text *answer, bool is_json)
{
    struct json *document = NULL;
    if (json_parse(text_span(answer), &document, NULL) != STATUS_OK ||
        json_member(document, question->verdict) == NULL) {
        (void)fputs("orderwatch: status: the answer is not a daemon's at work\n", stderr);
        json_destroy(document);
        return EXIT_CODE_UNAVAILABLE;
    }
    bool is_good = json_member_true(document, question->verdict);
    if (is_json) {
        client_print(answer);
    } else {
        question->print(document, is_good);
    }
    json_destroy(document);
    return is_good ? EXIT_CODE_OK : EXIT_CODE_NEGATIVE;
}

static int show(const struct question *question, struct client *client, bool is_json)
{
    int exit_code = EXIT_CODE_OK;
    struct text answer;
    text_init(&answer, (size_t)8 << 20);
    long http_code = client_try(client, question->path, NULL, &answer, &exit_code);
    if (http_code == 200 || http_code == 503) {
        exit_code = show_answer(question, &answer, is_json);
    } else if (http_code != 0) {
        exit_code = client_tell_problem(client, http_code, &answer);
    }
    text_fini(&answer);
    return exit_code;
}

int cli_status(int argc, char **argv)
{
    bool is_life = false;
    const struct option_place places[] = {{"alive", &is_life, NULL}};
    struct options options = {.command = "status",
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
        exit_code = show(is_life ? &life : &whole_status, client, options.is_json);
        client_close(client);
    }
    return exit_code;
}
