/* Commands that change something: one POST for each thing they name. */
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/table.h"
#include "daemon.h"

#include <stdio.h>

#define OPERAND_COUNT_MAX 1000

struct control {
    const char *command, *usage, *operand;
    const char *collections[2]; /* where the operand is looked for, in this order */
    const char *action;
    int operand_count_max;
    const char *done; /* what is said then */
};

enum { CONTROL_RETRY, CONTROL_DROP, CONTROL_RELEASE, CONTROL_PAUSE, CONTROL_RESUME, CONTROL_TEST };

static const struct control controls[] = {
    [CONTROL_RETRY] = {"retry",
                       "usage: orderwatch retry ID... [-c FILE] [--json]\n"
                       "Parked deliveries are due again at once, their tries counted anew. "
                       "`orderwatch deliveries\n--status parked` lists their ids.\n\n"
                       "exit: 0; 1 one is not parked; 69 no daemon answers\n",
                       "ID",
                       {"deliveries"},
                       "retry",
                       OPERAND_COUNT_MAX,
                       "due again"},
    [CONTROL_DROP] = {"drop",
                      "usage: orderwatch drop ID... [-c FILE] [--json]\n"
                      "Parked deliveries, and any of a sink that is not configured, are given up: "
                      "they count as\ndropped and are never sent.\n\n"
                      "exit: 0; 1 one cannot be dropped; 69 no daemon answers\n",
                      "ID",
                      {"deliveries"},
                      "drop",
                      OPERAND_COUNT_MAX,
                      "dropped"},
    [CONTROL_RELEASE] = {"release",
                         "usage: orderwatch release SOURCE [-c FILE] [--json]\n"
                         "The mass change that is held (source.change_held) is told with the "
                         "next sweep;\nan empty list that is doubted is believed."
                         "\n\nexit: 0; 1 nothing is held; 69 no daemon answers\n",
                         "SOURCE",
                         {"sources"},
                         "release",
                         1,
                         "released"},
    [CONTROL_PAUSE] = {"pause",
                       "usage: orderwatch pause SOURCE|SINK [-c FILE] [--json]\n"
                       "No sweeps of the source, or no sends to the sink, until `orderwatch "
                       "resume` or a restart.\nNothing is lost meanwhile.\n\n"
                       "exit: 0; 1 no such source or sink; 69 no daemon answers\n",
                       "SOURCE or SINK",
                       {"sources", "sinks"},
                       "pause",
                       1,
                       "paused"},
    [CONTROL_RESUME] = {"resume",
                        "usage: orderwatch resume SOURCE|SINK [-c FILE] [--json]\n"
                        "Ends a pause, one that a receiver asked for, too; also opens a sink "
                        "that was disabled because its receiver was gone (410).\n\n"
                        "exit: 0; 1 no such source or sink; 69 no daemon answers\n",
                        "SOURCE or SINK",
                        {"sources", "sinks"},
                        "resume",
                        1,
                        "resumed"},
    [CONTROL_TEST] = {"test",
                      "usage: orderwatch test SINK [-c FILE] [--json]\n"
                      "Sends one message that is marked as a test and prints what the receiver "
                      "answers. Nothing is\nstored, and nobody else is told.\n\n"
                      "exit: 0 accepted; 1 no such sink; 69 not accepted, or no daemon answers\n",
                      "SINK",
                      {"sinks"},
                      "test",
                      1,
                      NULL},
};

static void add_path(struct text *path, const char *collection, const char *operand,
                     const char *action)
{
    text_clear(path);
    text_addf(path, "/api/v1/%s/", collection);
    text_add_percent(path, span_of(operand));
    text_addf(path, "/%s", action);
}

/* The answer to a test is the receiver's own. */
static int tell_test(const struct text *answer, const char *sink)
{
    struct json *result = NULL;
    if (json_parse(text_span(answer), &result, NULL) != STATUS_OK) {
        return EXIT_CODE_UNAVAILABLE;
    }
    bool is_accepted = json_member_true(result, "accepted");
    struct text line;
    text_init(&line, 8192);
    table_add_cell(&line, json_member(result, "outcome"), CELL_TEXT);
    text_add_text(&line, ": ");
    table_add_cell(&line, json_member(result, "detail"), CELL_TEXT);
    (void)fprintf(is_accepted ? stdout : stderr, "%s%s: %s\n",
                  is_accepted ? "" : "orderwatch: test: ", sink, text_cstr(&line));
    text_fini(&line);
    json_destroy(result);
    return is_accepted ? EXIT_CODE_OK : EXIT_CODE_UNAVAILABLE;
}

