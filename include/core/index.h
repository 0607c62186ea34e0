/* What is known, at 48 bytes each and its id: found by the bytes of its element or by its id. */
#ifndef CORE_INDEX_H
#define CORE_INDEX_H

#include "core/base.h"

struct index;

#define INDEX_NONE UINT32_MAX

/* Of orders, and of appointments that are a collection of their own. */
struct index_entry {
    uint64_t raw_fingerprint; /* of its element's bytes; 0: not known. Set by index_set_raw only */
    uint32_t id_hash, id_offset;
    uint32_t seen_in; /* the reading that last saw it */
    union {
        uint32_t owner;     /* appointments: their order in what moved */
        uint32_t start_min; /* orders: when their next appointment begins (attention.h) */
    };
    uint32_t next;            /* what came after it on the list; INDEX_NONE: not known */
    uint32_t raw_size : 21;   /* of its element; 0: not known */
    uint32_t misses : 8;      /* complete sweeps in a row without it */
    bool has_left : 1;        /* closed or disappeared: kept, for it may come back */
    bool is_detail_alike : 1; /* orders: their detail was seen to say what the list says */
};

struct index *index_create(void);
void index_destroy(struct index *index); /* NULL is fine */
void index_clear(struct index *index);

size_t index_count(const struct index *index);
/* Both give a position below index_count, stable for the index's life, or INDEX_NONE. */
uint32_t index_find_raw(const struct index *index, uint64_t raw_fingerprint);
uint32_t index_find_id(const struct index *index, const char *id);
uint32_t index_add(struct index *index, const char *id,
                   uint64_t raw_fingerprint); /* not there yet */
/* The same of ids that a primary key tells apart: to look for each would be a third of a start. */
uint32_t index_append(struct index *index, const char *id, uint64_t raw_fingerprint);
void index_set_raw(struct index *index, uint32_t position, uint64_t raw_fingerprint);
void index_forget_raw(struct index *index); /* every element is looked at again */

uint32_t index_hash_id(const char *id); /* what index_entry.id_hash is */
struct index_entry *index_at(const struct index *index, uint32_t position);
const char *index_id(const struct index *index, uint32_t position);
size_t index_memory(const struct index *index); /* bytes held */

#endif
