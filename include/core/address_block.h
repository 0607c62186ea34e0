/* Which internet addresses are public, by the special-purpose registries; addresses as written. */
#ifndef CORE_ADDRESS_BLOCK_H
#define CORE_ADDRESS_BLOCK_H

#include "core/base.h"

/* False: loopback, private, link-local (cloud metadata too), shared, multicast or reserved, also
 * when wrapped in IPv6. */
bool address4_is_public(uint32_t address); /* 1.2.3.4 is 0x01020304 */
bool address6_is_public(const uint8_t address[static 16]);

/* Four decimal numbers, and nothing that another reader would take for something else. */
bool address4_parse(struct span host, uint8_t out[static 4]);
bool address6_parse(struct span host, uint8_t out[static 16]); /* without the brackets */

bool host_is_private(
    struct span host); /* an address, and no public one; of a name nothing is known */

#endif
