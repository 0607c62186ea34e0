/* Puts together what several answers say of one order. */
#ifndef CORE_MERGE_H
#define CORE_MERGE_H

#include "core/record.h"

struct arena;

/* What an order looks like after it left: what the detail says, and what it is silent about as it
 * was. A detail need not have the shape of the list. */
struct record merge_detail(const struct record *before, const struct record *detail);

/* Appointments that are a collection of their own: those of base, without the removed, with the
 * others new or replaced. */
void merge_appointments(struct record *base, const struct appointment *others, size_t other_count,
                        const char *const *removed_ids, size_t removed_count, struct arena *arena);

/* Sorts by id, keeps the first APPOINTMENT_COUNT_MAX. */
void merge_sort_appointments(struct appointment *appointments, size_t *count);

#endif
