#include "core/page_memory.h"

#include <stdlib.h>
#include <string.h>

struct known_page {
    uint64_t fingerprint; /* 0: not kept */
    uint64_t raw_sum; /* of its elements' fingerprints: another one, and it is not what it was */
    uint32_t *positions;
    uint32_t count;
    char *origin_texts; /* of the origin, one after the other; NULL: no origin */
    struct page_origin origin;
};

struct page_memory {
    struct known_page *pages;
    uint32_t page_count;
    uint32_t *collected;
    uint32_t collected_count, collected_capacity;
    bool is_all_known;
};

struct page_memory *page_memory_create(void)
{
    return alloc(sizeof(struct page_memory));
}

void page_memory_destroy(struct page_memory *memory)
{
    if (memory == NULL) {
        return;
    }
    for (uint32_t i = 0; i < memory->page_count; i++) {
        free(memory->pages[i].positions);
        free(memory->pages[i].origin_texts);
    }
    free(memory->pages);
    free(memory->collected);
    free(memory);
}

static uint64_t raw_sum(const struct index *index, const uint32_t *positions, uint32_t count)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        sum += index_at(index, positions[i])->raw_fingerprint;
    }
    return sum;
}

static bool is_as_it_was(const struct known_page *page, const struct index *index, uint32_t mark)
{
    if (page->count == 0) {
        return false;
    }
    for (uint32_t i = 0; i < page->count; i++) {
        const struct index_entry *entry = index_at(index, page->positions[i]);
        if (entry->has_left || entry->raw_fingerprint == 0 || entry->seen_in == mark) {
            return false;
        }
    }
    return raw_sum(index, page->positions, page->count) == page->raw_sum;
}

uint32_t page_memory_last(const struct page_memory *memory, uint32_t page_number)
{
    CHECK(page_number < memory->page_count && memory->pages[page_number].count != 0);
    const struct known_page *page = &memory->pages[page_number];
    return page->positions[page->count - 1];
}

bool page_memory_mark(const struct page_memory *memory, uint32_t page_number, uint64_t fingerprint,
                      struct index *index, uint32_t mark, struct page_elements *out)
{
    if (page_number >= memory->page_count) {
        return false;
    }
    const struct known_page *page = &memory->pages[page_number];
    if (page->fingerprint != fingerprint || !is_as_it_was(page, index, mark)) {
        return false;
    }
    *out = (struct page_elements){.count = page->count};
    for (uint32_t i = 0; i < page->count; i++) {
        struct index_entry *entry = index_at(index, page->positions[i]);
        entry->seen_in = mark;
        out->id_sum += entry->id_hash;
    }
    return true;
}

void page_memory_begin(struct page_memory *memory)
{
    memory->collected_count = 0;
    memory->is_all_known = true;
}

void page_memory_add(struct page_memory *memory, uint32_t position)
{
    memory->is_all_known = memory->is_all_known && position != INDEX_NONE;
    if (!memory->is_all_known) {
        return;
    }
    if (memory->collected_count == memory->collected_capacity) {
        memory->collected_capacity += memory->collected_capacity / 2 + 128;
        memory->collected =
            alloc_resize(memory->collected, memory->collected_capacity, sizeof(uint32_t));
    }
    memory->collected[memory->collected_count++] = position;
}

static struct known_page *page_at(struct page_memory *memory, uint32_t page_number)
{
    if (page_number >= memory->page_count) {
        uint32_t count = page_number + 1;
        memory->pages = alloc_resize(memory->pages, count, sizeof *memory->pages);
        memset(memory->pages + memory->page_count, 0,
               (count - memory->page_count) * sizeof *memory->pages);
        memory->page_count = count;
    }
    return &memory->pages[page_number];
}

void page_memory_end(struct page_memory *memory, uint32_t page_number, uint64_t fingerprint,
                     const struct index *index)
{
    struct known_page *page = page_at(memory, page_number);
    free(page->positions);
    free(page->origin_texts);
    *page = (struct known_page){0};
    if (!memory->is_all_known || memory->collected_count == 0) {
        return;
    }
    page->fingerprint = fingerprint;
    page->count = memory->collected_count;
    page->positions = alloc_array(page->count, sizeof *page->positions);
    memcpy(page->positions, memory->collected, page->count * sizeof *page->positions);
    page->raw_sum = raw_sum(index, page->positions, page->count);
}

/* --- where a page came from ------------------------------------------------------------------- */

static size_t size_of(const char *text)
{
    return text != NULL ? strlen(text) + 1 : 0;
}

static const char *keep_text(char **end, const char *text)
{
    if (text == NULL) {
        return NULL;
    }
    char *kept = *end;
    memcpy(kept, text, strlen(text) + 1);
    *end += strlen(text) + 1;
    return kept;
}

void page_memory_set_origin(struct page_memory *memory, uint32_t page_number,
                            const struct page_origin *origin)
{
    if (page_number >= memory->page_count || memory->pages[page_number].count == 0) {
        return;
    }
    struct known_page *page = &memory->pages[page_number];
    char *texts = alloc(size_of(origin->etag) + size_of(origin->last_modified) +
                        size_of(origin->link) + origin->cursor.size + 1);
    char *end = texts;
    page->origin = *origin;
    page->origin.etag = keep_text(&end, origin->etag);
    page->origin.last_modified = keep_text(&end, origin->last_modified);
    page->origin.link = keep_text(&end, origin->link);
    if (origin->cursor.size != 0) {
        memcpy(end, origin->cursor.data, origin->cursor.size);
    }
    page->origin.cursor.data = end;
    free(page->origin_texts);
    page->origin_texts = texts;
}

bool page_memory_recall(const struct page_memory *memory, uint32_t page_number,
                        const struct index *index, uint32_t mark, struct page_origin *out,
                        uint64_t *fingerprint)
{
    if (page_number >= memory->page_count) {
        return false;
    }
    const struct known_page *page = &memory->pages[page_number];
    if (page->origin_texts == NULL || !is_as_it_was(page, index, mark)) {
        return false;
    }
    *out = page->origin;
    *fingerprint = page->fingerprint;
    return true;
}
