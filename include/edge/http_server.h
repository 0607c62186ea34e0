/* An HTTP server on the loop: bounded in clients, sizes and time, for people and their programs. */
#ifndef EDGE_HTTP_SERVER_H
#define EDGE_HTTP_SERVER_H

#include "core/exchange.h"

struct uv_loop_s;
struct http_server;

struct http_server_options {
    struct uv_loop_s *uv;
    const char *listen; /* 127.0.0.1:9475, [::1]:9475, unix:/path */
    http_handler_fn *handler;
    void *arg;
};

/* STATUS_BUSY: the address is taken; STATUS_INVALID: it is no address of this machine. */
enum status http_server_open(const struct http_server_options *options, struct http_server **out,
                             struct failure *why) MUST_CHECK;
/* The handler is not called from here on and streams end; what is still owed an answer may be
 * answered later, to nobody. Not from inside the handler. Frees server, then on_closed. */
typedef void http_closed_fn(void *arg);
void http_server_close(struct http_server *server, http_closed_fn *on_closed, void *arg);

struct responder_port http_server_responder(void);

#endif
