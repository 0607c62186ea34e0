#include "reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#define DEEP_LISTS 100000
#define BOMB_BYTES (200u << 20)
#define ZEROS_BYTES 65536u

void reply_init(struct reply *reply)
{
    *reply = (struct reply){.http_code = 200,
                            .content_type = "application/json; charset=UTF-8",
                            .result_count = -1,
                            .total_count = -1};
    text_init(&reply->body, REPLY_BYTES_MAX);
}

void reply_fini(struct reply *reply)
{
    text_fini(&reply->body);
}

/* domain.md-style pairs: the usual code of each HTTP status, and its words. */
static const struct {
    int http_code, api_code;
    const char *message;
} errors[] = {
    {400, 28, "Invalid query-string parameter value"},
    {401, 41, "Invalid credentials"},
    {401, 42, "Expired credentials"},
    {403, 50, "Access denied"},
    {403, 53, "Too many requests"},
    {404, 60, "Resource not found"},
    {405, 61, "Method not allowed"},
    {406, 62, "Not acceptable"},
    {408, 63, "Request time-out"},
    {429, 53, "Too many requests"},
    {500, 1, "Internal error"},
    {503, 5, "The service is temporarily unavailable"},
    {504, 69, "Gateway time-out"},
};

/* An API's errors come in many forms; gateways before it add theirs. */
static void add_error(struct text *out, const char *form, int api_code, const char *message)
{
    if (strcmp(form, "text") == 0) {
        text_addf(out, "{\"code\":\"%d\",\"message\":\"%s\"}", api_code, message);
    } else if (strcmp(form, "list") == 0) {
        text_addf(out, "[{\"code\":%d,\"message\":\"%s\",\"description\":\"\"}]", api_code,
                  message);
    } else if (strcmp(form, "tmf") == 0) {
        text_addf(out, "{\"code\":\"%d\",\"reason\":\"%s\",\"referenceError\":\"\"}", api_code,
                  message);
    } else if (strcmp(form, "oauth") == 0) {
        text_addf(out, "{\"error\":\"invalid_client\",\"error_description\":\"%s\"}", message);
    } else if (strcmp(form, "html") == 0) {
        text_addf(out, "<html><body><h1>%s</h1></body></html>", message);
    } else if (strcmp(form, "plain") == 0) {
        text_addf(out, "{\"code\":%d,\"message\":\"%s\",\"description\":\"%s.\"}", api_code,
                  message, message);
    }
}

static void make_error(struct reply *reply, int http_code, int api_code, const char *form)
{
    const char *message = "Error";
    for (size_t i = 0; i < ARRAY_COUNT(errors); i++) {
        if (errors[i].http_code == http_code && (api_code == 0 || api_code == errors[i].api_code)) {
            api_code = errors[i].api_code;
            message = errors[i].message;
            break;
        }
    }
    reply->http_code = http_code;
    reply->result_count = -1;
    reply->total_count = -1;
    reply->etag[0] = '\0';
    text_clear(&reply->body);
    add_error(&reply->body, form, api_code, message);
    if (strcmp(form, "html") == 0) {
        reply->content_type = "text/html; charset=UTF-8";
    }
}

void reply_error(struct reply *reply, int http_code, int api_code)
{
    make_error(reply, http_code, api_code, "plain");
}

static void fill(struct reply *reply, char byte, size_t count)
{
    char block[4096];
    memset(block, byte, sizeof block);
    while (count > 0) {
        size_t part = count < sizeof block ? count : sizeof block;
        text_add(&reply->body, (struct span){.data = block, .size = part});
        count -= part;
    }
}

static void make_deep(struct reply *reply)
{
    text_clear(&reply->body);
    fill(reply, '[', DEEP_LISTS);
    fill(reply, ']', DEEP_LISTS);
}

static void make_big(struct reply *reply, size_t bytes)
{
    text_clear(&reply->body);
    text_add_text(&reply->body, "[{\"id\":\"1\",\"customerReference\":\"");
    fill(reply, 'x', bytes);
    text_add_text(&reply->body, "\"}]");
}

/* Zeros pack a thousand to one. */
static void make_bomb(struct reply *reply)
{
    text_clear(&reply->body);
    z_stream stream = {0};
    CHECK(deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) ==
          Z_OK);
    unsigned char *zeros = alloc(ZEROS_BYTES);
    unsigned char packed[4096];
    size_t left = BOMB_BYTES;
    int result = Z_OK;
    while (result != Z_STREAM_END) {
        if (stream.avail_in == 0 && left > 0) {
            stream.next_in = zeros;
            stream.avail_in = (uInt)(left < ZEROS_BYTES ? left : ZEROS_BYTES);
            left -= stream.avail_in;
        }
        stream.next_out = packed;
        stream.avail_out = sizeof packed;
        result = deflate(&stream, left == 0 ? Z_FINISH : Z_NO_FLUSH);
        CHECK(result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR);
        text_add(&reply->body, (struct span){.data = (const char *)packed,
                                             .size = sizeof packed - stream.avail_out});
    }
    (void)deflateEnd(&stream);
    free(zeros);
    reply->content_encoding = "gzip";
}

static void make_html(struct reply *reply)
{
    text_clear(&reply->body);
    text_add_text(&reply->body, "<!DOCTYPE html><html><head><title>Maintenance</title></head>"
                                "<body><h1>We will be back soon</h1></body></html>");
    reply->content_type = "text/html; charset=UTF-8";
}

static void make_cut(struct reply *reply)
{
    reply->body.size /= 2;
    if (reply->body.data != NULL) {
        reply->body.data[reply->body.size] = '\0';
    }
}

static void make_empty(struct reply *reply)
{
    text_clear(&reply->body);
    text_add_text(&reply->body, "[]");
    reply->result_count = 0;
}

static void make_refusal(struct reply *reply, const struct fault *fault)
{
    make_error(reply, fault->http_code, fault->api_code, fault->body);
    if (fault->retry_after != NULL) {
        (void)snprintf(reply->retry_after, sizeof reply->retry_after, "%s", fault->retry_after);
    }
}

bool reply_apply_fault(struct reply *reply, const struct fault *fault)
{
    switch (fault->kind) {
    case FAULT_STATUS:
        make_refusal(reply, fault);
        return true;
    case FAULT_HTML:
        make_html(reply);
        return true;
    case FAULT_CUT:
        make_cut(reply);
        return true;
    case FAULT_DEEP:
        make_deep(reply);
        return true;
    case FAULT_BIG:
        make_big(reply, fault->bytes);
        return true;
    case FAULT_GZIP_BOMB:
        make_bomb(reply);
        return true;
    case FAULT_REDIRECT:
        reply->http_code = 302;
        (void)snprintf(reply->location, sizeof reply->location, "%s", fault->location);
        return true;
    case FAULT_EMPTY:
        make_empty(reply);
        return true;
    case FAULT_TOTAL:
        reply->total_count += fault->by;
        return true;
    case FAULT_TRUNCATED:
    case FAULT_SLOW:
    case FAULT_HANG:
    case FAULT_DROP:
    case FAULT_ENDLESS:
    case FAULT_REPEAT_PAGE:
    case FAULT_DUPLICATE:
    case FAULT_SHIFT:
    case FAULT_SHORT:
    case FAULT_EXPIRES_IN:
    case FAULT_KIND_COUNT:
        break;
    }
    return false;
}
