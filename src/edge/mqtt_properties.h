/* An event's attributes as MQTT 5 properties (CloudEvents MQTT binding, structured mode). */
#ifndef EDGE_MQTT_PROPERTIES_H
#define EDGE_MQTT_PROPERTIES_H

#include "core/event.h"

struct mqtt5__property;

/* NULL for NULL; the caller frees with mosquitto_property_free_all. */
struct mqtt5__property *mqtt_properties_of(const struct event *event);

#endif
