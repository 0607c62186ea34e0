/* What a broker still has of us, told by what it retains: whether it is to be filled again. */
#ifndef EDGE_MQTT_MARKER_H
#define EDGE_MQTT_MARKER_H

#include "core/text.h"

struct mosquitto;

struct mqtt_marker {
    struct text status_topic;   /* P/status: "online", or "offline" by us or by our last will */
    struct text sources_filter; /* P/+/status: published last whenever all is published again */
    struct text source_topics;  /* of those, which are retained; each ended by NUL */
    bool was_offline;           /* "offline" is retained at P/status */
};

void mqtt_marker_init(struct mqtt_marker *marker, const char *prefix);
void mqtt_marker_fini(struct mqtt_marker *marker);

/* Each returns a result of the library. */
int mqtt_marker_subscribe(const struct mqtt_marker *marker, struct mosquitto *client);
int mqtt_marker_unsubscribe(const struct mqtt_marker *marker, struct mosquitto *client);
int mqtt_marker_announce(const struct mqtt_marker *marker, struct mosquitto *client,
                         const char *state, int *out_message_id);
/* Removes the sources' status: whoever connects next finds the loss too, until all is filled. */
int mqtt_marker_clear(const struct mqtt_marker *marker, struct mosquitto *client);

/* A retained message that came by the subscription. */
void mqtt_marker_note(struct mqtt_marker *marker, const char *topic, struct span payload);
bool mqtt_marker_is_kept(const struct mqtt_marker *marker);

#endif
