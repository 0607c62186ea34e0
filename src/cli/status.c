#include "cli/cli.h"
#include "cli/client.h"
#include "cli/options.h"
#include "cli/table.h"
#include "daemon.h"

#include <stdio.h>

static const char usage[] = "usage: orderwatch status [-c FILE] [--json]\n"
                            "Sources, sinks, backlog and health of the daemon that runs, on one "
                            "screen. Times are UTC.\n\n"
                            "exit: 0 healthy; 1 not, with the reasons; 69 no daemon answers\n";

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
    (void)printf("\n");
    table_print(sink_columns, ARRAY_COUNT(sink_columns), json_member(status, "sinks"), "no sinks");
    print_connections(json_member(status, "sinks"));
}

static int show_answer(const struct text *answer, bool is_json)
{
    struct json *status = NULL;
    if (json_parse(text_span(answer), &status, NULL) != STATUS_OK) {
        (void)fputs("orderwatch: status: the answer is not a daemon's\n", stderr);
        return EXIT_CODE_UNAVAILABLE;
    }
    bool is_ready = json_member_true(status, "ready");
    if (is_json) {
        (void)client_print("status", answer);
    } else {
        print_status(status, is_ready);
    }
    json_destroy(status);
    return is_ready ? EXIT_CODE_OK : EXIT_CODE_NEGATIVE;
}

static int show_status(struct client *client, bool is_json)
{
    int exit_code = EXIT_CODE_OK;
    struct text answer;
    text_init(&answer, (size_t)8 << 20);
    if (client_ask(client, "/api/v1/status", NULL, &answer, &exit_code)) {
        exit_code = show_answer(&answer, is_json);
    }
    text_fini(&answer);
    return exit_code;
}

int cli_status(int argc, char **argv)
{
    struct options options = {.command = "status", .usage = usage, .takes_json = true};
    int exit_code = EXIT_CODE_OK;
    if (!options_parse(&options, argc, argv, &exit_code)) {
        return exit_code;
    }
    struct client *client = client_open(&options, &exit_code);
    if (client != NULL) {
        exit_code = show_status(client, options.is_json);
        client_close(client);
    }
    return exit_code;
}
