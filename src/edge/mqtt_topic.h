/* Topics of contract.md section 4: every level from outside is percent-encoded. Pure. */
#ifndef EDGE_MQTT_TOPIC_H
#define EDGE_MQTT_TOPIC_H

#include "core/ports.h"

/* P/status */
void mqtt_topic_status(const char *prefix, struct text *out);
/* P/S/event/SEVERITY/TYPE/ORDER; what an event is not about is "-". */
void mqtt_topic_event(const char *prefix, const struct event *event, struct text *out);
/* P/S/status, P/S/orders/ORDER/state, P/S/orders/ORDER/appointments/APPT/state */
void mqtt_topic_retained(const char *prefix, const struct retained *retained, struct text *out);

#endif
