#include "cli/words.h"

#include "core/text.h"
#include "core/utf8.h"

#include <string.h>

#define LINE_BYTES_MAX ((size_t)2000)
#define NAME_SIZE 16
#define LOWER "abcdefghijklmnopqrstuvwxyz"

static const struct {
    const char *path, *command;
} lists[] = {
    {"orders", "orders"},         {"appointments", "appointments"}, {"events", "events"},
    {"deliveries", "deliveries"}, {"silences", "silence list"},
};

static const struct words_renamed renamed[] = {{"q", "search"}, {NULL, NULL}};

const char *words_parameter(const char *option)
{
    for (const struct words_renamed *row = renamed; row->option != NULL; row++) {
        if (strcmp(row->option, option) == 0) {
            return row->parameter;
        }
    }
    return option;
}

/* NULL: rows do not have it. */
static const char *find_option(const struct words_renamed *rows, const char *parameter)
{
    for (const struct words_renamed *row = rows; row != NULL && row->option != NULL; row++) {
        if (strcmp(row->parameter, parameter) == 0) {
            return row->option;
        }
    }
    return NULL;
}

/* The name that text begins with; its size, 0: it begins with none. */
static size_t read_name(const char *text, char name[static NAME_SIZE])
{
    size_t size = strspn(text, LOWER);
    if (size >= NAME_SIZE) {
        return 0;
    }
    memcpy(name, text, size);
    name[size] = '\0';
    return size;
}

/* How much of text the name of a parameter takes; 0: none is there. */
static size_t add_parameter(struct text *out, const char *text, const struct words_renamed *own)
{
    char name[NAME_SIZE];
    size_t size = read_name(text, name);
    const char *option = find_option(own, name);
    option = option != NULL ? option : find_option(renamed, name);
    if (size != 0) {
        text_addf(out, "--%s", option != NULL ? option : name);
    }
    return size;
}

/* ?name=value: as an option with its value. */
static size_t add_filter(struct text *out, const char *text)
{
    size_t name_size = text[0] == '?' ? strspn(text + 1, LOWER) : 0;
    if (name_size == 0 || text[1 + name_size] != '=') {
        return 0;
    }
    const char *value = text + 1 + name_size + 1;
    size_t value_size = strcspn(value, " ;,&");
    text_add_char(out, ' ');
    (void)add_parameter(out, text + 1, NULL);
    text_addf(out, " %.*s", (int)value_size, value);
    return (size_t)(value - text) + value_size;
}

/* A path that is no list of the interface stays as it is: 0. */
static size_t add_command(struct text *out, const char *text, const struct words_renamed *own)
{
    (void)own;
    size_t size = strspn(text, LOWER);
    for (size_t i = 0; i < ARRAY_COUNT(lists); i++) {
        if (size == strlen(lists[i].path) && strncmp(text, lists[i].path, size) == 0 &&
            text[size] != '/') {
            text_addf(out, "`orderwatch %s", lists[i].command);
            size += add_filter(out, text + size);
            text_add_char(out, '`');
            return size;
        }
    }
    return 0;
}

/* What a rule makes of the beginning of text; 0: it is no rule's. */
static size_t add_translated(struct text *out, const char *text, const struct words_renamed *own)
{
    static const struct {
        const char *before;
        size_t (*add)(struct text *out, const char *text, const struct words_renamed *own);
    } rules[] = {{"parameter ", add_parameter}, {"/api/v1/", add_command}};
    for (size_t i = 0; i < ARRAY_COUNT(rules); i++) {
        size_t size = strlen(rules[i].before);
        if (strncmp(text, rules[i].before, size) == 0) {
            size_t taken = rules[i].add(out, text + size, own);
            return taken != 0 ? size + taken : 0;
        }
    }
    return 0;
}

void words_add(struct text *out, const char *detail, const struct words_renamed *own)
{
    char name[NAME_SIZE];
    struct text words;
    text_init(&words, 4 * LINE_BYTES_MAX);
    size_t size = read_name(detail, name);
    if (detail[size] == ':' && find_option(own, name) != NULL) {
        detail += add_parameter(&words, detail, own);
    }
    while (*detail != '\0') {
        size_t taken = add_translated(&words, detail, own);
        if (taken == 0) {
            text_add_char(&words, *detail++);
        }
        detail += taken;
    }
    utf8_add_clean_line(out, text_span(&words), LINE_BYTES_MAX);
    text_fini(&words);
}
