/* Values as bytes, one after the other: for what this program alone reads again. */
#ifndef CORE_PACK_H
#define CORE_PACK_H

#include "core/base.h"

struct text;

void pack_number(struct text *out, int64_t number); /* small ones take one byte */
void pack_text(struct text *out, const char *text); /* NULL stays NULL */

/* Reads what was packed. Bytes that were not are noticed: from there on all is 0, NULL and none. */
struct pack_reader {
    const char *at, *end;
    bool is_broken;
};

struct pack_reader pack_reader(struct span bytes);
int64_t pack_read_number(struct pack_reader *reader);
/* How many of something follow, each of which takes a byte or more. */
size_t pack_read_count(struct pack_reader *reader);
const char *pack_read_text(struct pack_reader *reader); /* stands in the bytes */
/* All was read, and all of it was packed. */
bool pack_is_whole(const struct pack_reader *reader);

#endif
