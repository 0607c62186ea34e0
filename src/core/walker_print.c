/* The walker backwards: a struct as YAML, by the table that read it; and two of them compared. */
#include "core/walker_compare.h"

#include "core/config.h"
#include "core/secret.h"
#include "core/text.h"
#include "core/zone.h"

#include <stdio.h>
#include <string.h>

#define INDENT 2

struct printer {
    const void *context;
    struct text *out;
    int indent;
    bool is_in_list_entry; /* the next key stands after "- ", on its line */
};

static bool is_plain_byte(char byte, bool is_first)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '/' || byte == '<' ||
           (!is_first && (strchr("_.+@%>-:", byte) != NULL && byte != '\0'));
}

/* Plain where no reader of YAML could see anything else in it; the dollar is doubled as in the
 * configuration, so that what is printed reads back. */
void print_yaml_scalar(struct text *out, const char *scalar)
{
    bool is_plain = scalar[0] != '\0';
    size_t size = strlen(scalar);
    for (size_t i = 0; i < size; i++) {
        is_plain = is_plain && is_plain_byte(scalar[i], i == 0);
    }
    if (is_plain && scalar[size - 1] != ':') {
        text_add_text(out, scalar);
        return;
    }
    struct text doubled;
    text_init(&doubled, size * 2);
    for (size_t i = 0; i < size; i++) {
        text_add_text(&doubled, scalar[i] == '$' ? "$" : "");
        text_add_char(&doubled, scalar[i]);
    }
    text_add_json_string(out, text_span(&doubled));
    text_fini(&doubled);
}

static const void *pointer_at(const void *field)
{
    const void *pointer = NULL;
    memcpy(&pointer, field, sizeof pointer);
    return pointer;
}

static void add_word(struct text *out, const struct key *key, int value)
{
    if (key->words == NULL) {
        text_add_text(out, value != 0 ? "on" : "off");
        return;
    }
    for (const struct word *word = key->words; word->text != NULL; word++) {
        if (word->value == value) {
            print_yaml_scalar(out, word->text);
            return;
        }
    }
}

/* A number without a default was not given when it is zero. */
static bool is_told(const struct key *key, int64_t number)
{
    return number != 0 || key->initial != NULL;
}

static void add_number(struct text *out, const struct key *key, int64_t number)
{
    if (!is_told(key, number)) {
        return;
    }
    if (key->kind == KEY_DURATION) {
        duration_add(out, number);
    } else if (key->kind == KEY_SIZE) {
        size_add(out, (size_t)number);
    } else {
        text_addf(out, "%lld%s", (long long)number, key->kind == KEY_PERCENT ? "%" : "");
    }
}

static void add_pointed(struct text *out, const struct key *key, const void *pointer)
{
    if (pointer == NULL) {
        return;
    }
    if (key->kind == KEY_SECRET) {
        text_add_text(out, "<secret>");
    } else if (key->kind == KEY_ZONE) {
        print_yaml_scalar(out, zone_name(pointer));
    } else {
        print_yaml_scalar(out, pointer);
    }
}

static int64_t number_at(const struct key *key, const void *field)
{
    int64_t wide = 0;
    uint32_t narrow = 0;
    if (key->kind == KEY_COUNT || key->kind == KEY_PERCENT) {
        memcpy(&narrow, field, sizeof narrow);
        return narrow;
    }
    memcpy(&wide, field, sizeof wide); /* a duration, or a size below 2^63 */
    return wide;
}

