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
    "Validates the configuration and tells every problem, one line each, on stderr.\n\n"
    "  -c, --config FILE  the configuration; default $ORDERWATCH_CONFIG, then\n"
    "                     /etc/orderwatch/orderwatch.yaml\n"
    "      --print        show the configuration in effect, secrets as <secret>\n"
    "      --connect      also get a token and one page from each source, and open each sink\n"
    "                     without sending\n\n"
    "exit: 0 valid, warnings aside; 69 a source or sink could not be reached (--connect);\n"
    "      78 the configuration is wrong\n";

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

int cli_check(int argc, char **argv)
{
    bool is_print = false;
    bool is_connect = false;
    const struct option_place places[] = {{.name = "print", .is_given = &is_print},
                                          {.name = "connect", .is_given = &is_connect}};
    struct options options = {
        .command = "check", .usage = usage, .places = places, .place_count = ARRAY_COUNT(places)};
    int exit_code = EXIT_CODE_OK;
    if (!options_parse(&options, argc, argv, &exit_code)) {
        return exit_code;
    }
    struct problem_list problems = {0};
    struct config_file *file = NULL;
    enum status status = config_file_load(options.config_path, &problems, &file);
    if (status == STATUS_OK) {
        status = format_trial(config_file_config(file), &problems);
    }
    tell_problems(&problems);
    if (status != STATUS_OK) {
        config_file_close(file);
        return EXIT_CODE_CONFIG;
    }
    if (is_print) {
        print_config(config_file_config(file));
    } else {
        exit_code = tell_counts(options.config_path, config_file_config(file));
    }
    if (is_connect) {
        exit_code = check_connect(config_file_config(file));
    }
    config_file_close(file);
    return exit_code;
}
