/* What arrives of a reply, within its limits: the body and the few headers that matter. */
#ifndef EDGE_HTTP_REPLY_H
#define EDGE_HTTP_REPLY_H

#include "core/ports.h"

enum reply_header {
    REPLY_RETRY_AFTER,
    REPLY_ETAG,
    REPLY_LAST_MODIFIED,
    REPLY_LINK,
    REPLY_LOCATION,
    REPLY_TOTAL_COUNT,
    REPLY_REQUEST_ID_ORANGE,
    REPLY_REQUEST_ID,
    REPLY_CONTENT_TYPE,
    REPLY_CONTENT_ENCODING,
    REPLY_HEADER_COUNT
};

#define REPLY_HEADERS_BYTES_MAX 65536
#define REPLY_VALUE_BYTES_MAX 8192 /* longer values count as absent */

struct unpack;

struct http_reply {
    struct text body;
    char *headers[REPLY_HEADER_COUNT]; /* of the latest header block; NULL: absent */
    size_t header_bytes;
    bool truncates_body;
    bool is_body_begun;
    bool is_body_full; /* there was more than the limit */
    bool is_header_full;
    bool is_packing_damaged;
    struct unpack *unpack; /* NULL: the body comes in clear, or none has come */
    size_t portion_bytes;
    size_t taken_bytes; /* of the piece that is to come again */
};

enum reply_taken {
    REPLY_TAKEN,   /* all of the piece */
    REPLY_PORTION, /* the portion is full: the same piece is to come again, in the next one */
    REPLY_REFUSED, /* past the limit, or damaged: stop reading */
};

void http_reply_init(struct http_reply *reply, size_t body_bytes_max, bool truncates_body);
void http_reply_fini(struct http_reply *reply);
bool http_reply_is_empty(const struct http_reply *reply); /* nothing has arrived at all */
/* False: past the limit, stop reading. */
bool http_reply_add_header(struct http_reply *reply, struct span line);
/* The body grows by a portion at a time, whatever it is packed into. */
enum reply_taken http_reply_add_body(struct http_reply *reply, struct span piece);
void http_reply_begin_portion(struct http_reply *reply);
/* At the end: STATUS_UNAVAILABLE if the body did not come out of its packing, sound and whole. */
enum status http_reply_check_packing(const struct http_reply *reply,
                                     struct failure *why) MUST_CHECK;
/* Lends the body and the headers to the response. */
void http_reply_show(struct http_reply *reply, struct http_response *response);

#endif
