/* Lists and objects as text that says what they mean, however the API spells it. */
#include "core/extract_field.h"

#include "core/date.h"
#include "core/json.h"
#include "core/text.h"

#include <stdlib.h>
#include <string.h>

static bool is_ignored(const struct extracting *work, const char *name)
{
    const struct profile *profile = work->extractor->profile;
    for (size_t i = 0; i < profile->ignore_count; i++) {
        if (text_equal(profile->ignore[i], name)) {
            return true;
        }
    }
    return false;
}

/* Null, "", an empty list and an object of nothing else: as good as absent. Depth is bounded by the
 * reader. NOLINTNEXTLINE(misc-no-recursion) */
static bool is_nothing(const struct extracting *work, const struct json *node)
{
    enum json_kind kind = json_kind(node);
    if (kind != JSON_OBJECT) {
        return kind == JSON_NULL || (kind == JSON_STRING && json_text(node).size == 0) ||
               (kind == JSON_LIST && json_count(node) == 0);
    }
    for (const struct json *member = json_first(node); member != NULL; member = json_next(member)) {
        if (!is_ignored(work, json_key(member)) && !is_nothing(work, member)) {
            return false;
        }
    }
    return true;
}

/* Of dates only what is written out in full: other digits may be anything. */
static bool looks_like_instant(struct span text)
{
    static const char form[] = "0000-00-00T00:00";
    if (text.size < strlen(form)) {
        return false;
    }
    for (size_t i = 0; i < strlen(form); i++) {
        bool is_digit = text.data[i] >= '0' && text.data[i] <= '9';
        bool is_mark = text.data[i] == form[i] || (form[i] == 'T' && text.data[i] == 't');
        if (form[i] == '0' ? !is_digit : !is_mark) {
            return false;
        }
    }
    return true;
}

bool extract_add_instant(const struct extracting *work, struct span text, struct text *out)
{
    struct date date;
    if (!looks_like_instant(text) || !date_parse(text, work->extractor->zone, &date) ||
        date.kind != DATE_INSTANT) {
        return false;
    }
    date_add(out, date);
    return true;
}

static void add_string(const struct extracting *work, struct span string, struct text *out)
{
    struct text instant;
    text_init(&instant, 64);
    bool is_instant = extract_add_instant(work, string, &instant);
    text_add_json_string(out, is_instant ? text_span(&instant) : string);
    text_fini(&instant);
}

/* --- order that means nothing --- */

struct child {
    const struct json *node;
    struct span name; /* its key, or its id */
    size_t index;
};

static int by_name(const void *left, const void *right)
{
    const struct child *one = left;
    const struct child *other = right;
    size_t size = one->name.size < other->name.size ? one->name.size : other->name.size;
    int order = size != 0 ? memcmp(one->name.data, other->name.data, size) : 0;
    if (order == 0 && one->name.size != other->name.size) {
        return one->name.size < other->name.size ? -1 : 1;
    }
    return order != 0 ? order : (one->index > other->index) - (one->index < other->index);
}

static struct span id_of(const struct json *element)
{
    const struct json *id = json_kind(element) == JSON_OBJECT ? json_member(element, "id") : NULL;
    bool is_id = id != NULL && (json_kind(id) == JSON_STRING || json_kind(id) == JSON_NUMBER);
    return is_id ? json_text(id) : (struct span){0};
}

/* Members by their keys; elements by their ids, where each has one, else as they stand. */
static struct child *sorted_children(const struct json *container, size_t *out_count)
{
    bool is_object = json_kind(container) == JSON_OBJECT;
    size_t count = 0;
    bool has_names = true;
    struct child *children = alloc_array(json_count(container) + 1, sizeof *children);
    for (const struct json *node = json_first(container); node != NULL; node = json_next(node)) {
        struct span name = is_object ? span_of(json_key(node)) : id_of(node);
        has_names = has_names && (is_object || name.size != 0);
        children[count] = (struct child){.node = node, .name = name, .index = count};
        count++;
    }
    if (has_names && count > 1) {
        qsort(children, count, sizeof *children, by_name);
    }
    *out_count = count;
    return children;
}

static void add_node(const struct extracting *work, const struct json *node, struct text *out);

/* NOLINTNEXTLINE(misc-no-recursion) */
static void add_children(const struct extracting *work, const struct json *container,
                         struct text *out)
{
    bool is_object = json_kind(container) == JSON_OBJECT;
    size_t count = 0;
    bool needs_comma = false;
    struct child *children = sorted_children(container, &count);
    text_add_char(out, is_object ? '{' : '[');
    for (size_t i = 0; i < count; i++) {
        const struct json *node = children[i].node;
        if (is_object && (is_ignored(work, json_key(node)) || is_nothing(work, node))) {
            continue;
        }
        text_add_text(out, needs_comma ? "," : "");
        needs_comma = true;
        if (is_object) {
            text_add_json_text(out, json_key(node));
            text_add_char(out, ':');
        }
        add_node(work, node, out);
    }
    text_add_char(out, is_object ? '}' : ']');
    free(children);
}

/* NOLINTNEXTLINE(misc-no-recursion) */
static void add_node(const struct extracting *work, const struct json *node, struct text *out)
{
    switch (json_kind(node)) {
    case JSON_LIST:
    case JSON_OBJECT:
        add_children(work, node, out);
        return;
    case JSON_STRING:
        add_string(work, json_text(node), out);
        return;
    case JSON_NULL:
    case JSON_BOOL:
    case JSON_NUMBER:
        json_add(out, node);
        return;
    }
}

void extract_add_composite(const struct extracting *work, const struct json *node, struct text *out)
{
    if (!is_nothing(work, node)) {
        add_node(work, node, out);
    }
}
