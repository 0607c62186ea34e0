/* OAuth2 client credentials: what to ask, what the answer gives, and how long to use it. */
#ifndef CORE_TOKEN_H
#define CORE_TOKEN_H

#include "core/config.h"
#include "core/text.h"

#define TOKEN_REPLY_BYTES_MAX 65536
#define TOKEN_BYTES_MAX 16384

struct token {
    struct secret *value; /* NULL: none */
    int64_t obtained_ms;  /* mono */
    int64_t renew_ms;     /* from here on the next sweep asks for another */
    int64_t expires_ms;   /* INSTANT_NEVER: the server did not say */
};

void token_fini(struct token *token);

/* The request (RFC 6749 4.4.2): the Authorization header's value, which is secret, and the body. */
void token_add_authorization(const struct oauth2_config *config, struct text *out);
void token_add_body(const struct oauth2_config *config, struct text *out);

/* Takes the reply of a 2xx. STATUS_INVALID: it holds no usable token; the old one stays. */
enum status token_accept(struct token *token, struct span reply, int64_t now_ms,
                         struct failure *why) MUST_CHECK;
void token_drop(struct token *token);
/* The old token still works while a new one cannot be had: ask again in a while. */
void token_postpone(struct token *token, int64_t now_ms);

bool token_is_usable(const struct token *token, int64_t now_ms);
bool token_is_due(const struct token *token, int64_t now_ms); /* none, or to be renewed */

#endif
