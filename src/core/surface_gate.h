/* Private to surface*.c: who may ask what. */
#ifndef CORE_SURFACE_GATE_H
#define CORE_SURFACE_GATE_H

#include "surface_internal.h"

/* surface_gate: answers and gives false if the request may not pass. */
bool gate_admits(const struct call *call, bool is_public); /* public: the token is not asked for */
bool gate_allows_change(const struct call *call);
bool gate_is_secret(const struct secret *secret, const char *given); /* in constant time */

/* surface_feed */
/* The token that a request for a calendar came with; NULL: none, or it is for something else. */
const char *feed_token(const struct call *call);
bool feed_is_opened(const struct call *call, const char *token);
void feed_refuse(const struct call *call);

#endif
