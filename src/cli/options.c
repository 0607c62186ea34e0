#include "cli/options.h"

#include "core/suggest.h"
#include "core/text.h"
#include "daemon.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG_PATH "/etc/orderwatch/orderwatch.yaml"
#define PLACE_COUNT_MAX 16
#define OWN_BASE 256 /* beyond every letter */

static void fill_table(const struct options *options,
                       struct option table[static PLACE_COUNT_MAX + 4])
{
    size_t count = 0;
    bool has_own_config = false;
    for (size_t i = 0; i < options->place_count; i++) {
        has_own_config = has_own_config || strcmp(options->places[i].name, "config") == 0;
    }
    if (!has_own_config) {
        table[count++] = (struct option){"config", required_argument, NULL, 'c'};
    }
    table[count++] = (struct option){"help", no_argument, NULL, 'h'};
    if (options->takes_json) {
        table[count++] = (struct option){"json", no_argument, NULL, 'j'};
    }
    CHECK(options->place_count <= PLACE_COUNT_MAX);
    for (size_t i = 0; i < options->place_count; i++) {
        const struct option_place *place = &options->places[i];
        table[count++] =
            (struct option){place->name, place->value != NULL ? required_argument : no_argument,
                            NULL, OWN_BASE + (int)i};
    }
    table[count] = (struct option){0};
}

static bool refuse(const struct options *options, const char *what, const char *why, int *exit_code)
{
    (void)fprintf(stderr, "orderwatch: %s: %s: %s; `orderwatch %s --help` tells what is accepted\n",
                  options->command, what, why, options->command);
    *exit_code = EXIT_CODE_USAGE;
    return false;
}

/* With the long option that was probably meant. */
static const char *unknown_words(const struct option *table, const char *given, struct text *out)
{
    text_init(out, 256);
    struct suggestion suggestion = suggest_begin(given + strspn(given, "-"));
    for (size_t i = 0; strncmp(given, "--", 2) == 0 && table[i].name != NULL; i++) {
        suggest_offer(&suggestion, table[i].name);
    }
    text_add_text(out, "no such option");
    if (suggestion.best != NULL) {
        text_addf(out, "; did you mean --%s", suggestion.best);
    }
    return text_cstr(out);
}

static void take(struct options *options, int option)
{
    if (option == 'c') {
        options->config_path = optarg;
        options->has_config_path = true;
        return;
    }
    if (option == 'j') {
        options->is_json = true;
        return;
    }
    const struct option_place *place = &options->places[option - OWN_BASE];
    if (place->value != NULL) {
        *place->value = optarg;
    } else {
        *place->is_given = true;
    }
}

static bool accepts_operands(const struct options *options, int *exit_code)
{
    for (int i = 0; i < options->operand_count; i++) {
        const char *operand = options->operands[i];
        if (i == options->operand_count_max) {
            return refuse(options, operand, "unexpected", exit_code);
        }
        if (operand[0] == '\0') {
            return refuse(options, "''", "a name or an id that is empty", exit_code);
        }
    }
    return true;
}

bool options_parse(struct options *options, int argc, char **argv, int *exit_code)
{
    struct option table[PLACE_COUNT_MAX + 4];
    fill_table(options, table);
    options->config_path = secure_getenv("ORDERWATCH_CONFIG");
    options->has_config_path = options->config_path != NULL && options->config_path[0] != '\0';
    optind = 0; /* glibc: from the beginning, whatever was parsed before */
    opterr = 0; /* the message is ours */
    int option = 0;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): no second thread yet */
    while ((option = getopt_long(argc, argv, ":c:h", table, NULL)) != -1) {
        if (option == 'h') {
            (void)fputs(options->usage, stdout);
            *exit_code = EXIT_CODE_OK;
            return false;
        }
        if (option == '?' || option == ':') {
            struct text words;
            const char *unknown = unknown_words(table, argv[optind - 1], &words);
            (void)refuse(options, argv[optind - 1],
                         option == '?' ? unknown : "its value is missing", exit_code);
            text_fini(&words);
            return false;
        }
        take(options, option);
    }
    options->operands = argv + optind;
    options->operand_count = argc - optind;
    if (!accepts_operands(options, exit_code)) {
        return false;
    }
    if (options->config_path == NULL || options->config_path[0] == '\0') {
        options->config_path = CONFIG_PATH;
    }
    return true;
}
