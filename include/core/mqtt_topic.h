/* Topics of contract.md section 4: every level from outside is percent-encoded. Pure. */
#ifndef CORE_MQTT_TOPIC_H
#define CORE_MQTT_TOPIC_H

#include "core/ports.h"

/* P/status */
void mqtt_topic_status(const char *prefix, struct text *out);
/* P/S/event/SEVERITY/TYPE/ORDER; what an event is not about is "-". */
void mqtt_topic_event(const char *prefix, const struct event *event, struct text *out);
/* P/S/event/+/+/ORDER: a filter for all events of an order. */
void mqtt_topic_events_of_order(const char *prefix, const char *source_name, const char *order_id,
                                struct text *out);
/* P/S/status, P/S/orders/ORDER/state, P/S/orders/ORDER/appointments/APPT/state,
 * P/S/orders/ORDER/next_appointment; of discovery and of earlier ones their own topic */
void mqtt_topic_retained(const char *prefix, const struct retained *retained, struct text *out);
/* The subject within an event's own envelope, percent-encoded as it is; empty: it has none. */
struct span mqtt_event_subject(struct span json);

#endif
