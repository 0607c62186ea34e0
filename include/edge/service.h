/* What systemd is told: ready, alive, stopping, and one line of status. Nothing happens without it.
 */
#ifndef EDGE_SERVICE_H
#define EDGE_SERVICE_H

#include "core/base.h"

/* How often service_alive is wanted, half of the unit's WatchdogSec; INSTANT_NEVER: no watchdog. */
int64_t service_watchdog_ms(void);
void service_ready(void);
void service_reloading(void); /* until the next service_ready */
void service_stopping(void);
/* Only after real progress: a turn of the loop and an answer of the store since the last call. */
void service_alive(void);
void service_status(const char *line); /* one line, shown by `systemctl status` */

#endif
