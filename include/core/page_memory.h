/* Pages whose bytes are known as a whole: the same page again is not even cut into elements. */
#ifndef CORE_PAGE_MEMORY_H
#define CORE_PAGE_MEMORY_H

#include "core/index.h"
#include "core/text.h"

/* For each page of a collection: its fingerprint and its elements' positions in the index, 4 bytes
 * an element. Only pages of nothing but known elements are kept. */
struct page_memory;

/* What came with a page beside its elements. With it, the API's word that the page has not changed
 * is worth as much as the page. */
struct page_origin {
    uint64_t url_fingerprint;
    int64_t read_mono_ms;             /* when its bytes came last */
    const char *etag, *last_modified; /* verbatim; NULL: none */
    const char *link;                 /* NULL: none */
    struct span cursor;
    int64_t total;
};

/* Which elements a page has. */
struct page_elements {
    size_t count;
    uint64_t id_sum; /* of their ids' hashes */
};

struct page_memory *page_memory_create(void);
void page_memory_destroy(struct page_memory *memory); /* NULL is fine */

/* If page number page_number had these bytes before, and every element of it is still known by the
 * bytes it has there and not seen in this reading: marks them as seen, and says which. */
bool page_memory_mark(const struct page_memory *memory, uint32_t page_number, uint64_t fingerprint,
                      struct index *index, uint32_t mark, struct page_elements *out);

/* The last element of a page that was marked. */
uint32_t page_memory_last(const struct page_memory *memory, uint32_t page_number);

/* Copies the origin of a page that is kept; of another one it keeps nothing. */
void page_memory_set_origin(struct page_memory *memory, uint32_t page_number,
                            const struct page_origin *origin);
/* True if page_memory_mark would say so of the bytes that the page had, and its origin is known;
 * *out is valid until the page is set or collected again. */
bool page_memory_recall(const struct page_memory *memory, uint32_t page_number,
                        const struct index *index, uint32_t mark, struct page_origin *out,
                        uint64_t *fingerprint);

/* Collecting a page: begin, one add for each of its elements in order, end. */
void page_memory_begin(struct page_memory *memory);
void page_memory_add(struct page_memory *memory, uint32_t position); /* INDEX_NONE: not known */
void page_memory_end(struct page_memory *memory, uint32_t page_number, uint64_t fingerprint,
                     const struct index *index);

#endif
