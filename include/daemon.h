/* The composition root: wires core to edge, and holds the order of starting and stopping. */
#ifndef DAEMON_H
#define DAEMON_H

#include "core/base.h"

/* sysexits(3), contract.md section 1. */
enum exit_code {
    EXIT_CODE_OK = 0,
    EXIT_CODE_NEGATIVE = 1,
    EXIT_CODE_USAGE = 2,
    EXIT_CODE_UNAVAILABLE = 69,
    EXIT_CODE_INTERNAL = 70,
    EXIT_CODE_IO = 74,
    EXIT_CODE_TEMPORARY = 75,
    EXIT_CODE_CONFIG = 78,
};

/* Runs the monitor until SIGTERM or SIGINT; with is_once until one sweep of every source is
 * delivered. */
int daemon_run(const char *config_path, bool is_once);

#endif
