#include "edge/config_tree.h"

#include "core/arena.h"
#include "core/text.h"
#include "core/utf8.h"
#include "core/walker.h"

#include <stdlib.h>
#include <string.h>

#define SCALAR_BYTES_MAX ((size_t)64 * 1024)
#define NAME_BYTES_MAX 128

/* --- merging -------------------------------------------------------------------------------- */

static bool is_nothing(const struct node *node)
{
    return node->kind == NODE_SCALAR && node->is_plain && node->text[0] == '\0';
}

static struct node *copy_node(struct arena *arena, const struct node *node)
{
    struct node *copy = arena_alloc(arena, sizeof *copy);
    *copy = *node;
    copy->next = NULL;
    return copy;
}

/* Appends shallow copies: entries are shared, their order is not. */
static struct node **append_copies(struct arena *arena, struct node **tail,
                                   const struct node *entry)
{
    for (; entry != NULL; entry = entry->next) {
        *tail = copy_node(arena, entry);
        tail = &(*tail)->next;
    }
    return tail;
}

static struct node *merge(struct walker *walker, const struct node *left, const struct node *right);

static void merge_entry(struct walker *walker, struct node *map, struct node ***tail,
                        const struct node *entry)
{
    for (struct node **place = &map->child; *place != NULL; place = &(*place)->next) {
        if (strcmp((*place)->key, entry->key) != 0) {
            continue;
        }
        size_t path_size = walker_enter(walker, entry->key);
        struct node *merged = merge(walker, *place, entry);
        walker_leave(walker, path_size);
        merged->next = (*place)->next;
        *place = merged;
        /* The last entry may just have been replaced. */
        *tail = merged->next == NULL ? &merged->next : *tail;
        return;
    }
    **tail = copy_node(walker->arena, entry);
    *tail = &(**tail)->next;
}

static struct node *merge_maps(struct walker *walker, const struct node *left,
                               const struct node *right)
{
    struct node *map = copy_node(walker->arena, left);
    map->child = NULL;
    struct node **tail = append_copies(walker->arena, &map->child, left->child);
    for (const struct node *entry = right->child; entry != NULL; entry = entry->next) {
        merge_entry(walker, map, &tail, entry);
    }
    return map;
}

static struct node *merge(struct walker *walker, const struct node *left, const struct node *right)
{
    if (is_nothing(right)) {
        return copy_node(walker->arena, left);
    }
    if (is_nothing(left)) {
        return copy_node(walker->arena, right);
    }
    if (left->kind == NODE_MAP && right->kind == NODE_MAP) {
        return merge_maps(walker, left, right);
    }
    if (left->kind == NODE_LIST && right->kind == NODE_LIST) {
        struct node *list = copy_node(walker->arena, left);
        list->child = NULL;
        struct node **tail = append_copies(walker->arena, &list->child, left->child);
        (void)append_copies(walker->arena, tail, right->child);
        return list;
    }
    problem_add(walker->problems, right, walker->path,
                "is set at %s:%d:%d too; accepted: once, in one of the files", left->file,
                left->line, left->column);
    return copy_node(walker->arena, left);
}

struct node *config_tree_merge(struct arena *arena, const struct node *left,
                               const struct node *right, struct problem_list *problems)
{
    struct walker walker = {.problems = problems, .arena = arena};
    return merge(&walker, left, right);
}

/* --- variables ------------------------------------------------------------------------------ */

#define FORMS "${NAME}, ${NAME:-default}, ${NAME:?message}, or $$ for a dollar"

/* What stands between ${ and }. */
struct reference {
    char name[NAME_BYTES_MAX];
    char operation;   /* '-', '?', or 0 */
    struct span word; /* the default or the message */
};

static bool is_name_byte(char byte, bool is_first)
{
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || byte == '_' ||
           (!is_first && byte >= '0' && byte <= '9');
}

static bool parse_reference(struct span inside, struct reference *out)
{
    size_t size = 0;
    while (size < inside.size && is_name_byte(inside.data[size], size == 0)) {
        size++;
    }
    if (size == 0 || size >= sizeof out->name) {
        return false;
    }
    memcpy(out->name, inside.data, size);
    out->name[size] = '\0';
    out->operation = '\0';
    if (size == inside.size) {
        return true;
    }
    if (inside.size - size < 2 || inside.data[size] != ':' ||
        (inside.data[size + 1] != '-' && inside.data[size + 1] != '?')) {
        return false;
    }
    out->operation = inside.data[size + 1];
    out->word = (struct span){.data = inside.data + size + 2, .size = inside.size - size - 2};
    return memchr(out->word.data, '$', out->word.size) == NULL;
}

