/* Writes our own JSON member by member; absent values are left out, never null. */
#ifndef CORE_JSON_WRITE_H
#define CORE_JSON_WRITE_H

#include "core/text.h"

struct json_writer {
    struct text *out;
    bool needs_comma;
};

/* name is NULL for elements of a list and for the outermost value. */
void json_write_open(struct json_writer *writer, const char *name, char bracket); /* { or [ */
void json_write_close(struct json_writer *writer, char bracket);                  /* } or ] */
void json_write_text(struct json_writer *writer, const char *name,
                     const char *value); /* NULL: no */
void json_write_integer(struct json_writer *writer, const char *name, int64_t value);
void json_write_true(struct json_writer *writer, const char *name, bool value); /* false: nothing */
void json_write_raw(struct json_writer *writer, const char *name, struct span json); /* empty: no */
/* Finished members, separated by commas, as they are; empty adds nothing. */
void json_write_members(struct json_writer *writer, struct span members);

#endif
