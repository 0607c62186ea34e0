#include "core/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 4064 /* with its header and malloc's, one page */

struct block {
    struct block *older;
    size_t used, size;
    _Alignas(max_align_t) unsigned char bytes[];
};

struct arena {
    struct block *newest;
};

static struct block *block_create(size_t size, struct block *older)
{
    struct block *block = alloc(sizeof *block + size);
    block->older = older;
    block->size = size;
    return block;
}

struct arena *arena_create(void)
{
    return arena_create_small(BLOCK_BYTES);
}

struct arena *arena_create_small(size_t size)
{
    struct arena *arena = alloc(sizeof *arena);
    arena->newest = block_create(size, NULL);
    return arena;
}

void arena_reset(struct arena *arena)
{
    while (arena->newest->older != NULL) {
        struct block *older = arena->newest->older;
        free(arena->newest);
        arena->newest = older;
    }
    memset(arena->newest->bytes, 0, arena->newest->used);
    arena->newest->used = 0;
}

void arena_destroy(struct arena *arena)
{
    if (arena == NULL) {
        return;
    }
    for (struct block *block = arena->newest; block != NULL;) {
        struct block *older = block->older;
        free(block);
        block = older;
    }
    free(arena);
}

void arena_wipe(struct arena *arena)
{
    for (struct block *block = arena->newest; block != NULL; block = block->older) {
        explicit_bzero(block->bytes, block->used);
    }
}

void *arena_alloc(struct arena *arena, size_t size)
{
    CHECK(size < SIZE_MAX / 2);
    size_t rounded = (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
    struct block *block = arena->newest;
    if (rounded > block->size - block->used) {
        block = block_create(rounded > BLOCK_BYTES ? rounded : BLOCK_BYTES, block);
        arena->newest = block;
    }
    void *memory = block->bytes + block->used;
    block->used += rounded;
    return memory;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    CHECK(size != 0 && count <= SIZE_MAX / 2 / size);
    return arena_alloc(arena, count * size);
}

const char *arena_text(struct arena *arena, struct span bytes)
{
    char *copy = arena_alloc(arena, bytes.size + 1);
    if (bytes.size != 0) {
        memcpy(copy, bytes.data, bytes.size);
    }
    return copy;
}

const char *arena_format(struct arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    CHECK(size >= 0);
    char *text = arena_alloc(arena, (size_t)size + 1);
    (void)vsnprintf(text, (size_t)size + 1, format, again);
    va_end(again);
    return text;
}