/* Writes nothing where nothing was configured. */
static void add_scalar(struct text *out, const struct key *key, const void *field)
{
    switch (key->kind) {
    case KEY_TEXT:
    case KEY_PATH:
    case KEY_FILE:
    case KEY_SECRET:
    case KEY_ZONE:
        add_pointed(out, key, pointer_at(field));
        return;
    case KEY_DURATION:
    case KEY_SIZE:
    case KEY_COUNT:
    case KEY_PERCENT:
        add_number(out, key, number_at(key, field));
        return;
    case KEY_RATE:
        if (((const struct rate *)field)->count != 0) {
            rate_add(out, *(const struct rate *)field);
        }
        return;
    case KEY_CHOICE:
        add_word(out, key, *(const int *)field);
        return;
    case KEY_SWITCH:
        add_word(out, key, *(const bool *)field);
        return;
    case KEY_DATE:
        if (((const struct date *)field)->kind != DATE_NONE) {
            date_add(out, *(const struct date *)field);
        }
        return;
    case KEY_TEXTS:
    case KEY_DURATIONS:
    case KEY_MAP:
    case KEY_MAPS:
    case KEY_CUSTOM:
    case KEY_KIND_COUNT:
        break;
    }
    CHECK(!"not the kind of a scalar");
}

static void begin_key(struct printer *printer, const char *name)
{
    if (!printer->is_in_list_entry) {
        text_addf(printer->out, "%*s", printer->indent, "");
    }
    printer->is_in_list_entry = false;
    text_addf(printer->out, "%s:", name);
}

static void print_shape(struct printer *printer, const struct shape *shape, const void *source);

static void print_map(struct printer *printer, const struct key *key, const void *field)
{
    if (key->is_set != NULL && !key->is_set(field)) {
        return;
    }
    /* A map of which nothing is told is not told either. */
    struct text inner;
    text_init(&inner, printer->out->size_max);
    struct printer below = {
        .context = printer->context, .out = &inner, .indent = printer->indent + INDENT};
    print_shape(&below, key->shape, field);
    if (inner.size != 0) {
        begin_key(printer, key->name);
        text_addf(printer->out, "\n%s", text_cstr(&inner));
    }
    text_fini(&inner);
}

static size_t count_at(const struct key *key, const void *source)
{
    size_t count = 0;
    memcpy(&count, (const char *)source + key->count_offset, sizeof count);
    return count;
}

static void print_maps(struct printer *printer, const struct key *key, const void *source)
{
    size_t count = count_at(key, source);
    const char *items = pointer_at((const char *)source + key->offset);
    if (count == 0) {
        return;
    }
    begin_key(printer, key->name);
    text_add_char(printer->out, '\n');
    for (size_t i = 0; i < count; i++) {
        text_addf(printer->out, "%*s- ", printer->indent + INDENT, "");
        struct printer below = {.context = printer->context,
                                .out = printer->out,
                                .indent = printer->indent + 2 * INDENT,
                                .is_in_list_entry = true};
        print_shape(&below, key->shape, items + i * key->shape->size);
        if (below.is_in_list_entry) {
            text_add_text(printer->out, "{}\n");
        }
    }
}

static void print_scalars(struct printer *printer, const struct key *key, const void *source)
{
    size_t count = count_at(key, source);
    const char *items = pointer_at((const char *)source + key->offset);
    struct key element = *key;
    element.kind = key->kind == KEY_TEXTS ? KEY_TEXT : KEY_DURATION;
    if (count == 0 && key->initial == NULL) {
        return;
    }
    begin_key(printer, key->name);
    text_add_text(printer->out, " [");
    for (size_t i = 0; i < count; i++) {
        text_add_text(printer->out, i != 0 ? ", " : "");
        add_scalar(printer->out, &element, items + i * WALKER_ELEMENT_SIZE);
    }
    text_add_text(printer->out, "]\n");
}

static void print_value(struct printer *printer, const struct key *key, const void *source)
{
    struct text value;
    text_init(&value, printer->out->size_max);
    if (key->kind != KEY_CUSTOM) {
        add_scalar(&value, key, (const char *)source + key->offset);
    } else if (key->print != NULL) {
        key->print(source, printer->context, &value);
    }
    if (value.size != 0) {
        begin_key(printer, key->name);
        text_addf(printer->out, " %s\n", text_cstr(&value));
    }
    text_fini(&value);
}

static void print_key(struct printer *printer, const struct key *key, const void *source)
{
    if (key->kind == KEY_MAP) {
        print_map(printer, key, (const char *)source + key->offset);
    } else if (key->kind == KEY_MAPS) {
        print_maps(printer, key, source);
    } else if (key->kind == KEY_TEXTS || key->kind == KEY_DURATIONS) {
        print_scalars(printer, key, source);
    } else {
        print_value(printer, key, source);
    }
}

