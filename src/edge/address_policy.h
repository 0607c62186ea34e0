/* Which addresses a configured URL may lead to. Pure: looked at again on each connect, so that a
 * name which changes its address changes nothing. */
#ifndef EDGE_ADDRESS_POLICY_H
#define EDGE_ADDRESS_POLICY_H

#include <stdbool.h>
#include <stddef.h>

struct sockaddr;

/* False: loopback, private, link-local (cloud metadata too), shared, multicast or reserved, also
 * when wrapped in IPv6; or no internet address at all. */
bool address_is_public(const struct sockaddr *address, size_t size);

#endif
