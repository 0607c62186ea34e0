/* What `orderwatch check` does besides reading the configuration. */
#ifndef CLI_CHECK_H
#define CLI_CHECK_H

#include "core/base.h"

struct config;

/* Each source and sink tried for real, with nothing sent: one line for each; EXIT_CODE_OK, or
 * EXIT_CODE_UNAVAILABLE if one failed. */
int check_connect(const struct config *config);

/* What would become of an event: which routes match and why not, which sinks get it and when.
 * path "-": stdin. at NULL: now. EXIT_CODE_OK when at least one sink gets it, EXIT_CODE_NEGATIVE
 * when none does, EXIT_CODE_USAGE for a bad event or time. */
int check_route(const struct config *config, const char *path, const char *at);

/* What a profile makes of a page or of one element of it, of orders or of the appointments' own
 * collection. path "-": stdin. EXIT_CODE_OK,
 * EXIT_CODE_NEGATIVE when nothing matched, EXIT_CODE_CONFIG for a wrong profile, EXIT_CODE_USAGE
 * for a sample that cannot be read. */
int check_profile(const char *name, const char *path, bool is_of_appointments, bool is_json);

#endif
