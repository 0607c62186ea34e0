/* A document that a command was given: a file, or stdin as -. */
#ifndef CLI_CHECK_INPUT_H
#define CLI_CHECK_INPUT_H

#include "core/text.h"

/* Past out->size_max it is STATUS_TOO_LARGE. */
enum status check_input_read(const char *path, struct text *out, struct failure *why) MUST_CHECK;

#endif
