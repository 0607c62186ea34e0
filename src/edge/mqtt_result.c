#include "mqtt_result.h"

#include <mosquitto.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

void mqtt_result_add_words(struct text *out, int result, int error)
{
    char words[128];
    switch (result) {
    case MOSQ_ERR_ERRNO:
        text_add_text(out, strerror_r(error, words, sizeof words));
        return;
    case MOSQ_ERR_EAI:
        text_add_text(out, "the host name cannot be resolved");
        return;
    case MOSQ_ERR_KEEPALIVE:
        text_add_text(out, "the broker answers no more");
        return;
    case MOSQ_ERR_NO_CONN:
    case MOSQ_ERR_CONN_LOST:
        text_add_text(out, "the connection was lost");
        return;
    case MOSQ_ERR_TLS:
        text_add_text(out, "TLS failed");
        return;
    default: /* an open set of numbers */
        text_add_text(out, mosquitto_strerror(result));
        return;
    }
}

int mqtt_result_pending_error(int socket)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (socket >= 0 && getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
        return errno;
    }
    return error;
}

enum status mqtt_result_of_publish(int result, struct failure *why)
{
    switch (result) {
    case MOSQ_ERR_SUCCESS:
    /* The library keeps it although the connection is gone, whose loss is yet to be noticed. */
    case MOSQ_ERR_NO_CONN:
    case MOSQ_ERR_CONN_LOST:
    case MOSQ_ERR_ERRNO:
    case MOSQ_ERR_TLS:
        return STATUS_OK;
    case MOSQ_ERR_OVERSIZE_PACKET:
    case MOSQ_ERR_PAYLOAD_SIZE:
        return fail(why, STATUS_TOO_LARGE,
                    "larger than this broker takes; raise its limit, or send less (fields)");
    case MOSQ_ERR_QOS_NOT_SUPPORTED:
        return fail(why, STATUS_INVALID, "this broker confirms nothing: it supports QoS 0 alone");
    case MOSQ_ERR_RETAIN_NOT_SUPPORTED:
        return fail(why, STATUS_INVALID, "this broker retains nothing; set state: false");
    case MOSQ_ERR_INVAL:
    case MOSQ_ERR_MALFORMED_UTF8:
        return fail(why, STATUS_INVALID, "the topic is not one that MQTT allows");
    default: /* an open set of numbers */
        return fail(why, STATUS_UNAVAILABLE, "%s", mosquitto_strerror(result));
    }
}
