/* One request of an HTTP client and the ways to answer it: what a server hands to its handler. */
#ifndef CORE_EXCHANGE_H
#define CORE_EXCHANGE_H

#include "core/text.h"

struct http_exchange; /* the server's; the handler owes it exactly one answer or stream */

struct http_parameter {
    const char *name, *value; /* decoded; value "" if there is none */
};

/* Borrowed for the call of the handler. Texts may hold anything but NUL. */
struct http_query {
    const char *method; /* GET also for HEAD */
    const char *path;   /* decoded, without the query */
    const struct http_parameter *parameters;
    size_t parameter_count;
    const char *host, *authorization, *content_type, *intent, *last_event_id; /* NULL: absent */
    const char *if_none_match;
    const char *origin; /* of the page that made a browser send this; NULL: no browser did */
    struct span body;
};

struct http_answer {
    int code;
    const char *content_type;
    const char *security_policy; /* NULL: nothing may be loaded */
    const char *allow;           /* of a 405; NULL: none */
    const char *location;        /* of what was made; NULL: none */
    const char *etag;            /* quoted; NULL: the answer may not be kept */
    bool asks_for_token;         /* of a 401 */
    struct span body;
};

typedef void http_handler_fn(void *arg, struct http_exchange *exchange,
                             const struct http_query *query);
typedef void http_gone_fn(void *arg);

#define STREAM_BYTES_MAX (1u << 20)

/* Copies what it is given. Answering from inside the handler or later is both fine. */
struct responder_port {
    void (*answer)(struct http_exchange *exchange, const struct http_answer *answer);
    /* Server-Sent Events from here on; on_gone once, when nobody reads any more. */
    void (*stream)(struct http_exchange *exchange, http_gone_fn *on_gone, void *arg);
    void (*push)(struct http_exchange *exchange, struct span bytes);
    size_t (*unread)(const struct http_exchange *exchange); /* pushed and not yet taken */
    void (*end)(struct http_exchange *exchange); /* of a stream: on_gone comes from within */
};

#endif
