/* The many options of a libcurl handle, each with its reason, in one place. */
#ifndef EDGE_HTTP_OPTIONS_H
#define EDGE_HTTP_OPTIONS_H

#include "core/ports.h"

struct curl_slist;

/* All of a request but the callbacks. easy is a CURL handle; returns a CURLcode. *headers belongs
 * to the caller afterwards, whatever is returned. */
int http_options_set(void *easy, const struct http_request *request, struct curl_slist **headers);
void http_options_free_headers(struct curl_slist *headers); /* wipes: they may hold secrets */

/* Verification always; tls may be NULL. */
int http_options_set_tls(void *easy, const struct tls_config *tls);

#endif
