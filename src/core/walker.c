#include "core/walker.h"

#include "core/arena.h"
#include "core/config.h"
#include "core/suggest.h"
#include "core/text.h"

#include <stdio.h>
#include <string.h>

#define MESSAGE_BYTES_MAX 1500
#define FILE_SUFFIX "_file"

size_t walker_enter(struct walker *walker, const char *key)
{
    size_t before = walker->path_size;
    size_t room = sizeof walker->path - before;
    int size = snprintf(walker->path + before, room, "%s%.60s", before != 0 ? "." : "", key);
    CHECK(size >= 0);
    walker->path_size += (size_t)size < room ? (size_t)size : room - 1;
    return before;
}

size_t walker_enter_index(struct walker *walker, size_t index)
{
    size_t before = walker->path_size;
    size_t room = sizeof walker->path - before;
    int size = snprintf(walker->path + before, room, "[%zu]", index);
    CHECK(size >= 0);
    walker->path_size += (size_t)size < room ? (size_t)size : room - 1;
    return before;
}

size_t walker_enter_entry(struct walker *walker, const struct node *list, size_t index)
{
    return list->kind == NODE_LIST ? walker_enter_index(walker, index) : walker->path_size;
}

void walker_leave(struct walker *walker, size_t path_size)
{
    CHECK(path_size <= walker->path_size);
    walker->path_size = path_size;
    walker->path[path_size] = '\0';
}

const char *walker_choices(struct walker *walker, const char *wrong, const char *const *words,
                           size_t count)
{
    struct suggestion suggestion = suggest_begin(wrong);
    struct text out;
    text_init(&out, MESSAGE_BYTES_MAX);
    for (size_t i = 0; i < count; i++) {
        suggest_offer(&suggestion, words[i]);
    }
    text_add_text(&out, "; ");
    if (suggestion.best != NULL) {
        text_addf(&out, "did you mean %s? ", suggestion.best);
    }
    text_add_text(&out, "accepted: ");
    for (size_t i = 0; i < count; i++) {
        text_addf(&out, "%s%s", i != 0 ? ", " : "", words[i]);
    }
    const char *kept = arena_text(walker->arena, text_span(&out));
    text_fini(&out);
    return kept;
}

/* --- which keys there are ------------------------------------------------------------------- */

static bool key_is_list(const struct key *key)
{
    return key->kind == KEY_TEXTS || key->kind == KEY_DURATIONS || key->kind == KEY_MAPS;
}

static const char *file_key(struct walker *walker, const struct key *key)
{
    return arena_format(walker->arena, "%s" FILE_SUFFIX, key->name);
}

static bool shape_has(const struct shape *shape, const char *name)
{
    for (size_t i = 0; i < shape->count; i++) {
        const struct key *key = &shape->keys[i];
        size_t size = strlen(key->name);
        if (strcmp(name, key->name) == 0 ||
            (key->kind == KEY_SECRET && strncmp(name, key->name, size) == 0 &&
             strcmp(name + size, FILE_SUFFIX) == 0)) {
            return true;
        }
    }
    return false;
}

static const char *key_choices(struct walker *walker, const struct shape *shape, const char *wrong)
{
    size_t count = 0;
    const char **names = arena_array(walker->arena, shape->count * 2, sizeof *names);
    for (size_t i = 0; i < shape->count; i++) {
        names[count++] = shape->keys[i].name;
        if (shape->keys[i].kind == KEY_SECRET) {
            names[count++] = file_key(walker, &shape->keys[i]);
        }
    }
    return walker_choices(walker, wrong, names, count);
}

static void refuse_unknown_keys(struct walker *walker, const struct shape *shape,
                                const struct node *map)
{
    for (const struct node *entry = map->child; entry != NULL; entry = entry->next) {
        if (shape_has(shape, entry->key)) {
            continue;
        }
        struct node at_key = *entry;
        at_key.line = entry->key_line;
        at_key.column = entry->key_column;
        size_t path_size = walker_enter(walker, entry->key);
        problem_add(walker->problems, &at_key, walker->path, "unknown key%s",
                    key_choices(walker, shape, entry->key));
        walker_leave(walker, path_size);
    }
}

/* --- lists ---------------------------------------------------------------------------------- */

static bool node_is_nothing(const struct node *node)
{
    return node->kind == NODE_SCALAR && node->is_plain && node->text[0] == '\0';
}

bool walker_list_size(struct walker *walker, const struct node *node, const char *accepted,
                      size_t *out)
{
    *out = 0;
    if (node->kind == NODE_MAP) {
        problem_add(walker->problems, node, walker->path, "is a map; accepted: a list of %s",
                    accepted);
        return false;
    }
    if (node->kind == NODE_SCALAR) {
        *out = node_is_nothing(node) ? 0 : 1;
        return true;
    }
    for (const struct node *entry = node->child; entry != NULL; entry = entry->next) {
        (*out)++;
    }
    return true;
}

const struct node *walker_list_first(const struct node *list)
{
    return list->kind == NODE_LIST ? list->child : list;
}

static bool list_has_its_size(struct walker *walker, const struct key *key, const struct node *node,
                              size_t count)
{
    if (count < (size_t)key->min || (key->max != 0 && count > (size_t)key->max)) {
        problem_add(walker->problems, node, walker->path,
                    "the list has %zu entries; accepted: from %lld to %lld of %s", count,
                    (long long)key->min, (long long)key->max, key->accepted);
        return false;
    }
    return true;
}

