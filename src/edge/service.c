#include "edge/service.h"

#include <systemd/sd-daemon.h>

#include <time.h>

int64_t service_watchdog_ms(void)
{
    uint64_t watchdog_us = 0;
    if (sd_watchdog_enabled(0, &watchdog_us) <= 0) {
        return INSTANT_NEVER;
    }
    return (int64_t)(watchdog_us / 2000);
}

void service_ready(void)
{
    (void)sd_notify(0, "READY=1");
}

/* The manager wants to know that what follows is later than its own question. */
void service_reloading(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
                     (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

void service_stopping(void)
{
    (void)sd_notify(0, "STOPPING=1");
}

void service_alive(void)
{
    (void)sd_notify(0, "WATCHDOG=1");
}

void service_status(const char *line)
{
    (void)sd_notifyf(0, "STATUS=%s", line);
}
