/* An answer in the making, and the answers that faults give. Private to the simulator. */
#ifndef SIMULATOR_REPLY_H
#define SIMULATOR_REPLY_H

#include "core/text.h"
#include "simulator/fault.h"

#define REPLY_BYTES_MAX (256u << 20)

struct reply {
    int http_code;
    struct text body;
    const char *content_type;
    const char *content_encoding; /* NULL: none */
    char retry_after[64];         /* "" = none */
    char location[256];
    char etag[24];
    int64_t result_count, total_count; /* -1: no header */
};

void reply_init(struct reply *reply);
void reply_fini(struct reply *reply);
/* The API's own error body; api_code 0: the usual one of http_code. */
void reply_error(struct reply *reply, int http_code, int api_code);
/* Applies faults that change the whole answer; false: this fault is about something else. */
bool reply_apply_fault(struct reply *reply, const struct fault *fault);

#endif
