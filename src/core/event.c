#include "core/event.h"

#include "core/date.h"
#include "core/event_shrink.h"
#include "core/hash.h"
#include "core/json_write.h"
#include "core/keep.h"
#include "core/utf8.h"

#include <string.h>

/* From nothing taken away to the bare fact; the last always fits. */
static const struct shrink_limits levels[] = {
    {.text_bytes_max = SIZE_MAX, .list_count_max = SIZE_MAX},
    {.text_bytes_max = 4096, .list_count_max = 5},
    {.text_bytes_max = 1024, .list_count_max = 3},
    {.text_bytes_max = 256, .list_count_max = 1},
    {.text_bytes_max = 64, .list_count_max = 0, .drops_extra = true},
};
#define CHANGES_MAX_WHEN_SMALLEST 64

static bool is_contact(const char *field)
{
    return strncmp(field, "contact.", strlen("contact.")) == 0;
}

static bool is_about_order(const struct event_facts *facts)
{
    return facts->order_id != NULL;
}

void event_add_subject(const struct event_facts *facts, struct text *out)
{
    if (is_about_order(facts)) {
        text_add_text(out, "orders/");
        text_add_percent(out, span_of(facts->order_id));
        if (facts->appointment_id != NULL) {
            text_add_text(out, "/appointments/");
            text_add_percent(out, span_of(facts->appointment_id));
        }
        return;
    }
    text_add_text(out, facts->sink_name != NULL ? "sinks/" : "sources/");
    text_add_percent(out,
                     span_of(facts->sink_name != NULL ? facts->sink_name : facts->source_name));
}

static void add_source(const struct event_facts *facts, struct text *out)
{
    text_add_text(out, "urn:orderwatch");
    if (facts->source_name != NULL && facts->sink_name == NULL) {
        text_add_char(out, ':');
        text_add_text(out, facts->source_name);
    }
}

/* --- identity --- */

/* A length before each part, so that no two lists of parts give the same bytes. */
static void add_part(struct text *bytes, struct span part)
{
    text_add_number(bytes, (int64_t)part.size, 1);
    text_add_char(bytes, ':');
    text_add(bytes, part);
}

static void add_optional_part(struct text *bytes, const char *part)
{
    text_add_char(bytes, part != NULL ? '+' : '-');
    add_part(bytes, span_of(part));
}

static void compute_id(const struct event_facts *facts, char out[static 33])
{
    struct text part;
    struct text bytes;
    text_init(&part, SIZE_MAX / 4);
    text_init(&bytes, SIZE_MAX / 4);
    text_expect(&bytes, 2048);
    add_source(facts, &part);
    add_part(&bytes, text_span(&part));
    text_clear(&part);
    event_add_subject(facts, &part);
    add_part(&bytes, text_span(&part));
    add_part(&bytes, span_of(event_type_name(facts->type)));
    text_add_number(&bytes, (int64_t)facts->sequence, 1);
    text_add_char(&bytes, ';');
    for (size_t i = 0; i < facts->change_count; i++) {
        add_part(&bytes, span_of(facts->changes[i].field));
        add_optional_part(&bytes, facts->changes[i].from);
        add_optional_part(&bytes, facts->changes[i].to);
    }
    text_add_char(&bytes, ';');
    add_part(&bytes, facts->order_json);
    add_part(&bytes, facts->contact_json);
    add_part(&bytes, facts->appointment_json);
    add_part(&bytes, facts->extra_json);
    hash128_hex(text_span(&bytes), out);
    text_fini(&part);
    text_fini(&bytes);
}

/* --- bytes --- */

static void write_value(struct json_writer *writer, const char *name, const char *value,
                        const struct shrink_limits *limits)
{
    if (value == NULL || strlen(value) <= limits->text_bytes_max) {
        json_write_text(writer, name, value);
        return;
    }
    struct text cut;
    text_init(&cut, EVENT_BYTES_MAX);
    utf8_add_clean_block(&cut, span_of(value), limits->text_bytes_max);
    json_write_text(writer, name, text_cstr(&cut));
    text_fini(&cut);
}

static void write_changes(struct json_writer *writer, const struct event_facts *facts,
                          const struct shrink_limits *limits, bool shows_contact)
{
    size_t count = facts->change_count;
    if (limits->drops_extra && count > CHANGES_MAX_WHEN_SMALLEST) {
        count = CHANGES_MAX_WHEN_SMALLEST;
    }
    json_write_open(writer, "changes", '[');
    for (size_t i = 0; i < count; i++) {
        const struct change *change = &facts->changes[i];
        json_write_open(writer, NULL, '{');
        json_write_text(writer, "field", change->field);
        if (shows_contact || !is_contact(change->field)) {
            write_value(writer, "from", change->from, limits);
            write_value(writer, "to", change->to, limits);
        }
        json_write_close(writer, '}');
    }
    json_write_close(writer, ']');
}

static void write_shrunk(struct json_writer *writer, const char *name, struct span json,
                         const struct shrink_limits *limits)
{
    if (limits->text_bytes_max == SIZE_MAX) {
        json_write_raw(writer, name, json);
        return;
    }
    struct text smaller;
    text_init(&smaller, SIZE_MAX / 4);
    event_shrink_json(json, limits, &smaller);
    json_write_raw(writer, name, text_span(&smaller));
    text_fini(&smaller);
}

