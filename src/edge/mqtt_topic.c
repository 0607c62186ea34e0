#include "mqtt_topic.h"

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

void mqtt_topic_retained(const char *prefix, const struct retained *retained, struct text *out)
{
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
    case RETAINED_APPOINTMENT:
        text_add_text(out, "/orders");
        add_level(out, retained->order_id);
        text_add_text(out, "/appointments");
        add_level(out, retained->appointment_id);
        text_add_text(out, "/state");
        return;
    }
    CHECK(!"a kind of retained state that does not exist");
}
