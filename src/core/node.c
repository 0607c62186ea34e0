#include "core/node.h"

#include "core/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES_MAX 4096

const struct node *node_member(const struct node *map, const char *key)
{
    if (map == NULL || map->kind != NODE_MAP) {
        return NULL;
    }
    for (const struct node *entry = map->child; entry != NULL; entry = entry->next) {
        if (strcmp(entry->key, key) == 0) {
            return entry;
        }
    }
    return NULL;
}

/* A problem is one line whatever the document holds. */
static void hide_controls(char *line)
{
    for (char *byte = line; *byte != '\0'; byte++) {
        if ((unsigned char)*byte < 0x20 || *byte == 0x7f) {
            *byte = '?';
        }
    }
}

static void append(struct problem_list *problems, bool is_warning, char *line)
{
    struct problem *problem = alloc(sizeof *problem);
    hide_controls(line);
    problem->is_warning = is_warning;
    problem->line_text = line;
    if (problems->last != NULL) {
        problems->last->next = problem;
    } else {
        problems->first = problem;
    }
    problems->last = problem;
    *(is_warning ? &problems->warning_count : &problems->error_count) += 1;
}

static void begin_line(struct text *line, const char *file, int line_number, int column)
{
    text_init(line, LINE_BYTES_MAX);
    if (file == NULL) {
        return;
    }
    text_add_text(line, file);
    if (line_number > 0) {
        text_addf(line, ":%d:%d", line_number, column);
    }
    text_add_text(line, ": ");
}

/* What does not fit is cut: the place and the start of the message are what counts. */
static void add_message(struct text *line, const char *format, va_list arguments)
{
    char message[LINE_BYTES_MAX / 2];
    (void)vsnprintf(message, sizeof message, format, arguments);
    text_add_text(line, message);
}

static void begin_line_at_node(struct text *line, const struct node *where, const char *key_path)
{
    begin_line(line, where->file, where->line, where->column);
    if (key_path != NULL && key_path[0] != '\0') {
        text_addf(line, "%.1024s: ", key_path);
    }
}

void problem_add(struct problem_list *problems, const struct node *where, const char *key_path,
                 const char *format, ...)
{
    struct text line;
    begin_line_at_node(&line, where, key_path);
    va_list arguments;
    va_start(arguments, format);
    add_message(&line, format, arguments);
    va_end(arguments);
    append(problems, false, text_take(&line));
}

void problem_warn(struct problem_list *problems, const struct node *where, const char *key_path,
                  const char *format, ...)
{
    struct text line;
    begin_line_at_node(&line, where, key_path);
    text_add_text(&line, "warning: ");
    va_list arguments;
    va_start(arguments, format);
    add_message(&line, format, arguments);
    va_end(arguments);
    append(problems, true, text_take(&line));
}

void problem_add_at(struct problem_list *problems, const char *file, int line, int column,
                    const char *format, ...)
{
    struct text finished;
    begin_line(&finished, file, line, column);
    va_list arguments;
    va_start(arguments, format);
    add_message(&finished, format, arguments);
    va_end(arguments);
    append(problems, false, text_take(&finished));
}

void problem_list_clear(struct problem_list *problems)
{
    for (struct problem *problem = problems->first; problem != NULL;) {
        struct problem *next = problem->next;
        free(problem->line_text);
        free(problem);
        problem = next;
    }
    *problems = (struct problem_list){0};
}
