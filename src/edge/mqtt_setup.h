/* A fresh libmosquitto client made ours: protocol, login, TLS, last will. */
#ifndef EDGE_MQTT_SETUP_H
#define EDGE_MQTT_SETUP_H

#include "core/config.h"

struct mosquitto;

struct mqtt_broker;

/* status_topic NULL: without a last will. False: the library refuses, most likely a TLS file that
 * cannot be read. */
bool mqtt_setup(struct mosquitto *client, const struct mqtt_config *config,
                const struct mqtt_broker *broker, const char *status_topic);
/* What to look at, when the broker cannot be reached. */
#define MQTT_REACH_REMEDY "check broker, and that it listens there"
#define MQTT_TLS_REMEDY "check broker, tls.ca_file and the broker's certificate"
/* For helpers not to inherit, and to notice a broker that is gone. */
void mqtt_setup_socket(int socket);

#endif
