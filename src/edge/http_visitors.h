/* The connections of the HTTP server, and the time that each has: the library's own limit is for
 * silence alone, and a byte now and then would keep a place for ever. */
#ifndef EDGE_HTTP_VISITORS_H
#define EDGE_HTTP_VISITORS_H

#include "core/base.h"

struct sockaddr;
struct uv_loop_s;
struct http_visitors;
struct visitor; /* one connection */

/* Closed as a handle of the loop is: on_closed comes later. */
struct http_visitors *http_visitors_create(struct uv_loop_s *uv);
void http_visitors_close(struct http_visitors *visitors, void (*on_closed)(void *arg), void *arg);

/* Whether one more may come from there: beyond this machine nobody takes the places of all. */
bool http_visitors_admit(struct http_visitors *visitors, const struct sockaddr *address);
struct visitor *visitor_create(struct http_visitors *visitors, int socket_fd,
                               const struct sockaddr *address);
void visitor_destroy(struct visitor *visitor);

/* What it is about: until the next call it has so much time, then its socket is shut down. */
void visitor_sends(struct visitor *visitor);              /* a request, or none yet */
void visitor_waits(struct visitor *visitor);              /* for us: as long as it takes */
void visitor_reads(struct visitor *visitor, size_t size); /* an answer of so many bytes */

/* Bytes of answers that are not read to their end yet. False: there are too many for one more. */
bool http_visitors_have_room(const struct http_visitors *visitors, size_t size);

#endif