static void write_owner(struct json_writer *writer, const struct event_facts *facts)
{
    bool is_sink = facts->sink_name != NULL;
    json_write_open(writer, is_sink ? "sink" : "source", '{');
    json_write_text(writer, "name", is_sink ? facts->sink_name : facts->source_name);
    json_write_close(writer, '}');
}

static void write_as_of(struct json_writer *writer, int64_t wall_ms)
{
    struct text as_of;
    text_init(&as_of, 64);
    date_add(&as_of, (struct date){.kind = DATE_INSTANT, .ms = wall_ms});
    json_write_text(writer, "as_of", text_cstr(&as_of));
    text_fini(&as_of);
}

static void write_data(struct json_writer *writer, const struct event_facts *facts,
                       const struct shrink_limits *limits)
{
    json_write_open(writer, "data", '{');
    json_write_text(writer, "summary", facts->summary);
    if (!is_about_order(facts) && facts->extra_json.size == 0) {
        write_owner(writer, facts);
    }
    write_shrunk(writer, "order", facts->order_json, limits);
    write_shrunk(writer, "appointment", facts->appointment_json, limits);
    if (is_about_order(facts) || facts->change_count != 0) {
        write_changes(writer, facts, limits, false);
    }
    if (facts->sweep != 0) {
        json_write_integer(writer, "sweep", (int64_t)facts->sweep);
    }
    if (facts->as_of_wall_ms != 0) {
        write_as_of(writer, facts->as_of_wall_ms);
    }
    write_shrunk(writer, NULL, facts->extra_json, limits);
    json_write_close(writer, '}');
}

static void add_envelope(const struct event_facts *facts, const char *id,
                         const struct shrink_limits *limits, struct text *out)
{
    struct text part;
    text_init(&part, SIZE_MAX / 4);
    struct json_writer writer = {.out = out};
    json_write_open(&writer, NULL, '{');
    json_write_text(&writer, "specversion", "1.0");
    json_write_text(&writer, "id", id);
    add_source(facts, &part);
    json_write_text(&writer, "source", text_cstr(&part));
    text_clear(&part);
    text_add_text(&part, "orderwatch.");
    text_add_text(&part, event_type_name(facts->type));
    json_write_text(&writer, "type", text_cstr(&part));
    text_clear(&part);
    event_add_subject(facts, &part);
    json_write_text(&writer, "subject", text_cstr(&part));
    text_clear(&part);
    date_add_wall(&part, facts->wall_ms);
    json_write_text(&writer, "time", text_cstr(&part));
    json_write_text(&writer, "datacontenttype", "application/json");
    json_write_text(&writer, "severity", severity_name(facts->severity));
    text_clear(&part);
    text_add_number(&part, (int64_t)facts->sequence, 1);
    json_write_text(&writer, "sequence", text_cstr(&part));
    write_data(&writer, facts, limits);
    json_write_close(&writer, '}');
    text_fini(&part);
}

static bool has_personal(const struct event_facts *facts)
{
    for (size_t i = 0; i < facts->change_count; i++) {
        if (is_contact(facts->changes[i].field)) {
            return true;
        }
    }
    return facts->contact_json.size != 0;
}

static void add_personal(const struct event_facts *facts, const struct shrink_limits *limits,
                         struct text *out)
{
    if (!has_personal(facts)) {
        return;
    }
    struct json_writer writer = {.out = out};
    json_write_open(&writer, NULL, '{');
    write_shrunk(&writer, "contact", facts->contact_json, limits);
    write_changes(&writer, facts, limits, true);
    json_write_close(&writer, '}');
}

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

void event_compose(const struct event_facts *facts, struct arena *arena, struct event *out)
{
    CHECK(facts->sequence != 0 && facts->summary != NULL);
    CHECK(facts->source_name != NULL || facts->sink_name != NULL);
    *out = (struct event){
        .type = facts->type,
        .severity = facts->severity,
        .source_name = or_empty(facts->sink_name != NULL ? NULL : facts->source_name),
        .sink_name = or_empty(facts->sink_name),
        .order_id = or_empty(facts->order_id),
        .appointment_id = or_empty(facts->appointment_id),
        .sequence = facts->sequence,
        .wall_ms = facts->wall_ms,
        .sweep = facts->sweep,
    };
    compute_id(facts, out->id);
    struct text json;
    struct text personal;
    text_init(&json, SIZE_MAX / 4);
    text_init(&personal, SIZE_MAX / 4);
    text_expect(&json, 2048);
    size_t level = 0;
    do {
        CHECK(level < ARRAY_COUNT(levels));
        text_clear(&json);
        text_clear(&personal);
        add_envelope(facts, out->id, &levels[level], &json);
        add_personal(facts, &levels[level], &personal);
        level++;
    } while (json.size + personal.size >= EVENT_BYTES_MAX);
    out->json = keep_text(&json, arena);
    out->personal = keep_text(&personal, arena);
}
