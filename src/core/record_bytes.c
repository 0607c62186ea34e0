/* The record as the store keeps it: packed, for each change of an order reads one and writes one.
 */
#include "core/record.h"

#include "core/arena.h"
#include "core/pack.h"
#include "core/text.h"

#define FORM 1 /* the first byte; of JSON, which was written once, it is a brace */

static void pack_extras(struct text *out, const struct extra *extras, size_t count)
{
    pack_number(out, (int64_t)count);
    for (size_t i = 0; i < count; i++) {
        pack_text(out, extras[i].name);
        pack_text(out, extras[i].value);
    }
}

/* How many there are comes first: a field that is added later is absent in what was packed before
 * it. None is ever put between the others. */
static void pack_fields(struct text *out, const char *const *fields, size_t count)
{
    pack_number(out, (int64_t)count);
    for (size_t i = 0; i < count; i++) {
        pack_text(out, fields[i]);
    }
}

static void pack_notes(struct text *out, const struct record *record)
{
    pack_number(out, (int64_t)record->note_count);
    for (size_t i = 0; i < record->note_count; i++) {
        const struct note *note = &record->notes[i];
        pack_text(out, note->id);
        pack_text(out, note->date);
        pack_text(out, note->author);
        pack_text(out, note->text);
    }
    pack_number(out, (int64_t)record->older_note_count);
}

static void pack_appointment(struct text *out, const struct appointment *appointment)
{
    pack_text(out, appointment->id);
    pack_text(out, appointment_kind_name(appointment->kind));
    pack_fields(out, appointment->fields, APPOINTMENT_FIELD_COUNT);
    pack_extras(out, appointment->extras, appointment->extra_count);
}

void record_encode(const struct record *record, struct text *out)
{
    text_add_char(out, FORM);
    pack_text(out, record->id);
    pack_text(out, order_kind_name(record->kind));
    pack_fields(out, record->fields, ORDER_FIELD_COUNT);
    pack_notes(out, record);
    pack_extras(out, record->extras, record->extra_count);
    pack_number(out, (int64_t)record->appointment_count);
    for (size_t i = 0; i < record->appointment_count; i++) {
        pack_appointment(out, &record->appointments[i]);
    }
}

/* --- reading back ----------------------------------------------------------------------------- */

static const struct extra *read_extras(struct pack_reader *reader, struct arena *arena,
                                       size_t *count)
{
    *count = pack_read_count(reader);
    struct extra *extras = arena_array(arena, *count, sizeof *extras);
    for (size_t i = 0; i < *count; i++) {
        extras[i].name = pack_read_text(reader);
        extras[i].value = pack_read_text(reader);
        reader->is_broken |= extras[i].name == NULL || extras[i].value == NULL;
    }
    return extras;
}

static void read_fields(struct pack_reader *reader, const char **fields, size_t count_max)
{
    size_t count = pack_read_count(reader);
    reader->is_broken |= count > count_max;
    for (size_t i = 0; i < count && i < count_max; i++) {
        fields[i] = pack_read_text(reader);
    }
}

static void read_notes(struct pack_reader *reader, struct arena *arena, struct record *out)
{
    out->note_count = pack_read_count(reader);
    struct note *notes = arena_array(arena, out->note_count, sizeof *notes);
    for (size_t i = 0; i < out->note_count; i++) {
        notes[i].id = pack_read_text(reader);
        notes[i].date = pack_read_text(reader);
        notes[i].author = pack_read_text(reader);
        notes[i].text = pack_read_text(reader);
    }
    out->notes = notes;
    int64_t older_count = pack_read_number(reader);
    reader->is_broken |= older_count < 0;
    out->older_note_count = (size_t)older_count;
}

static void read_appointment(struct pack_reader *reader, struct arena *arena,
                             struct appointment *out)
{
    out->id = pack_read_text(reader);
    out->kind = appointment_kind_named(pack_read_text(reader));
    read_fields(reader, out->fields, APPOINTMENT_FIELD_COUNT);
    out->extras = read_extras(reader, arena, &out->extra_count);
    reader->is_broken |= out->id == NULL;
}

static void read_record(struct pack_reader *reader, struct arena *arena, struct record *out)
{
    out->id = pack_read_text(reader);
    out->kind = order_kind_named(pack_read_text(reader));
    read_fields(reader, out->fields, ORDER_FIELD_COUNT);
    read_notes(reader, arena, out);
    out->extras = read_extras(reader, arena, &out->extra_count);
    out->appointment_count = pack_read_count(reader);
    struct appointment *all = arena_array(arena, out->appointment_count, sizeof *all);
    for (size_t i = 0; i < out->appointment_count; i++) {
        read_appointment(reader, arena, &all[i]);
    }
    out->appointments = all;
    reader->is_broken |= out->id == NULL;
}

bool record_is_packed(struct span bytes)
{
    return bytes.size != 0 && bytes.data[0] == FORM;
}

enum status record_decode(struct span bytes, struct arena *arena, struct record *out,
                          struct failure *why)
{
    if (!record_is_packed(bytes)) {
        return record_read_json(bytes, arena, out, why);
    }
    /* One copy, in which its texts stand. */
    struct span kept = {.data = arena_text(arena, bytes) + 1, .size = bytes.size - 1};
    struct pack_reader reader = pack_reader(kept);
    struct record record = {0};
    read_record(&reader, arena, &record);
    if (!pack_is_whole(&reader)) {
        return fail(why, STATUS_CORRUPT, "stored order: its bytes are damaged");
    }
    *out = record;
    return STATUS_OK;
}
