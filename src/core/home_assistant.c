#include "core/home_assistant.h"

#include "core/arena.h"
#include "core/date.h"
#include "core/json_write.h"
#include "core/mqtt_topic.h"
#include "core/record.h"
#include "core/utf8.h"

#include <string.h>

#define TEXT_BYTES_MAX 65535
#define NAME_BYTES_MAX 120

/* A part of a topic or of an id as Home Assistant allows it: what is not a letter, a digit or '-'
 * is written as _HH. So no two texts give the same, and "__" between parts is in none of them. */
static void add_part(struct text *out, const char *part)
{
    for (const char *byte = part; *byte != '\0'; byte++) {
        unsigned char c = (unsigned char)*byte;
        bool is_plain =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
        if (is_plain) {
            text_add_char(out, (char)c);
        } else {
            text_addf(out, "_%02X", c);
        }
    }
}

static const char *keep(struct arena *arena, struct text *text)
{
    const char *kept = arena_text(arena, text_span(text));
    text_fini(text);
    return kept;
}

/* PREFIX__SOURCE: ours among all who announce something there. */
static const char *node_of(const struct home_assistant_order *order, struct arena *arena)
{
    struct text text;
    text_init(&text, TEXT_BYTES_MAX);
    add_part(&text, order->sink->mqtt.prefix);
    text_add_text(&text, "__");
    add_part(&text, order->source_name);
    return keep(arena, &text);
}

static const char *object_of(const struct home_assistant_order *order, struct arena *arena)
{
    struct text text;
    text_init(&text, TEXT_BYTES_MAX);
    add_part(&text, order->order_id);
    return keep(arena, &text);
}

struct entity {
    const char *component, *name, *key;
    const char *device_class;   /* NULL: none */
    const char *value_template; /* values absent are None, which is unknown there */
    bool has_attributes;
};

/* A state has at most 255 characters there. */
static const struct entity entities[] = {
    {.component = "sensor",
     .name = "Status",
     .key = "status",
     .value_template = "{{ (value_json.status | default('None', true))[:255] }}",
     .has_attributes = true},
    {.component = "sensor",
     .name = "Committed date",
     .key = "committed_date",
     .device_class = "date",
     .value_template = "{{ (value_json.committed_date | default('None', true))[:10] }}"},
    {.component = "sensor",
     .name = "Next appointment",
     .key = "next_appointment",
     .device_class = "timestamp",
     .value_template = "{{ value_json.start | default('None', true) }}"},
    {.component = "event",
     .name = "Events",
     .key = "events",
     .value_template = "{{ {'event_type': value_json.type | replace('orderwatch.', '', 1), "
                       "'severity': value_json.severity, 'summary': value_json.data.summary, "
                       "'id': value_json.id, 'time': value_json.time} | tojson }}"},
};

_Static_assert(ARRAY_COUNT(entities) == HOME_ASSISTANT_ENTITIES, "a message each");

static const char *topic_of_order(const struct home_assistant_order *order, struct arena *arena,
                                  bool is_appointment)
{
    struct text text;
    text_init(&text, TEXT_BYTES_MAX);
    const struct retained retained = {.kind = is_appointment ? RETAINED_NEXT_APPOINTMENT
                                                             : RETAINED_ORDER,
                                      .source_name = order->source_name,
                                      .order_id = order->order_id};
    mqtt_topic_retained(order->sink->mqtt.prefix, &retained, &text);
    return keep(arena, &text);
}

static const char *topic_of_events(const struct home_assistant_order *order, struct arena *arena)
{
    struct text text;
    text_init(&text, TEXT_BYTES_MAX);
    mqtt_topic_events_of_order(order->sink->mqtt.prefix, order->source_name, order->order_id,
                               &text);
    return keep(arena, &text);
}

static void add_event_types(struct json_writer *writer)
{
    json_write_open(writer, "event_types", '[');
    for (int type = 0; type < EVENT_TYPE_COUNT; type++) {
        const char *name = event_type_name((enum event_type)type);
        if (strncmp(name, "order.", 6) == 0 || strncmp(name, "appointment.", 12) == 0) {
            json_write_text(writer, NULL, name);
        }
    }
    json_write_close(writer, ']');
}

static const char *shown(const struct home_assistant_order *order, enum order_field field)
{
    return field_filter_allows(&order->sink->fields, order_field_name(field))
               ? order->record->fields[field]
               : NULL;
}

static const char *device_name(const struct home_assistant_order *order, struct arena *arena)
{
    const char *reference = shown(order, ORDER_REFERENCE);
    struct text text;
    text_init(&text, TEXT_BYTES_MAX);
    text_add_text(&text, "Order ");
    utf8_add_clean_line(&text, span_of(order->order_id), NAME_BYTES_MAX);
    if (reference != NULL) {
        text_add_text(&text, " (");
        utf8_add_clean_line(&text, span_of(reference), NAME_BYTES_MAX);
        text_add_char(&text, ')');
    }
    return keep(arena, &text);
}

