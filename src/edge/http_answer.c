#include "http_answer.h"

#include <microhttpd.h>

#include <stdio.h>
#include <string.h>

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    if (value != NULL) {
        (void)MHD_add_response_header(response, name, value);
    }
}

void http_answer_add_headers(struct MHD_Response *response, const struct http_answer *answer)
{
    add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->content_type);
    add_header(response, "Content-Security-Policy",
               answer->security_policy != NULL ? answer->security_policy
                                               : "default-src 'none'; frame-ancestors 'none'");
    add_header(response, "X-Content-Type-Options", "nosniff");
    add_header(response, "Referrer-Policy", "no-referrer");
    add_header(response, "Cross-Origin-Resource-Policy", "same-origin");
    /* With an ETag it may be kept, and is asked for each time whether it still holds. */
    add_header(response, MHD_HTTP_HEADER_CACHE_CONTROL,
               answer->etag != NULL ? "private, no-cache" : "no-store");
    add_header(response, MHD_HTTP_HEADER_ETAG, answer->etag);
    add_header(response, MHD_HTTP_HEADER_ALLOW, answer->allow);
    add_header(response, MHD_HTTP_HEADER_LOCATION, answer->location);
    add_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
               answer->asks_for_token ? "Bearer realm=\"orderwatch\"" : NULL);
}

struct MHD_Response *http_answer_response(const struct http_answer *answer)
{
    char *copy = alloc(answer->body.size + 1);
    if (answer->body.size != 0) {
        memcpy(copy, answer->body.data, answer->body.size);
    }
    struct MHD_Response *response =
        MHD_create_response_from_buffer(answer->body.size, copy, MHD_RESPMEM_MUST_FREE);
    CHECK(response != NULL);
    http_answer_add_headers(response, answer);
    return response;
}

struct MHD_Response *http_answer_problem(int code, const char *title, const char *detail)
{
    char body[512];
    (void)snprintf(body, sizeof body,
                   "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,\"detail\":\"%s\"}",
                   title, code, detail);
    const struct http_answer answer = {
        .code = code, .content_type = "application/problem+json", .body = span_of(body)};
    return http_answer_response(&answer);
}
