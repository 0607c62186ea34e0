#include "address_policy.h"

#include "core/address_block.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

bool address_is_public(const struct sockaddr *address, size_t size)
{
    struct sockaddr_in address4;
    struct sockaddr_in6 address6;
    if (address->sa_family == AF_INET && size >= sizeof address4) {
        memcpy(&address4, address, sizeof address4);
        return address4_is_public(ntohl(address4.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6 && size >= sizeof address6) {
        memcpy(&address6, address, sizeof address6);
        return address6_is_public(address6.sin6_addr.s6_addr);
    }
    return false;
}
