#include "core/address.h"
#include "core/secret.h"

#include "surface_gate.h"

#include <string.h>
#include <strings.h>

/* A page of another site can make a browser call a loopback address under a name of its own; the
 * Host header then shows that name. */

static struct span without_port(const char *host)
{
    const char *end = host[0] == '[' ? strchr(host, ']') : strchr(host, ':');
    if (end == NULL) {
        return span_of(host);
    }
    if (*end == ']') {
        end++;
    }
    return (struct span){.data = host, .size = (size_t)(end - host)};
}

static bool is_host(struct span host, const char *name, size_t name_size)
{
    return host.size == name_size && strncasecmp(host.data, name, name_size) == 0;
}

static bool is_any_address(struct span host)
{
    return span_is(host, "0.0.0.0") || span_is(host, "[::]");
}

static bool is_host_ours(const struct config *config, const char *host_header)
{
    static const char *const always[] = {"localhost", "127.0.0.1", "[::1]"};
    struct span host = without_port(host_header);
    for (size_t i = 0; i < ARRAY_COUNT(always); i++) {
        if (is_host(host, always[i], strlen(always[i]))) {
            return true;
        }
    }
    struct span own = without_port(config->http_listen);
    /* On every address at once any name may be meant, and the token stands guard. */
    return is_host(host, own.data, own.size) || (is_any_address(own) && config->http_token != NULL);
}

/* Takes as long for any wrong text of the right size. */
bool gate_is_secret(const struct secret *secret, const char *given)
{
    struct span wanted = secret_reveal(secret);
    if (strlen(given) != wanted.size) {
        return false;
    }
    unsigned int difference = 0;
    for (size_t i = 0; i < wanted.size; i++) {
        difference |= (unsigned int)((unsigned char)given[i] ^ (unsigned char)wanted.data[i]);
    }
    return difference == 0;
}

static bool is_token(const struct secret *token, const char *authorization)
{
    static const char scheme[] = "Bearer ";
    size_t scheme_size = sizeof scheme - 1;
    return authorization != NULL && strncasecmp(authorization, scheme, scheme_size) == 0 &&
           gate_is_secret(token, authorization + scheme_size);
}

/* The hub's consumers have a token of their own, which opens nothing else. */
static const struct secret *token_for(const struct call *call)
{
    static const char hub[] = "/tmf-api/";
    const struct config *config = call->surface->options.config;
    bool is_hub = strncmp(call->query->path, hub, sizeof hub - 1) == 0;
    return is_hub && config->hub.callback_count != 0 ? config->hub.token : config->http_token;
}

bool gate_admits(const struct call *call, bool is_public)
{
    struct surface *surface = call->surface;
    const struct config *config = surface->options.config;
    const char *host = call->query->host;
    if (host == NULL || !is_host_ours(config, host)) {
        answer_problem(surface, call->exchange, 421,
                       "Host %.200s: not this server; ask for localhost, 127.0.0.1, [::1] or the "
                       "address of http.listen",
                       host != NULL ? host : "is missing");
        return false;
    }
    const char *token = feed_token(call);
    if (token != NULL) { /* judged by that alone: a wrong one must not seem right at home */
        bool is_opened = feed_is_opened(call, token);
        if (!is_opened) {
            feed_refuse(call);
        }
        return is_opened;
    }
    const struct secret *wanted = token_for(call);
    if (!is_public && wanted != NULL && !is_token(wanted, call->query->authorization)) {
        answer_problem(surface, call->exchange, 401,
                       "the token of %s is needed: Authorization: Bearer TOKEN",
                       wanted == config->http_token ? "http.token" : "http.hub.token");
        return false;
    }
    return true;
}

static bool is_json(const char *content_type)
{
    static const char json[] = "application/json";
    size_t size = sizeof json - 1;
    return content_type != NULL && strncasecmp(content_type, json, size) == 0 &&
           (content_type[size] == '\0' || content_type[size] == ';' || content_type[size] == ' ');
}

/* To read a file of this machine again is harmless, and asked for as of other daemons: with nothing
 * but a POST. A browser that a page of another site sends says so. */
static bool is_plain_reload(const struct http_query *query)
{
    return strcmp(query->path, "/-/reload") == 0 && query->body.size == 0 && query->origin == NULL;
}

/* Neither header can be set by a page of another site without asking first, which is refused. */
bool gate_allows_change(const struct call *call)
{
    if (is_plain_reload(call->query)) {
        return true;
    }
    if (token_for(call) == NULL &&
        (call->query->intent == NULL || strcmp(call->query->intent, "1") != 0)) {
        answer_problem(call->surface, call->exchange, 403,
                       "a change needs the header X-Orderwatch: 1 where no token is configured");
        return false;
    }
    if (strcmp(call->query->method, "DELETE") != 0 && !is_json(call->query->content_type)) {
        answer_problem(call->surface, call->exchange, 415,
                       "a change needs Content-Type: application/json");
        return false;
    }
    return true;
}
