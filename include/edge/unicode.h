/* Unicode normalisation (GLib) as the port that the core asks for. */
#ifndef EDGE_UNICODE_H
#define EDGE_UNICODE_H

#include "core/ports.h"

struct unicode_port unicode_port(void);

#endif
