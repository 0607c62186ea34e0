#include "cli/words.h"

#include "core/text.h"
#include "core/utf8.h"

#include <string.h>

#define LINE_BYTES_MAX ((size_t)2000)
#define LOWER "abcdefghijklmnopqrstuvwxyz"

static const struct {
    const char *path, *command;
} lists[] = {
    {"orders", "orders"},         {"appointments", "appointments"}, {"events", "events"},
    {"deliveries", "deliveries"}, {"silences", "silence list"},
};

static const struct {
    const char *option, *parameter;
} renamed[] = {{"search", "q"}};

const char *words_parameter(const char *option)
{
    for (size_t i = 0; i < ARRAY_COUNT(renamed); i++) {
        if (strcmp(renamed[i].option, option) == 0) {
            return renamed[i].parameter;
        }
    }
    return option;
}

static const char *option_of(const char *parameter)
{
    for (size_t i = 0; i < ARRAY_COUNT(renamed); i++) {
        if (strcmp(renamed[i].parameter, parameter) == 0) {
            return renamed[i].option;
        }
    }
    return parameter;
}

/* How much of text the name of a parameter takes; 0: none is there. */
static size_t add_parameter(struct text *out, const char *text)
{
    char name[16] = "";
    size_t size = strspn(text, LOWER);
    if (size == 0 || size >= sizeof name) {
        return 0;
    }
    memcpy(name, text, size);
    text_addf(out, "--%s", option_of(name));
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
    (void)add_parameter(out, text + 1);
    text_addf(out, " %.*s", (int)value_size, value);
    return (size_t)(value - text) + value_size;
}

/* A path that is no list of the interface stays as it is: 0. */
static size_t add_command(struct text *out, const char *text)
{
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
static size_t add_translated(struct text *out, const char *text)
{
    static const struct {
        const char *before;
        size_t (*add)(struct text *out, const char *text);
    } rules[] = {{"parameter ", add_parameter}, {"/api/v1/", add_command}};
    for (size_t i = 0; i < ARRAY_COUNT(rules); i++) {
        size_t size = strlen(rules[i].before);
        if (strncmp(text, rules[i].before, size) == 0) {
            size_t taken = rules[i].add(out, text + size);
            return taken != 0 ? size + taken : 0;
        }
    }
    return 0;
}

void words_add(struct text *out, const char *detail)
{
    struct text words;
    text_init(&words, 4 * LINE_BYTES_MAX);
    while (*detail != '\0') {
        size_t taken = add_translated(&words, detail);
        if (taken == 0) {
            text_add_char(&words, *detail++);
        }
        detail += taken;
    }
    utf8_add_clean_line(out, text_span(&words), LINE_BYTES_MAX);
    text_fini(&words);
}
