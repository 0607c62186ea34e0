#include "cli/check.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "core/text.h"
#include "daemon.h"
#include "edge/config_file.h"
#include "edge/format_trial.h"

#include <stdio.h>
#include <stdlib.h>

#define PRINT_BYTES_MAX ((size_t)16 * 1024 * 1024)

static const char usage[] =
    "usage: orderwatch check [-c FILE] [--print] [--connect]\n"
    "       orderwatch check [-c FILE] --route EVENT.json [--at TIME]\n"
    "       orderwatch check --profile FILE --sample FILE [--appointments] [--json]\n"
    "Validates the configuration and tells every problem, one line each, on stderr.\n\n"
    "  -c, --config FILE   the configuration; default $ORDERWATCH_CONFIG, then\n"
    "                      /etc/orderwatch/orderwatch.yaml\n"
    "      --print         show the configuration in effect, secrets as <secret>\n"
    "      --connect       also get a token and one page from each source, and open each sink\n"
    "                      without sending\n"
    "      --route EVENT.json  tell which routes match this event and why others do not, which\n"
    "                      sinks get it and when; silences are not looked at. - reads stdin\n"
    "      --at TIME       as if it were then: 2027-01-12T21:30, local to the event's source\n"
    "      --profile FILE  a profile's name or file: show what it makes of a sample; no\n"
    "                      configuration is needed\n"
    "      --sample FILE   a page of the API's answer, or one element of it. - reads stdin\n"
    "      --appointments  the sample is of the appointments' own collection\n"
    "      --json          the same for machines (--profile)\n\n"
    "exit: 0 valid, warnings aside; 1 no sink gets the event, or nothing in the sample matched;\n"
    "      2 a bad event, time or sample; 69 a source or sink could not be reached (--connect);\n"
    "      78 the configuration or the profile is wrong\n";

struct wishes {
    bool is_print, is_connect, is_of_appointments;
    const char *event, *at, *profile, *sample;
};

static void tell_problems(struct problem_list *problems)
{
    for (const struct problem *problem = problems->first; problem != NULL;
         problem = problem->next) {
        (void)fprintf(stderr, "%s\n", problem->line_text);
    }
    problem_list_clear(problems);
}

static void print_config(const struct config *config)
{
    struct text yaml;
    text_init(&yaml, PRINT_BYTES_MAX);
    config_print(config, &yaml);
    (void)fputs(text_cstr(&yaml), stdout);
    text_fini(&yaml);
}

static int tell_counts(const char *path, const struct config *config)
{
    (void)printf("%s: valid; %zu source%s, %zu sink%s, %zu route%s\n", path, config->source_count,
                 config->source_count == 1 ? "" : "s", config->sink_count,
                 config->sink_count == 1 ? "" : "s", config->route_count,
                 config->route_count == 1 ? "" : "s");
    return EXIT_CODE_OK;
}

static int wrong_use(const char *what)
{
    (void)fprintf(stderr, "orderwatch: check: %s; `orderwatch check --help` tells more\n", what);
    return EXIT_CODE_USAGE;
}

/* NULL: they go together. */
static const char *contradiction(const struct wishes *wishes, bool is_json)
{
    if ((wishes->profile != NULL) != (wishes->sample != NULL)) {
        return "--profile and --sample go together";
    }
    if (wishes->profile != NULL &&
        (wishes->event != NULL || wishes->is_print || wishes->is_connect)) {
        return "--profile goes with --sample, --appointments and --json alone";
    }
    if (is_json && wishes->profile == NULL) {
        return "--json goes with --profile";
    }
    if (wishes->is_of_appointments && wishes->profile == NULL) {
        return "--appointments goes with --profile";
    }
    if (wishes->at != NULL && wishes->event == NULL) {
        return "--at goes with --route";
    }
    if (wishes->event != NULL && (wishes->is_print || wishes->is_connect)) {
        return "--route goes with --at alone";
    }
    return NULL;
}

static int check_config(const char *path, const struct wishes *wishes)
{
    struct problem_list problems = {0};
    struct config_file *file = NULL;
    enum status status = config_file_load(path, &problems, &file);
    if (status == STATUS_OK) {
        status = format_trial(config_file_config(file), &problems);
    }
    tell_problems(&problems);
    if (status != STATUS_OK) {
        config_file_close(file);
        return EXIT_CODE_CONFIG;
    }
    const struct config *config = config_file_config(file);
    int exit_code = EXIT_CODE_OK;
    if (wishes->event != NULL) {
        exit_code = check_route(config, wishes->event, wishes->at);
    } else if (wishes->is_print) {
        print_config(config);
    } else {
        exit_code = tell_counts(path, config);
    }
    if (wishes->is_connect) {
        exit_code = check_connect(config);
    }
    config_file_close(file);
    return exit_code;
}

int cli_check(int argc, char **argv)
{
    struct wishes wishes = {0};
    const struct option_place places[] = {
        {.name = "print", .is_given = &wishes.is_print},
        {.name = "connect", .is_given = &wishes.is_connect},
        {.name = "appointments", .is_given = &wishes.is_of_appointments},
        {.name = "route", .value = &wishes.event},
        {.name = "at", .value = &wishes.at},
        {.name = "profile", .value = &wishes.profile},
        {.name = "sample", .value = &wishes.sample}};
    struct options options = {.command = "check",
                              .usage = usage,
                              .places = places,
                              .place_count = ARRAY_COUNT(places),
                              .takes_json = true};
    int exit_code = EXIT_CODE_OK;
    if (!options_parse(&options, argc, argv, &exit_code)) {
        return exit_code;
    }
    const char *wrong = contradiction(&wishes, options.is_json);
    if (wrong != NULL) {
        return wrong_use(wrong);
    }
    if (wishes.profile != NULL) {
        return check_profile(wishes.profile, wishes.sample, wishes.is_of_appointments,
                             options.is_json);
    }
    return check_config(options.config_path, &wishes);
}
