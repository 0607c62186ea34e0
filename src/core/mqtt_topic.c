#include "core/mqtt_topic.h"

#include <string.h>

/* A level of its own, whatever the bytes are: no '/', '+', '#', '$' or NUL survives. */
static void add_level(struct text *out, const char *level)
{
    text_add_char(out, '/');
    if (level == NULL || level[0] == '\0') {
        text_add_char(out, '-');
        return;
    }
    text_add_percent(out, span_of(level));
}

void mqtt_topic_status(const char *prefix, struct text *out)
{
    text_add_text(out, prefix);
    text_add_text(out, "/status");
}

void mqtt_topic_event(const char *prefix, const struct event *event, struct text *out)
{
    text_add_text(out, prefix);
    add_level(out, event->source_name);
    text_add_text(out, "/event/");
    text_add_text(out, severity_name(event->severity));
    add_level(out, event_type_name(event->type));
    add_level(out, event->order_id);
}

void mqtt_topic_events_of_order(const char *prefix, const char *source_name, const char *order_id,
                                struct text *out)
{
    text_add_text(out, prefix);
    add_level(out, source_name);
    text_add_text(out, "/event/+/+");
    add_level(out, order_id);
}

void mqtt_topic_retained(const char *prefix, const struct retained *retained, struct text *out)
{
    if (retained->kind == RETAINED_DISCOVERY || retained->kind == RETAINED_EARLIER) {
        text_add_text(out, retained->topic);
        return;
    }
    text_add_text(out, prefix);
    add_level(out, retained->source_name);
    switch (retained->kind) {
    case RETAINED_SOURCE:
        text_add_text(out, "/status");
        return;
    case RETAINED_ORDER:
        text_add_text(out, "/orders");
        add_level(out, retained->order_id);
        text_add_text(out, "/state");
        return;
    case RETAINED_NEXT_APPOINTMENT:
        text_add_text(out, "/orders");
        add_level(out, retained->order_id);
        text_add_text(out, "/next_appointment");
        return;
    case RETAINED_APPOINTMENT:
        text_add_text(out, "/orders");
        add_level(out, retained->order_id);
        text_add_text(out, "/appointments");
        add_level(out, retained->appointment_id);
        text_add_text(out, "/state");
        return;
    case RETAINED_DISCOVERY:
    case RETAINED_EARLIER:
        break;
    }
    CHECK(!"a kind of retained state that does not exist");
}

struct span mqtt_event_subject(struct span json)
{
    static const char key[] = ",\"subject\":\"";
    const char *found = json.size != 0 ? memmem(json.data, json.size, key, sizeof key - 1) : NULL;
    if (found == NULL) {
        return (struct span){0};
    }
    const char *begin = found + sizeof key - 1;
    const char *end = memchr(begin, '"', (size_t)(json.data + json.size - begin));
    return end != NULL ? (struct span){.data = begin, .size = (size_t)(end - begin)}
                       : (struct span){0};
}
