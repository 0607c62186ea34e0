#include "core/merge.h"

#include "core/arena.h"

#include <stdlib.h>
#include <string.h>

struct record merge_detail(const struct record *before, const struct record *detail)
{
    struct record merged = *detail;
    merged.id = before->id;
    for (size_t i = 0; i < ORDER_FIELD_COUNT; i++) {
        if (merged.fields[i] == NULL) {
            merged.fields[i] = before->fields[i];
        }
    }
    if (detail->fields[ORDER_STATUS] == NULL) {
        merged.kind = before->kind;
    }
    if (detail->note_count == 0) {
        merged.notes = before->notes;
        merged.note_count = before->note_count;
        merged.older_note_count = before->older_note_count;
    }
    if (detail->extra_count == 0) {
        merged.extras = before->extras;
        merged.extra_count = before->extra_count;
    }
    if (detail->appointment_count == 0) {
        merged.appointments = before->appointments;
        merged.appointment_count = before->appointment_count;
    }
    return merged;
}

static int by_id(const void *left, const void *right)
{
    const struct appointment *one = left;
    const struct appointment *other = right;
    return strcmp(one->id, other->id);
}

void merge_sort_appointments(struct appointment *appointments, size_t *count)
{
    if (*count > 1) {
        qsort(appointments, *count, sizeof *appointments, by_id);
    }
    if (*count > APPOINTMENT_COUNT_MAX) {
        *count = APPOINTMENT_COUNT_MAX;
    }
}

static bool is_among(const char *id, const char *const *ids, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (text_equal(ids[i], id)) {
            return true;
        }
    }
    return false;
}

static bool is_replaced(const char *id, const struct appointment *others, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (text_equal(others[i].id, id)) {
            return true;
        }
    }
    return false;
}

void merge_appointments(struct record *base, const struct appointment *others, size_t other_count,
                        const char *const *removed_ids, size_t removed_count, struct arena *arena)
{
    struct appointment *merged =
        arena_array(arena, base->appointment_count + other_count, sizeof *merged);
    size_t count = 0;
    for (size_t i = 0; i < base->appointment_count; i++) {
        const struct appointment *known = &base->appointments[i];
        if (!is_among(known->id, removed_ids, removed_count) &&
            !is_replaced(known->id, others, other_count)) {
            merged[count++] = *known;
        }
    }
    for (size_t i = 0; i < other_count; i++) {
        if (!is_replaced(others[i].id, others, i)) {
            merged[count++] = others[i];
        }
    }
    merge_sort_appointments(merged, &count);
    base->appointments = merged;
    base->appointment_count = count;
}