/* Appends what the reference stands for; false: the problem is told. */
static bool add_reference(struct walker *walker, const struct node *node,
                          const struct reference *reference, struct text *out)
{
    const char *value = secure_getenv(reference->name);
    bool is_empty = value == NULL || value[0] == '\0';
    if (reference->operation == '-' && is_empty) {
        text_add(out, reference->word);
        return true;
    }
    if (reference->operation == '?' && is_empty) {
        problem_add(walker->problems, node, walker->path,
                    "the variable %s is not set: %.*s; accepted: a value in the environment",
                    reference->name, (int)reference->word.size, reference->word.data);
        return false;
    }
    if (value == NULL) {
        problem_add(walker->problems, node, walker->path,
                    "the variable %s is not set; accepted: a value in the environment, or "
                    "${%s:-default}",
                    reference->name, reference->name);
        return false;
    }
    if (!utf8_is_valid(span_of(value))) {
        problem_add(walker->problems, node, walker->path,
                    "the variable %s is not UTF-8; accepted: UTF-8 text", reference->name);
        return false;
    }
    text_add_text(out, value);
    return true;
}

/* Handles the dollar at position and moves past what belongs to it; false: the problem is told. */
static bool expand_dollar(struct walker *walker, const struct node *node, size_t *position,
                          struct text *out)
{
    const char *dollar = node->text + *position;
    if (dollar[1] != '{') {
        text_add_char(out, '$'); /* $$, or a dollar on its own */
        *position += dollar[1] == '$' ? 2 : 1;
        return true;
    }
    const char *end = strchr(dollar, '}');
    struct reference reference;
    if (end == NULL ||
        !parse_reference((struct span){.data = dollar + 2, .size = (size_t)(end - dollar) - 2},
                         &reference)) {
        problem_add(walker->problems, node, walker->path,
                    "${ is not the beginning of a variable; accepted: " FORMS);
        return false;
    }
    *position += (size_t)(end - dollar) + 1;
    return add_reference(walker, node, &reference, out);
}

static void expand_scalar(struct walker *walker, struct node *node)
{
    if (node->is_broken || strchr(node->text, '$') == NULL) {
        return;
    }
    struct text out;
    text_init(&out, SCALAR_BYTES_MAX);
    node->is_expanded = strstr(node->text, "${") != NULL;
    node->is_plain = node->is_plain && !node->is_expanded;
    for (size_t i = 0; node->text[i] != '\0' && !node->is_broken;) {
        if (node->text[i] != '$') {
            text_add_char(&out, node->text[i++]);
        } else if (!expand_dollar(walker, node, &i, &out)) {
            node->is_broken = true;
        }
    }
    if (out.status != STATUS_OK) {
        problem_add(walker->problems, node, walker->path,
                    "is too long with its variables; accepted: up to 64 KiB");
        node->is_broken = true;
    }
    node->text = arena_text(walker->arena, text_span(&out));
    if (out.data != NULL) {
        explicit_bzero(out.data, out.capacity);
    }
    text_fini(&out);
}

static struct node *expand(struct walker *walker, const struct node *node)
{
    struct node *copy = copy_node(walker->arena, node);
    if (copy->kind == NODE_SCALAR) {
        copy->text = arena_text(walker->arena, span_of(node->text));
        expand_scalar(walker, copy);
        return copy;
    }
    copy->child = NULL;
    struct node **tail = &copy->child;
    size_t index = 0;
    for (const struct node *entry = node->child; entry != NULL; entry = entry->next) {
        size_t path_size = entry->key != NULL ? walker_enter(walker, entry->key)
                                              : walker_enter_index(walker, index++);
        *tail = expand(walker, entry);
        tail = &(*tail)->next;
        walker_leave(walker, path_size);
    }
    return copy;
}

struct node *config_tree_expand(struct arena *arena, const struct node *tree,
                                struct problem_list *problems)
{
    struct walker walker = {.problems = problems, .arena = arena};
    return expand(&walker, tree);
}
