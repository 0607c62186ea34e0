#include "core/diff.h"

#include "core/arena.h"
#include "core/status_text.h"

#include <string.h>

const struct change *change_list_find(const struct change_list *list, const char *field)
{
    for (size_t i = 0; i < list->count; i++) {
        if (text_equal(list->items[i].field, field)) {
            return &list->items[i];
        }
    }
    return NULL;
}

static void add_change(struct change_list *list, const char *field, const char *from,
                       const char *to)
{
    list->items[list->count++] = (struct change){.field = field, .from = from, .to = to};
}

static void compare(struct change_list *list, const char *field, const char *from, const char *to)
{
    if (!text_equal(from, to)) {
        add_change(list, field, from, to);
    }
}

static struct change_list list_create(struct arena *arena, size_t count_max)
{
    return (struct change_list){.items = arena_array(arena, count_max, sizeof(struct change))};
}

/* Both lists are sorted by name: one walk. */
static void compare_extras(struct change_list *list, const struct extra *before,
                           size_t before_count, const struct extra *after, size_t after_count,
                           struct arena *arena)
{
    size_t left = 0;
    size_t right = 0;
    while (left < before_count || right < after_count) {
        int order = left == before_count   ? 1
                    : right == after_count ? -1
                                           : strcmp(before[left].name, after[right].name);
        const char *name = order <= 0 ? before[left].name : after[right].name;
        const char *from = order <= 0 ? before[left++].value : NULL;
        const char *to = order >= 0 ? after[right++].value : NULL;
        if (!text_equal(from, to)) {
            add_change(list, arena_format(arena, "extra.%s", name), from, to);
        }
    }
}

/* --- notes --- */

static bool is_same_note(const struct note *left, const struct note *right)
{
    if (left->id != NULL || right->id != NULL) {
        return text_equal(left->id, right->id);
    }
    return text_equal(left->date, right->date) && text_equal(left->author, right->author) &&
           text_equal(left->text, right->text);
}

static const struct note *find_note(const struct record *record, const struct note *wanted)
{
    for (size_t i = 0; i < record->note_count; i++) {
        if (is_same_note(&record->notes[i], wanted)) {
            return &record->notes[i];
        }
    }
    return NULL;
}

/* Notes before the first one known to both are older ones that moved into or out of what is kept.
 */
static size_t first_common_note(const struct record *record, const struct record *other)
{
    for (size_t i = 0; i < record->note_count; i++) {
        if (find_note(other, &record->notes[i]) != NULL) {
            return i;
        }
    }
    return record->note_count;
}

static void find_new_notes(const struct record *before, const struct record *after,
                           struct arena *arena, struct diff *out)
{
    const struct note **found = arena_array(arena, after->note_count, sizeof(const struct note *));
    size_t first = 0;
    if (before->older_note_count != 0) {
        first = first_common_note(after, before);
        first = first == after->note_count ? 0 : first;
    }
    for (size_t i = first; i < after->note_count; i++) {
        if (find_note(before, &after->notes[i]) == NULL) {
            found[out->new_note_count++] = &after->notes[i];
        }
    }
    out->new_notes = found;
    size_t known = before->note_count + before->older_note_count + out->new_note_count;
    size_t all = after->note_count + after->older_note_count;
    out->unkept_note_count = out->new_note_count != 0 && all > known ? all - known : 0;
}

/* What leaves at the old end while something new came is age, not a withdrawal. */
static void compare_known_notes(const struct record *before, const struct record *after,
                                struct diff *out)
{
    bool ages = out->new_note_count != 0 || after->older_note_count != 0;
    size_t first = ages ? first_common_note(before, after) : 0;
    for (size_t i = first; i < before->note_count; i++) {
        const struct note *now = find_note(after, &before->notes[i]);
        compare(&out->rest, "notes", before->notes[i].text, now != NULL ? now->text : NULL);
    }
}

/* --- appointments --- */

static void compare_appointment(const struct appointment *before, const struct appointment *after,
                                struct arena *arena, struct appointment_diff *out)
{
    static const struct appointment nothing = {0};
    const struct appointment *from = before != NULL ? before : &nothing;
    const struct appointment *to = after != NULL ? after : &nothing;
    *out = (struct appointment_diff){.before = before, .after = after};
    out->changes =
        list_create(arena, APPOINTMENT_FIELD_COUNT + from->extra_count + to->extra_count);
    out->is_status_moved =
        !status_text_same(from->fields[APPOINTMENT_STATUS], to->fields[APPOINTMENT_STATUS]);
    for (size_t i = 0; i < APPOINTMENT_FIELD_COUNT; i++) {
        if (i != APPOINTMENT_STATUS || out->is_status_moved) {
            compare(&out->changes, appointment_field_name((enum appointment_field)i),
                    from->fields[i], to->fields[i]);
        }
    }
    compare_extras(&out->changes, from->extras, from->extra_count, to->extras, to->extra_count,
                   arena);
}