/* Home Assistant refuses the whole message for a link that is none. */
static const char *link_of(const struct home_assistant_order *order)
{
    const char *url = shown(order, ORDER_URL);
    bool is_link =
        url != NULL && (strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0);
    return is_link && strpbrk(url, " \\\"<>") == NULL ? url : NULL;
}

static void add_device(struct json_writer *writer, const struct home_assistant_order *order,
                       const char *id, struct arena *arena)
{
    json_write_open(writer, "device", '{');
    json_write_open(writer, "identifiers", '[');
    json_write_text(writer, NULL, id);
    json_write_close(writer, ']');
    json_write_text(writer, "name", device_name(order, arena));
    json_write_text(writer, "manufacturer", order->source_name);
    json_write_text(writer, "model", shown(order, ORDER_OFFER));
    json_write_text(writer, "configuration_url", link_of(order));
    json_write_close(writer, '}');
    json_write_open(writer, "origin", '{');
    json_write_text(writer, "name", "orderwatch");
    json_write_close(writer, '}');
}

static const char *state_topic(const struct home_assistant_order *order,
                               const struct entity *entity, struct arena *arena)
{
    return text_equal(entity->component, "event")
               ? topic_of_events(order, arena)
               : topic_of_order(order, arena, text_equal(entity->key, "next_appointment"));
}

static struct span describe(const struct home_assistant_order *order, const struct entity *entity,
                            const char *id, struct arena *arena)
{
    struct text text;
    text_init(&text, (size_t)4 * TEXT_BYTES_MAX);
    struct json_writer writer = {.out = &text};
    const char *topic = state_topic(order, entity, arena);
    struct text status;
    text_init(&status, TEXT_BYTES_MAX);
    mqtt_topic_status(order->sink->mqtt.prefix, &status);
    json_write_open(&writer, NULL, '{');
    json_write_text(&writer, "name", entity->name);
    json_write_text(&writer, "unique_id", arena_format(arena, "%s__%s", id, entity->key));
    json_write_text(&writer, "state_topic", topic);
    json_write_text(&writer, "value_template", entity->value_template);
    json_write_text(&writer, "device_class", entity->device_class);
    json_write_text(&writer, "json_attributes_topic", entity->has_attributes ? topic : NULL);
    if (text_equal(entity->component, "event")) {
        add_event_types(&writer);
    }
    json_write_text(&writer, "availability_topic", text_cstr(&status));
    json_write_integer(&writer, "qos", 1);
    add_device(&writer, order, id, arena);
    json_write_close(&writer, '}');
    text_fini(&status);
    size_t size = text.size;
    return (struct span){.data = keep(arena, &text), .size = size};
}

static bool is_over(const struct appointment *appointment)
{
    return appointment->kind == APPOINTMENT_CANCELLED ||
           appointment->kind == APPOINTMENT_COMPLETED || appointment->kind == APPOINTMENT_MISSED;
}

/* The earliest that is still to come, by what the operator says: a function of the record alone, so
 * it is as right as the record. Starts are canonical instants, which sort as text. */
static const struct appointment *next_appointment(const struct record *record)
{
    const struct appointment *next = NULL;
    for (size_t i = 0; i < record->appointment_count; i++) {
        const struct appointment *appointment = &record->appointments[i];
        const char *start = appointment->fields[APPOINTMENT_START];
        bool is_instant = start != NULL && strchr(start, 'T') != NULL;
        if (is_instant && !is_over(appointment) &&
            (next == NULL || strcmp(start, next->fields[APPOINTMENT_START]) < 0)) {
            next = appointment;
        }
    }
    return next;
}

static struct span payload_of_next(const struct record *record, struct arena *arena)
{
    const struct appointment *next = next_appointment(record);
    struct text text;
    text_init(&text, TEXT_BYTES_MAX);
    if (next != NULL) {
        record_add_appointment(next, &text);
    } else {
        text_add_text(&text, "{}");
    }
    size_t size = text.size;
    return (struct span){.data = keep(arena, &text), .size = size};
}

void home_assistant_compose(const struct home_assistant_order *order, struct arena *arena,
                            struct home_assistant_message out[static HOME_ASSISTANT_MESSAGES])
{
    const char *node = node_of(order, arena);
    const char *object = object_of(order, arena);
    const char *id = arena_format(arena, "%s__%s", node, object);
    for (size_t i = 0; i < ARRAY_COUNT(entities); i++) {
        const struct entity *entity = &entities[i];
        out[i].topic = arena_format(arena, "%s/%s/%s/%s__%s/config", order->discovery_prefix,
                                    entity->component, node, object, entity->key);
        out[i].payload =
            order->record != NULL ? describe(order, entity, id, arena) : (struct span){0};
    }
    out[ARRAY_COUNT(entities)] = (struct home_assistant_message){
        .topic = topic_of_order(order, arena, true),
        .payload =
            order->record != NULL ? payload_of_next(order->record, arena) : (struct span){0}};
}
