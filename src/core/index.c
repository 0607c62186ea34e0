#include "core/index.h"

#include "core/hash.h"

#include <stdlib.h>
#include <string.h>

/* Open addressing with linear probing over positions; filled to at most two thirds. */
struct table {
    uint32_t *slots; /* INDEX_NONE: free */
    uint32_t mask;
    uint32_t count;
};

struct index {
    struct index_entry *entries;
    uint32_t count, capacity;
    struct table by_raw, by_id;
    char *ids; /* NUL-terminated, one after the other */
    uint32_t ids_size, ids_capacity;
};

_Static_assert(sizeof(struct index_entry) <= 32, "an entry has grown");

/* Entries that differ only in the key are told apart by it: 0 is no fingerprint. */
typedef uint64_t key_fn(const struct index_entry *entry);

static uint64_t raw_key(const struct index_entry *entry)
{
    return entry->raw_fingerprint;
}

static uint64_t id_key(const struct index_entry *entry)
{
    return entry->id_hash;
}

static void table_insert(struct table *table, uint64_t key, uint32_t position)
{
    uint32_t slot = (uint32_t)key & table->mask;
    while (table->slots[slot] != INDEX_NONE) {
        slot = (slot + 1) & table->mask;
    }
    table->slots[slot] = position;
    table->count++;
}

static void table_init(struct table *table, uint32_t size)
{
    table->slots = alloc_array(size, sizeof *table->slots);
    memset(table->slots, 0xff, size * sizeof *table->slots);
    table->mask = size - 1;
    table->count = 0;
}

static void table_reserve(struct table *table, const struct index_entry *entries, key_fn *key_of)
{
    uint32_t size = table->mask + 1;
    if (table->count < size / 3 * 2) {
        return;
    }
    struct table old = *table;
    table_init(table, size * 2);
    for (uint32_t slot = 0; slot < size; slot++) {
        if (old.slots[slot] != INDEX_NONE) {
            table_insert(table, key_of(&entries[old.slots[slot]]), old.slots[slot]);
        }
    }
    free(old.slots);
}

/* Takes a position out and moves those up that its slot had pushed on. */
static void table_remove(struct table *table, const struct index_entry *entries, key_fn *key_of,
                         uint32_t position)
{
    uint32_t hole = (uint32_t)key_of(&entries[position]) & table->mask;
    while (table->slots[hole] != position) {
        CHECK(table->slots[hole] != INDEX_NONE);
        hole = (hole + 1) & table->mask;
    }
    table->slots[hole] = INDEX_NONE;
    table->count--;
    for (uint32_t slot = (hole + 1) & table->mask; table->slots[slot] != INDEX_NONE;
         slot = (slot + 1) & table->mask) {
        uint32_t home = (uint32_t)key_of(&entries[table->slots[slot]]) & table->mask;
        if (((slot - home) & table->mask) >= ((slot - hole) & table->mask)) {
            table->slots[hole] = table->slots[slot];
            table->slots[slot] = INDEX_NONE;
            hole = slot;
        }
    }
}

#define TABLE_SIZE_MIN 64

struct index *index_create(void)
{
    struct index *index = alloc(sizeof *index);
    table_init(&index->by_raw, TABLE_SIZE_MIN);
    table_init(&index->by_id, TABLE_SIZE_MIN);
    return index;
}

static void release(struct index *index)
{
    free(index->entries);
    free(index->ids);
    free(index->by_raw.slots);
    free(index->by_id.slots);
}

void index_destroy(struct index *index)
{
    if (index != NULL) {
        release(index);
        free(index);
    }
}

void index_clear(struct index *index)
{
    release(index);
    *index = (struct index){0};
    table_init(&index->by_raw, TABLE_SIZE_MIN);
    table_init(&index->by_id, TABLE_SIZE_MIN);
}

size_t index_count(const struct index *index)
{
    return index->count;
}

