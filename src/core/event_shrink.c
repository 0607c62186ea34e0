#include "core/event_shrink.h"

#include "core/event.h"
#include "core/json.h"
#include "core/json_write.h"
#include "core/utf8.h"

static void write_node(struct json_writer *writer, const struct json *node,
                       const struct shrink_limits *limits);

static void write_string(struct json_writer *writer, const struct json *node,
                         const struct shrink_limits *limits)
{
    struct span whole = json_text(node);
    if (whole.size <= limits->text_bytes_max || text_equal(json_key(node), "id")) {
        json_write_text(writer, json_key(node), whole.data);
        return;
    }
    struct text cut;
    text_init(&cut, EVENT_BYTES_MAX);
    utf8_add_clean_block(&cut, whole, limits->text_bytes_max);
    json_write_text(writer, json_key(node), text_cstr(&cut));
    text_fini(&cut);
}

static void write_list(struct json_writer *writer, const struct json *list,
                       const struct shrink_limits *limits)
{
    size_t count = json_count(list);
    size_t skipped = count > limits->list_count_max ? count - limits->list_count_max : 0;
    json_write_open(writer, json_key(list), '[');
    for (const struct json *node = json_first(list); node != NULL; node = json_next(node)) {
        if (skipped != 0) {
            skipped--;
            continue;
        }
        write_node(writer, node, limits);
    }
    json_write_close(writer, ']');
}

static void write_members(struct json_writer *writer, const struct json *object,
                          const struct shrink_limits *limits)
{
    for (const struct json *node = json_first(object); node != NULL; node = json_next(node)) {
        if (!limits->drops_extra || !text_equal(json_key(node), "extra")) {
            write_node(writer, node, limits);
        }
    }
}

static void write_scalar(struct json_writer *writer, const struct json *node)
{
    struct text value;
    text_init(&value, EVENT_BYTES_MAX);
    json_add(&value, node);
    json_write_raw(writer, json_key(node), text_span(&value));
    text_fini(&value);
}

/* Depth is bounded: json_parse refuses deeper documents. NOLINTNEXTLINE(misc-no-recursion) */
static void write_node(struct json_writer *writer, const struct json *node,
                       const struct shrink_limits *limits)
{
    switch (json_kind(node)) {
    case JSON_STRING:
        write_string(writer, node, limits);
        return;
    case JSON_LIST:
        write_list(writer, node, limits);
        return;
    case JSON_OBJECT:
        json_write_open(writer, json_key(node), '{');
        write_members(writer, node, limits);
        json_write_close(writer, '}');
        return;
    case JSON_NULL:
    case JSON_BOOL:
    case JSON_NUMBER:
        write_scalar(writer, node);
        return;
    }
}

void event_shrink_json(struct span json, const struct shrink_limits *limits, struct text *out)
{
    if (json.size == 0) {
        return;
    }
    bool is_object = json.data[0] == '{';
    struct text whole;
    text_init(&whole, SIZE_MAX / 4);
    text_add_text(&whole, is_object ? "" : "{");
    text_add(&whole, json);
    text_add_text(&whole, is_object ? "" : "}");
    struct json *root = NULL;
    if (json_parse(text_span(&whole), &root, NULL) == STATUS_OK) {
        struct json_writer writer = {.out = out};
        text_add_text(out, is_object ? "{" : "");
        write_members(&writer, root, limits);
        text_add_text(out, is_object ? "}" : "");
    }
    json_destroy(root);
    text_fini(&whole);
}
