/* Memory that is released all at once: the strings of one record, one event, one file. */
#ifndef CORE_ARENA_H
#define CORE_ARENA_H

#include "core/base.h"

struct arena; /* grows in blocks; what it gives is aligned, zeroed, and lives until arena_destroy */

struct arena *arena_create(void);
/* For little that is known to be little: the first block has so many bytes. */
struct arena *arena_create_small(size_t size);
void arena_destroy(struct arena *arena); /* NULL is fine */
void arena_reset(struct arena *arena);   /* forgets everything, keeps the first block */
void arena_wipe(struct arena *arena);    /* overwrites all it ever gave; then only destroy it */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_array(struct arena *arena, size_t count, size_t size);
const char *arena_text(struct arena *arena, struct span bytes); /* NUL-terminated copy */
const char *arena_format(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
