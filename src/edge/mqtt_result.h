/* What libmosquitto's result numbers mean. */
#ifndef EDGE_MQTT_RESULT_H
#define EDGE_MQTT_RESULT_H

#include "core/text.h"

/* Words for the end of a connection; error is the errno of that moment. */
void mqtt_result_add_words(struct text *out, int result, int error);

/* The error that waits on a socket says more than the library's word for it; 0: none. */
int mqtt_result_pending_error(int socket);

/* Of a publish. STATUS_OK: the library has it. STATUS_TOO_LARGE, STATUS_INVALID: this broker will
 * never take it. */
enum status mqtt_result_of_publish(int result, struct failure *why) MUST_CHECK;

#endif
