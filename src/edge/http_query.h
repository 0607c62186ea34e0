/* Private to the server: what a request asks, out of the library's hands. */
#ifndef EDGE_HTTP_QUERY_H
#define EDGE_HTTP_QUERY_H

#include "core/exchange.h"

struct MHD_Connection;

#define PARAMETER_COUNT_MAX 32

size_t http_query_body_size(struct MHD_Connection *connection); /* as announced; 0: it is not */
/* Parameters, the first of them, and headers; valid as long as the request. */
void http_query_read(struct MHD_Connection *connection,
                     struct http_parameter parameters[static PARAMETER_COUNT_MAX],
                     struct http_query *query);

#endif
