/* Cuts a page into the byte spans of its elements without parsing them. */
#ifndef CORE_SLICE_H
#define CORE_SLICE_H

#include "core/base.h"

/* Walks the bytes once, in portions that the caller chooses, so a turn of the loop stays short. */
struct slicer {
    struct span body;
    size_t position;
    size_t element_count;
    int state; /* slice.c's own */
};

enum slice_result { SLICE_ELEMENT, SLICE_END, SLICE_BROKEN };

/* items_pointer: where the list of elements is ("" = the body itself is the list). Objects before
 * it are skipped, not parsed. STATUS_NOT_FOUND: no list there; STATUS_INVALID: not JSON at all. */
enum status slice_open(struct slicer *slicer, struct span body, const char *items_pointer,
                       struct failure *why) MUST_CHECK;
/* SLICE_END only after the closing bracket and, for "", after nothing but white space follows. An
 * element's own inside is checked for balance only: who uses it parses it. */
enum slice_result slice_next(struct slicer *slicer, struct span *element);

#endif
