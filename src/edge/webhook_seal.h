/* What goes around the body of a webhook: its signatures, credentials and own headers. */
#ifndef EDGE_WEBHOOK_SEAL_H
#define EDGE_WEBHOOK_SEAL_H

#include "core/ports.h"
#include "core/shaped_request.h"
#include "core/text.h"

struct webhook_seal;

/* config is borrowed and must outlive it. STATUS_INVALID: a secret is none. */
enum status webhook_seal_create(const struct webhook_config *config, const char *version,
                                struct webhook_seal **out, struct failure *why) MUST_CHECK;
void webhook_seal_destroy(struct webhook_seal *seal); /* wipes; NULL is fine */

#define WEBHOOK_ID_SIZE 48
/* The name of several events sent as one: the same for the same ones, whenever they are tried. */
void webhook_batch_id(const struct delivery *delivery, char out[static WEBHOOK_ID_SIZE]);

/* Every header of one attempt; borrows the request, the seal and the id. */
struct webhook_envelope {
    struct http_header *headers;
    size_t header_count;
    struct text signatures;
    char time_s[24];
};

void webhook_envelope_init(struct webhook_envelope *envelope, const struct webhook_seal *seal,
                           const struct shaped_request *request, const char *id, int64_t wall_ms);
void webhook_envelope_fini(struct webhook_envelope *envelope);

#endif
