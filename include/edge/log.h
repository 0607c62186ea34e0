/* Where log lines go and how they look; from the loop thread. */
#ifndef EDGE_LOG_H
#define EDGE_LOG_H

#include "core/log.h"

void log_configure(enum log_level level, bool is_json);

#endif
