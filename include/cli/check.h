/* check --connect: each source and sink tried for real, with nothing sent. */
#ifndef CLI_CHECK_H
#define CLI_CHECK_H

struct config;

/* One line for each source and sink; EXIT_CODE_OK, or EXIT_CODE_UNAVAILABLE if one failed. */
int check_connect(const struct config *config);

#endif
