/* A sink tried as far as possible without sending anything through it: connection, TLS, login. */
#ifndef EDGE_PROBE_H
#define EDGE_PROBE_H

#include "edge/sinks.h"

struct probe_result {
    bool is_open;
    const char *detail; /* one line: what was reached, or what refused and why; no secrets */
};

typedef void probe_done_fn(void *arg, const struct probe_result *result);

/* Exactly one done, never before this has returned. config outlives it. */
typedef void probe_fn(const struct sink_config *config, const struct sink_environment *environment,
                      probe_done_fn *on_done, void *arg);

probe_fn probe_mail;    /* up to AUTH, then hangs up before any mail */
probe_fn probe_mqtt;    /* up to CONNACK, under a client id of its own, without a last will */
probe_fn probe_webhook; /* TCP and TLS: no request, so its credentials stay untried */

#endif
