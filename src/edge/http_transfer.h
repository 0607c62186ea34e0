/* One libcurl transfer, from a request to exactly one done; http_client.c drives it. */
#ifndef EDGE_HTTP_TRANSFER_H
#define EDGE_HTTP_TRANSFER_H

#include "core/ports.h"

struct http_transfer;

/* Never fails: what is wrong with the request shows as the transfer's end. */
struct http_transfer *http_transfer_create(const struct http_request *request,
                                           http_done_fn *on_done, void *arg, int64_t now_mono_ms);
/* The CURL handle, with the transfer as its private pointer; NULL: it has to end at once. */
void *http_transfer_easy(const struct http_transfer *transfer);
void *http_transfer_arg(const struct http_transfer *transfer);
void http_transfer_cancel(struct http_transfer *transfer); /* it will end as UNAVAILABLE */
void http_transfer_set_code(struct http_transfer *transfer, int curl_code);

/* A large body comes in portions: after each the transfer is paused, and goes on when it is told
 * to, which is to be in another turn of the loop. */
bool http_transfer_is_paused(const struct http_transfer *transfer);
/* A CURLcode. What waited is taken at once, and may be refused: then libcurl forgets that, and the
 * transfer is to be ended with this code. */
int http_transfer_go_on(struct http_transfer *transfer);

/* True once: the server had closed the kept connection while we asked, and never saw the request.
 * The transfer is ready to be driven again, on a new connection and within the same deadline. */
bool http_transfer_restart(struct http_transfer *transfer, int64_t now_mono_ms);
/* Calls done and frees. The handle must not be with the multi handle any more. */
void http_transfer_end(struct http_transfer *transfer, struct instant at);

/* The client's list. */
struct http_transfer_list {
    struct http_transfer *first, *last;
};

void http_transfer_list_add(struct http_transfer_list *list, struct http_transfer *transfer);
void http_transfer_list_remove(struct http_transfer_list *list, struct http_transfer *transfer);
struct http_transfer *http_transfer_next(const struct http_transfer *transfer);

#endif
