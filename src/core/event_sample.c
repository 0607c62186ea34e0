#include "core/event_sample.h"

#include "core/arena.h"
#include "core/record.h"
#include "core/text.h"

#include <string.h>

#define SAMPLE_BYTES_MAX 16384
#define SAMPLE_WALL_MS INT64_C(1795421730123) /* 2026-11-23T08:15:30.123Z */

static struct span take(struct arena *arena, struct text *text)
{
    CHECK(text->status == STATUS_OK);
    struct span copy = {.data = arena_text(arena, text_span(text)), .size = text->size};
    text_fini(text);
    return copy;
}

static struct span order_json(struct arena *arena)
{
    static const struct note notes[] = {
        {.id = "n1", .date = "2026-11-23", .author = "Support", .text = "A \"note\" <1> & 100 %"}};
    struct record record = {.id = "0123/45 é", .kind = ORDER_OPEN, .notes = notes, .note_count = 1};
    record.fields[ORDER_REFERENCE] = "PO-7781";
    record.fields[ORDER_STATUS] = "InProgress";
    record.fields[ORDER_STEP] = "Site survey";
    record.fields[ORDER_SITE] = "Lyon Part-Dieu";
    record.fields[ORDER_OFFER] = "Fibre 1 Gbit/s";
    record.fields[ORDER_REQUESTED_DATE] = "2027-01-12";
    record.fields[ORDER_COMMITTED_DATE] = "2027-01-20";
    struct text text;
    text_init(&text, SAMPLE_BYTES_MAX);
    record_add_order(&record, &(struct field_filter){.names = NULL}, &text);
    return take(arena, &text);
}

static struct span appointment_json(struct arena *arena)
{
    struct appointment appointment = {.id = "A-1", .kind = APPOINTMENT_CONFIRMED};
    appointment.fields[APPOINTMENT_STATUS] = "Confirmed";
    appointment.fields[APPOINTMENT_START] = "2027-01-17T08:00:00Z";
    appointment.fields[APPOINTMENT_END] = "2027-01-17T10:00:00Z";
    struct text text;
    text_init(&text, SAMPLE_BYTES_MAX);
    record_add_appointment(&appointment, &text);
    return take(arena, &text);
}

static bool is_of(enum event_type type, const char *family)
{
    return strncmp(event_type_name(type), family, strlen(family)) == 0;
}

void event_sample(enum event_type type, struct arena *arena, struct event *out)
{
    static const struct change changes[] = {{"status", "Acknowledged", "InProgress"}};
    struct event_facts facts = {
        .type = type,
        .severity = event_type_severity(type),
        .sequence = 17,
        .wall_ms = SAMPLE_WALL_MS,
        .summary = arena_format(arena, "A sample of %s", event_type_name(type)),
    };
    if (is_of(type, "order.") || is_of(type, "appointment.")) {
        facts.source_name = "sample";
        facts.order_id = "0123/45 é";
        facts.sweep = 42;
        facts.changes = changes;
        facts.change_count = ARRAY_COUNT(changes);
        facts.order_json = order_json(arena);
    } else if (is_of(type, "source.")) {
        facts.source_name = "sample";
        facts.extra_json = span_of("\"source\":{\"name\":\"sample\"}");
    } else {
        facts.sink_name = "sample";
        facts.extra_json = span_of("\"sink\":{\"name\":\"sample\"}");
    }
    if (is_of(type, "appointment.")) {
        facts.appointment_id = "A-1";
        facts.appointment_json = appointment_json(arena);
    } else if (type == EVENT_ORDER_NOTE_ADDED) {
        facts.extra_json = span_of("\"note\":{\"id\":\"n1\",\"text\":\"A \\\"note\\\" <1>\"}");
    }
    event_compose(&facts, arena, out);
}
