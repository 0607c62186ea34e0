#include "mqtt_marker.h"

#include "core/mqtt_topic.h"

#include <mosquitto.h>

#include <string.h>

#define TOPIC_BYTES_MAX 65535
#define SOURCE_TOPICS_BYTES_MAX (1u << 20)

void mqtt_marker_init(struct mqtt_marker *marker, const char *prefix)
{
    *marker = (struct mqtt_marker){.was_offline = false};
    text_init(&marker->status_topic, TOPIC_BYTES_MAX);
    mqtt_topic_status(prefix, &marker->status_topic);
    text_init(&marker->sources_filter, TOPIC_BYTES_MAX);
    text_addf(&marker->sources_filter, "%s/+/status", prefix);
    text_init(&marker->source_topics, SOURCE_TOPICS_BYTES_MAX);
}

void mqtt_marker_fini(struct mqtt_marker *marker)
{
    text_fini(&marker->status_topic);
    text_fini(&marker->sources_filter);
    text_fini(&marker->source_topics);
}

int mqtt_marker_subscribe(const struct mqtt_marker *marker, struct mosquitto *client)
{
    int result = mosquitto_subscribe(client, NULL, text_cstr(&marker->sources_filter), 0);
    return result == MOSQ_ERR_SUCCESS
               ? mosquitto_subscribe(client, NULL, text_cstr(&marker->status_topic), 0)
               : result;
}

int mqtt_marker_unsubscribe(const struct mqtt_marker *marker, struct mosquitto *client)
{
    int result = mosquitto_unsubscribe(client, NULL, text_cstr(&marker->sources_filter));
    return result == MOSQ_ERR_SUCCESS
               ? mosquitto_unsubscribe(client, NULL, text_cstr(&marker->status_topic))
               : result;
}

int mqtt_marker_announce(const struct mqtt_marker *marker, struct mosquitto *client,
                         const char *state, int *out_message_id)
{
    return mosquitto_publish(client, out_message_id, text_cstr(&marker->status_topic),
                             (int)strlen(state), state, 1, true);
}

int mqtt_marker_clear(const struct mqtt_marker *marker, struct mosquitto *client)
{
    const char *topic = marker->source_topics.data;
    const char *end = topic + marker->source_topics.size;
    int result = MOSQ_ERR_SUCCESS;
    while (topic < end && result == MOSQ_ERR_SUCCESS) {
        result = mosquitto_publish(client, NULL, topic, 0, NULL, 1, true);
        topic += strlen(topic) + 1;
    }
    return result;
}

void mqtt_marker_note(struct mqtt_marker *marker, const char *topic, struct span payload)
{
    if (strcmp(topic, text_cstr(&marker->status_topic)) == 0) {
        marker->was_offline = span_is(payload, "offline");
    } else if (payload.size != 0) {
        text_add(&marker->source_topics, (struct span){.data = topic, .size = strlen(topic) + 1});
    }
}

/* "offline" is what we or our will left behind, so the broker kept all since then: "online" is one
 * that went back to an older memory. Sources are missing where a refill never came to its end. */
bool mqtt_marker_is_kept(const struct mqtt_marker *marker)
{
    return marker->was_offline && marker->source_topics.size != 0;
}
