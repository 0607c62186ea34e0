/* Where things are sent: URLs and mailboxes of the configuration, strictly. */
#ifndef CORE_ADDRESS_H
#define CORE_ADDRESS_H

#include "core/base.h"

struct url {
    struct span scheme, host; /* the host without the brackets of IPv6 */
    uint16_t port;            /* 0: none is given */
    struct span path;         /* with query and fragment; may be empty */
    bool has_credentials, has_query, has_fragment;
};

bool url_parse(const char *text, struct url *out);
bool host_is_loopback(struct span host); /* localhost, 127.0.0.0/8, ::1, as written */

/* Faults for the walker: what is wrong with a text, NULL if nothing is. */
const char *api_url_fault(const char *text);  /* https, or http to loopback; no query */
const char *call_url_fault(const char *text); /* the same, with a query */
const char *link_url_fault(const char *text); /* for people: http or https */
const char *proxy_url_fault(const char *text);
const char *mailbox_fault(const char *text);     /* local@domain, or Name <local@domain> */
struct span mailbox_domain(const char *mailbox); /* of one without fault */

#endif
