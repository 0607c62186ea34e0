/* What the state file must be: its version, its tables, its health. */
#ifndef EDGE_STORE_SCHEMA_H
#define EDGE_STORE_SCHEMA_H

#include "store_database.h"

/* Refuses what is not ours (STATUS_CORRUPT) or newer (STATUS_INVALID), untouched; checks pages if
 * is_suspect or the file is small; then brings it to this version, in one transaction. */
enum status schema_prepare(struct sqlite3 *handle, const char *path, bool is_suspect,
                           struct failure *why) MUST_CHECK;

#endif