static void print_shape(struct printer *printer, const struct shape *shape, const void *source)
{
    for (size_t i = 0; i < shape->count; i++) {
        print_key(printer, &shape->keys[i], source);
    }
}

void walker_print(const struct shape *shape, const void *source, const void *context,
                  struct text *out)
{
    struct printer printer = {.context = context, .out = out};
    print_shape(&printer, shape, source);
}

/* --- comparing -------------------------------------------------------------------------------- */

#define COMPARED_BYTES_MAX ((size_t)1 << 20)

struct comparison {
    walker_difference_fn *on_difference;
    void *arg;
    char path[256];
    size_t path_size;
};

static bool prints_alike(const struct key *key, const struct walker_side *left,
                         const struct walker_side *right)
{
    const struct walker_side *const sides[] = {left, right};
    struct text texts[2];
    for (size_t i = 0; i < 2; i++) {
        text_init(&texts[i], COMPARED_BYTES_MAX);
        struct printer printer = {.context = sides[i]->context, .out = &texts[i]};
        print_key(&printer, key, sides[i]->source);
    }
    bool is_alike = span_equal(text_span(&texts[0]), text_span(&texts[1]));
    text_fini(&texts[0]);
    text_fini(&texts[1]);
    return is_alike;
}

static bool is_same_secret(const struct secret *left, const struct secret *right)
{
    return left == NULL || right == NULL ? left == right
                                         : span_equal(secret_reveal(left), secret_reveal(right));
}

static bool is_same(const struct key *key, const struct walker_side *left,
                    const struct walker_side *right)
{
    if (key->is_same != NULL) {
        return key->is_same(left->source, right->source);
    }
    if (key->kind == KEY_SECRET) {
        return is_same_secret(pointer_at((const char *)left->source + key->offset),
                              pointer_at((const char *)right->source + key->offset));
    }
    return prints_alike(key, left, right);
}

static void compare_shape(struct comparison *comparison, const struct shape *shape,
                          const struct walker_side *left, const struct walker_side *right);

static void compare_map(struct comparison *comparison, const struct key *key,
                        const struct walker_side *left, const struct walker_side *right)
{
    const char *left_field = (const char *)left->source + key->offset;
    const char *right_field = (const char *)right->source + key->offset;
    bool is_left = key->is_set == NULL || key->is_set(left_field);
    bool is_right = key->is_set == NULL || key->is_set(right_field);
    if (is_left && is_right) {
        const struct walker_side inner_left = {left_field, left->context};
        const struct walker_side inner_right = {right_field, right->context};
        compare_shape(comparison, key->shape, &inner_left, &inner_right);
    } else if (is_left != is_right) {
        comparison->on_difference(comparison->arg, comparison->path);
    }
}

static void compare_shape(struct comparison *comparison, const struct shape *shape,
                          const struct walker_side *left, const struct walker_side *right)
{
    size_t path_size = comparison->path_size;
    for (size_t i = 0; i < shape->count; i++) {
        const struct key *key = &shape->keys[i];
        int added = snprintf(comparison->path + path_size, sizeof comparison->path - path_size,
                             "%s%s", path_size != 0 ? "." : "", key->name);
        CHECK(added > 0 && (size_t)added < sizeof comparison->path - path_size);
        comparison->path_size = path_size + (size_t)added;
        if (key->kind == KEY_MAP) {
            compare_map(comparison, key, left, right);
        } else if (!is_same(key, left, right)) {
            comparison->on_difference(comparison->arg, comparison->path);
        }
    }
    comparison->path_size = path_size;
}

void walker_compare(const struct shape *shape, const struct walker_side *left,
                    const struct walker_side *right, walker_difference_fn *on_difference, void *arg)
{
    struct comparison comparison = {.on_difference = on_difference, .arg = arg};
    compare_shape(&comparison, shape, left, right);
}
