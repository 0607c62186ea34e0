#include "core/link_header.h"

#include <string.h>
#include <strings.h>

static struct span trim(struct span bytes)
{
    while (bytes.size != 0 && (bytes.data[0] == ' ' || bytes.data[0] == '\t')) {
        bytes.data++;
        bytes.size--;
    }
    while (bytes.size != 0 &&
           (bytes.data[bytes.size - 1] == ' ' || bytes.data[bytes.size - 1] == '\t')) {
        bytes.size--;
    }
    return bytes;
}

/* Cuts what is before the separator off *rest; separators inside quotes do not count. */
static struct span cut(struct span *rest, char separator)
{
    bool is_quoted = false;
    size_t size = 0;
    for (; size < rest->size; size++) {
        char byte = rest->data[size];
        if (byte == '\\' && is_quoted && size + 1 < rest->size) {
            size++;
        } else if (byte == '"') {
            is_quoted = !is_quoted;
        } else if (byte == separator && !is_quoted) {
            break;
        }
    }
    struct span part = {.data = rest->data, .size = size};
    size_t taken = size < rest->size ? size + 1 : size;
    rest->data += taken;
    rest->size -= taken;
    return trim(part);
}

/* True when the words of a rel value hold next; they are compared without regard to case. Quotes of
 * the wrong kind are taken for what they stand for: a next page must not be missed. */
static bool holds_next(struct span value)
{
    value = trim(value);
    if (value.size >= 2 && (value.data[0] == '"' || value.data[0] == '\'')) {
        value = (struct span){.data = value.data + 1, .size = value.size - 2};
    }
    while (value.size != 0) {
        struct span word = cut(&value, ' ');
        if (word.size == 4 && strncasecmp(word.data, "next", 4) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_next(struct span parameters)
{
    while (parameters.size != 0) {
        struct span parameter = cut(&parameters, ';');
        struct span name = cut(&parameter, '=');
        if (name.size == 3 && strncasecmp(name.data, "rel", 3) == 0) {
            return holds_next(parameter);
        }
    }
    return false;
}

/* Lists may have empty items: ", ,". Moves past it. */
static bool is_empty_item(struct span *rest)
{
    *rest = trim(*rest);
    bool is_comma = rest->size != 0 && rest->data[0] == ',';
    rest->data += is_comma ? 1 : 0;
    rest->size -= is_comma ? 1 : 0;
    return is_comma || rest->size == 0;
}

/* STATUS_INVALID: these are no links, so that it is not known whether one of them is the next. */
static enum status find_next(const char *link, struct span *target)
{
    struct span rest = span_of(link != NULL ? link : "");
    while (rest.size != 0) {
        if (is_empty_item(&rest)) {
            continue;
        }
        const char *close = rest.data[0] == '<' ? memchr(rest.data, '>', rest.size) : NULL;
        if (close == NULL) {
            return STATUS_INVALID;
        }
        *target = (struct span){.data = rest.data + 1, .size = (size_t)(close - rest.data) - 1};
        rest.size -= (size_t)(close + 1 - rest.data);
        rest.data = close + 1;
        if (is_next(cut(&rest, ','))) {
            return STATUS_OK;
        }
    }
    return STATUS_NOT_FOUND;
}

/* scheme://authority, without the slash after it. */
static struct span origin_of(const char *url)
{
    const char *authority = strstr(url, "://");
    size_t size = authority != NULL ? (size_t)(authority + 3 - url) : 0;
    return (struct span){.data = url, .size = size + strcspn(url + size, "/?#")};
}

static bool is_safe(struct span target)
{
    for (size_t i = 0; i < target.size; i++) {
        if (target.data[i] <= ' ' || target.data[i] > '~') {
            return false;
        }
    }
    return target.size != 0;
}

static bool starts_with(struct span bytes, struct span start)
{
    return bytes.size >= start.size && strncasecmp(bytes.data, start.data, start.size) == 0;
}

static bool is_absolute(struct span target)
{
    size_t size = 0;
    while (size < target.size && strchr(":/?#", target.data[size]) == NULL) {
        size++;
    }
    return size != 0 && size < target.size && target.data[size] == ':';
}

/* What a relative target is appended to: the origin, the page's path, or its folder. */
static struct span base_for(struct span target, const char *page_url)
{
    struct span base = origin_of(page_url);
    if (target.data[0] == '/') {
        return base;
    }
    size_t path_size = base.size + strcspn(page_url + base.size, "?#");
    if (target.data[0] == '?') {
        return (struct span){.data = page_url, .size = path_size};
    }
    while (path_size > base.size && page_url[path_size - 1] != '/') {
        path_size--;
    }
    return (struct span){.data = page_url, .size = path_size};
}

enum status link_header_add_next(const char *link, const char *base_url, const char *page_url,
                                 struct text *out, struct failure *why)
{
    struct span target = {0};
    enum status status = find_next(link, &target);
    if (status != STATUS_OK) {
        return fail(why, status, "the Link header is broken"); /* or has no next */
    }
    if (!is_safe(target)) {
        return fail(why, STATUS_INVALID, "the Link header's next is not an address");
    }
    struct span origin = origin_of(base_url);
    bool is_network_path = target.size >= 2 && target.data[0] == '/' && target.data[1] == '/';
    if (is_absolute(target) || is_network_path) {
        bool is_ours = starts_with(target, origin) &&
                       (target.size == origin.size || strchr("/?#", target.data[origin.size]));
        if (!is_ours) {
            return fail(why, STATUS_INVALID,
                        "the Link header's next leads away from %.*s; credentials stay there",
                        (int)(origin.size < 200 ? origin.size : 200), origin.data);
        }
        text_add(out, target);
        return STATUS_OK;
    }
    text_add(out, base_for(target, page_url));
    if (target.data[0] != '/' && target.data[0] != '?' && out->size == origin.size) {
        text_add_char(out, '/');
    }
    text_add(out, target);
    return STATUS_OK;
}