static void set_list(const struct key *key, void *target, const void *items, size_t count)
{
    walker_set_pointer((char *)target + key->offset, items);
    memcpy((char *)target + key->count_offset, &count, sizeof count);
}

static size_t item_size(const struct key *key)
{
    return key->kind == KEY_MAPS ? key->shape->size : WALKER_ELEMENT_SIZE;
}

static void read_list(struct walker *walker, const struct key *key, const struct node *node,
                      void *target)
{
    size_t count = 0;
    if (key->kind == KEY_MAPS && node->kind == NODE_SCALAR && !node_is_nothing(node)) {
        problem_add(walker->problems, node, walker->path, "is not a list; accepted: a list of %s",
                    key->accepted);
        return;
    }
    if (!walker_list_size(walker, node, key->accepted, &count) ||
        !list_has_its_size(walker, key, node, count) || count == 0) {
        return;
    }
    /* The entries are read as scalars of the list's element kind. */
    struct key element = *key;
    element.kind = key->kind == KEY_TEXTS ? KEY_TEXT : KEY_DURATION;
    element.min = key->kind == KEY_DURATIONS ? 1000 : 0;
    element.max = 0;
    char *items = arena_array(walker->arena, count, item_size(key));
    const struct node *entry = walker_list_first(node);
    for (size_t i = 0; i < count; i++, entry = entry->next) {
        size_t path_size = walker_enter_entry(walker, node, i);
        if (key->kind == KEY_MAPS) {
            walker_read(walker, key->shape, entry, items + i * item_size(key));
        } else {
            walker_read_scalar(walker, &element, entry, items + i * item_size(key));
        }
        walker_leave(walker, path_size);
    }
    set_list(key, target, items, count);
}

/* --- one key -------------------------------------------------------------------------------- */

void walker_read_value(struct walker *walker, const struct key *key, const struct node *node,
                       void *target)
{
    if (key->kind == KEY_CUSTOM) {
        key->read(walker, node, target);
    } else if (key->kind == KEY_MAP) {
        walker_read(walker, key->shape, node, (char *)target + key->offset);
    } else if (key_is_list(key)) {
        read_list(walker, key, node, target);
    } else {
        walker_read_scalar(walker, key, node, (char *)target + key->offset);
    }
}

static void read_absent(struct walker *walker, const struct key *key, const struct node *map,
                        void *target)
{
    struct node stand_in = {.kind = key->kind == KEY_MAP ? NODE_MAP : NODE_SCALAR,
                            .file = map->file,
                            .line = map->line,
                            .column = map->column,
                            .key = key->name,
                            .key_line = map->line,
                            .key_column = map->column,
                            .text = key->initial};
    if (key->is_required) {
        problem_add(walker->problems, map, walker->path, "is missing; accepted: %s",
                    key->accepted != NULL ? key->accepted : "a map");
    } else if (key->initial != NULL) {
        walker_read_value(walker, key, &stand_in, target);
    }
}

static void read_secret_file(struct walker *walker, const struct node *node, void *field)
{
    if (!walker_is_text(walker, node, "the path of a file whose first line is the secret")) {
        return;
    }
    const struct secret *secret = NULL;
    struct failure why;
    const char *path = walker_file_path(walker, node);
    if (walker->loader->secret_file(walker->loader->self, path, &secret, &why) != STATUS_OK) {
        problem_add(walker->problems, node, walker->path, "%s", why.detail);
        return;
    }
    walker_set_pointer(field, secret);
}

/* A secret is K or K_file, never both. True: one of them was there. */
static bool read_as_file(struct walker *walker, const struct key *key, const struct node *map,
                         void *target)
{
    const char *name = file_key(walker, key);
    const struct node *as_file = node_member(map, name);
    if (as_file == NULL) {
        return false;
    }
    size_t path_size = walker_enter(walker, name);
    if (node_member(map, key->name) != NULL) {
        problem_add(walker->problems, as_file, walker->path,
                    "%s is there too; accepted: one of the two", key->name);
    } else {
        read_secret_file(walker, as_file, (char *)target + key->offset);
    }
    walker_leave(walker, path_size);
    return true;
}

static void read_key(struct walker *walker, const struct key *key, const struct node *map,
                     void *target)
{
    if (key->kind == KEY_SECRET && read_as_file(walker, key, map, target)) {
        return;
    }
    const struct node *node = node_member(map, key->name);
    size_t path_size = walker_enter(walker, key->name);
    struct node empty;
    if (node != NULL && key->kind == KEY_MAP && node_is_nothing(node)) {
        empty = *node; /* a key with nothing under it, such as a section commented out */
        empty.kind = NODE_MAP;
        node = &empty;
    }
    if (node != NULL) {
        walker_read_value(walker, key, node, target);
    } else {
        read_absent(walker, key, map, target);
    }
    walker_leave(walker, path_size);
}

void walker_read(struct walker *walker, const struct shape *shape, const struct node *map,
                 void *target)
{
    if (map->kind != NODE_MAP) {
        problem_add(walker->problems, map, walker->path, "is not a map%s",
                    key_choices(walker, shape, ""));
        return;
    }
    refuse_unknown_keys(walker, shape, map);
    for (size_t i = 0; i < shape->count; i++) {
        read_key(walker, &shape->keys[i], map, target);
    }
    if (shape->finish != NULL) {
        shape->finish(walker, map, target);
    }
}
