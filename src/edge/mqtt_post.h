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
/* Sends what waits, as far as the window allows. */
void mqtt_post_flush(struct mqtt_post *post, struct mqtt_connection *connection);
bool mqtt_post_is_quiet(const struct mqtt_post *post); /* all that was sent is answered */
void mqtt_post_acknowledge(struct mqtt_post *post, int message_id, int code, const char *words);
/* Nobody is there: all that waits or was not answered ends as SEND_OFFLINE, later from the loop. */
void mqtt_post_give_up(struct mqtt_post *post, const char *detail);
/* Gives up the rest; frees. */
void mqtt_post_close(struct mqtt_post *post, closed_fn *on_closed, void *arg);

#endif
