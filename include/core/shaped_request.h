/* What a format made of an event, as the request to send. */
#ifndef CORE_SHAPED_REQUEST_H
#define CORE_SHAPED_REQUEST_H

#include "core/config.h"

struct shaped_request {
    const char *method; /* POST, PUT, PATCH, DELETE */
    const char *url;
    const char *content_type;
    const struct http_header *headers; /* the configured ones, then those of the format */
    size_t header_count;
    struct span body;
};

/* An object with a body is a request: {body, method, path, headers, content_type}; every other
 * value is the body itself. A body that is a text is sent as it is, anything else as JSON. The path
 * is below the configured URL; a header that is configured stays as configured. All of *out lives
 * in arena or in the configuration. */
enum status shaped_request_read(struct span json, const struct webhook_config *webhook,
                                struct arena *arena, struct shaped_request *out,
                                struct failure *why) MUST_CHECK;

#endif
