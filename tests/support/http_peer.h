/* The misbehaving HTTP server as a child process of a test. */
#ifndef TESTS_SUPPORT_HTTP_PEER_H
#define TESTS_SUPPORT_HTTP_PEER_H

#include "tests/support/process.h"

#define CERTIFICATES "build/tests/certificates"

struct http_peer {
    struct process *process;
    uint16_t port;
    bool is_tls;
    char url[256]; /* the latest that http_peer_url made */
};

/* options: as for tests/support/http_server.py, at most 6. */
static inline struct http_peer http_peer_start(const char *const *options, size_t count)
{
    const char *arguments[10] = {"/usr/bin/python3", "tests/support/http_server.py"};
    CHECK(count <= 6);
    for (size_t i = 0; i < count; i++) {
        arguments[2 + i] = options[i];
    }
    struct http_peer peer = {.process = process_start(arguments), .is_tls = count != 0};
    char *line = process_await(peer.process, "listening ");
    peer.port = (uint16_t)strtoul(line + strlen("listening "), NULL, 10);
    free(line);
    return peer;
}

static inline struct http_peer http_peer_start_tls(const char *certificate, const char *key)
{
    const char *const options[] = {"--certificate", certificate, "--key", key};
    return http_peer_start(options, 4);
}

static inline const char *http_peer_url(struct http_peer *peer, const char *path)
{
    (void)snprintf(peer->url, sizeof peer->url, "%s://127.0.0.1:%u%s",
                   peer->is_tls ? "https" : "http", peer->port, path);
    return peer->url;
}

static inline void http_peer_make_certificates(void)
{
    process_run((const char *const[]){"tests/support/certificates.sh", CERTIFICATES, NULL});
}

#endif
