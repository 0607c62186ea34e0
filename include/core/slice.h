/* Cuts a page into the byte spans of its elements without parsing them. */
#ifndef CORE_SLICE_H
#define CORE_SLICE_H

#include "core/base.h"

/* Walks the bytes once, in portions that the caller chooses, so a turn of the loop stays short. */
struct slicer {
    struct span body;
    size_t position;
    size_t element_count;
    int state;            /* this and the rest: slice.c's own */
    size_t depth;         /* how many objects the list is in */
    struct span list_key; /* the member that holds it */
};

enum slice_result { SLICE_ELEMENT, SLICE_END, SLICE_BROKEN };

/* items_pointer: where the list of elements is ("" = the body itself is the list), by names of
 * members only. What stands before it is skipped, not parsed. STATUS_NOT_FOUND: no list there;
 * STATUS_INVALID: not JSON at all. body is borrowed until the last slice_next. */
enum status slice_open(struct slicer *slicer, struct span body, const char *items_pointer,
                       struct failure *why) MUST_CHECK;
/* SLICE_END only when the list was closed, the objects around it too, no other list had its name,
 * and nothing but white space follows: the page is whole. An element's own inside is checked for
 * balance only: who uses it parses it. After SLICE_END and SLICE_BROKEN it stays so. */
enum slice_result slice_next(struct slicer *slicer, struct span *element);
/* True: the next element is this one, known by its size and fingerprint, and was taken without a
 * look inside; false: nothing has changed. */
bool slice_next_known(struct slicer *slicer, size_t size, uint64_t fingerprint);

/* The bytes of the value at a pointer (names of members only), for what stands beside the list: a
 * total, a cursor. It walks over everything before it. Statuses as slice_open. */
enum status slice_find(struct span body, const char *pointer, struct span *value,
                       struct failure *why) MUST_CHECK;

#endif
