#include "core/header_name.h"

#include "core/base.h"

#include <string.h>
#include <strings.h>

/* What the sink sets itself, and what would change how a request is framed. */
static const char *const own_headers[] = {"Content-Type",
                                          "Content-Length",
                                          "Host",
                                          "User-Agent",
                                          "Transfer-Encoding",
                                          "Connection",
                                          "Expect",
                                          "Content-Encoding",
                                          "webhook-id",
                                          "webhook-timestamp",
                                          "webhook-signature",
                                          "X-Hub-Signature-256",
                                          "Upgrade",
                                          "TE",
                                          "Trailer"};

const char *header_name_fault(const char *name)
{
    static const char signs[] = "!#$%&'*+-.^_`|~";
    for (const char *byte = name; *byte != '\0'; byte++) {
        bool is_token = (*byte >= 'a' && *byte <= 'z') || (*byte >= 'A' && *byte <= 'Z') ||
                        (*byte >= '0' && *byte <= '9') || strchr(signs, *byte) != NULL;
        if (!is_token) {
            return "is not the name of a header";
        }
    }
    for (size_t i = 0; i < ARRAY_COUNT(own_headers); i++) {
        if (strcasecmp(name, own_headers[i]) == 0) {
            return "is a header that orderwatch sets itself";
        }
    }
    return name[0] == '\0' ? "is not the name of a header" : NULL;
}

const char *header_value_fault(const char *value)
{
    for (const char *byte = value; *byte != '\0'; byte++) {
        if ((unsigned char)*byte < 0x20 || (unsigned char)*byte >= 0x7f) {
            return "is not visible ASCII";
        }
    }
    return NULL;
}
