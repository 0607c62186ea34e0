/* orderwatch reload: the configuration is read again; what changed, or every problem, is told. */
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/table.h"
#include "daemon.h"

#include <stdio.h>

static const char usage[] =
    "usage: orderwatch reload [-c FILE] [--json]\n"
    "The daemon reads its configuration, secrets, profiles and formats again: all of it comes "
    "into\n"
    "force, or nothing. Says what changed, or what is wrong with its place. Nothing pending is\n"
    "lost. What is not changed is not disturbed; state.database needs a restart.\n\n"
    "exit: 0; 78 the configuration has errors and the one before stays in force; 69 no daemon\n"
    "answers, or it could not be done now\n";

static void print_line(FILE *out, const struct json *change)
{
    static const struct {
        const char *member, *before, *after;
    } cells[] = {{"change", "", ""}, {"section", " ", ""}, {"name", " ", ""}, {"keys", " (", ")"}};
    struct text line;
    text_init(&line, 8192);
    for (size_t i = 0; i < ARRAY_COUNT(cells); i++) {
        const struct json *cell = json_member(change, cells[i].member);
        if (cell != NULL) {
            text_add_text(&line, cells[i].before);
            table_add_cell(&line, cell, CELL_TEXT);
            text_add_text(&line, cells[i].after);
        }
    }
    (void)fprintf(out, "%s\n", text_cstr(&line));
    text_fini(&line);
}

static void tell_changes(const struct json *result)
{
    const struct json *change = json_first(json_member(result, "changes"));
    if (change == NULL) {
        (void)puts("nothing has changed");
    }
    for (; change != NULL; change = json_next(change)) {
        print_line(stdout, change);
    }
}

/* Each problem on its line, as `orderwatch check` has it. */
static bool tell_problems(const struct json *result)
{
    const struct json *problem = json_first(json_member(result, "errors"));
    bool is_any = problem != NULL;
    for (; problem != NULL; problem = json_next(problem)) {
        struct text line;
        text_init(&line, 8192);
        table_add_cell(&line, problem, CELL_TEXT);
        (void)fprintf(stderr, "%s\n", text_cstr(&line));
        text_fini(&line);
    }
    return is_any;
}

static int tell(const struct client *client, long http_code, const struct text *answer,
                bool is_json)
{
    struct json *result = NULL;
    bool is_done = http_code == 200;
    if (json_parse(text_span(answer), &result, NULL) != STATUS_OK) {
        (void)fprintf(stderr, "orderwatch: reload: the daemon's answer is not understood\n");
        return EXIT_CODE_UNAVAILABLE;
    }
    int exit_code = is_done ? EXIT_CODE_OK : EXIT_CODE_UNAVAILABLE;
    exit_code = http_code == 422 ? EXIT_CODE_CONFIG : exit_code;
    if (is_json) {
        client_print(answer);
    } else if (is_done) {
        tell_changes(result);
    } else if (!tell_problems(result)) {
        (void)client_tell_problem(client, http_code, answer);
    }
    json_destroy(result);
    return exit_code;
}

int cli_reload(int argc, char **argv)
{
    struct options options = {.command = "reload", .usage = usage, .takes_json = true};
    int exit_code = EXIT_CODE_OK;
    if (!options_parse(&options, argc, argv, &exit_code)) {
        return exit_code;
    }
    struct client *client = client_open(&options, &exit_code);
    if (client == NULL) {
        return exit_code;
    }
    struct text answer;
    text_init(&answer, (size_t)16 << 20);
    long http_code = client_try(client, "/-/reload", "{}", &answer, &exit_code);
    if (http_code != 0) {
        exit_code = tell(client, http_code, &answer, options.is_json);
    }
    text_fini(&answer);
    client_close(client);
    return exit_code;
}