uint32_t index_find_raw(const struct index *index, uint64_t raw_fingerprint)
{
    if (raw_fingerprint == 0) {
        return INDEX_NONE;
    }
    const struct table *table = &index->by_raw;
    uint32_t slot = (uint32_t)raw_fingerprint & table->mask;
    for (; table->slots[slot] != INDEX_NONE; slot = (slot + 1) & table->mask) {
        if (index->entries[table->slots[slot]].raw_fingerprint == raw_fingerprint) {
            return table->slots[slot];
        }
    }
    return INDEX_NONE;
}

uint32_t index_hash_id(const char *id)
{
    return (uint32_t)hash64(span_of(id));
}

uint32_t index_find_id(const struct index *index, const char *id)
{
    uint32_t hash = index_hash_id(id);
    const struct table *table = &index->by_id;
    uint32_t slot = hash & table->mask;
    for (; table->slots[slot] != INDEX_NONE; slot = (slot + 1) & table->mask) {
        uint32_t position = table->slots[slot];
        if (index->entries[position].id_hash == hash &&
            strcmp(index_id(index, position), id) == 0) {
            return position;
        }
    }
    return INDEX_NONE;
}

static uint32_t keep_id(struct index *index, const char *id)
{
    size_t size = strlen(id) + 1;
    CHECK(size <= UINT32_MAX / 2 - index->ids_size);
    uint32_t needed = index->ids_size + (uint32_t)size;
    if (needed > index->ids_capacity) {
        uint32_t roomy = index->ids_capacity + index->ids_capacity / 2 + 256;
        index->ids_capacity = needed > roomy ? needed : roomy;
        index->ids = alloc_resize(index->ids, index->ids_capacity, 1);
    }
    memcpy(index->ids + index->ids_size, id, size);
    uint32_t offset = index->ids_size;
    index->ids_size = needed;
    return offset;
}

uint32_t index_append(struct index *index, const char *id, uint64_t raw_fingerprint)
{
    CHECK(index->count < INDEX_NONE - 1);
    if (index->count == index->capacity) {
        index->capacity += index->capacity / 2 + 64;
        index->entries = alloc_resize(index->entries, index->capacity, sizeof *index->entries);
    }
    uint32_t position = index->count++;
    index->entries[position] = (struct index_entry){.id_hash = index_hash_id(id),
                                                    .id_offset = keep_id(index, id),
                                                    .owner = INDEX_NONE,
                                                    .next = INDEX_NONE};
    table_reserve(&index->by_id, index->entries, id_key);
    table_insert(&index->by_id, index->entries[position].id_hash, position);
    index_set_raw(index, position, raw_fingerprint);
    return position;
}

uint32_t index_add(struct index *index, const char *id, uint64_t raw_fingerprint)
{
    CHECK(index_find_id(index, id) == INDEX_NONE);
    return index_append(index, id, raw_fingerprint);
}

void index_set_raw(struct index *index, uint32_t position, uint64_t raw_fingerprint)
{
    struct index_entry *entry = index_at(index, position);
    if (entry->raw_fingerprint == raw_fingerprint) {
        return;
    }
    if (entry->raw_fingerprint != 0) {
        table_remove(&index->by_raw, index->entries, raw_key, position);
    }
    entry->raw_fingerprint = raw_fingerprint;
    entry->raw_size = 0;
    if (raw_fingerprint != 0) {
        table_reserve(&index->by_raw, index->entries, raw_key);
        table_insert(&index->by_raw, raw_fingerprint, position);
    }
}

void index_forget_raw(struct index *index)
{
    for (uint32_t i = 0; i < index->count; i++) {
        index->entries[i].raw_fingerprint = 0;
        index->entries[i].raw_size = 0;
    }
    memset(index->by_raw.slots, 0xff,
           ((size_t)index->by_raw.mask + 1) * sizeof *index->by_raw.slots);
    index->by_raw.count = 0;
}

struct index_entry *index_at(const struct index *index, uint32_t position)
{
    CHECK(position < index->count);
    return &index->entries[position];
}

const char *index_id(const struct index *index, uint32_t position)
{
    return index->ids + index_at(index, position)->id_offset;
}

size_t index_memory(const struct index *index)
{
    return sizeof *index + index->capacity * sizeof *index->entries + index->ids_capacity +
           ((size_t)index->by_raw.mask + 1 + index->by_id.mask + 1) * sizeof(uint32_t);
}
