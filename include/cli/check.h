/* What `orderwatch check` does besides reading the configuration. */
#ifndef CLI_CHECK_H
#define CLI_CHECK_H

#include "core/base.h"

struct config;

/* Each source and sink tried for real, with nothing sent: one line for each; EXIT_CODE_OK, or
 * EXIT_CODE_UNAVAILABLE if one failed. */
int check_connect(const struct config *config);

#endif
