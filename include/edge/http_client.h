/* libcurl's multi interface driven by libuv; shared by pollers, webhooks and smtps. */
#ifndef EDGE_HTTP_CLIENT_H
#define EDGE_HTTP_CLIENT_H

#include "core/ports.h"

struct uv_loop_s;
struct http_client;

enum status http_client_create(struct uv_loop_s *uv, struct http_client **out,
                               struct failure *why) MUST_CHECK;
struct http_port http_client_port(struct http_client *client);
void http_client_close(struct http_client *client, closed_fn *on_closed, void *arg); /* frees */

/* One mail to one recipient over smtps:// (libcurl knows implicit TLS, libesmtp does not). */
struct smtps_request {
    const char *url; /* smtps://host:port/our.name */
    const char *username;
    const struct secret *password;
    const char *from, *to; /* bare addresses; to NULL: log in, say NOOP and leave */
    struct span message;   /* finished; copied, every line end made CRLF */
    const char *ca_file;
    int64_t timeout_ms;
};

struct smtps_response {
    enum status status;      /* STATUS_OK: the reply code tells; else no reply came */
    int reply_code;          /* of the step that ended it: 250, 4yz, 5yz */
    bool is_session_refused; /* greeting, EHLO or login: not this mail is to blame */
    bool is_tls_failure;
    bool is_connect_failure;
    const char *detail;
};

/* One thread per mail: libcurl waits for the answer to DATA without coming back to its caller. The
 * number in flight is the caller's to bound. */
typedef void smtps_done_fn(void *arg, const struct smtps_response *response);
void http_client_send_mail(struct http_client *client, const struct smtps_request *request,
                           smtps_done_fn *on_done, void *arg);
void http_client_cancel_mail(struct http_client *client, void *arg); /* done: UNAVAILABLE */

#endif
