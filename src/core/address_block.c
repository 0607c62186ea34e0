#include "core/address_block.h"

#include <string.h>

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

bool address4_is_public(uint32_t address)
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

bool address6_is_public(const uint8_t address[static 16])
{
    for (size_t i = 0; i < ARRAY_COUNT(embeddings); i++) {
        if (is_in_block6(address, &embeddings[i].block)) {
            return address4_is_public(read_address4(address + embeddings[i].offset));
        }
    }
    for (size_t i = 0; i < ARRAY_COUNT(refused6); i++) {
        if (is_in_block6(address, &refused6[i])) {
            return false;
        }
    }
    return true;
}

/* --- as written ------------------------------------------------------------------------------ */

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

bool address4_parse(struct span host, uint8_t out[static 4])
{
    size_t position = 0;
    for (int part = 0; part < 4; part++) {
        size_t from = position;
        unsigned value = 0;
        while (position < host.size && is_digit(host.data[position]) && position - from < 3) {
            value = value * 10 + (unsigned)(host.data[position++] - '0');
        }
        bool has_leading_zero = position - from > 1 && host.data[from] == '0';
        if (position == from || value > 255 || has_leading_zero) {
            return false;
        }
        out[part] = (uint8_t)value;
        if (part < 3 && (position == host.size || host.data[position++] != '.')) {
            return false;
        }
    }
    return position == host.size;
}

static int hex_value(char digit)
{
    if (is_digit(digit)) {
        return digit - '0';
    }
    int letter = digit | 0x20;
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

static bool parse_group(struct span group, uint8_t out[static 2])
{
    unsigned value = 0;
    for (size_t i = 0; i < group.size; i++) {
        int digit = hex_value(group.data[i]);
        if (digit < 0) {
            return false;
        }
        value = value * 16 + (unsigned)digit;
    }
    out[0] = (uint8_t)(value >> 8);
    out[1] = (uint8_t)value;
    return group.size >= 1 && group.size <= 4;
}

static struct span group_at(struct span host, size_t position)
{
    const char *from = host.data + position;
    const char *colon = memchr(from, ':', host.size - position);
    return (struct span){.data = from,
                         .size = colon != NULL ? (size_t)(colon - from) : host.size - position};
}

/* What was read of an address: the bytes before and after "::", together. */
struct groups {
    uint8_t *bytes;
    size_t count, gap; /* where it stood; SIZE_MAX: it did not */
};

/* After a group that is not the last one. */
static bool read_gap(struct groups *groups, struct span host, size_t *position)
{
    if (*position == host.size) {
        return false;
    }
    if (host.data[*position] != ':') {
        return true;
    }
    bool is_first = groups->gap == SIZE_MAX;
    groups->gap = groups->count;
    (*position)++;
    return is_first;
}

static bool read_group(struct groups *groups, struct span group, bool is_last)
{
    bool is_four = is_last && memchr(group.data, '.', group.size) != NULL;
    size_t size = is_four ? 4 : 2;
    if (groups->count + size > 16) {
        return false;
    }
    uint8_t *out = groups->bytes + groups->count;
    groups->count += size;
    return is_four ? address4_parse(group, out) : parse_group(group, out);
}

static bool read_groups(struct groups *groups, struct span host)
{
    bool begins_with_gap = host.size >= 2 && host.data[0] == ':' && host.data[1] == ':';
    size_t position = begins_with_gap ? 2 : 0;
    groups->gap = begins_with_gap ? 0 : SIZE_MAX;
    while (position < host.size) {
        struct span group = group_at(host, position);
        bool is_last = position + group.size == host.size;
        position += group.size + 1;
        if (!read_group(groups, group, is_last) ||
            (!is_last && !read_gap(groups, host, &position))) {
            return false;
        }
    }
    return true;
}

bool address6_parse(struct span host, uint8_t out[static 16])
{
    struct groups groups = {.bytes = out};
    if (!read_groups(&groups, host)) {
        return false;
    }
    if (groups.gap == SIZE_MAX) {
        return groups.count == 16;
    }
    size_t after = groups.count - groups.gap;
    memmove(out + 16 - after, out + groups.gap, after);
    memset(out + groups.gap, 0, 16 - groups.count);
    return groups.count <= 14;
}

bool host_is_private(struct span host)
{
    uint8_t address4[4];
    uint8_t address6[16];
    if (address4_parse(host, address4)) {
        return !address4_is_public(read_address4(address4));
    }
    return address6_parse(host, address6) && !address6_is_public(address6);
}
