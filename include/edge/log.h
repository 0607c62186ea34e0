/* Where log lines go and how they look; from the loop thread. */
#ifndef EDGE_LOG_H
#define EDGE_LOG_H

#include "core/log.h"

void log_configure(enum log_level level, bool is_json);
/* Warnings and errors of one event, source or sink, and reason are written three times in ten
 * minutes; the rest is counted, and told as `repeated` when its time is over: in a later line or
 * turn. */
void log_turn(void);
void log_end(void); /* what is still counted is told now */

#endif
