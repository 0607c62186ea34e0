/* Puts together what several answers say of one order. */
#ifndef CORE_MERGE_H
#define CORE_MERGE_H

#include "core/record.h"

struct arena;

/* What an order looks like after it left: what the detail says, and what it is silent about as it
 * was. A detail need not have the shape of the list. */
struct record merge_detail(const struct record *before, const struct record *detail);

/* What a record shows, as bits: enum order_field first, then what else there can be. */
uint32_t merge_shown(const struct record *record);

/* What a look-up between two sweeps makes of an order. A detail may say more than the list: of it
 * only what the list shows of some order is taken (merge_shown), all of that, absent or not. */
struct record merge_look_up(const struct record *before, const struct record *detail,
                            uint32_t shown, struct arena *arena);

/* Appointments that are a collection of their own: those of base, without the removed, with the
 * others new or replaced. */
void merge_appointments(struct record *base, const struct appointment *others, size_t other_count,
                        const char *const *removed_ids, size_t removed_count, struct arena *arena);

/* Sorts by id, keeps the first APPOINTMENT_COUNT_MAX. */
void merge_sort_appointments(struct appointment *appointments, size_t *count);

#endif
