#include "core/extract_field.h"

#include "core/arena.h"
#include "core/date.h"
#include "core/json.h"
#include "core/utf8.h"

#include <stdlib.h>
#include <string.h>

#define POINTER_BYTES_MAX 512
#define SAMPLE_BYTES_MAX 64
#define KEY_BYTES_MAX 128
#define ELEMENT_COUNT_MAX 4096

struct extracting extracting_begin(const struct extractor *extractor, const char *scope,
                                   struct arena *arena)
{
    return (struct extracting){
        .extractor = extractor,
        .arena = arena,
        .scope = scope,
        .novelties = arena_array(arena, NOVELTY_COUNT_MAX, sizeof(struct novelty)),
    };
}

static const char *clean(struct arena *arena, struct span bytes, size_t bytes_max)
{
    struct text text;
    text_init(&text, bytes_max * 4);
    utf8_add_clean_line(&text, bytes, bytes_max);
    const char *kept = arena_text(arena, text_span(&text));
    text_fini(&text);
    return kept;
}

void extracting_add_novelty(struct extracting *work, enum novelty_kind kind, const char *key,
                            struct span sample)
{
    const char *kept = clean(work->arena, span_of(key), KEY_BYTES_MAX);
    for (size_t i = 0; i < work->novelty_count; i++) {
        if (text_equal(work->novelties[i].key, kept)) {
            return;
        }
    }
    if (work->novelty_count < NOVELTY_COUNT_MAX) {
        work->novelties[work->novelty_count++] = (struct novelty){
            .kind = kind, .key = kept, .sample = clean(work->arena, sample, SAMPLE_BYTES_MAX)};
    }
}

/* --- finding --- */

typedef bool visit_fn(void *arg, const struct json *node); /* true: enough */

