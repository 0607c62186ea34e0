#include "core/address.h"

#include "core/address_block.h"

#include <string.h>

#define LOCAL_BYTES_MAX 64
#define DOMAIN_BYTES_MAX 253
#define LABEL_BYTES_MAX 63

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_letter_or_digit(char byte)
{
    return is_digit(byte) || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

bool host_is_loopback(struct span host)
{
    uint8_t address[4];
    return span_is(host, "localhost") || span_is(host, "::1") ||
           (address4_parse(host, address) && address[0] == 127);
}

static bool is_label(struct span label)
{
    if (label.size == 0 || label.size > LABEL_BYTES_MAX || label.data[0] == '-' ||
        label.data[label.size - 1] == '-') {
        return false;
    }
    for (size_t i = 0; i < label.size; i++) {
        /* The underscore is no host name's, but names inside of companies have it. */
        if (!is_letter_or_digit(label.data[i]) && label.data[i] != '-' && label.data[i] != '_') {
            return false;
        }
    }
    return true;
}

static bool is_domain(struct span domain)
{
    if (domain.size == 0 || domain.size > DOMAIN_BYTES_MAX) {
        return false;
    }
    size_t from = 0;
    for (size_t i = 0; i <= domain.size; i++) {
        if (i < domain.size && domain.data[i] != '.') {
            continue;
        }
        if (!is_label((struct span){.data = domain.data + from, .size = i - from})) {
            return false;
        }
        from = i + 1;
    }
    return true;
}

static bool is_ipv6(struct span host)
{
    size_t colons = 0;
    for (size_t i = 0; i < host.size; i++) {
        colons += host.data[i] == ':' ? 1 : 0;
        if (strchr("0123456789abcdefABCDEF:.", host.data[i]) == NULL) {
            return false;
        }
    }
    return colons >= 2 && host.size <= 45;
}

static bool is_number(struct span label)
{
    bool is_hexadecimal =
        label.size >= 2 && label.data[0] == '0' && (label.data[1] == 'x' || label.data[1] == 'X');
    for (size_t i = is_hexadecimal ? 2 : 0; i < label.size; i++) {
        char byte = label.data[i];
        bool is_letter = (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
        if (!is_digit(byte) && !(is_hexadecimal && is_letter)) {
            return false;
        }
    }
    return true;
}

/* It ends like a number, yet is no IPv4 address: some readers take 127.1, 2130706433 or 0x7f.0.0.1
 * for one. */
static bool is_odd_number(struct span host)
{
    uint8_t address[4];
    size_t from = host.size;
    while (from > 0 && host.data[from - 1] != '.') {
        from--;
    }
    struct span last = {.data = host.data + from, .size = host.size - from};
    return is_number(last) && !address4_parse(host, address);
}

/* --- URLs ----------------------------------------------------------------------------------- */

static bool is_url_text(const char *text)
{
    for (const char *byte = text; *byte != '\0'; byte++) {
        if ((unsigned char)*byte <= 0x20 || (unsigned char)*byte >= 0x7f ||
            strchr("\"<>\\^`{|}", *byte) != NULL) {
            return false;
        }
    }
    return true;
}

static bool parse_port(struct span text, uint16_t *out)
{
    unsigned value = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (!is_digit(text.data[i]) || text.size > 5) {
            return false;
        }
        value = value * 10 + (unsigned)(text.data[i] - '0');
    }
    *out = (uint16_t)value;
    return text.size != 0 && value != 0 && value <= UINT16_MAX;
}

/* Where the host ends, and what comes after it; NULL: it is no host. */
static const char *parse_bracketed_host(struct span text, struct span *host)
{
    const char *close = memchr(text.data, ']', text.size);
    if (close == NULL) {
        return NULL;
    }
    *host = (struct span){.data = text.data + 1, .size = (size_t)(close - text.data) - 1};
    return is_ipv6(*host) ? close + 1 : NULL;
}

static const char *parse_plain_host(struct span text, struct span *host)
{
    const char *colon = text.size != 0 ? memchr(text.data, ':', text.size) : NULL;
    const char *end = colon != NULL ? colon : text.data + text.size;
    *host = (struct span){.data = text.data, .size = (size_t)(end - text.data)};
    return is_domain(*host) && !is_odd_number(*host) ? end : NULL;
}

static bool parse_host_and_port(struct span text, struct url *out)
{
    bool has_bracket = text.size != 0 && text.data[0] == '[';
    const char *rest =
        has_bracket ? parse_bracketed_host(text, &out->host) : parse_plain_host(text, &out->host);
    if (rest == NULL) {
        return false;
    }
    size_t left = text.size - (size_t)(rest - text.data);
    return left == 0 || (*rest == ':' &&
                         parse_port((struct span){.data = rest + 1, .size = left - 1}, &out->port));
}

bool url_parse(const char *text, struct url *out)
{
    struct url url = {0};
    const char *scheme_end = strstr(text, "://");
    if (scheme_end == NULL || !is_url_text(text)) {
        return false;
    }
    url.scheme = (struct span){.data = text, .size = (size_t)(scheme_end - text)};
    const char *authority = scheme_end + 3;
    const char *path = authority + strcspn(authority, "/?#");
    const char *at = memchr(authority, '@', (size_t)(path - authority));
    url.has_credentials = at != NULL;
    if (at != NULL) {
        authority = at + 1;
    }
    url.path = span_of(path);
    url.has_query = strchr(path, '?') != NULL;
    url.has_fragment = strchr(path, '#') != NULL;
    struct span host_and_port = {.data = authority, .size = (size_t)(path - authority)};
    if (!parse_host_and_port(host_and_port, &url)) {
        return false;
    }
    *out = url;
    return true;
}

static const char *web_fault(const char *text, struct url *url)
{
    if (!url_parse(text, url)) {
        return "not a URL";
    }
    if (!span_is(url->scheme, "https") && !span_is(url->scheme, "http")) {
        return "a URL of another scheme";
    }
    if (url->has_credentials) {
        return "a URL with credentials in it";
    }
    return url->has_fragment ? "a URL with a fragment (#)" : NULL;
}

const char *call_url_fault(const char *text)
{
    struct url url;
    const char *fault = web_fault(text, &url);
    if (fault == NULL && span_is(url.scheme, "http") && !host_is_loopback(url.host)) {
        return "not encrypted, and its host is not loopback";
    }
    return fault;
}

const char *api_url_fault(const char *text)
{
    const char *fault = call_url_fault(text);
    if (fault == NULL && strchr(text, '?') != NULL) {
        return "a URL with a query: paths and queries are the profile's";
    }
    return fault;
}

const char *link_url_fault(const char *text)
{
    struct url url;
    return web_fault(text, &url);
}

const char *proxy_url_fault(const char *text)
{
    struct url url;
    const char *fault = web_fault(text, &url);
    if (fault == NULL && url.path.size != 0 && !span_is(url.path, "/")) {
        return "a URL with a path";
    }
    return fault;
}

/* --- mailboxes ------------------------------------------------------------------------------ */

static bool is_local_part(struct span local)
{
    if (local.size == 0 || local.size > LOCAL_BYTES_MAX || local.data[0] == '.' ||
        local.data[local.size - 1] == '.') {
        return false;
    }
    for (size_t i = 0; i < local.size; i++) {
        bool is_dot_pair = local.data[i] == '.' && local.data[i - 1] == '.';
        if (is_dot_pair || (!is_letter_or_digit(local.data[i]) &&
                            strchr("!#$%&'*+-/=?^_`{|}~.", local.data[i]) == NULL)) {
            return false;
        }
    }
    return true;
}

static bool is_mail_domain(struct span domain)
{
    if (domain.size > 2 && domain.data[0] == '[' && domain.data[domain.size - 1] == ']') {
        struct span inside = {.data = domain.data + 1, .size = domain.size - 2};
        uint8_t address[4];
        if (inside.size > 5 && memcmp(inside.data, "IPv6:", 5) == 0) {
            return is_ipv6((struct span){.data = inside.data + 5, .size = inside.size - 5});
        }
        return address4_parse(inside, address);
    }
    return is_domain(domain);
}

static bool is_bare_address(struct span text)
{
    const char *at = text.size != 0 ? memchr(text.data, '@', text.size) : NULL;
    if (at == NULL) {
        return false;
    }
    struct span local = {.data = text.data, .size = (size_t)(at - text.data)};
    struct span domain = {.data = at + 1, .size = text.size - local.size - 1};
    return is_local_part(local) && is_mail_domain(domain);
}

/* The words before <…>: in quotes anything but quotes and backslashes, else nothing special. */
static bool is_display_name(struct span name)
{
    while (name.size != 0 && name.data[name.size - 1] == ' ') {
        name.size--;
    }
    bool is_quoted = name.size >= 2 && name.data[0] == '"' && name.data[name.size - 1] == '"';
    if (is_quoted) {
        name = (struct span){.data = name.data + 1, .size = name.size - 2};
    }
    for (size_t i = 0; i < name.size; i++) {
        if ((unsigned char)name.data[i] < 0x20 || name.data[i] == 0x7f ||
            strchr(is_quoted ? "\"\\" : "\"\\<>@,;:()[]", name.data[i]) != NULL) {
            return false;
        }
    }
    return true;
}

static struct span bare_address(const char *text)
{
    size_t size = strlen(text);
    const char *open = strrchr(text, '<');
    if (open != NULL && text[size - 1] == '>') {
        return (struct span){.data = open + 1, .size = (size_t)(text + size - 1 - open) - 1};
    }
    return span_of(text);
}

const char *mailbox_fault(const char *text)
{
    struct span address = bare_address(text);
    if (!is_bare_address(address)) {
        return "not a mailbox";
    }
    if (address.data != text &&
        !is_display_name((struct span){.data = text, .size = (size_t)(address.data - text) - 1})) {
        return "not a mailbox: its name needs quotes, or has signs that no name has";
    }
    return NULL;
}

struct span mailbox_domain(const char *mailbox)
{
    struct span address = bare_address(mailbox);
    const char *at = memchr(address.data, '@', address.size);
    CHECK(at != NULL);
    return (struct span){.data = at + 1, .size = (size_t)(address.data + address.size - at) - 1};
}
