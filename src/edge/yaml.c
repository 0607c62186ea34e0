#include "core/arena.h"
#include "core/text.h"
#include "edge/config_file.h"
#include "edge/file_read.h"
#include "edge/yaml_tree.h"

#include <yaml.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 32
#define NODE_COUNT_MAX 50000
#define KEY_COUNT_MAX 2000 /* of one map: looking for duplicates compares each with each */

struct yaml_document {
    struct arena *arena;
    const char *name;
    struct node *root;
};

/* A list or map that is being filled. */
struct level {
    struct node *node;
    struct node **tail;
    struct node key; /* of the entry to come: key, key_line, key_column */
    bool has_key;
    size_t entry_count;
};

struct builder {
    struct yaml_document *document;
    struct problem_list *problems;
    struct level levels[DEPTH_MAX];
    size_t depth;
    size_t node_count;
    size_t document_count;
    bool is_over; /* it makes no sense to read on */
};

static void complain(struct builder *builder, yaml_mark_t mark, const char *what)
{
    problem_add_at(builder->problems, builder->document->name, (int)mark.line + 1,
                   (int)mark.column + 1, "YAML: %s", what);
}

static void give_up(struct builder *builder, yaml_mark_t mark, const char *what)
{
    complain(builder, mark, what);
    builder->is_over = true;
}

static struct level *top_level(struct builder *builder)
{
    return builder->depth != 0 ? &builder->levels[builder->depth - 1] : NULL;
}

static bool wants_key(struct builder *builder)
{
    const struct level *level = top_level(builder);
    return level != NULL && level->node->kind == NODE_MAP && !level->has_key;
}

/* Gives a map's entry its key; false: the map has this key already. */
static bool take_key(struct builder *builder, struct level *level, struct node *node)
{
    node->key = level->key.key;
    node->key_line = level->key.key_line;
    node->key_column = level->key.key_column;
    level->has_key = false;
    const struct node *first = node_member(level->node, node->key);
    if (first != NULL) {
        problem_add_at(builder->problems, node->file, node->key_line, node->key_column,
                       "%.60s: is there twice, first in line %d; accepted: each key once",
                       node->key, first->key_line);
    }
    return first == NULL;
}

/* A second entry of one key is built as well, for its own problems, but belongs to nothing. */
static void attach(struct builder *builder, struct node *node)
{
    struct level *level = top_level(builder);
    if (level == NULL) {
        builder->document->root = node;
    } else if (level->node->kind == NODE_LIST || take_key(builder, level, node)) {
        *level->tail = node;
        level->tail = &node->next;
        level->entry_count++;
    }
}

static struct node *add_node(struct builder *builder, enum node_kind kind, yaml_mark_t mark)
{
    const struct level *level = top_level(builder);
    if (++builder->node_count > NODE_COUNT_MAX) {
        give_up(builder, mark, "too many values; accepted: up to 50000 in a file");
    } else if (level != NULL && level->node->kind == NODE_MAP &&
               level->entry_count == KEY_COUNT_MAX) {
        give_up(builder, mark, "too many keys; accepted: up to 2000 in a map");
    }
    struct node *node = arena_alloc(builder->document->arena, sizeof *node);
    node->kind = kind;
    node->file = builder->document->name;
    node->line = (int)mark.line + 1;
    node->column = (int)mark.column + 1;
    attach(builder, node);
    return node;
}

static void refuse_decoration(struct builder *builder, const yaml_char_t *anchor,
                              const yaml_char_t *tag, yaml_mark_t mark)
{
    if (anchor != NULL) {
        complain(builder, mark, "an anchor (&); accepted: each value written out, or quoted");
    }
    if (tag != NULL) {
        complain(builder, mark, "a tag (!); accepted: values without tags, or quoted");
    }
}

static void begin_level(struct builder *builder, enum node_kind kind, yaml_mark_t mark)
{
    if (wants_key(builder)) {
        give_up(builder, mark, "a key is a list or map; accepted: a text");
        return;
    }
    if (builder->depth == DEPTH_MAX) {
        give_up(builder, mark, "nested too deep; accepted: up to 32 levels");
        return;
    }
    struct node *node = add_node(builder, kind, mark);
    builder->levels[builder->depth++] = (struct level){.node = node, .tail = &node->child};
}

