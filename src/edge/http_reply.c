#include "http_reply.h"

#include "unpack.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* libcurl reads up to a hundred buffers at once; a body of many MiB would make one long turn. */
#define PORTION_BYTES_MAX ((size_t)1 << 20)
/* A body that doubled on from here would be copied whole, in one turn. Room that is not used costs
 * nothing, and above the larger size the kernel moves what grows. */
#define DOUBLING_BYTES_MAX (PORTION_BYTES_MAX / 2)
#define ROOM_BYTES ((size_t)32 << 20)

static const char *const header_names[REPLY_HEADER_COUNT] = {
    [REPLY_RETRY_AFTER] = "Retry-After",           [REPLY_ETAG] = "ETag",
    [REPLY_LAST_MODIFIED] = "Last-Modified",       [REPLY_LINK] = "Link",
    [REPLY_TOTAL_COUNT] = "X-Total-Count",         [REPLY_REQUEST_ID_ORANGE] = "X-OAPI-Request-Id",
    [REPLY_REQUEST_ID] = "X-Request-Id",           [REPLY_CONTENT_TYPE] = "Content-Type",
    [REPLY_CONTENT_ENCODING] = "Content-Encoding", [REPLY_LOCATION] = "Location",
};

void http_reply_init(struct http_reply *reply, size_t body_bytes_max, bool truncates_body)
{
    *reply = (struct http_reply){.truncates_body = truncates_body};
    text_init(&reply->body, body_bytes_max);
}

static void forget_headers(struct http_reply *reply)
{
    for (size_t i = 0; i < REPLY_HEADER_COUNT; i++) {
        free(reply->headers[i]);
        reply->headers[i] = NULL;
    }
}

void http_reply_fini(struct http_reply *reply)
{
    forget_headers(reply);
    unpack_destroy(reply->unpack);
    text_fini(&reply->body);
}

