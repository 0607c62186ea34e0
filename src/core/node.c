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

static struct problem *append(struct problem_list *problems, bool is_warning, char *line)
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
    return problem;
}

/* Where a problem is; without a key path it is the document's. */
struct place {
    const char *file; /* NULL: the message names it */
    int line, column; /* line 0: none */
    const char *key_path;
};

static PRINTF_LIKE(4, 0) void add(struct problem_list *problems, const struct place *place,
                                  bool is_warning, const char *format, va_list arguments)
{
    char message[LINE_BYTES_MAX / 2]; /* what does not fit is cut: its start is what counts */
    (void)vsnprintf(message, sizeof message, format, arguments);
    struct text line;
    text_init(&line, LINE_BYTES_MAX);
    text_add_text(&line, place->file);
    size_t file_size = line.size;
    if (place->line > 0) {
        text_addf(&line, ":%d:%d", place->line, place->column);
    }
    if (place->file != NULL) {
        text_add_text(&line, ": ");
    }
    if (place->key_path != NULL && place->key_path[0] != '\0') {
        text_addf(&line, "%.1024s: ", place->key_path);
    }
    text_add_text(&line, is_warning ? "warning: " : "");
    text_add_text(&line, message);
    struct problem *problem = append(problems, is_warning, text_take(&line));
    problem->file_size = file_size;
    problem->line = place->line;
    problem->column = place->column;
}

static struct place place_of(const struct node *node, const char *key_path)
{
    return (struct place){
        .file = node->file, .line = node->line, .column = node->column, .key_path = key_path};
}

void problem_add(struct problem_list *problems, const struct node *where, const char *key_path,
                 const char *format, ...)
{
    struct place place = place_of(where, key_path);
    va_list arguments;
    va_start(arguments, format);
    add(problems, &place, false, format, arguments);
    va_end(arguments);
}

void problem_warn(struct problem_list *problems, const struct node *where, const char *key_path,
                  const char *format, ...)
{
    struct place place = place_of(where, key_path);
    va_list arguments;
    va_start(arguments, format);
    add(problems, &place, true, format, arguments);
    va_end(arguments);
}

void problem_add_at(struct problem_list *problems, const char *file, int line, int column,
                    const char *format, ...)
{
    struct place place = {.file = file, .line = line, .column = column};
    va_list arguments;
    va_start(arguments, format);
    add(problems, &place, false, format, arguments);
    va_end(arguments);
}

static int compare_places(const struct problem *left, const struct problem *right)
{
    size_t size = left->file_size < right->file_size ? left->file_size : right->file_size;
    int order = memcmp(left->line_text, right->line_text, size);
    if (order == 0 && left->file_size != right->file_size) {
        order = left->file_size < right->file_size ? -1 : 1;
    }
    if (order == 0) {
        order = left->line - right->line;
    }
    return order != 0 ? order : left->column - right->column;
}

static struct problem *merge_lists(struct problem *left, struct problem *right)
{
    struct problem *first = NULL;
    struct problem **tail = &first;
    while (left != NULL && right != NULL) {
        struct problem **lesser = compare_places(left, right) <= 0 ? &left : &right;
        *tail = *lesser;
        tail = &(*tail)->next;
        *lesser = *tail;
    }
    *tail = left != NULL ? left : right;
    return first;
}

/* A merge sort from below: slot i holds a sorted run of 2^i problems, or none. The later a run came
 * the lower its slot, so that merging from low to high keeps equals in their order. */
void problem_list_sort(struct problem_list *problems)
{
    struct problem *runs[64] = {NULL};
    for (struct problem *next = problems->first; next != NULL;) {
        struct problem *run = next;
        next = next->next;
        run->next = NULL;
        size_t slot = 0;
        for (; runs[slot] != NULL; slot++) {
            run = merge_lists(runs[slot], run);
            runs[slot] = NULL;
        }
        runs[slot] = run;
    }
    problems->first = NULL;
    for (size_t slot = 0; slot < ARRAY_COUNT(runs); slot++) {
        problems->first = merge_lists(runs[slot], problems->first);
    }
    problems->last = problems->first;
    while (problems->last != NULL && problems->last->next != NULL) {
        problems->last = problems->last->next;
    }
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
