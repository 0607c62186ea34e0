#include "mqtt_properties.h"

#include "core/mqtt_topic.h"

#include <mosquitto.h>
#include <mqtt_protocol.h>

#define SUBJECT_BYTES_MAX 8192

static void add_pair(mosquitto_property **properties, const char *name, const char *value)
{
    (void)mosquitto_property_add_string_pair(properties, MQTT_PROP_USER_PROPERTY, name, value);
}

static void add_subject(mosquitto_property **properties, struct span json)
{
    struct span found = mqtt_event_subject(json);
    if (found.size == 0) {
        return;
    }
    struct text subject;
    text_init(&subject, SUBJECT_BYTES_MAX);
    text_add(&subject, found);
    add_pair(properties, "subject", text_cstr(&subject));
    text_fini(&subject);
}

struct mqtt5__property *mqtt_properties_of(const struct event *event, int64_t expiry_ms)
{
    mosquitto_property *properties = NULL;
    if (event == NULL) {
        return NULL;
    }
    (void)mosquitto_property_add_string(&properties, MQTT_PROP_CONTENT_TYPE,
                                        "application/cloudevents+json; charset=utf-8");
    (void)mosquitto_property_add_byte(&properties, MQTT_PROP_PAYLOAD_FORMAT_INDICATOR, 1);
    if (expiry_ms != 0) {
        (void)mosquitto_property_add_int32(&properties, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL,
                                           (uint32_t)(expiry_ms / 1000));
    }
    struct text type;
    text_init(&type, 128);
    text_addf(&type, "orderwatch.%s", event_type_name(event->type));
    add_pair(&properties, "id", event->id);
    add_pair(&properties, "type", text_cstr(&type));
    add_pair(&properties, "severity", severity_name(event->severity));
    add_subject(&properties, event->json);
    text_fini(&type);
    return properties;
}
