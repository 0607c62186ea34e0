/* Home Assistant's MQTT discovery: an order as a device with four entities, each announced by a
 * message of its own (the form that every version knows, others than Home Assistant too). Pure. */
#ifndef CORE_HOME_ASSISTANT_H
#define CORE_HOME_ASSISTANT_H

#include "core/config.h"

struct arena;
struct record;

/* Status, committed date, next appointment, events; and, last, the topic that the third one reads.
 */
#define HOME_ASSISTANT_ENTITIES 4
#define HOME_ASSISTANT_MESSAGES (HOME_ASSISTANT_ENTITIES + 1)

struct home_assistant_order {
    const struct sink_config *sink;
    const char *discovery_prefix; /* of the sink now, or what it once was */
    const char *source_name, *order_id;
    const struct record *record; /* NULL: all is to be taken away */
};

struct home_assistant_message {
    const char *topic;
    struct span payload; /* empty: take it away */
};

/* The messages live in arena. */
void home_assistant_compose(const struct home_assistant_order *order, struct arena *arena,
                            struct home_assistant_message out[static HOME_ASSISTANT_MESSAGES]);

#endif
