/* Takes a body out of its packing (Content-Encoding: gzip, deflate) piece by piece, as it comes. */
#ifndef EDGE_UNPACK_H
#define EDGE_UNPACK_H

#include "core/base.h"

struct unpack;

enum unpack_step {
    UNPACK_SOME,    /* *unpacked are the next bytes, valid until the next step */
    UNPACK_TAKEN,   /* all of *packed is taken, and all that it holds was handed out */
    UNPACK_DAMAGED, /* unpack_check says how */
};

/* encoding: the header's value, NULL if there is none. Gives NULL if such a body is in clear; one
 * that cannot be read is damaged from its first step on. */
struct unpack *unpack_create(const char *encoding);
void unpack_destroy(struct unpack *unpack); /* NULL is fine */

/* Moves *packed forward by what it took. At most 64 KiB a step, however much a piece holds. */
enum unpack_step unpack_next(struct unpack *unpack, struct span *packed, struct span *unpacked);

/* Once all has come: STATUS_UNAVAILABLE unless it was sound and whole. */
enum status unpack_check(const struct unpack *unpack, struct failure *why) MUST_CHECK;

#endif
