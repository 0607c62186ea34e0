/* What lies between two configurations, part by part: what a reload changes and what it keeps. */
#ifndef CORE_CONFIG_CHANGE_H
#define CORE_CONFIG_CHANGE_H

#include "core/config.h"

enum change_kind { CHANGE_ADDED, CHANGE_REMOVED, CHANGE_CHANGED };

/* Names of keys, never their values. */
struct config_change {
    enum change_kind kind;
    const char *section; /* source, sink, route, http, log, state, shutdown_grace */
    const char *name;    /* of the source, sink or route; "" */
    const char *keys;    /* of what is CHANGE_CHANGED: every, oauth2.client_secret; "" */
};

/* One of the two, with a fingerprint of the contents of the files that each part names. */
struct config_side {
    const struct config *config;
    const uint64_t *source_files, *sink_files; /* one per source and sink */
};

struct config_changes {
    struct arena *arena; /* owns all of it */
    struct config_change *items;
    size_t count, capacity;
    /* One per source and sink of the new one: it is there before and after, and the same. */
    bool *is_source_kept, *is_sink_kept;
    bool is_database_changed; /* what no reload can do */
};

struct config_changes *config_compare(const struct config_side *before,
                                      const struct config_side *after);
void config_changes_destroy(struct config_changes *changes); /* NULL is fine */
const char *change_kind_name(enum change_kind kind);
/* Of the configuration as config_print shows it: no secret goes in. */
uint64_t config_fingerprint(const struct config *config);

#endif
