#include "core/source_request.h"

#include "core/address.h"
#include "core/profile.h"
#include "core/secret.h"

#include <string.h>
#include <strings.h>

#define VALUE_BYTES_MAX 65536

static struct text *add_header(struct source_request *request, const char *name)
{
    size_t index = request->http.header_count;
    CHECK(index < SOURCE_REQUEST_HEADERS_MAX);
    text_init(&request->values[index], VALUE_BYTES_MAX);
    request->headers[index].name = name;
    request->http.header_count++;
    return &request->values[index];
}

static void begin(struct source_request *request, const struct source_config *source)
{
    *request = (struct source_request){.http = {.timeout_ms = source->timeout_ms,
                                                .tls = &source->tls,
                                                .proxy = source->proxy,
                                                .allows_private = source->allow_private}};
    text_init(&request->body, VALUE_BYTES_MAX);
}

static void finish(struct source_request *request)
{
    for (size_t i = 0; i < request->http.header_count; i++) {
        request->headers[i].value = text_cstr(&request->values[i]);
    }
    request->http.headers = request->headers;
    request->http.body = text_span(&request->body);
}

void source_request_init_token(struct source_request *request, const struct source_config *source)
{
    CHECK(source->oauth2.token_url != NULL);
    begin(request, source);
    request->http.method = "POST";
    request->http.url = source->oauth2.token_url;
    request->http.body_bytes_max = TOKEN_REPLY_BYTES_MAX;
    token_add_authorization(&source->oauth2, add_header(request, "Authorization"));
    text_add_text(add_header(request, "Content-Type"), "application/x-www-form-urlencoded");
    text_add_text(add_header(request, "Accept"), "application/json");
    token_add_body(&source->oauth2, &request->body);
    finish(request);
}

static bool is_alike(struct span left, struct span right)
{
    return left.size == right.size && strncasecmp(left.data, right.data, left.size) == 0;
}

bool source_request_is_one_server(const struct source_config *source)
{
    struct url api;
    struct url tokens;
    return url_parse(source->base_url, &api) && url_parse(source->oauth2.token_url, &tokens) &&
           is_alike(api.scheme, tokens.scheme) && is_alike(api.host, tokens.host) &&
           api.port == tokens.port;
}

void source_request_init_get(struct source_request *request, const struct source_config *source,
                             const char *url, const struct token *token)
{
    begin(request, source);
    request->http.method = "GET";
    request->http.url = url;
    request->http.body_bytes_max = source->body_bytes_max;
    const char *accept = source->profile->accept;
    text_add_text(add_header(request, "Accept"), accept != NULL ? accept : "application/json");
    if (source->language != NULL && source->language[0] != '\0') {
        text_add_text(add_header(request, "Accept-Language"), source->language);
    }
    if (source->api_key.header != NULL) {
        text_add(add_header(request, source->api_key.header), secret_reveal(source->api_key.value));
    }
    if (source->oauth2.token_url != NULL) {
        struct text *value = add_header(request, "Authorization");
        text_add_text(value, "Bearer ");
        text_add(value, secret_reveal(token->value));
    }
    finish(request);
}

void source_request_add(struct source_request *request, const char *name, const char *value)
{
    text_add_text(add_header(request, name), value);
    finish(request);
}

void source_request_fini(struct source_request *request)
{
    for (size_t i = 0; i < request->http.header_count; i++) {
        struct text *value = &request->values[i];
        if (value->data != NULL) {
            explicit_bzero(value->data, value->capacity);
        }
        text_fini(value);
    }
    text_fini(&request->body);
}
