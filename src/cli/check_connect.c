#include "cli/check.h"

#include "daemon.h"

#include <stdio.h>

int check_connect(const struct config *config)
{
    (void)config;
    (void)fputs("orderwatch: check: --connect: not in this build yet; `orderwatch run --once` "
                "tries sources and sinks\n",
                stderr);
    return EXIT_CODE_UNAVAILABLE;
}
