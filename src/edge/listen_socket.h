/* Private to the server: a listening socket for host:port or unix:/path. */
#ifndef EDGE_LISTEN_SOCKET_H
#define EDGE_LISTEN_SOCKET_H

#include "core/base.h"

/* *out is open, non-blocking and listening. STATUS_BUSY: somebody else listens there. */
enum status listen_socket_open(const char *listen_text, int *out, struct failure *why) MUST_CHECK;
void listen_socket_remove(const char *listen_text); /* the file of a UNIX socket; else nothing */

#endif
