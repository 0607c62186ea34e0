#include "webhook_seal.h"

#include "core/base64.h"
#include "core/hash.h"
#include "core/secret.h"
#include "webhook_sign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIGNATURES_BYTES_MAX 256
#define OWN_HEADER_COUNT 6
#define CREDENTIALS_BYTES_MAX ((size_t)256 << 10)

struct webhook_seal {
    const struct webhook_config *config;
    struct webhook_key *keys[2];
    size_t key_count;
    struct secret *authorization; /* NULL: none, or among the headers */
    char user_agent[64];
};

void webhook_batch_id(const struct delivery *delivery, char out[static WEBHOOK_ID_SIZE])
{
    struct text ids;
    text_init(&ids, delivery->event_count * sizeof delivery->events[0].id);
    for (size_t i = 0; i < delivery->event_count; i++) {
        text_add_text(&ids, delivery->events[i].id);
    }
    char hash[33];
    hash128_hex(text_span(&ids), hash);
    (void)snprintf(out, WEBHOOK_ID_SIZE, "batch_%s", hash);
    text_fini(&ids);
}

/* --- one attempt ----------------------------------------------------------------------------- */

static void add_header(struct webhook_envelope *envelope, const char *name, const char *value)
{
    envelope->headers[envelope->header_count++] = (struct http_header){name, value};
}

/* Without a secret there is no signature. */
static void sign(struct webhook_envelope *envelope, const struct webhook_seal *seal,
                 struct span body, const char *id, int64_t time_s)
{
    const struct webhook_config *config = seal->config;
    if (config->signature == SIGNATURE_GITHUB && config->secret != NULL) {
        webhook_sign_body(config->secret, body, &envelope->signatures);
    }
    for (size_t i = 0; i < seal->key_count; i++) {
        text_add_text(&envelope->signatures, i != 0 ? " " : "");
        webhook_sign(seal->keys[i], id, time_s, body, &envelope->signatures);
    }
}

static void add_own_headers(struct webhook_envelope *envelope, const struct webhook_seal *seal,
                            const struct shaped_request *request, const char *id)
{
    bool is_github = seal->config->signature == SIGNATURE_GITHUB;
    add_header(envelope, "Content-Type", request->content_type);
    add_header(envelope, "User-Agent", seal->user_agent);
    add_header(envelope, "webhook-id", id);
    add_header(envelope, "webhook-timestamp", envelope->time_s);
    if (envelope->signatures.size != 0) {
        add_header(envelope, is_github ? "X-Hub-Signature-256" : "webhook-signature",
                   text_cstr(&envelope->signatures));
    }
    if (seal->authorization != NULL) {
        add_header(envelope, "Authorization", secret_reveal_text(seal->authorization));
    }
}

void webhook_envelope_init(struct webhook_envelope *envelope, const struct webhook_seal *seal,
                           const struct shaped_request *request, const char *id, int64_t wall_ms)
{
    int64_t time_s = wall_ms / 1000;
    *envelope = (struct webhook_envelope){.header_count = request->header_count};
    text_init(&envelope->signatures, SIGNATURES_BYTES_MAX);
    (void)snprintf(envelope->time_s, sizeof envelope->time_s, "%lld", (long long)time_s);
    sign(envelope, seal, request->body, id, time_s);
    envelope->headers =
        alloc_array(request->header_count + OWN_HEADER_COUNT, sizeof envelope->headers[0]);
    if (request->header_count != 0) {
        memcpy(envelope->headers, request->headers,
               request->header_count * sizeof request->headers[0]);
    }
    add_own_headers(envelope, seal, request, id);
}

void webhook_envelope_fini(struct webhook_envelope *envelope)
{
    free(envelope->headers);
    text_fini(&envelope->signatures);
}

/* --- opening --------------------------------------------------------------------------------- */

static enum status read_keys(struct webhook_seal *seal, struct failure *why)
{
    const struct secret *const texts[] = {seal->config->secret, seal->config->next_secret};
    if (seal->config->signature != SIGNATURE_STANDARD) {
        return STATUS_OK;
    }
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        if (texts[i] == NULL) {
            continue;
        }
        enum status status = webhook_key_create(texts[i], &seal->keys[seal->key_count], why);
        if (status != STATUS_OK) {
            return status;
        }
        seal->key_count++;
    }
    return STATUS_OK;
}

static void make_authorization(struct webhook_seal *seal)
{
    const struct webhook_config *config = seal->config;
    if (config->username == NULL && config->bearer_token == NULL) {
        return;
    }
    struct text plain;
    struct text header;
    text_init(&plain, CREDENTIALS_BYTES_MAX);
    text_init(&header, 2 * CREDENTIALS_BYTES_MAX);
    if (config->username != NULL) {
        text_addf(&plain, "%s:", config->username);
        text_add(&plain, secret_reveal(config->password));
        text_add_text(&header, "Basic ");
        base64_add(&header, text_span(&plain));
    } else {
        text_add_text(&header, "Bearer ");
        text_add(&header, secret_reveal(config->bearer_token));
    }
    CHECK(plain.status == STATUS_OK && header.status == STATUS_OK);
    seal->authorization = secret_create(text_span(&header));
    struct text *const used[] = {&plain, &header};
    for (size_t i = 0; i < ARRAY_COUNT(used); i++) {
        if (used[i]->data != NULL) {
            explicit_bzero(used[i]->data, used[i]->capacity);
        }
        text_fini(used[i]);
    }
}

enum status webhook_seal_create(const struct webhook_config *config, const char *version,
                                struct webhook_seal **out, struct failure *why)
{
    struct webhook_seal *seal = alloc(sizeof *seal);
    seal->config = config;
    (void)snprintf(seal->user_agent, sizeof seal->user_agent, "orderwatch/%s", version);
    make_authorization(seal);
    enum status status = read_keys(seal, why);
    if (status != STATUS_OK) {
        webhook_seal_destroy(seal);
        return status;
    }
    *out = seal;
    return STATUS_OK;
}

void webhook_seal_destroy(struct webhook_seal *seal)
{
    if (seal == NULL) {
        return;
    }
    for (size_t i = 0; i < seal->key_count; i++) {
        webhook_key_destroy(seal->keys[i]);
    }
    secret_destroy(seal->authorization);
    free(seal);
}
