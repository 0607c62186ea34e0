/* Asking for the configuration to be read again, and what came of it. */
#ifndef CORE_RELOAD_H
#define CORE_RELOAD_H

#include "core/config_change.h"

enum reload_outcome {
    RELOAD_DONE,    /* in force */
    RELOAD_REFUSED, /* it has errors, or asks for what only a restart can do: the old one holds */
    RELOAD_FAILED,  /* the system or the store was in the way: the old one holds, try again */
};

struct reload_result {
    enum reload_outcome outcome;
    const struct config_changes *changes; /* RELOAD_DONE; else NULL */
    const char *const *problems;          /* RELOAD_REFUSED: each with its place; else one reason */
    size_t problem_count;
};

typedef void reload_done_fn(void *arg, const struct reload_result *result);

/* As all ports: one done for each start, never from inside it. What is asked while a reload is
 * under way is answered by the one after it. */
struct reload_port {
    void *self;
    void (*start)(void *self, reload_done_fn *on_done, void *arg);
};

/* For metrics and status. */
struct reload_facts {
    bool is_last_successful;
    int64_t in_force_since_wall_ms;
    uint64_t fingerprint; /* config_fingerprint */
};

#endif