static const char *copy_scalar(struct builder *builder, const yaml_event_t *event)
{
    struct span bytes = {.data = (const char *)event->data.scalar.value,
                         .size = event->data.scalar.length};
    if (bytes.size != 0 && memchr(bytes.data, '\0', bytes.size) != NULL) {
        complain(builder, event->start_mark, "a text holds a NUL; accepted: texts without");
    }
    return arena_text(builder->document->arena, bytes);
}

static void on_key(struct builder *builder, const yaml_event_t *event)
{
    struct level *level = top_level(builder);
    level->has_key = true;
    level->key = (struct node){.key = copy_scalar(builder, event),
                               .key_line = (int)event->start_mark.line + 1,
                               .key_column = (int)event->start_mark.column + 1};
    if (strcmp(level->key.key, "<<") == 0) {
        complain(builder, event->start_mark,
                 "a merge key (<<); accepted: the keys themselves written out");
    }
}

static void on_scalar(struct builder *builder, const yaml_event_t *event)
{
    refuse_decoration(builder, event->data.scalar.anchor, event->data.scalar.tag,
                      event->start_mark);
    if (wants_key(builder)) {
        on_key(builder, event);
        return;
    }
    struct node *node = add_node(builder, NODE_SCALAR, event->start_mark);
    node->text = copy_scalar(builder, event);
    node->is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static void on_alias(struct builder *builder, const yaml_event_t *event)
{
    complain(builder, event->start_mark,
             "an alias (*); accepted: the value written out, or quoted if it begins with *");
    if (wants_key(builder)) {
        builder->is_over = true;
        return;
    }
    struct node *node = add_node(builder, NODE_SCALAR, event->start_mark);
    node->text = "";
    node->is_broken = true;
}

static void on_document(struct builder *builder, const yaml_event_t *event)
{
    if (++builder->document_count > 1) {
        give_up(builder, event->start_mark, "a second document begins; accepted: one in a file");
    }
}

static void on_event(struct builder *builder, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        on_document(builder, event);
        return;
    case YAML_SEQUENCE_START_EVENT:
        refuse_decoration(builder, event->data.sequence_start.anchor,
                          event->data.sequence_start.tag, event->start_mark);
        begin_level(builder, NODE_LIST, event->start_mark);
        return;
    case YAML_MAPPING_START_EVENT:
        refuse_decoration(builder, event->data.mapping_start.anchor, event->data.mapping_start.tag,
                          event->start_mark);
        begin_level(builder, NODE_MAP, event->start_mark);
        return;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        builder->depth--;
        return;
    case YAML_SCALAR_EVENT:
        on_scalar(builder, event);
        return;
    case YAML_ALIAS_EVENT:
        on_alias(builder, event);
        return;
    case YAML_STREAM_END_EVENT:
        builder->is_over = true;
        return;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return;
    }
}

/* libyaml gives bad bytes an offset, everything else a mark. */
static yaml_mark_t mark_of_offset(struct span bytes, size_t offset)
{
    yaml_mark_t mark = {.index = offset};
    for (size_t i = 0; i < offset && i < bytes.size; i++) {
        if (bytes.data[i] == '\n') {
            mark.line++;
            mark.column = 0;
        } else if (((unsigned char)bytes.data[i] & 0xc0) != 0x80) {
            mark.column++;
        }
    }
    return mark;
}

static bool is_tab_at(struct span bytes, yaml_mark_t mark)
{
    size_t line = 0;
    size_t position = 0;
    while (position < bytes.size && line < mark.line) {
        line += bytes.data[position++] == '\n' ? 1 : 0;
    }
    position += mark.column;
    return position < bytes.size && bytes.data[position] == '\t';
}

static void complain_of_syntax(struct builder *builder, const yaml_parser_t *parser,
                               struct span bytes)
{
    char what[256];
    const char *problem = parser->problem != NULL ? parser->problem : "not YAML";
    if (parser->error == YAML_READER_ERROR) {
        (void)snprintf(what, sizeof what, "%s; accepted: UTF-8 text", problem);
        give_up(builder, mark_of_offset(bytes, parser->problem_offset), what);
        return;
    }
    if (is_tab_at(bytes, parser->problem_mark)) {
        give_up(builder, parser->problem_mark, "a tab stands here; accepted: spaces");
        return;
    }
    if (parser->context != NULL) {
        (void)snprintf(what, sizeof what, "%s %s that began in line %zu; accepted: YAML 1.1",
                       problem, parser->context, parser->context_mark.line + 1);
    } else {
        (void)snprintf(what, sizeof what, "%s; accepted: YAML 1.1", problem);
    }
    give_up(builder, parser->problem_mark, what);
}

