/* Some servers repeat what a request proved itself with: "API key 1f3e… is unknown". What they say
 * is logged, stored and told, so it must not hold that. */
#ifndef EDGE_HTTP_HIDE_H
#define EDGE_HTTP_HIDE_H

#include "core/text.h"

struct curl_slist;

/* Writes stars over what these request headers hold wherever the body repeats it, as it was sent
 * and, of Basic, as it was before; not over what is too short to be a credential. */
void http_hide(const struct curl_slist *headers, bool is_good_answer, struct text *body);

#endif
