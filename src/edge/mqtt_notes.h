/* What libmosquitto's callbacks wrote down of one connection, and the words for its end. */
#ifndef EDGE_MQTT_NOTES_H
#define EDGE_MQTT_NOTES_H

#include "core/text.h"

struct mqtt5__property;
struct mqtt_broker;

#define BROKER_WORDS_MAX 190

struct mqtt_notes {
    bool has_connack, is_announced;
    int connack_code, disconnect_code;
    char broker_words[BROKER_WORDS_MAX +
                      10]; /* the broker's own reason, cleaned; "" if it gave none */
    char log_lines[256];   /* the library's complaints: only here has a TLS failure its reason */
};

void mqtt_notes_connack(struct mqtt_notes *notes, int code,
                        const struct mqtt5__property *properties);
/* The broker's reason comes first; that the socket is closed then is no news. */
void mqtt_notes_disconnect(struct mqtt_notes *notes, int code,
                           const struct mqtt5__property *properties);
void mqtt_notes_log(struct mqtt_notes *notes, int level, const char *line);

/* Why there is no connection any more; result and error as in mqtt_result.h. */
void mqtt_notes_add_words(const struct mqtt_notes *notes, int result, int error, struct text *out);

/* "; " and what to look at; nothing where it was there before and gave no reason of its own. */
void mqtt_notes_add_remedy(const struct mqtt_notes *notes, const struct mqtt_broker *broker,
                           struct text *out);

/* What a PUBACK says: its code, the broker's own reason, and what to look at. */
void mqtt_notes_add_puback(int code, const struct mqtt5__property *properties, struct text *out);

#endif
