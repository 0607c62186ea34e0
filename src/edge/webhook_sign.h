/* The Standard Webhooks signature: HMAC-SHA256 over id, time and body. */
#ifndef EDGE_WEBHOOK_SIGN_H
#define EDGE_WEBHOOK_SIGN_H

#include "core/text.h"

struct secret;

/* The key inside of whsec_…. STATUS_INVALID: it is none; the text is never shown. */
enum status webhook_key_create(const struct secret *text, struct secret **out,
                               struct failure *why) MUST_CHECK;

/* Appends one signature, "v1,…". */
void webhook_sign(const struct secret *key, const char *id, int64_t time_s, struct span body,
                  struct text *out);

#endif
