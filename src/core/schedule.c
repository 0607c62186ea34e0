#include "core/schedule.h"

#include <stdlib.h>

struct schedule {
    struct schedule_entry **heap; /* from place 1; the parent of place n is n / 2 */
    size_t count;
    size_t capacity;
};

struct schedule *schedule_create(void)
{
    struct schedule *schedule = alloc(sizeof *schedule);
    schedule->capacity = 16;
    schedule->heap = alloc_array(schedule->capacity, sizeof(struct schedule_entry *));
    return schedule;
}

void schedule_destroy(struct schedule *schedule)
{
    if (schedule == NULL) {
        return;
    }
    free(schedule->heap);
    free(schedule);
}

static void put(struct schedule *schedule, struct schedule_entry *entry, size_t place)
{
    schedule->heap[place] = entry;
    entry->place = place;
}

static bool is_earlier(const struct schedule *schedule, size_t left, size_t right)
{
    return schedule->heap[left]->due_mono_ms < schedule->heap[right]->due_mono_ms;
}

static void swap(struct schedule *schedule, size_t left, size_t right)
{
    struct schedule_entry *entry = schedule->heap[left];
    put(schedule, schedule->heap[right], left);
    put(schedule, entry, right);
}

static void rise(struct schedule *schedule, size_t place)
{
    for (; place > 1 && is_earlier(schedule, place, place / 2); place /= 2) {
        swap(schedule, place, place / 2);
    }
}

static void sink(struct schedule *schedule, size_t place)
{
    for (;;) {
        size_t child = 2 * place;
        if (child < schedule->count && is_earlier(schedule, child + 1, child)) {
            child++;
        }
        if (child > schedule->count || !is_earlier(schedule, child, place)) {
            return;
        }
        swap(schedule, child, place);
        place = child;
    }
}

static void insert(struct schedule *schedule, struct schedule_entry *entry)
{
    if (schedule->count + 1 == schedule->capacity) {
        schedule->capacity *= 2;
        schedule->heap =
            alloc_resize(schedule->heap, schedule->capacity, sizeof(struct schedule_entry *));
    }
    put(schedule, entry, ++schedule->count);
}

void schedule_set(struct schedule *schedule, struct schedule_entry *entry, int64_t due_mono_ms)
{
    if (due_mono_ms == INSTANT_NEVER) {
        schedule_remove(schedule, entry);
        return;
    }
    if (entry->place == 0) {
        insert(schedule, entry);
    }
    CHECK(schedule->heap[entry->place] == entry);
    entry->due_mono_ms = due_mono_ms;
    rise(schedule, entry->place);
    sink(schedule, entry->place);
}

void schedule_remove(struct schedule *schedule, struct schedule_entry *entry)
{
    if (entry->place == 0) {
        return;
    }
    CHECK(entry->place <= schedule->count && schedule->heap[entry->place] == entry);
    struct schedule_entry *last = schedule->heap[schedule->count--];
    if (last != entry) {
        put(schedule, last, entry->place);
        rise(schedule, last->place);
        sink(schedule, last->place);
    }
    entry->place = 0;
}

int64_t schedule_next_due(const struct schedule *schedule)
{
    return schedule->count != 0 ? schedule->heap[1]->due_mono_ms : INSTANT_NEVER;
}

struct schedule_entry *schedule_pop_due(struct schedule *schedule, int64_t now_mono_ms)
{
    if (schedule->count == 0 || schedule->heap[1]->due_mono_ms > now_mono_ms) {
        return NULL;
    }
    struct schedule_entry *entry = schedule->heap[1];
    schedule_remove(schedule, entry);
    return entry;
}
