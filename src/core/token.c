#include "core/token.h"

#include "core/base64.h"
#include "core/json.h"
#include "core/secret.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A token of unknown life is used at least so long: never one token per request. */
#define LEAST_MS INT64_C(60000)
#define MOST_S (INT64_C(365) * 86400)

void token_fini(struct token *token)
{
    token_drop(token);
}

void token_add_authorization(const struct oauth2_config *config, struct text *out)
{
    struct text pair;
    text_init(&pair, 65536);
    text_add_percent(&pair, span_of(config->client_id));
    text_add_char(&pair, ':');
    if (config->client_secret != NULL) {
        text_add_percent(&pair, secret_reveal(config->client_secret));
    }
    text_add_text(out, "Basic ");
    base64_add(out, text_span(&pair));
    if (pair.data != NULL) {
        explicit_bzero(pair.data, pair.capacity);
    }
    text_fini(&pair);
}

void token_add_body(const struct oauth2_config *config, struct text *out)
{
    text_add_text(out, "grant_type=client_credentials");
    if (config->scope != NULL && config->scope[0] != '\0') {
        text_add_text(out, "&scope=");
        text_add_percent(out, span_of(config->scope));
    }
}

/* What goes into a header must be visible ASCII: anything else would change the request. */
static bool is_header_safe(struct span value)
{
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] <= ' ' || value.data[i] > '~') {
            return false;
        }
    }
    return value.size != 0 && value.size <= TOKEN_BYTES_MAX;
}

/* A number or a text with a number; 0 where it is absent, not positive or unreadable. */
static int64_t lifetime_s(const struct json *root)
{
    const struct json *member = json_member(root, "expires_in");
    if (member == NULL || (json_kind(member) != JSON_NUMBER && json_kind(member) != JSON_STRING)) {
        return 0;
    }
    struct span digits = json_text(member);
    int64_t seconds = 0;
    size_t i = 0;
    for (; i < digits.size && digits.data[i] >= '0' && digits.data[i] <= '9'; i++) {
        seconds = seconds * 10 + (digits.data[i] - '0');
        if (seconds > MOST_S) {
            return MOST_S;
        }
    }
    bool is_plain = i == digits.size || digits.data[i] == '.';
    return is_plain ? seconds : 0; /* 1e+300, 3600s */
}

/* Early by a minute or a tenth, whichever is earlier, but a short life is used at least by half. */
static int64_t renewal_after_ms(int64_t life_ms)
{
    int64_t tenth = life_ms - life_ms / 10;
    int64_t minute = life_ms - MINUTE_MS;
    int64_t early = minute < tenth ? minute : tenth;
    return early > life_ms / 2 ? early : life_ms / 2;
}

static void set_lifetime(struct token *token, int64_t seconds, int64_t now_ms)
{
    token->obtained_ms = now_ms;
    if (seconds <= 0) {
        token->renew_ms = now_ms + LEAST_MS;
        token->expires_ms = INSTANT_NEVER;
        return;
    }
    token->renew_ms = now_ms + renewal_after_ms(seconds * 1000);
    token->expires_ms = now_ms + seconds * 1000;
}

static enum status accept_reply(struct token *token, const struct json *root, int64_t now_ms,
                                struct failure *why)
{
    const char *type = json_member_text(root, "token_type");
    if (type != NULL && strcasecmp(type, "bearer") != 0) {
        return fail(why, STATUS_INVALID, "token_type is %.40s, only Bearer is understood", type);
    }
    const struct json *member = json_member(root, "access_token");
    if (member == NULL || json_kind(member) != JSON_STRING) {
        return fail(why, STATUS_INVALID, "the reply holds no access_token");
    }
    if (!is_header_safe(json_text(member))) {
        return fail(why, STATUS_INVALID, "the access_token cannot be sent in a header");
    }
    secret_destroy(token->value);
    token->value = secret_create(json_text(member));
    set_lifetime(token, lifetime_s(root), now_ms);
    return STATUS_OK;
}

enum status token_accept(struct token *token, struct span reply, int64_t now_ms,
                         struct failure *why)
{
    struct json *root = NULL;
    if (json_parse(reply, &root, NULL) != STATUS_OK) {
        return fail(why, STATUS_INVALID, "the reply is not JSON");
    }
    enum status status = accept_reply(token, root, now_ms, why);
    json_destroy(root);
    return status;
}

void token_drop(struct token *token)
{
    secret_destroy(token->value);
    *token = (struct token){0};
}

void token_postpone(struct token *token, int64_t now_ms)
{
    token->renew_ms = now_ms + LEAST_MS;
}

bool token_is_usable(const struct token *token, int64_t now_ms)
{
    return token->value != NULL && now_ms < token->expires_ms;
}

bool token_is_due(const struct token *token, int64_t now_ms)
{
    return !token_is_usable(token, now_ms) || now_ms >= token->renew_ms;
}
