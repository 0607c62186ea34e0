/* Signatures of webhooks: Standard Webhooks (HMAC-SHA256, ed25519) and the one that GitHub made
 * usual. */
#ifndef EDGE_WEBHOOK_SIGN_H
#define EDGE_WEBHOOK_SIGN_H

#include "core/text.h"

struct secret;
struct webhook_key;

/* The key inside of whsec_… or whsk_…. STATUS_INVALID: it is none; the text is never shown. */
enum status webhook_key_create(const struct secret *text, struct webhook_key **out,
                               struct failure *why) MUST_CHECK;
void webhook_key_destroy(struct webhook_key *key); /* wipes; NULL is fine */

/* Appends one signature over id, time and body: "v1,…", or "v1a,…" of an ed25519 key. */
void webhook_sign(const struct webhook_key *key, const char *id, int64_t time_s, struct span body,
                  struct text *out);
/* Appends "sha256=" and the HMAC of the body in hex; the secret is used as it is written. */
void webhook_sign_body(const struct secret *secret, struct span body, struct text *out);

#endif
