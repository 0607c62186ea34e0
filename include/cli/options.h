/* The options that commands share: -c FILE, --json, --help, and each command's own. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* One option of a command itself: exactly one of the two places is not NULL. */
struct option_place {
    const char *name;   /* without the dashes */
    bool *is_given;     /* --name */
    const char **value; /* --name VALUE */
};

struct options {
    const char *command; /* as in messages: check */
    const char *usage;   /* what --help prints */
    const struct option_place *places;
    size_t place_count;
    bool takes_json;
    int operand_count_max;

    const char *config_path; /* never NULL afterwards */
    bool has_config_path;    /* it was given; a command's own place may be called config */
    bool is_json;
    char **operands; /* NULL-terminated */
    int operand_count;
};

/* False: the command ends here with *exit_code (help was shown, or a wrong use was told). */
bool options_parse(struct options *options, int argc, char **argv, int *exit_code);

#endif
