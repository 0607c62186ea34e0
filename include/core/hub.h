/* Registrations at the hub: what TM Forum's consumers ask for, as a sink and a route of the
 * configuration. Pure. */
#ifndef CORE_HUB_H
#define CORE_HUB_H

#include "core/config.h"

struct arena;
struct text;

enum hub_api { HUB_ORDERS, HUB_APPOINTMENTS }; /* TMF622, TMF646 */

#define HUB_SINK_PREFIX "hub-" /* then the id */

struct hub_registration {
    char id[17]; /* a function of all the rest: the same request twice is one registration */
    const char *callback;
    const char *query; /* "": none, everything of the API */
    const char *const *types;
    size_t type_count;
};

/* Reads {"callback", "query"}; the texts live in arena. STATUS_INVALID: why says what is accepted.
 */
enum status hub_read(struct span body, enum hub_api api, const struct hub_config *config,
                     struct arena *arena, struct hub_registration *out,
                     struct failure *why) MUST_CHECK;
/* As a file beside the configuration. */
void hub_add_yaml(const struct hub_registration *registration, const struct hub_config *config,
                  struct text *out);
bool hub_is_id(const char *text);

/* Keeps registrations where the next reload of the configuration reads them. At once: they are
 * rare and small. */
struct hub_port {
    enum status (*keep)(const char *folder, const char *id, struct span yaml, struct failure *why);
    /* STATUS_NOT_FOUND: there is none. */
    enum status (*drop)(const char *folder, const char *id, struct failure *why);
};

#endif