/* Where a pointer has a segment "-": the place of its slash; NULL if it has none. */
static const char *find_walk(const char *pointer)
{
    for (const char *slash = strchr(pointer, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        if (slash[1] == '-' && (slash[2] == '/' || slash[2] == '\0')) {
            return slash;
        }
    }
    return NULL;
}

/* Depth is the number of "-" in a pointer of the profile. NOLINTNEXTLINE(misc-no-recursion) */
static bool visit(const struct json *root, const char *pointer, visit_fn *on_node, void *arg)
{
    const char *walk = find_walk(pointer);
    if (walk == NULL) {
        const struct json *node = json_at(root, pointer);
        return node != NULL && on_node(arg, node);
    }
    char before[POINTER_BYTES_MAX];
    size_t size = (size_t)(walk - pointer);
    if (size >= sizeof before) {
        return false;
    }
    memcpy(before, pointer, size);
    before[size] = '\0';
    const struct json *list = json_at(root, before);
    if (list == NULL || json_kind(list) != JSON_LIST) {
        return list != NULL && visit(list, walk + strlen("/-"), on_node, arg);
    }
    for (const struct json *node = json_first(list); node != NULL; node = json_next(node)) {
        if (visit(node, walk + strlen("/-"), on_node, arg)) {
            return true;
        }
    }
    return false;
}

/* --- values --- */

struct seeking {
    struct extracting *work;
    const struct field_rule *rule;
    const char *value;
    bool is_found, is_of_other_type;
};

static const char *const kind_names[] = {
    [JSON_NULL] = "null",     [JSON_BOOL] = "bool", [JSON_NUMBER] = "number",
    [JSON_STRING] = "string", [JSON_LIST] = "list", [JSON_OBJECT] = "object",
};

static void report_shape(struct seeking *seeking, const char *shape, struct span sample)
{
    if (seeking->rule->name == NULL) {
        return;
    }
    const char *key = arena_format(seeking->work->arena, "%s.%s:%s", seeking->work->scope,
                                   seeking->rule->name, shape);
    extracting_add_novelty(seeking->work, NOVELTY_TYPE, key, sample);
}

/* The name by which an object goes; NULL if it has none. */
static const char *object_name(const struct json *object)
{
    static const char *const members[] = {"name", "label", "value"};
    for (size_t i = 0; i < ARRAY_COUNT(members); i++) {
        const char *text = json_member_text(object, members[i]);
        if (text != NULL && text[0] != '\0') {
            return text;
        }
    }
    return NULL;
}

static bool is_expected(const struct seeking *seeking, enum json_kind kind)
{
    switch (seeking->rule->shape) {
    case SHAPE_TEXT:
    case SHAPE_BLOCK:
        return kind == JSON_STRING || kind == JSON_NUMBER;
    case SHAPE_STATUS:
    case SHAPE_DATE:
        return kind == JSON_STRING;
    case SHAPE_ANY:
        return true;
    }
    CHECK(!"a shape that does not exist");
}

static bool has_name(const struct seeking *seeking)
{
    return seeking->rule->shape == SHAPE_TEXT || seeking->rule->shape == SHAPE_STATUS ||
           seeking->rule->shape == SHAPE_BLOCK;
}

/* A node as text, before cleaning: its own bytes, or what room is filled with. */
static struct span raw_text(struct seeking *seeking, const struct json *node, struct text *room)
{
    enum json_kind kind = json_kind(node);
    bool is_composite = kind == JSON_LIST || kind == JSON_OBJECT;
    if (is_composite && json_count(node) == 0) {
        return (struct span){0};
    }
    const char *name = kind == JSON_OBJECT && has_name(seeking) ? object_name(node) : NULL;
    if (name != NULL) {
        return span_of(name);
    }
    struct span raw = json_text(node);
    if (is_composite) {
        extract_add_composite(seeking->work, node, room);
        raw = text_span(room);
    }
    seeking->is_of_other_type = raw.size != 0 && !is_expected(seeking, kind);
    if (seeking->is_of_other_type) {
        report_shape(seeking, kind_names[kind], raw);
    }
    return raw;
}

static bool is_ascii(struct span bytes)
{
    for (size_t i = 0; i < bytes.size; i++) {
        if ((unsigned char)bytes.data[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

static struct span trim(struct span bytes)
{
    while (bytes.size != 0 && (unsigned char)bytes.data[0] <= ' ') {
        bytes.data++;
        bytes.size--;
    }
    while (bytes.size != 0 && (unsigned char)bytes.data[bytes.size - 1] <= ' ') {
        bytes.size--;
    }
    return bytes;
}

/* Zero-width spaces, joiners of words, byte order marks and soft hyphens: nothing is said by them.
 */
static void add_visible(struct span bytes, struct text *out)
{
    for (size_t i = 0; i < bytes.size;) {
        size_t start = i;
        uint32_t code_point = utf8_next(bytes, &i);
        if (code_point != 0xad && code_point != 0x200b && code_point != 0x2060 &&
            code_point != 0xfeff) {
            text_add(out, (struct span){.data = bytes.data + start, .size = i - start});
        }
    }
}

/* NFC first: what is cut and compared afterwards is one spelling. */
static const char *canonical_text(const struct seeking *seeking, struct span raw)
{
    const struct extracting *work = seeking->work;
    if (raw.size <= RECORD_TEXT_MAX && utf8_is_printable_ascii(raw)) {
        struct span kept = trim(raw);
        return kept.size != 0 ? arena_text(work->arena, kept) : NULL;
    }
    struct text visible;
    struct text normal;
    struct text cleaned;
    text_init(&visible, SIZE_MAX / 4);
    text_init(&normal, SIZE_MAX / 4);
    text_init(&cleaned, SIZE_MAX / 4);
    if (!is_ascii(raw)) {
        add_visible(raw, &visible);
        raw = text_span(&visible);
    }
    if (!is_ascii(raw) && work->extractor->unicode.normalize != NULL) {
        work->extractor->unicode.normalize(raw, &normal);
        raw = text_span(&normal);
    }
    if (seeking->rule->shape == SHAPE_BLOCK) {
        utf8_add_clean_block(&cleaned, trim(raw), RECORD_TEXT_MAX);
    } else {
        utf8_add_clean_line(&cleaned, trim(raw), RECORD_TEXT_MAX);
    }
    struct span kept = trim(text_span(&cleaned));
    const char *value = kept.size != 0 ? arena_text(work->arena, kept) : NULL;
    text_fini(&visible);
    text_fini(&normal);
    text_fini(&cleaned);
    return value;
}

/* Of what is no text it is told already that it is none: one novelty. */
static const char *canonical_date(struct seeking *seeking, enum json_kind kind, const char *text)
{
    struct date date;
    if (!date_parse(span_of(text), seeking->work->extractor->zone, &date)) {
        if (kind == JSON_STRING) {
            report_shape(seeking, "text", span_of(text));
        }
        return text;
    }
    struct text canonical;
    text_init(&canonical, 64);
    date_add(&canonical, date);
    const char *value = arena_text(seeking->work->arena, text_span(&canonical));
    text_fini(&canonical);
    return value;
}

/* Nobody says which of the watched fields are dates. */
static const char *canonical_instant(const struct seeking *seeking, const char *text)
{
    struct text canonical;
    text_init(&canonical, 64);
    bool is_instant = extract_add_instant(seeking->work, span_of(text), &canonical);
    const char *value = is_instant ? arena_text(seeking->work->arena, text_span(&canonical)) : text;
    text_fini(&canonical);
    return value;
}

static bool take_value(void *arg, const struct json *node)
{
    struct seeking *seeking = arg;
    struct text room;
    text_init(&room, SIZE_MAX / 4);
    seeking->is_found = true;
    seeking->value = canonical_text(seeking, raw_text(seeking, node, &room));
    if (seeking->value != NULL && seeking->rule->shape == SHAPE_DATE) {
        seeking->value = canonical_date(seeking, json_kind(node), seeking->value);
    }
    if (seeking->value != NULL && seeking->rule->shape == SHAPE_ANY) {
        seeking->value = canonical_instant(seeking, seeking->value);
    }
    text_fini(&room);
    return seeking->value != NULL;
}

const char *extract_value(struct extracting *work, const struct json *root,
                          const struct candidates *where, const struct field_rule *rule,
                          bool *is_found)
{
    struct seeking seeking = {.work = work, .rule = rule};
    for (size_t i = 0; i < where->count; i++) {
        if (visit(root, where->pointers[i], take_value, &seeking)) {
            break;
        }
    }
    if (rule->shape == SHAPE_STATUS) {
        work->is_status_no_text = seeking.value != NULL && seeking.is_of_other_type;
    }
    if (is_found != NULL) {
        *is_found = seeking.is_found;
    }
    return seeking.value;
}

const char *extract_matched(struct extracting *work, const struct json *root,
                            const struct candidates *where)
{
    static const struct field_rule anything = {.shape = SHAPE_ANY};
    for (size_t i = 0; i < where->count; i++) {
        const struct candidates one = {.pointers = &where->pointers[i], .count = 1};
        if (extract_value(work, root, &one, &anything, NULL) != NULL) {
            return where->pointers[i];
        }
    }
    return NULL;
}

/* --- ids --- */

struct id_seeking {
    struct arena *arena;
    const char *id;
    bool is_too_long;
};

static bool take_id(void *arg, const struct json *node)
{
    struct id_seeking *seeking = arg;
    enum json_kind kind = json_kind(node);
    struct span bytes = json_text(node);
    if ((kind != JSON_STRING && kind != JSON_NUMBER) || bytes.size == 0) {
        return false;
    }
    seeking->is_too_long = bytes.size > RECORD_ID_MAX;
    seeking->id = seeking->is_too_long ? NULL : arena_text(seeking->arena, bytes);
    return true;
}

const char *extract_id(struct extracting *work, const struct json *root,
                       const struct candidates *where, bool *is_too_long)
{
    struct id_seeking seeking = {.arena = work->arena};
    for (size_t i = 0; i < where->count; i++) {
        if (visit(root, where->pointers[i], take_id, &seeking)) {
            break;
        }
    }
    *is_too_long = seeking.is_too_long;
    return seeking.id;
}

/* --- lists --- */

struct gathering {
    const struct json **elements;
    size_t count, capacity;
};

static void gather(struct gathering *gathering, const struct json *node)
{
    if (json_kind(node) == JSON_NULL || gathering->count == ELEMENT_COUNT_MAX) {
        return;
    }
    if (gathering->count == gathering->capacity) {
        gathering->capacity = gathering->capacity != 0 ? gathering->capacity * 2 : 8;
        gathering->elements =
            alloc_resize(gathering->elements, gathering->capacity, sizeof(const struct json *));
    }
    gathering->elements[gathering->count++] = node;
}

static bool gather_from(void *arg, const struct json *node)
{
    if (json_kind(node) != JSON_LIST) {
        gather(arg, node);
        return false;
    }
    for (const struct json *one = json_first(node); one != NULL; one = json_next(one)) {
        gather(arg, one);
    }
    return false;
}

size_t extract_elements(struct extracting *work, const struct json *root,
                        const struct candidates *where, const struct json *const **out)
{
    struct gathering gathering = {0};
    for (size_t i = 0; i < where->count && gathering.count == 0; i++) {
        (void)visit(root, where->pointers[i], gather_from, &gathering);
    }
    const struct json **kept =
        arena_array(work->arena, gathering.count, sizeof(const struct json *));
    for (size_t i = 0; i < gathering.count; i++) {
        kept[i] = gathering.elements[i];
    }
    free(gathering.elements);
    *out = kept;
    return gathering.count;
}

/* --- watched fields --- */

static int by_name(const void *left, const void *right)
{
    const struct extra *one = left;
    const struct extra *other = right;
    return strcmp(one->name, other->name);
}

const struct extra *extract_extras(struct extracting *work, const struct json *root,
                                   const struct watched_field *watch, size_t watch_count,
                                   size_t *out_count)
{
    static const struct field_rule anything = {.shape = SHAPE_ANY};
    struct extra *extras = arena_array(work->arena, watch_count, sizeof *extras);
    size_t count = 0;
    for (size_t i = 0; i < watch_count; i++) {
        const char *value = extract_value(work, root, &watch[i].where, &anything, NULL);
        if (value != NULL) {
            const char *name = arena_text(work->arena, span_of(watch[i].name));
            extras[count++] = (struct extra){.name = name, .value = value};
        }
    }
    if (count > 1) {
        qsort(extras, count, sizeof *extras, by_name);
    }
    *out_count = count;
    return extras;
}
