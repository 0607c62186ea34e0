/* Min-heap of due times: what comes next, of many things that wait. */
#ifndef CORE_SCHEDULE_H
#define CORE_SCHEDULE_H

#include "core/base.h"

/* Part of the thing that waits; zeroed before its first use. An entry in a schedule must not move.
 */
struct schedule_entry {
    int64_t due_mono_ms;
    size_t place; /* owned by schedule.c; 0: in no schedule */
};

struct schedule;

struct schedule *schedule_create(void);
void schedule_destroy(struct schedule *schedule); /* NULL is fine; entries are not touched */
/* Puts the entry in, or moves it when it is in; INSTANT_NEVER takes it out. */
void schedule_set(struct schedule *schedule, struct schedule_entry *entry, int64_t due_mono_ms);
void schedule_remove(struct schedule *schedule, struct schedule_entry *entry); /* in it or not */
int64_t schedule_next_due(const struct schedule *schedule); /* or INSTANT_NEVER */
/* Takes out the earliest entry if it is due at now; else NULL. */
struct schedule_entry *schedule_pop_due(struct schedule *schedule, int64_t now_mono_ms);

#endif
