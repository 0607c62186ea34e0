#include "core/respell.h"

#include "core/arena.h"
#include "core/date.h"
#include "core/utf8.h"
#include "core/zone.h"

#include <string.h>

/* --- texts ------------------------------------------------------------------------------------ */

static bool is_blank(uint32_t code_point)
{
    return code_point == ' ' || code_point == '\t' || code_point == '\n' || code_point == 0xa0 ||
           code_point == 0x1680 || (code_point >= 0x2000 && code_point <= 0x200a) ||
           code_point == 0x202f || code_point == 0x205f || code_point == 0x3000;
}

/* The next character, a run of blanks as one, and none at either end; 0 at the end. */
static uint32_t next_shown(struct span text, size_t *position)
{
    bool is_first = *position == 0;
    bool is_after_blank = false;
    while (*position < text.size) {
        size_t before = *position;
        uint32_t code_point = utf8_next(text, position);
        if (!is_blank(code_point)) {
            bool is_word_end = is_after_blank && !is_first;
            *position = is_word_end ? before : *position;
            return is_word_end ? ' ' : code_point;
        }
        is_after_blank = true;
    }
    return 0;
}

static bool looks_same(const char *left, const char *right)
{
    if (strcmp(left, right) == 0) {
        return true; /* nearly always */
    }
    struct span one = span_of(left);
    struct span other = span_of(right);
    size_t at_one = 0;
    size_t at_other = 0;
    for (;;) {
        uint32_t shown = next_shown(one, &at_one);
        if (shown != next_shown(other, &at_other)) {
            return false;
        }
        if (shown == 0) {
            return true;
        }
    }
}

/* --- days ------------------------------------------------------------------------------------- */

static bool is_midnight_of(struct date instant, struct date day, const struct zone *zone)
{
    return instant.kind == DATE_INSTANT && day.kind == DATE_DAY &&
           (instant.ms == day.ms || instant.ms == zone_to_utc(zone, day.ms));
}

static bool is_same_day(const char *left, const char *right, const struct zone *zone)
{
    struct date one = date_of(left);
    struct date other = date_of(right);
    return is_midnight_of(one, other, zone) || is_midnight_of(other, one, zone);
}

static const char *respell(const char *before, const char *after, bool is_date,
                           const struct zone *zone)
{
    if (before == NULL || after == NULL) {
        return after;
    }
    bool is_same = looks_same(before, after) || (is_date && is_same_day(before, after, zone));
    return is_same ? before : after;
}

/* --- the parts of a record -------------------------------------------------------------------- */

static void respell_fields(const struct record *before, struct record *after,
                           const struct zone *zone)
{
    for (size_t i = 0; i < ORDER_FIELD_COUNT; i++) {
        enum order_field field = (enum order_field)i;
        if (field != ORDER_STATUS && field != ORDER_STEP) {
            after->fields[i] =
                respell(before->fields[i], after->fields[i], order_field_is_date(field), zone);
        }
    }
}

static bool is_same_note(const struct note *left, const struct note *right)
{
    static const char nothing[] = "";
    return text_equal(left->id, right->id) && text_equal(left->date, right->date) &&
           looks_same(left->author != NULL ? left->author : nothing,
                      right->author != NULL ? right->author : nothing) &&
           looks_same(left->text != NULL ? left->text : nothing,
                      right->text != NULL ? right->text : nothing);
}

static struct note respell_note(const struct record *before, const struct note *note)
{
    for (size_t i = 0; i < before->note_count; i++) {
        if (is_same_note(&before->notes[i], note)) {
            return before->notes[i];
        }
    }
    return *note;
}

static void respell_notes(const struct record *before, struct record *after, struct arena *arena)
{
    struct note *notes = arena_array(arena, after->note_count, sizeof *notes);
    for (size_t i = 0; i < after->note_count; i++) {
        notes[i] = respell_note(before, &after->notes[i]);
    }
    after->notes = notes;
}

struct extra_list {
    const struct extra *items;
    size_t count;
};

static struct extra respell_extra(struct extra_list before, const struct extra *extra)
{
    for (size_t i = 0; i < before.count; i++) {
        if (text_equal(before.items[i].name, extra->name) &&
            looks_same(before.items[i].value, extra->value)) {
            return before.items[i];
        }
    }
    return *extra;
}

static const struct extra *respell_extras(struct extra_list before, struct extra_list after,
                                          struct arena *arena)
{
    struct extra *extras = arena_array(arena, after.count, sizeof *extras);
    for (size_t i = 0; i < after.count; i++) {
        extras[i] = respell_extra(before, &after.items[i]);
    }
    return extras;
}

static void respell_appointment(const struct appointment *known, struct appointment *now,
                                const struct zone *zone, struct arena *arena)
{
    for (size_t i = 0; i < APPOINTMENT_FIELD_COUNT; i++) {
        bool is_date = i == APPOINTMENT_START || i == APPOINTMENT_END;
        if (i != APPOINTMENT_STATUS) {
            now->fields[i] = respell(known->fields[i], now->fields[i], is_date, zone);
        }
    }
    now->extras = respell_extras((struct extra_list){known->extras, known->extra_count},
                                 (struct extra_list){now->extras, now->extra_count}, arena);
}

static void respell_appointments(const struct record *before, struct record *after,
                                 const struct zone *zone, struct arena *arena)
{
    struct appointment *all = arena_array(arena, after->appointment_count, sizeof *all);
    for (size_t i = 0; i < after->appointment_count; i++) {
        all[i] = after->appointments[i];
        const struct appointment *known = record_appointment(before, all[i].id);
        if (known != NULL) {
            respell_appointment(known, &all[i], zone, arena);
        }
    }
    after->appointments = all;
}

void respell_record(const struct record *before, struct record *after, const struct zone *zone,
                    struct arena *arena)
{
    respell_fields(before, after, zone);
    respell_notes(before, after, arena);
    respell_appointments(before, after, zone, arena);
    after->extras = respell_extras((struct extra_list){before->extras, before->extra_count},
                                   (struct extra_list){after->extras, after->extra_count}, arena);
}
