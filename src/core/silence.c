#include "core/silence.h"

#include "core/arena.h"
#include "core/config_shape.h"
#include "core/glob.h"
#include "core/hash.h"
#include "core/json.h"
#include "core/json_write.h"
#include "core/keep.h"

#include <inttypes.h>
#include <string.h>

#define TEXT_MAX 1024 /* of each text in a silence */
#define WHERE_MAX 16
#define ID_SIZE 16
#define BYTES_MAX ((size_t)16 * 1024 * 1024)
#define DURATION_MAX_MS (INT64_C(3660) * DAY_MS)

/* --- reading a request --- */

struct reading {
    const struct json *document;
    struct arena *arena;
    struct failure *why;
};

static bool is_allowed(const char *key)
{
    static const char *const keys[] = {"source", "order", "type", "severity", "where",  "is_all",
                                       "start",  "end",   "id",   "author",   "comment"};
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        if (text_equal(keys[i], key)) {
            return true;
        }
    }
    return false;
}

static enum status check_keys(const struct reading *reading)
{
    if (reading->document == NULL || json_kind(reading->document) != JSON_OBJECT) {
        return fail(reading->why, STATUS_INVALID, "a silence is a JSON object");
    }
    for (const struct json *member = json_first(reading->document); member != NULL;
         member = json_next(member)) {
        if (!is_allowed(json_key(member))) {
            return fail(reading->why, STATUS_INVALID,
                        "%.80s: unknown key; accepted: source, order, type, severity, where, "
                        "is_all, start, end, author, comment",
                        json_key(member));
        }
    }
    return STATUS_OK;
}

/* *out stays NULL where the member is absent or empty. */
static enum status read_text(const struct reading *reading, const struct json *node,
                             const char *name, const char **out)
{
    if (node == NULL || json_kind(node) == JSON_NULL) {
        return STATUS_OK;
    }
    if (json_kind(node) != JSON_STRING || json_text(node).size > TEXT_MAX) {
        return fail(reading->why, STATUS_INVALID, "%.80s: must be a text of at most %d bytes", name,
                    TEXT_MAX);
    }
    if (json_text(node).size != 0) {
        *out = arena_text(reading->arena, json_text(node));
    }
    return STATUS_OK;
}

static enum status read_glob(const struct reading *reading, const struct json *node,
                             const char *name, const char **out)
{
    enum status status = read_text(reading, node, name, out);
    if (status == STATUS_OK && *out != NULL && !glob_is_valid(*out)) {
        return fail(reading->why, STATUS_INVALID,
                    "%.80s: not a pattern; accepted: a text with * and ?, \\ before them as such",
                    name);
    }
    return status;
}

static bool matches_some_type(const char *pattern)
{
    for (int type = 0; type < EVENT_TYPE_COUNT; type++) {
        if (glob_matches(pattern, event_type_name((enum event_type)type))) {
            return true;
        }
    }
    return false;
}

static enum status read_globs(const struct reading *reading, struct silence *out)
{
    const struct {
        const char *name;
        const char **target;
    } globs[] = {{"source", &out->source}, {"order", &out->order}, {"type", &out->type}};
    for (size_t i = 0; i < ARRAY_COUNT(globs); i++) {
        enum status status = read_glob(reading, json_member(reading->document, globs[i].name),
                                       globs[i].name, globs[i].target);
        if (status != STATUS_OK) {
            return status;
        }
    }
    if (out->type != NULL && !matches_some_type(out->type)) {
        return fail(reading->why, STATUS_INVALID,
                    "type: %.80s matches no event type; accepted: event types without orderwatch., "
                    "* and ? stand for anything: appointment.*",
                    out->type);
    }
    return STATUS_OK;
}

static enum status read_severity(const struct reading *reading, struct silence *out)
{
    const char *name = NULL;
    enum status status =
        read_text(reading, json_member(reading->document, "severity"), "severity", &name);
    if (status != STATUS_OK || name == NULL) {
        return status;
    }
    if (!severity_parse(name, &out->severity)) {
        return fail(reading->why, STATUS_INVALID,
                    "severity: %.80s is not a severity; accepted: info, notice, warning, critical",
                    name);
    }
    out->has_severity = true;
    return STATUS_OK;
}

