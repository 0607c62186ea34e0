/* Which retained states are missing at a broker because it refused them, for the status. Pure. */
#ifndef EDGE_MQTT_WITHHELD_H
#define EDGE_MQTT_WITHHELD_H

#include "core/text.h"

#define MQTT_WITHHELD_MAX 1000

struct mqtt_withheld {
    char *topics[MQTT_WITHHELD_MAX]; /* owned; the earliest first */
    size_t count;
    bool is_more; /* than fit: how many is no longer known */
};

void mqtt_withheld_fini(struct mqtt_withheld *withheld);
void mqtt_withheld_add(struct mqtt_withheld *withheld, const char *topic); /* once is enough */
void mqtt_withheld_remove(struct mqtt_withheld *withheld, const char *topic);
/* Nothing to say: adds nothing. Otherwise begins with "; ". */
void mqtt_withheld_describe(const struct mqtt_withheld *withheld, struct text *out);

#endif
