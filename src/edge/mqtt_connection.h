/* One life of a connection to a broker: from the look-up of its name to its loss or its end. A new
 * connection is a new client of the library, so nothing unfinished is ever sent again behind our
 * back. */
#ifndef EDGE_MQTT_CONNECTION_H
#define EDGE_MQTT_CONNECTION_H

#include "core/ports.h"

struct uv_loop_s;
struct mqtt_connection;

/* Why there is no connection any more. */
struct mqtt_loss {
    bool was_up;
    bool was_logged_in;    /* the broker had taken our login */
    bool is_login_refused; /* asking again soon is no use */
    bool is_taken_over;    /* by another client of our id: asking again soon throws it out */
    bool is_by_message;    /* what was on its way explains it (mqtt_post_suspect) */
    int reason;            /* of the broker's DISCONNECT; 0: it said none */
    const char *detail;    /* one line, cleaned */
};

struct mqtt_message {
    const char *topic;
    struct span payload;
    bool is_retained;
    const struct event *event; /* its attributes as MQTT 5 properties; NULL: none */
};

struct mqtt_connection_events {
    void *arg;
    /* Logged in and announced. is_state_lost: the broker does not have what was retained before. */
    void (*on_up)(void *arg, bool is_state_lost);
    /* The broker's word on one message: a reason code of MQTT 5; always 0 with 3.1.1. */
    void (*on_acknowledged)(void *arg, int message_id, int code, const char *words);
    void (*on_down)(void *arg, const struct mqtt_loss *loss); /* the last; the connection is gone */
};

/* config and broker must outlive the connection. The first event comes later, from the loop. */
struct mqtt_connection *mqtt_connection_open(struct uv_loop_s *uv, const struct sink_config *config,
                                             const struct mqtt_broker *broker,
                                             const struct mqtt_connection_events *events);
/* Between on_up and on_down only. STATUS_OK: on_acknowledged or on_down will tell, even if no
 * connection is left. STATUS_TOO_LARGE, STATUS_INVALID: this broker will never take it. */
enum status mqtt_connection_publish(struct mqtt_connection *connection,
                                    const struct mqtt_message *message, int *out_message_id,
                                    struct failure *why) MUST_CHECK;
/* Says goodbye if there is someone to say it to; on_down within about a second. */
void mqtt_connection_close(struct mqtt_connection *connection);

#endif
