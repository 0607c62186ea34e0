/* A configuration document as a neutral tree: text with places, no types yet. Built by the edge. */
#ifndef CORE_NODE_H
#define CORE_NODE_H

#include "core/base.h"

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

/* Immutable once built; everything in it lives in one arena owned by the document. */
struct node {
    enum node_kind kind;
    const char *file;
    int line, column; /* of the value, from 1 */
    const char *key;  /* in a map: this entry's key; otherwise NULL */
    int key_line, key_column;
    const char *text;   /* scalars only; ${VAR} already expanded */
    bool is_plain;      /* scalars only: written without quotes */
    bool is_expanded;   /* scalars only: text holds what a variable gave; never shown */
    bool is_broken;     /* its problem is told already: it counts as there, and no more is said */
    struct node *child; /* first entry of a list or map */
    struct node *next;  /* next entry of the parent */
};

const struct node *node_member(const struct node *map, const char *key); /* NULL if absent */

/* Collects every problem of a document, one line each: FILE:LINE:COLUMN: key: what; accepted. */
struct problem_list {
    struct problem *first, *last;
    size_t error_count, warning_count;
};

struct problem {
    struct problem *next;
    bool is_warning;
    char *line_text;  /* the finished line, without newline */
    size_t file_size; /* of the file's name, which it begins with */
    int line, column;
};

void problem_add(struct problem_list *problems, const struct node *where, const char *key_path,
                 const char *format, ...) PRINTF_LIKE(4, 5);
void problem_warn(struct problem_list *problems, const struct node *where, const char *key_path,
                  const char *format, ...) PRINTF_LIKE(4, 5);
/* A problem of the document as a whole (unreadable file, syntax error). line 0: no place; file
 * NULL: the message names the file itself. */
void problem_add_at(struct problem_list *problems, const char *file, int line, int column,
                    const char *format, ...) PRINTF_LIKE(5, 6);
/* By file, line and column; those of one place stay in their order. */
void problem_list_sort(struct problem_list *problems);
void problem_list_clear(struct problem_list *problems);

#endif
