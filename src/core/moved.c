#include "core/moved.h"

#include "core/arena.h"
#include "core/index.h"
#include "core/text.h"

#include <stdlib.h>
#include <string.h>

struct link {
    const char *appointment_id;
    const struct appointment *appointment; /* NULL: gone */
    uint32_t next;                         /* of the same order; INDEX_NONE: the last */
};

struct moved {
    struct arena *arena;
    struct index *orders; /* owner: first link; seen_in: 1 once taken */
    struct link *links;
    uint32_t count, capacity;
};

struct moved *moved_create(void)
{
    struct moved *moved = alloc(sizeof *moved);
    moved->arena = arena_create();
    moved->orders = index_create();
    return moved;
}

void moved_destroy(struct moved *moved)
{
    if (moved == NULL) {
        return;
    }
    arena_destroy(moved->arena);
    index_destroy(moved->orders);
    free(moved->links);
    free(moved);
}

void moved_clear(struct moved *moved)
{
    arena_reset(moved->arena);
    index_clear(moved->orders);
    free(moved->links);
    moved->links = NULL;
    moved->count = 0;
    moved->capacity = 0;
}

struct arena *moved_arena(struct moved *moved)
{
    return moved->arena;
}

size_t moved_order_count(const struct moved *moved)
{
    return index_count(moved->orders);
}

uint32_t moved_add(struct moved *moved, const char *order_id, const char *appointment_id,
                   const struct appointment *appointment)
{
    uint32_t order = index_find_id(moved->orders, order_id);
    if (order == INDEX_NONE) {
        order = index_add(moved->orders, order_id, 0);
    }
    if (moved->count == moved->capacity) {
        moved->capacity += moved->capacity / 2 + 16;
        moved->links = alloc_resize(moved->links, moved->capacity, sizeof *moved->links);
    }
    struct index_entry *entry = index_at(moved->orders, order);
    moved->links[moved->count] =
        (struct link){.appointment_id = arena_text(moved->arena, span_of(appointment_id)),
                      .appointment = appointment,
                      .next = entry->owner};
    entry->owner = moved->count++;
    return order;
}

static void take_links(const struct moved *moved, uint32_t first, struct arena *arena,
                       struct moved_set *out)
{
    size_t count = 0;
    for (uint32_t i = first; i != INDEX_NONE; i = moved->links[i].next) {
        count++;
    }
    struct appointment *appointments = arena_array(arena, count, sizeof *appointments);
    const char **removed_ids = arena_array(arena, count, sizeof *removed_ids);
    *out = (struct moved_set){.appointments = appointments, .removed_ids = removed_ids};
    for (uint32_t i = first; i != INDEX_NONE; i = moved->links[i].next) {
        const struct link *link = &moved->links[i];
        if (link->appointment != NULL) {
            appointments[out->appointment_count++] = *link->appointment;
        } else {
            removed_ids[out->removed_count++] = link->appointment_id;
        }
    }
}

bool moved_take(struct moved *moved, const char *order_id, struct arena *arena,
                struct moved_set *out)
{
    if (index_count(moved->orders) == 0) {
        return false;
    }
    uint32_t order = index_find_id(moved->orders, order_id);
    if (order == INDEX_NONE) {
        return false;
    }
    struct index_entry *entry = index_at(moved->orders, order);
    entry->seen_in = 1;
    take_links(moved, entry->owner, arena, out);
    return true;
}

bool moved_holds(const struct moved *moved, const char *order_id)
{
    return index_count(moved->orders) != 0 && index_find_id(moved->orders, order_id) != INDEX_NONE;
}

void moved_untake(struct moved *moved)
{
    for (uint32_t i = 0; i < index_count(moved->orders); i++) {
        index_at(moved->orders, i)->seen_in = 0;
    }
}

bool moved_is_taken(const struct moved *moved, uint32_t order_number)
{
    return index_at(moved->orders, order_number)->seen_in == 1;
}

void moved_add_key(struct text *out, const char *order_id, const char *appointment_id)
{
    text_addf(out, "%zu:%s%s", strlen(order_id), order_id, appointment_id);
}

void moved_split_key(const char *key, struct arena *arena, const char **order_id,
                     const char **appointment_id)
{
    char *colon = NULL;
    size_t size = (size_t)strtoull(key, &colon, 10);
    CHECK(*colon == ':' && strlen(colon + 1) >= size);
    *order_id = arena_text(arena, (struct span){.data = colon + 1, .size = size});
    *appointment_id = arena_text(arena, span_of(colon + 1 + size));
}
