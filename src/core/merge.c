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

/* --- a look-up -------------------------------------------------------------------------------- */

/* Bits beyond those of the order's own fields. */
#define BIT_NOTES (UINT32_C(1) << ORDER_FIELD_COUNT)
#define BIT_APPOINTMENTS (BIT_NOTES << 1)
#define BIT_APPOINTMENT_FIELD(field) (BIT_APPOINTMENTS << (1 + (field)))
_Static_assert(ORDER_FIELD_COUNT + 2 + APPOINTMENT_FIELD_COUNT <= 32, "too many for 32 bits");

uint32_t merge_shown(const struct record *record)
{
    uint32_t shown = record->note_count != 0 ? BIT_NOTES : 0;
    for (size_t i = 0; i < ORDER_FIELD_COUNT; i++) {
        shown |= record->fields[i] != NULL ? UINT32_C(1) << i : 0;
    }
    for (size_t i = 0; i < record->appointment_count; i++) {
        shown |= BIT_APPOINTMENTS;
        for (size_t field = 0; field < APPOINTMENT_FIELD_COUNT; field++) {
            bool has_field = record->appointments[i].fields[field] != NULL;
            shown |= has_field ? BIT_APPOINTMENT_FIELD(field) : 0;
        }
    }
    return shown;
}

static bool has_extra(const struct extra *extras, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (text_equal(extras[i].name, name)) {
            return true;
        }
    }
    return false;
}

static bool has_appointment_extra(const struct record *record, const char *name)
{
    for (size_t i = 0; i < record->appointment_count; i++) {
        if (has_extra(record->appointments[i].extras, record->appointments[i].extra_count, name)) {
            return true;
        }
    }
    return false;
}

static struct appointment shown_appointment(const struct record *before,
                                            const struct appointment *now, uint32_t shown,
                                            struct arena *arena)
{
    struct appointment masked = *now;
    for (size_t i = 0; i < APPOINTMENT_FIELD_COUNT; i++) {
        if ((shown & BIT_APPOINTMENT_FIELD(i)) == 0) {
            masked.fields[i] = NULL;
        }
    }
    struct extra *extras = arena_array(arena, now->extra_count, sizeof *extras);
    masked.extras = extras;
    masked.extra_count = 0;
    for (size_t i = 0; i < now->extra_count; i++) {
        if (has_appointment_extra(before, now->extras[i].name)) {
            extras[masked.extra_count++] = now->extras[i];
        }
    }
    return masked;
}

static void take_appointments(const struct record *before, const struct record *detail,
                              uint32_t shown, struct arena *arena, struct record *out)
{
    struct appointment *list = arena_array(arena, detail->appointment_count, sizeof *list);
    for (size_t i = 0; i < detail->appointment_count; i++) {
        list[i] = shown_appointment(before, &detail->appointments[i], shown, arena);
    }
    out->appointments = list;
    out->appointment_count = detail->appointment_count;
}

static void take_extras(const struct record *before, const struct record *detail,
                        struct arena *arena, struct record *out)
{
    struct extra *extras = arena_array(arena, detail->extra_count, sizeof *extras);
    out->extras = extras;
    out->extra_count = 0;
    for (size_t i = 0; i < detail->extra_count; i++) {
        if (has_extra(before->extras, before->extra_count, detail->extras[i].name)) {
            extras[out->extra_count++] = detail->extras[i];
        }
    }
}

struct record merge_look_up(const struct record *before, const struct record *detail,
                            uint32_t shown, struct arena *arena)
{
    struct record merged = *before;
    for (size_t i = 0; i < ORDER_FIELD_COUNT; i++) {
        if ((shown & (UINT32_C(1) << i)) != 0) {
            merged.fields[i] = detail->fields[i];
        }
    }
    if ((shown & (UINT32_C(1) << ORDER_STATUS)) != 0) {
        merged.kind = detail->kind;
    }
    if ((shown & BIT_NOTES) != 0) {
        merged.notes = detail->notes;
        merged.note_count = detail->note_count;
        merged.older_note_count = detail->older_note_count;
    }
    take_extras(before, detail, arena, &merged);
    if ((shown & BIT_APPOINTMENTS) != 0) {
        take_appointments(before, detail, shown, arena, &merged);
    }
    return merged;
}

/* --- appointments of their own ---------------------------------------------------------------- */

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
