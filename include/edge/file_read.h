/* Small files, whole and bounded: configuration, profiles, secrets. */
#ifndef EDGE_FILE_READ_H
#define EDGE_FILE_READ_H

#include "core/base.h"
#include "core/text.h"

/* Appends the whole file to out; past out->size_max it is STATUS_TOO_LARGE. The text may be filled
 * in part on failure. Never blocks on a pipe without a writer. */
enum status file_read(const char *path, struct text *out, struct failure *why) MUST_CHECK;
/* The first line of a file that only its owner can read; the caller wipes and releases out. */
enum status file_read_secret(const char *path, struct text *out, struct failure *why) MUST_CHECK;
enum status file_is_readable(const char *path, struct failure *why) MUST_CHECK;

#endif