static void compare_appointments(const struct record *before, const struct record *after,
                                 struct arena *arena, struct diff *out)
{
    size_t count_max = before->appointment_count + after->appointment_count;
    struct appointment_diff *found = arena_array(arena, count_max, sizeof *found);
    size_t left = 0;
    size_t right = 0;
    while (left < before->appointment_count || right < after->appointment_count) {
        int order = left == before->appointment_count ? 1
                    : right == after->appointment_count
                        ? -1
                        : strcmp(before->appointments[left].id, after->appointments[right].id);
        const struct appointment *old = order <= 0 ? &before->appointments[left++] : NULL;
        const struct appointment *new = order >= 0 ? &after->appointments[right++] : NULL;
        struct appointment_diff *diff = &found[out->appointment_count];
        compare_appointment(old, new, arena, diff);
        if (old == NULL || new == NULL || diff->changes.count != 0) {
            out->appointment_count++;
        }
    }
    out->appointments = found;
}

/* --- the order --- */

static void compare_status(const struct record *before, const struct record *after,
                           struct diff *out)
{
    static const enum order_field fields[] = {ORDER_STATUS, ORDER_STEP};
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
        const char *from = before->fields[fields[i]];
        const char *to = after->fields[fields[i]];
        if (!status_text_same(from, to)) {
            add_change(&out->status, order_field_name(fields[i]), from, to);
            out->is_status_moved = out->is_status_moved || fields[i] == ORDER_STATUS;
        }
    }
}

static void compare_fields(const struct record *before, const struct record *after,
                           struct diff *out)
{
    for (size_t i = 0; i < ORDER_FIELD_COUNT; i++) {
        enum order_field field = (enum order_field)i;
        if (field == ORDER_STATUS || field == ORDER_STEP || field == ORDER_URL) {
            continue; /* where an order can be looked at is nothing that happened to it */
        }
        struct change_list *list = &out->rest;
        if (field == ORDER_COMPLETED_DATE && out->status.count != 0) {
            list = &out->status;
        } else if (order_field_is_date(field)) {
            list = &out->dates;
        }
        compare(list, order_field_name(field), before->fields[i], after->fields[i]);
    }
}

static void list_everything(const struct record *after, struct arena *arena, struct diff *out)
{
    for (size_t i = 0; i < ORDER_FIELD_COUNT; i++) {
        compare(&out->rest, order_field_name((enum order_field)i), NULL, after->fields[i]);
    }
    compare_extras(&out->rest, after->extras, 0, after->extras, after->extra_count, arena);
}

void diff_records(const struct record *before, const struct record *after, struct arena *arena,
                  struct diff *out)
{
    static const struct record nothing = {0};
    const struct record *from = before != NULL ? before : &nothing;
    *out = (struct diff){0};
    out->status = list_create(arena, 3);
    out->dates = list_create(arena, ORDER_FIELD_COUNT);
    out->rest = list_create(arena, ORDER_FIELD_COUNT + from->extra_count + after->extra_count +
                                       from->note_count);
    compare_appointments(from, after, arena, out);
    if (before == NULL) {
        list_everything(after, arena, out);
        return;
    }
    CHECK(text_equal(before->id, after->id));
    compare_status(before, after, out);
    compare_fields(before, after, out);
    compare_extras(&out->rest, before->extras, before->extra_count, after->extras,
                   after->extra_count, arena);
    find_new_notes(before, after, arena, out);
    compare_known_notes(before, after, out);
}

static void append(struct change_list *list, const struct change_list *more)
{
    if (more->count != 0) {
        memcpy(list->items + list->count, more->items, more->count * sizeof *more->items);
        list->count += more->count;
    }
}

struct change_list diff_all_changes(const struct diff *diff, struct arena *arena)
{
    struct change_list all = list_create(arena, diff->status.count + diff->dates.count +
                                                    diff->rest.count + diff->new_note_count);
    append(&all, &diff->status);
    append(&all, &diff->dates);
    for (size_t i = 0; i < diff->new_note_count; i++) {
        add_change(&all, "notes", NULL, diff->new_notes[i]->text);
    }
    append(&all, &diff->rest);
    return all;
}