/* By events, not as a libyaml document: so nothing is read past the first level too deep, and what
 * is refused has its place. True: read to the end. */
static bool build(struct builder *builder, struct span bytes)
{
    yaml_parser_t parser;
    CHECK(yaml_parser_initialize(&parser) != 0);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)bytes.data, bytes.size);
    bool is_at_end = false;
    while (!builder->is_over) {
        yaml_event_t event;
        if (yaml_parser_parse(&parser, &event) == 0) {
            complain_of_syntax(builder, &parser, bytes);
            break;
        }
        is_at_end = event.type == YAML_STREAM_END_EVENT;
        on_event(builder, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return is_at_end;
}

static struct yaml_document *document_create(const char *name)
{
    struct yaml_document *document = alloc(sizeof *document);
    document->arena = arena_create();
    document->name = arena_text(document->arena, span_of(name));
    return document;
}

static struct node *nothing(struct yaml_document *document)
{
    struct node *node = arena_alloc(document->arena, sizeof *node);
    *node = (struct node){.kind = NODE_SCALAR,
                          .file = document->name,
                          .line = 1,
                          .column = 1,
                          .text = "",
                          .is_plain = true};
    return node;
}

struct yaml_document *yaml_tree_parse(const char *name, struct span bytes,
                                      struct problem_list *problems)
{
    struct builder builder = {.document = document_create(name), .problems = problems};
    if (bytes.data == NULL) {
        bytes = span_of(""); /* libyaml wants a pointer even to nothing */
    }
    if (bytes.size >= 3 && memcmp(bytes.data, "\xef\xbb\xbf", 3) == 0) {
        bytes = (struct span){.data = bytes.data + 3, .size = bytes.size - 3};
    }
    if (bytes.size > YAML_BYTES_MAX) {
        problem_add_at(problems, name, 0, 0, "is too large; accepted: up to 256 KiB");
    } else if (build(&builder, bytes)) {
        if (builder.document->root == NULL) {
            builder.document->root = nothing(builder.document);
        }
        return builder.document;
    }
    yaml_close(builder.document);
    return NULL;
}

struct yaml_document *yaml_tree_load(const char *path, struct problem_list *problems)
{
    struct text bytes;
    struct failure why;
    struct yaml_document *document = NULL;
    text_init(&bytes, YAML_BYTES_MAX);
    if (file_read(path, &bytes, &why) == STATUS_OK) {
        document = yaml_tree_parse(path, text_span(&bytes), problems);
    } else {
        problem_add_at(problems, NULL, 0, 0, "%s", why.detail);
    }
    if (bytes.data != NULL) {
        explicit_bzero(bytes.data, bytes.capacity); /* secrets may stand in it */
    }
    text_fini(&bytes);
    return document;
}

static enum status without_errors(struct yaml_document *document, size_t errors_before,
                                  const struct problem_list *problems, struct yaml_document **out)
{
    if (document == NULL || problems->error_count != errors_before) {
        yaml_close(document);
        return STATUS_INVALID;
    }
    *out = document;
    return STATUS_OK;
}

enum status yaml_load(const char *path, struct problem_list *problems, struct yaml_document **out)
{
    size_t errors_before = problems->error_count;
    return without_errors(yaml_tree_load(path, problems), errors_before, problems, out);
}

enum status yaml_parse(const char *name, struct span bytes, struct problem_list *problems,
                       struct yaml_document **out)
{
    size_t errors_before = problems->error_count;
    return without_errors(yaml_tree_parse(name, bytes, problems), errors_before, problems, out);
}

const struct node *yaml_root(const struct yaml_document *document)
{
    return document->root;
}

void yaml_close(struct yaml_document *document)
{
    if (document != NULL) {
        arena_wipe(document->arena); /* secrets may stand in it */
        arena_destroy(document->arena);
        free(document);
    }
}
