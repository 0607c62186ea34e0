/* An event's attributes as MQTT 5 properties (CloudEvents MQTT binding, structured mode). */
#ifndef EDGE_MQTT_PROPERTIES_H
#define EDGE_MQTT_PROPERTIES_H

#include "core/event.h"

struct mqtt5__property;

/* expiry_ms 0: none. NULL for NULL; the caller frees with mosquitto_property_free_all. */
struct mqtt5__property *mqtt_properties_of(const struct event *event, int64_t expiry_ms);

#endif
