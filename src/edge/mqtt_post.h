/* Messages on their way to a broker: queued, sent, answered, each with exactly one done. */
#ifndef EDGE_MQTT_POST_H
#define EDGE_MQTT_POST_H

#include "mqtt_connection.h"

struct mqtt_post;

struct mqtt_post *mqtt_post_create(struct uv_loop_s *uv, const struct sink_config *config);
void mqtt_post_add_event(struct mqtt_post *post, const struct event *event, send_done_fn *on_done,
                         void *arg);
void mqtt_post_add_retained(struct mqtt_post *post, const struct retained *retained,
                            send_done_fn *on_done, void *arg);
void mqtt_post_begin(struct mqtt_post *post); /* a connection is there */
/* Sends what waits, as far as the window allows. Returns when to flush again, in ms; 0: at the
 * next answer. */
int64_t mqtt_post_flush(struct mqtt_post *post, struct mqtt_connection *connection);
bool mqtt_post_is_quiet(const struct mqtt_post *post); /* all that was sent is answered */
void mqtt_post_acknowledge(struct mqtt_post *post, int message_id, int code, const char *words);
/* The connection was lost, or none could be made. A message that makes the broker hang up again and
 * again ends here, so that it cannot do so for ever. True: it explains the loss. */
bool mqtt_post_suspect(struct mqtt_post *post, const struct mqtt_loss *loss);
/* Nobody is there: all that waits or was not answered ends as SEND_OFFLINE, later from the loop. */
void mqtt_post_give_up(struct mqtt_post *post, const char *detail);
/* Adds to a status what the broker refused to retain; begins with "; ". */
void mqtt_post_describe(const struct mqtt_post *post, struct text *out);
/* Gives up the rest; frees. */
void mqtt_post_close(struct mqtt_post *post, closed_fn *on_closed, void *arg);

#endif
