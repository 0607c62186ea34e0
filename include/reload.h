/* Another configuration in the place of the one in force, without a restart, all or nothing. */
#ifndef RELOAD_H
#define RELOAD_H

#include "core/monitor.h"
#include "core/reload.h"
#include "front.h"
#include "generation.h"

struct reload;

struct reload_options {
    const char *config_path;        /* outlives the reload, as all of these do */
    struct generation **generation; /* the one in force; changed at the moment of the change */
    const struct config **config;   /* its configuration: where sinks look for it */
    const struct sink_environment *environment;
    struct store *store;
    struct monitor *monitor;
    struct front *front; /* NULL: nobody is served */
    int64_t started_wall_ms;
};

struct reload *reload_create(const struct reload_options *options);
/* The port's start; SIGHUP asks with on_done NULL. */
void reload_start(void *self, reload_done_fn *on_done, void *arg);
/* Before the monitor's turn. Returns the mono ms of the next call; now.mono_ms: again at once. */
int64_t reload_turn(struct reload *reload, struct instant now);
/* Nothing new is begun, and what is under way is not waited for longer than it must. */
void reload_stop(struct reload *reload);
bool reload_is_idle(const struct reload *reload); /* NULL: true */
/* The store failed in the middle: the daemon can only stop, and the next start looks at it. */
bool reload_has_failed(const struct reload *reload);
void reload_destroy(struct reload *reload); /* requires idle; NULL is fine */

#endif
