/* One constructor per sink. To add a sink: one file, one line here, one row in main. */
#ifndef EDGE_SINKS_H
#define EDGE_SINKS_H

#include "core/ports.h"

struct uv_loop_s;
struct http_client;

struct sink_environment {
    struct uv_loop_s *uv;
    struct http_client *http;
    /* Where the configuration in force is found: a reload changes it under a sink that stays. */
    const struct config *const *config;
    const struct store_port *store; /* for what a sink knew before; NULL: it begins anew */
    const char *version;            /* for User-Agent */
};

/* Checks and prepares; nothing leaves for the receiver before listen or the first send. */
typedef enum status sink_open_fn(const struct sink_config *config,
                                 const struct sink_environment *environment, struct sink_port *out,
                                 struct failure *why);

sink_open_fn sink_mail_open;    /* libesmtp in its helper; libcurl for smtps */
sink_open_fn sink_mqtt_open;    /* libmosquitto's socket watched by the loop */
sink_open_fn sink_webhook_open; /* shapes and signs a request for the http client */

#endif