static enum status read_where(const struct reading *reading, struct silence *out)
{
    const struct json *where = json_member(reading->document, "where");
    if (where == NULL) {
        return STATUS_OK;
    }
    if (json_kind(where) != JSON_OBJECT || json_count(where) > WHERE_MAX) {
        return fail(reading->why, STATUS_INVALID,
                    "where: must be an object of at most %d fields with a pattern each", WHERE_MAX);
    }
    struct where_rule *rules = arena_array(reading->arena, json_count(where) + 1, sizeof *rules);
    for (const struct json *node = json_first(where); node != NULL; node = json_next(node)) {
        struct where_rule *rule = &rules[out->where_count];
        rule->field = arena_text(reading->arena, span_of(json_key(node)));
        if (!where_field_is_known(rule->field)) {
            return fail(reading->why, STATUS_INVALID,
                        "where: %.80s is not a field of orders; accepted: site, status, extra.NAME "
                        "and the like",
                        rule->field);
        }
        enum status status = read_glob(reading, node, "where", &rule->pattern);
        if (status != STATUS_OK) {
            return status;
        }
        out->where_count += rule->pattern != NULL;
    }
    out->where = rules;
    return STATUS_OK;
}

/* *out is left alone where the member is absent. */
static enum status read_instant(const struct reading *reading, const char *name, int64_t *out)
{
    const char *text = NULL;
    enum status status = read_text(reading, json_member(reading->document, name), name, &text);
    if (status != STATUS_OK || text == NULL) {
        return status;
    }
    struct date date;
    if (!date_parse(span_of(text), NULL, &date) || date.kind != DATE_INSTANT) {
        return fail(reading->why, STATUS_INVALID,
                    "%s: %.80s is not a time; accepted: 2027-01-12T08:00:00Z", name, text);
    }
    *out = date.ms;
    return STATUS_OK;
}

