/* Appointments of a collection of their own that are new, changed or gone, waiting for their order
 * to come by in the same sweep. */
#ifndef CORE_MOVED_H
#define CORE_MOVED_H

#include "core/record.h"

struct arena;
struct index;
struct moved;

struct moved *moved_create(void);
void moved_destroy(struct moved *moved); /* NULL is fine */
void moved_clear(struct moved *moved);
struct arena *moved_arena(struct moved *moved); /* lives until moved_clear */
size_t moved_order_count(const struct moved *moved);

/* appointment (in moved_arena) NULL: gone. Both give the order's number here. */
uint32_t moved_add(struct moved *moved, const char *order_id, const char *appointment_id,
                   const struct appointment *appointment);

struct moved_set {
    const struct appointment *appointments;
    size_t appointment_count;
    const char *const *removed_ids;
    size_t removed_count;
};

/* Gives what belongs to the order and marks it as taken; false: nothing does. In arena. */
bool moved_take(struct moved *moved, const char *order_id, struct arena *arena,
                struct moved_set *out);
bool moved_holds(const struct moved *moved, const char *order_id);
void moved_untake(struct moved *moved); /* the orders are read again */
bool moved_is_taken(const struct moved *moved, uint32_t order_number);

/* The key of an appointment in an index: its order's id and its own, told apart by length. */
void moved_add_key(struct text *out, const char *order_id, const char *appointment_id);
void moved_split_key(const char *key, struct arena *arena, const char **order_id,
                     const char **appointment_id);

#endif
