#include "http_reply.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const header_names[REPLY_HEADER_COUNT] = {
    [REPLY_RETRY_AFTER] = "Retry-After",           [REPLY_ETAG] = "ETag",
    [REPLY_LAST_MODIFIED] = "Last-Modified",       [REPLY_LINK] = "Link",
    [REPLY_TOTAL_COUNT] = "X-Total-Count",         [REPLY_REQUEST_ID_ORANGE] = "X-OAPI-Request-Id",
    [REPLY_REQUEST_ID] = "X-Request-Id",           [REPLY_CONTENT_TYPE] = "Content-Type",
    [REPLY_CONTENT_ENCODING] = "Content-Encoding",
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
        if (i == REPLY_LINK && reply->headers[i] != NULL) {
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

bool http_reply_add_body(struct http_reply *reply, struct span bytes)
{
    size_t room = reply->body.size_max - reply->body.size;
    if (bytes.size <= room) {
        text_add(&reply->body, bytes);
        return true;
    }
    reply->is_body_full = true;
    if (reply->truncates_body) {
        text_add(&reply->body, (struct span){.data = bytes.data, .size = room});
    }
    return false;
}

void http_reply_show(struct http_reply *reply, struct http_response *response)
{
    response->body = &reply->body;
    response->retry_after = reply->headers[REPLY_RETRY_AFTER];
    response->etag = reply->headers[REPLY_ETAG];
    response->last_modified = reply->headers[REPLY_LAST_MODIFIED];
    response->link = reply->headers[REPLY_LINK];
    response->total_count = reply->headers[REPLY_TOTAL_COUNT];
    response->request_id = reply->headers[REPLY_REQUEST_ID_ORANGE] != NULL
                               ? reply->headers[REPLY_REQUEST_ID_ORANGE]
                               : reply->headers[REPLY_REQUEST_ID];
    response->content_type = reply->headers[REPLY_CONTENT_TYPE];
}
