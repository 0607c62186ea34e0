#include "address_policy.h"

#include "core/base.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

struct block4 {
    uint32_t network;
    int prefix_bits;
};

struct block6 {
    uint8_t network[16];
    int prefix_bits;
};

/* The special-purpose registries of IANA, less what is globally reachable. */
static const struct block4 refused4[] = {
    {0x00000000, 8},  /* this network */
    {0x0a000000, 8},  /* private */
    {0x64400000, 10}, /* shared by carriers (CGNAT) */
    {0x7f000000, 8},  /* loopback */
    {0xa9fe0000, 16}, /* link-local, metadata services */
    {0xac100000, 12}, /* private */
    {0xc0000000, 24}, /* protocol assignments */
    {0xc0000200, 24}, /* documentation */
    {0xc0586300, 24}, /* relay anycast, retired */
    {0xc0a80000, 16}, /* private */
    {0xc6120000, 15}, /* benchmarks */
    {0xc6336400, 24}, /* documentation */
    {0xcb007100, 24}, /* documentation */
    {0xe0000000, 4},  /* multicast */
    {0xf0000000, 4},  /* reserved, broadcast */
};

static const struct block6 refused6[] = {
    {{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48}, /* NAT64 of the network's own */
    {{0x01, 0x00}, 64},                         /* discard only */
    {{0x20, 0x01, 0x00, 0x00}, 23},             /* protocol assignments, Teredo among them */
    {{0x20, 0x01, 0x0d, 0xb8}, 32},             /* documentation */
    {{0x3f, 0xff}, 20},                         /* documentation */
    {{0x5f, 0x00}, 16},                         /* segment routing */
    {{0xfc, 0x00}, 7},                          /* unique local */
    {{0xfe, 0x80}, 10},                         /* link-local */
    {{0xfe, 0xc0}, 10},                         /* site-local, retired */
    {{0xff, 0x00}, 8},                          /* multicast */
};

/* IPv6 addresses that carry an IPv4 address: the one inside decides. */
static const struct embedding {
    struct block6 block;
    size_t offset;
} embeddings[] = {
    {{{0}, 96}, 12},                                        /* ::a.b.c.d, ::, ::1 */
    {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96}, 12}, /* mapped */
    {{{0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96}, 12},       /* translated */
    {{{0x00, 0x64, 0xff, 0x9b}, 96}, 12},                   /* NAT64 */
    {{{0x20, 0x02}, 16}, 2},                                /* 6to4 */
};

static bool is_in_block4(uint32_t address, const struct block4 *block)
{
    uint32_t mask = UINT32_MAX << (32 - block->prefix_bits);
    return (address & mask) == block->network;
}

static bool is_public4(uint32_t address)
{
    for (size_t i = 0; i < ARRAY_COUNT(refused4); i++) {
        if (is_in_block4(address, &refused4[i])) {
            return false;
        }
    }
    return true;
}

static bool is_in_block6(const uint8_t address[16], const struct block6 *block)
{
    size_t bytes = (size_t)block->prefix_bits / 8;
    int rest_bits = block->prefix_bits % 8;
    if (memcmp(address, block->network, bytes) != 0) {
        return false;
    }
    if (rest_bits == 0) {
        return true;
    }
    unsigned mask = 0xffu << (8 - rest_bits) & 0xffu;
    return (address[bytes] & mask) == (block->network[bytes] & mask);
}

static uint32_t read_address4(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static bool is_public6(const uint8_t address[16])
{
    for (size_t i = 0; i < ARRAY_COUNT(embeddings); i++) {
        if (is_in_block6(address, &embeddings[i].block)) {
            return is_public4(read_address4(address + embeddings[i].offset));
        }
    }
    for (size_t i = 0; i < ARRAY_COUNT(refused6); i++) {
        if (is_in_block6(address, &refused6[i])) {
            return false;
        }
    }
    return true;
}

bool address_is_public(const struct sockaddr *address, size_t size)
{
    struct sockaddr_in address4;
    struct sockaddr_in6 address6;
    if (address->sa_family == AF_INET && size >= sizeof address4) {
        memcpy(&address4, address, sizeof address4);
        return is_public4(ntohl(address4.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6 && size >= sizeof address6) {
        memcpy(&address6, address, sizeof address6);
        return is_public6(address6.sin6_addr.s6_addr);
    }
    return false;
}
