/* One connection to a broker, kept up: libmosquitto's socket watched by the loop, its blocking
 * connect in a worker. A lost connection's client is destroyed and made anew, so that nothing is
 * sent twice by it. */
#ifndef EDGE_MQTT_CONNECTION_H
#define EDGE_MQTT_CONNECTION_H

#include "core/ports.h"

struct uv_loop_s;
struct mqtt_connection;

struct mqtt_events {
    void *arg;
    void (*on_up)(void *arg);
    /* Every publish without an answer is lost from here on. detail: why, in words. */
    void (*on_down)(void *arg, const char *detail);
    void (*on_acknowledged)(void *arg, int message_id, int reason_code);
    void (*on_state_lost)(void *arg); /* the broker has no retained message of ours */
};

struct mqtt_message {
    const char *topic;
    struct span payload;
    bool is_retained;
    const struct event *event; /* its attributes as MQTT 5 properties; NULL: none */
};

struct mqtt_connection *mqtt_connection_create(const char *sink_name,
                                               const struct mqtt_config *config,
                                               struct uv_loop_s *uv,
                                               const struct mqtt_events *events);
bool mqtt_connection_is_up(const struct mqtt_connection *connection);
/* An attempt is under way: on_up or on_down follows. */
bool mqtt_connection_is_trying(const struct mqtt_connection *connection);
const char *mqtt_connection_detail(const struct mqtt_connection *connection); /* why it is down */
/* Requires is_up. STATUS_OK: on_acknowledged or on_down follows. STATUS_TOO_LARGE:
 * the broker or the protocol will never take it; nothing follows. */
enum status mqtt_connection_publish(struct mqtt_connection *connection,
                                    const struct mqtt_message *message, int *message_id,
                                    struct failure *why) MUST_CHECK;
/* Says "offline" and leaves, within a second; then on_closed, and connection is freed. */
void mqtt_connection_close(struct mqtt_connection *connection, closed_fn *on_closed, void *arg);

#endif