static int tell_done(const struct control *control, const struct text *answer, const char *operand,
                     bool is_json)
{
    if (is_json) {
        client_print(answer);
    }
    if (control->done == NULL) {
        struct json *result = NULL;
        bool is_good = json_parse(text_span(answer), &result, NULL) == STATUS_OK &&
                       json_member_true(result, "accepted");
        json_destroy(result);
        return is_json ? (is_good ? EXIT_CODE_OK : EXIT_CODE_UNAVAILABLE)
                       : tell_test(answer, operand);
    }
    if (!is_json) {
        (void)printf("%s: %s\n", operand, control->done);
    }
    return EXIT_CODE_OK;
}

static bool ask_both(struct client *client, const struct control *control, const char *operand,
                     struct text *answer, int *exit_code)
{
    struct text path;
    struct text refusals;
    text_init(&path, 8192);
    text_init(&refusals, 8192);
    long http_code = 404;
    for (size_t i = 0; i < ARRAY_COUNT(control->collections) && http_code == 404; i++) {
        add_path(&path, control->collections[i], operand, control->action);
        http_code = client_try(client, text_cstr(&path), "{}", answer, exit_code);
        if (http_code == 404) {
            text_add_text(&refusals, i != 0 ? "; " : "");
            client_add_problem(client, &refusals, http_code, answer);
        }
    }
    if (http_code == 404) {
        (void)fprintf(stderr, "orderwatch: %s: %s\n", control->command, text_cstr(&refusals));
        *exit_code = EXIT_CODE_NEGATIVE;
    } else if (http_code != 0 && http_code != 200) {
        *exit_code = client_tell_problem(client, http_code, answer);
    }
    text_fini(&refusals);
    text_fini(&path);
    return http_code == 200;
}

static int act(struct client *client, const struct control *control, const char *operand,
               bool is_json)
{
    struct text path;
    struct text answer;
    text_init(&path, 8192);
    text_init(&answer, (size_t)1 << 20);
    int exit_code = EXIT_CODE_OK;
    bool is_done = false;
    if (control->collections[1] != NULL) {
        is_done = ask_both(client, control, operand, &answer, &exit_code);
    } else {
        add_path(&path, control->collections[0], operand, control->action);
        is_done = client_ask(client, text_cstr(&path), "{}", &answer, &exit_code);
    }
    if (is_done) {
        exit_code = tell_done(control, &answer, operand, is_json);
    }
    text_fini(&answer);
    text_fini(&path);
    return exit_code;
}

static int run(const struct control *control, int argc, char **argv)
{
    struct options options = {.command = control->command,
                              .usage = control->usage,
                              .takes_json = true,
                              .operand_count_max = control->operand_count_max};
    int exit_code = EXIT_CODE_OK;
    if (!options_parse(&options, argc, argv, &exit_code)) {
        return exit_code;
    }
    if (options.operand_count == 0) {
        (void)fprintf(stderr, "orderwatch: %s: %s is missing; `orderwatch %s --help` tells more\n",
                      control->command, control->operand, control->command);
        return EXIT_CODE_USAGE;
    }
    struct client *client = client_open(&options, &exit_code);
    for (int i = 0; client != NULL && i < options.operand_count; i++) {
        int own_code = act(client, control, options.operands[i], options.is_json);
        exit_code = own_code != EXIT_CODE_OK ? own_code : exit_code;
    }
    client_close(client);
    return exit_code;
}

int cli_retry(int argc, char **argv)
{
    return run(&controls[CONTROL_RETRY], argc, argv);
}

int cli_drop(int argc, char **argv)
{
    return run(&controls[CONTROL_DROP], argc, argv);
}

int cli_release(int argc, char **argv)
{
    return run(&controls[CONTROL_RELEASE], argc, argv);
}

int cli_pause(int argc, char **argv)
{
    return run(&controls[CONTROL_PAUSE], argc, argv);
}

int cli_resume(int argc, char **argv)
{
    return run(&controls[CONTROL_RESUME], argc, argv);
}

int cli_test(int argc, char **argv)
{
    return run(&controls[CONTROL_TEST], argc, argv);
}