bool http_reply_is_empty(const struct http_reply *reply)
{
    return reply->header_bytes == 0 && reply->body.size == 0;
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static struct span trim(struct span value)
{
    while (value.size != 0 && is_blank(value.data[0])) {
        value.data++;
        value.size--;
    }
    while (value.size != 0 && is_blank(value.data[value.size - 1])) {
        value.size--;
    }
    return value;
}

static void keep_value(struct http_reply *reply, struct span name, struct span value)
{
    for (size_t i = 0; i < REPLY_HEADER_COUNT; i++) {
        bool is_wanted = strlen(header_names[i]) == name.size &&
                         strncasecmp(header_names[i], name.data, name.size) == 0;
        if (!is_wanted) {
            continue;
        }
        /* A list header may come in several lines; RFC 9110 5.3 joins them by commas. */
        struct text joined;
        text_init(&joined, REPLY_VALUE_BYTES_MAX);
        bool is_list = i == REPLY_LINK || i == REPLY_CONTENT_ENCODING;
        if (is_list && reply->headers[i] != NULL) {
            text_add_text(&joined, reply->headers[i]);
            text_add_text(&joined, ", ");
        }
        text_add(&joined, value);
        free(reply->headers[i]);
        reply->headers[i] = joined.status == STATUS_OK ? text_take(&joined) : NULL;
        text_fini(&joined);
    }
}

bool http_reply_add_header(struct http_reply *reply, struct span line)
{
    reply->header_bytes += line.size;
    if (reply->header_bytes > REPLY_HEADERS_BYTES_MAX) {
        reply->is_header_full = true;
        return false;
    }
    if (line.size >= 5 && memcmp(line.data, "HTTP/", 5) == 0) {
        forget_headers(reply); /* the block before was an interim answer */
        return true;
    }
    const char *colon = memchr(line.data, ':', line.size);
    if (colon != NULL) {
        size_t name_size = (size_t)(colon - line.data);
        struct span rest = {.data = colon + 1, .size = line.size - name_size - 1};
        keep_value(reply, (struct span){.data = line.data, .size = name_size}, trim(rest));
    }
    return true;
}

static void make_room(struct text *body, size_t more)
{
    if (body->size + more >= body->capacity && body->size >= DOUBLING_BYTES_MAX) {
        text_expect(body, ROOM_BYTES); /* at most its limit */
    }
}

/* False: past the limit. */
static bool keep(struct http_reply *reply, struct span bytes)
{
    size_t room = reply->body.size_max - reply->body.size;
    reply->portion_bytes += bytes.size;
    if (bytes.size <= room) {
        make_room(&reply->body, bytes.size);
        text_add(&reply->body, bytes);
        return true;
    }
    reply->is_body_full = true;
    if (reply->truncates_body) {
        text_add(&reply->body, (struct span){.data = bytes.data, .size = room});
    }
    return false;
}

/* A piece may hold a thousand times its size: what does not fit into this portion stays in it, and
 * what was taken of it is passed over when it comes again. */
static enum reply_taken add_packed(struct http_reply *reply, struct span piece)
{
    CHECK(reply->taken_bytes <= piece.size);
    struct span rest = {.data = piece.data + reply->taken_bytes,
                        .size = piece.size - reply->taken_bytes};
    struct span unpacked;
    enum unpack_step step = UNPACK_SOME;
    while (step == UNPACK_SOME && reply->portion_bytes < PORTION_BYTES_MAX) {
        step = unpack_next(reply->unpack, &rest, &unpacked);
        if (step == UNPACK_SOME && !keep(reply, unpacked)) {
            return REPLY_REFUSED;
        }
    }
    switch (step) {
    case UNPACK_SOME:
        reply->taken_bytes = piece.size - rest.size;
        return REPLY_PORTION;
    case UNPACK_TAKEN:
        reply->taken_bytes = 0;
        reply->portion_bytes += piece.size; /* what unpacks to nothing is work as well */
        return REPLY_TAKEN;
    case UNPACK_DAMAGED:
        reply->is_packing_damaged = true;
        return REPLY_REFUSED;
    }
    CHECK(!"a step has one of three ends");
    return REPLY_REFUSED;
}

enum reply_taken http_reply_add_body(struct http_reply *reply, struct span piece)
{
    if (!reply->is_body_begun) {
        reply->is_body_begun = true;
        reply->unpack = unpack_create(reply->headers[REPLY_CONTENT_ENCODING]);
    }
    if (reply->portion_bytes >= PORTION_BYTES_MAX) {
        return REPLY_PORTION;
    }
    if (reply->unpack != NULL) {
        return add_packed(reply, piece);
    }
    return keep(reply, piece) ? REPLY_TAKEN : REPLY_REFUSED;
}

void http_reply_begin_portion(struct http_reply *reply)
{
    reply->portion_bytes = 0;
}

enum status http_reply_check_packing(const struct http_reply *reply, struct failure *why)
{
    bool is_in_clear = reply->unpack == NULL;
    return is_in_clear || reply->is_body_full ? STATUS_OK : unpack_check(reply->unpack, why);
}

void http_reply_show(struct http_reply *reply, struct http_response *response)
{
    response->body = &reply->body;
    response->retry_after = reply->headers[REPLY_RETRY_AFTER];
    response->etag = reply->headers[REPLY_ETAG];
    response->last_modified = reply->headers[REPLY_LAST_MODIFIED];
    response->link = reply->headers[REPLY_LINK];
    response->location = reply->headers[REPLY_LOCATION];
    response->total_count = reply->headers[REPLY_TOTAL_COUNT];
    response->request_id = reply->headers[REPLY_REQUEST_ID_ORANGE] != NULL
                               ? reply->headers[REPLY_REQUEST_ID_ORANGE]
                               : reply->headers[REPLY_REQUEST_ID];
    response->content_type = reply->headers[REPLY_CONTENT_TYPE];
}
