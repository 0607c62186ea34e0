/* The requests to a source, complete with credentials: a token, or something of the API. */
#ifndef CORE_SOURCE_REQUEST_H
#define CORE_SOURCE_REQUEST_H

#include "core/ports.h"
#include "core/token.h"

#define SOURCE_REQUEST_HEADERS_MAX 6

/* Lives until http.start has returned; it points into itself, so it must not be copied. */
struct source_request {
    struct http_request http;
    struct http_header headers[SOURCE_REQUEST_HEADERS_MAX];
    struct text values[SOURCE_REQUEST_HEADERS_MAX];
    struct text body;
};

/* The source must use oauth2. */
void source_request_init_token(struct source_request *request, const struct source_config *source);
/* url is borrowed until fini. A source that uses oauth2 needs a token with a value. */
void source_request_init_get(struct source_request *request, const struct source_config *source,
                             const char *url, const struct token *token);
/* True if tokens come from the server of the API: same scheme, host and port as written. */
bool source_request_is_one_server(const struct source_config *source);
void source_request_add(struct source_request *request, const char *name, const char *value);
void source_request_fini(struct source_request *request); /* wipes: headers are secret */

#endif