static enum status read_times(const struct reading *reading, int64_t now_wall_ms,
                              struct silence *out)
{
    out->start_wall_ms = now_wall_ms;
    enum status status = read_instant(reading, "start", &out->start_wall_ms);
    if (status == STATUS_OK) {
        status = read_instant(reading, "end", &out->end_wall_ms);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (out->end_wall_ms == 0) {
        return fail(reading->why, STATUS_INVALID,
                    "end: is needed (--for, --until): a silence has an end");
    }
    if (out->end_wall_ms <= out->start_wall_ms) {
        return fail(reading->why, STATUS_INVALID, "end: must be after the start");
    }
    if (out->end_wall_ms - out->start_wall_ms > DURATION_MAX_MS) {
        return fail(reading->why, STATUS_INVALID, "end: at most ten years after the start");
    }
    return STATUS_OK;
}

static bool is_blank(const char *text)
{
    return text == NULL || text[strspn(text, " \t\r\n")] == '\0';
}

static enum status read_reasons(const struct reading *reading, struct silence *out)
{
    enum status status =
        read_text(reading, json_member(reading->document, "author"), "author", &out->author);
    if (status == STATUS_OK) {
        status =
            read_text(reading, json_member(reading->document, "comment"), "comment", &out->comment);
    }
    if (status == STATUS_OK && is_blank(out->author)) {
        return fail(reading->why, STATUS_INVALID, "author: is needed: who silences this");
    }
    if (status == STATUS_OK && is_blank(out->comment)) {
        return fail(reading->why, STATUS_INVALID, "comment: is needed: why this is silenced");
    }
    return status;
}

static bool matches_everything(const struct silence *silence)
{
    const char *const globs[] = {silence->source, silence->order, silence->type};
    for (size_t i = 0; i < ARRAY_COUNT(globs); i++) {
        if (globs[i] != NULL && globs[i][strspn(globs[i], "*")] != '\0') {
            return false;
        }
    }
    return silence->where_count == 0 && !silence->has_severity;
}

static enum status read_matchers(const struct reading *reading, struct silence *out)
{
    enum status status = read_globs(reading, out);
    if (status == STATUS_OK) {
        status = read_severity(reading, out);
    }
    if (status == STATUS_OK) {
        status = read_where(reading, out);
    }
    if (status != STATUS_OK) {
        return status;
    }
    out->is_all = json_member_true(reading->document, "is_all");
    if (out->is_all != matches_everything(out)) {
        return fail(reading->why, STATUS_INVALID,
                    out->is_all ? "is_all: matches everything, so nothing else may be given"
                                : "this would silence every event; say what (source, order, type, "
                                  "severity, where), or is_all (--all) if you mean it");
    }
    return STATUS_OK;
}

enum status silence_read(const struct json *document, int64_t now_wall_ms, struct arena *arena,
                         struct silence *out, struct failure *why)
{
    struct reading reading = {.document = document, .arena = arena, .why = why};
    struct silence silence = {.id = ""};
    enum status status = check_keys(&reading);
    if (status == STATUS_OK) {
        status = read_matchers(&reading, &silence);
    }
    if (status == STATUS_OK) {
        status = read_times(&reading, now_wall_ms, &silence);
    }
    if (status == STATUS_OK) {
        status = read_reasons(&reading, &silence);
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct text bytes;
    text_init(&bytes, BYTES_MAX);
    silence_list_encode(&(struct silence_list){.items = &silence, .count = 1}, &bytes);
    char digest[33];
    hash128_hex(text_span(&bytes), digest);
    text_fini(&bytes);
    silence.id = arena_text(arena, (struct span){.data = digest, .size = ID_SIZE});
    *out = silence;
    return STATUS_OK;
}

/* --- writing --- */

static void write_instant(struct json_writer *writer, const char *name, int64_t wall_ms)
{
    struct text text;
    text_init(&text, 64);
    date_add_wall(&text, wall_ms);
    json_write_text(writer, name, text_cstr(&text));
    text_fini(&text);
}

void silence_write(const struct silence *silence, struct json_writer *writer, const char *name)
{
    json_write_open(writer, name, '{');
    json_write_text(writer, "id", silence->id);
    json_write_text(writer, "source", silence->source);
    json_write_text(writer, "order", silence->order);
    json_write_text(writer, "type", silence->type);
    json_write_text(writer, "severity",
                    silence->has_severity ? severity_name(silence->severity) : NULL);
    if (silence->where_count != 0) {
        json_write_open(writer, "where", '{');
        for (size_t i = 0; i < silence->where_count; i++) {
            json_write_text(writer, silence->where[i].field, silence->where[i].pattern);
        }
        json_write_close(writer, '}');
    }
    json_write_true(writer, "is_all", silence->is_all);
    write_instant(writer, "start", silence->start_wall_ms);
    write_instant(writer, "end", silence->end_wall_ms);
    json_write_text(writer, "author", silence->author);
    json_write_text(writer, "comment", silence->comment);
    json_write_close(writer, '}');
}

void silence_list_encode(const struct silence_list *list, struct text *out)
{
    struct json_writer writer = {.out = out};
    json_write_open(&writer, NULL, '[');
    for (size_t i = 0; i < list->count; i++) {
        silence_write(&list->items[i], &writer, NULL);
    }
    json_write_close(&writer, ']');
}

static enum status decode_items(const struct json *root, struct arena *arena,
                                struct silence_list *out, struct failure *why)
{
    struct silence *items = arena_array(arena, json_count(root) + 1, sizeof *items);
    size_t count = 0;
    for (const struct json *node = json_first(root); node != NULL; node = json_next(node)) {
        const char *id = json_member_text(node, "id");
        struct failure reason = {0};
        if (id == NULL || silence_read(node, 0, arena, &items[count], &reason) != STATUS_OK) {
            return fail(why, STATUS_CORRUPT, "the stored silences cannot be read: %s",
                        id == NULL ? "one has no id" : reason.detail);
        }
        items[count++].id = arena_text(arena, span_of(id));
    }
    *out = (struct silence_list){.items = items, .count = count};
    return STATUS_OK;
}

enum status silence_list_decode(struct span bytes, struct arena *arena, struct silence_list *out,
                                struct failure *why)
{
    struct json *root = NULL;
    struct failure reason = {0};
    if (json_parse(bytes, &root, &reason) != STATUS_OK || json_kind(root) != JSON_LIST) {
        json_destroy(root);
        return fail(why, STATUS_CORRUPT, "the stored silences cannot be read: %s", reason.detail);
    }
    enum status status = decode_items(root, arena, out, why);
    json_destroy(root);
    return status;
}

/* --- matching --- */

bool silence_is_active(const struct silence *silence, int64_t wall_ms)
{
    return silence->start_wall_ms <= wall_ms && wall_ms < silence->end_wall_ms;
}

static bool glob_allows(const char *pattern, const char *value)
{
    return pattern == NULL || glob_matches(pattern, value);
}

static bool matches(const struct silence *silence, const struct route_facts *facts)
{
    const struct event *event = facts->event;
    if (!glob_allows(silence->source, event->source_name) ||
        !glob_allows(silence->order, event->order_id) ||
        !glob_allows(silence->type, event_type_name(event->type)) ||
        (silence->has_severity && event->severity > silence->severity)) {
        return false;
    }
    for (size_t i = 0; i < silence->where_count; i++) {
        const char *value = route_value(facts, silence->where[i].field);
        if (value == NULL || !glob_matches(silence->where[i].pattern, value)) {
            return false;
        }
    }
    return true;
}

const struct silence *silence_find(const struct silence_list *list, const struct route_facts *facts,
                                   int64_t wall_ms)
{
    for (size_t i = 0; list != NULL && i < list->count; i++) {
        const struct silence *silence = &list->items[i];
        if (silence_is_active(silence, wall_ms) && matches(silence, facts)) {
            return silence;
        }
    }
    return NULL;
}
