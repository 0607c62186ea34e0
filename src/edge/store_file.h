/* The files around the database: the lock that makes one daemon the owner, and the reserve of disk
 * space that is let go when the disk is full. */
#ifndef EDGE_STORE_FILE_H
#define EDGE_STORE_FILE_H

#include "core/base.h"

struct state_file;

#define RESERVE_BYTES (4 << 20)

/* Makes the database file with mode 0600 if it is not there. STATUS_BUSY: another process holds
 * PATH.lock. The reserve is made later, by state_file_keep_reserve. */
enum status state_file_open(const char *path, struct state_file **out,
                            struct failure *why) MUST_CHECK;
void state_file_close(struct state_file *file);         /* NULL is fine; lets go of the lock */
bool state_file_has_log(const struct state_file *file); /* a write-ahead log: unclean shutdown */
/* Makes the reserve if there is room for it twice. True: the reserve is there. */
bool state_file_keep_reserve(struct state_file *file);
void state_file_release_reserve(struct state_file *file);

#endif
