/* orderwatch: says which command runs. What the commands do is in daemon.c and cli/. */
#include "cli/cli.h"
#include "core/suggest.h"
#include "daemon.h"
#include "edge/helper.h"

#include <stdio.h>
#include <string.h>

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary; /* NULL: not for people */
};

static int run_helper(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "mail") == 0) {
        return helper_mail_main();
    }
    if (argc == 2 && strcmp(argv[1], "shape") == 0) {
        return helper_shape_main();
    }
    (void)fputs("orderwatch: helper: for orderwatch's own use only\n", stderr);
    return EXIT_CODE_USAGE;
}

static const struct command commands[] = {
    {"run", cli_run, "watch the sources until SIGTERM; --once: one sweep, deliver, stop"},
    {"check", cli_check, "validate the configuration; --connect, --print"},
    {"status", cli_status, "sources, sinks, backlog and health of the daemon that runs"},
    {"orders", cli_orders, "the orders that are known; with an ID: one, with its time line"},
    {"appointments", cli_appointments, "the appointments to come"},
    {"events", cli_events, "what happened; --follow: as it happens"},
    {"deliveries", cli_deliveries, "what was sent, waits, or is parked"},
    {"why", cli_why, "one event: its cause, and each try to deliver it"},
    {"retry", cli_retry, "send parked deliveries again"},
    {"drop", cli_drop, "give parked deliveries up"},
    {"release", cli_release, "let a held sweep of a source out"},
    {"pause", cli_pause, "stop a source or a sink for a while"},
    {"resume", cli_resume, "go on with a paused source or sink"},
    {"reload", cli_reload, "make the daemon read its configuration again, all or nothing"},
    {"silence", cli_silence, "keep events from being sent for a time: add, list, end"},
    {"test", cli_test, "send one marked test message to a sink"},
    {"replay", cli_replay, "what happened, through another configuration: who would have got it"},
    {"forget", cli_forget, "erase one order with its events and personal data"},
    {"backup", cli_backup, "copy the state to a file while the daemon runs"},
    {"helper", run_helper, NULL},
};

static void print_usage(FILE *out)
{
    (void)fputs("usage: orderwatch COMMAND [-c FILE] [OPTIONS]\n"
                "Watches orders and appointments at an operator and tells people and systems what "
                "changed.\n\ncommands:\n",
                out);
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++) {
        if (commands[i].summary != NULL) {
            (void)fprintf(out, "  %-12s %s\n", commands[i].name, commands[i].summary);
        }
    }
    (void)fputs("\n`orderwatch COMMAND --help` tells more. FILE defaults to $ORDERWATCH_CONFIG, "
                "then\n/etc/orderwatch/orderwatch.yaml.\n",
                out);
}

/* NULL: there is none of this name. */
static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++) {
        if (strcmp(name, commands[i].name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

static int refuse(const char *name)
{
    struct suggestion suggestion = suggest_begin(name);
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++) {
        if (commands[i].summary != NULL) {
            suggest_offer(&suggestion, commands[i].name);
        }
    }
    (void)fprintf(stderr, "orderwatch: %s: no such command%s%s; `orderwatch --help` lists them\n",
                  name, suggestion.best != NULL ? "; did you mean " : "",
                  suggestion.best != NULL ? suggestion.best : "");
    return EXIT_CODE_USAGE;
}

static int help(const char *name)
{
    const struct command *command = name != NULL ? find_command(name) : NULL;
    if (command != NULL && command->summary != NULL) {
        char own_name[32];
        char option[] = "--help";
        (void)snprintf(own_name, sizeof own_name, "%s", name);
        char *arguments[] = {own_name, option, NULL};
        return command->run(2, arguments);
    }
    if (name != NULL) {
        return refuse(name);
    }
    print_usage(stdout);
    return EXIT_CODE_OK;
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return EXIT_CODE_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        return help(argv[2]); /* the last one is NULL */
    }
    if (strcmp(argv[1], "--version") == 0) {
        (void)printf("orderwatch %s\n", ORDERWATCH_VERSION);
        return EXIT_CODE_OK;
    }
    const struct command *command = find_command(argv[1]);
    return command != NULL ? command->run(argc - 1, argv + 1) : refuse(argv[1]);
}

/* What could not be written must not look like success. */
int main(int argc, char **argv)
{
    int exit_code = run(argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        (void)fprintf(stderr, "orderwatch: %s: standard output cannot be written\n",
                      argc > 1 ? argv[1] : "usage");
        return EXIT_CODE_IO;
    }
    return exit_code;
}
