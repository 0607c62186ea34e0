/* The simulated API over HTTP: token endpoint, orders, details, appointments, and a control door.
 * One thread. */
#ifndef SIMULATOR_SERVER_H
#define SIMULATOR_SERVER_H

#include "simulator/scenario.h"

struct server;

struct server_options {
    const char *host; /* an address of this machine; loopback unless somebody wants otherwise */
    uint16_t port;    /* 0: any free one */
    char *certificate_pem, *key_pem; /* both or neither */
    struct scenario *scenario;
    struct stage *stage;
    bool is_verbose; /* one line per request on stdout */
};

enum status server_start(const struct server_options *options, struct server **out,
                         struct failure *why) MUST_CHECK;
uint16_t server_port(const struct server *server);
/* Serves for at most wait_ms. */
void server_run(struct server *server, struct instant now, int64_t wait_ms);
/* True once the first list has been read to its end: the clock may start. */
bool server_gave_baseline(const struct server *server);
void server_stop(struct server *server);

#endif
