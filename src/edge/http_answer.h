/* Private to the server: an answer as the library wants it, with the headers that every answer has.
 */
#ifndef EDGE_HTTP_ANSWER_H
#define EDGE_HTTP_ANSWER_H

#include "core/exchange.h"

struct MHD_Response;

/* All of them; the body is not looked at. */
void http_answer_add_headers(struct MHD_Response *response, const struct http_answer *answer);
struct MHD_Response *http_answer_response(const struct http_answer *answer); /* never NULL */

/* What the server answers by itself: a problem document; the texts need no escapes. */
struct MHD_Response *http_answer_problem(int code, const char *title, const char *detail);

#endif
