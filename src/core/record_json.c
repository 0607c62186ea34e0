/* The record as JSON: data.order and data.appointment of events, and read back from them. */
#include "core/record.h"

#include "core/arena.h"
#include "core/json.h"
#include "core/json_write.h"
#include "core/text.h"

#include <string.h>

/* The order of members that readers of data.order see; what is not here comes last. */
static const enum order_field fields_before_contact[] = {
    ORDER_STEP,           ORDER_SITE,           ORDER_OFFER,
    ORDER_REQUESTED_DATE, ORDER_COMMITTED_DATE, ORDER_COMPLETED_DATE,
};
static const enum order_field contact_fields[] = {
    ORDER_CONTACT_NAME,
    ORDER_CONTACT_PHONE,
    ORDER_CONTACT_EMAIL,
};

static const char *short_contact_name(enum order_field field)
{
    return order_field_name(field) + strlen("contact.");
}

/* NULL: the store's own, which keeps everything. */
static bool allows(const struct field_filter *filter, const char *name)
{
    return filter == NULL || field_filter_allows(filter, name);
}

static void write_field(struct json_writer *writer, const struct record *record,
                        const struct field_filter *filter, enum order_field field)
{
    const char *name = order_field_name(field);
    if (record->fields[field] != NULL && allows(filter, name)) {
        json_write_text(writer, name, record->fields[field]);
    }
}

static void write_contact(struct json_writer *writer, const struct record *record,
                          const struct field_filter *filter)
{
    bool is_open = false;
    for (size_t i = 0; i < ARRAY_COUNT(contact_fields); i++) {
        enum order_field field = contact_fields[i];
        if (record->fields[field] == NULL || !allows(filter, order_field_name(field))) {
            continue;
        }
        if (!is_open) {
            json_write_open(writer, "contact", '{');
            is_open = true;
        }
        json_write_text(writer, short_contact_name(field), record->fields[field]);
    }
    if (is_open) {
        json_write_close(writer, '}');
    }
}

static void write_note(struct json_writer *writer, const struct note *note)
{
    json_write_open(writer, NULL, '{');
    json_write_text(writer, "id", note->id);
    json_write_text(writer, "date", note->date);
    json_write_text(writer, "author", note->author);
    json_write_text(writer, "text", note->text);
    json_write_close(writer, '}');
}

static void write_notes(struct json_writer *writer, const struct record *record)
{
    if (record->note_count != 0) {
        json_write_open(writer, "notes", '[');
        for (size_t i = 0; i < record->note_count; i++) {
            write_note(writer, &record->notes[i]);
        }
        json_write_close(writer, ']');
    }
    if (record->older_note_count != 0) {
        json_write_integer(writer, "older_notes", (int64_t)record->older_note_count);
    }
}

static bool allows_extra(const struct field_filter *filter, const char *name)
{
    struct text path;
    text_init(&path, RECORD_TEXT_MAX);
    text_add_text(&path, "extra.");
    text_add_text(&path, name);
    bool allows = field_filter_allows(filter, text_cstr(&path));
    text_fini(&path);
    return allows;
}

static void write_extras(struct json_writer *writer, const struct extra *extras, size_t count,
                         const struct field_filter *filter)
{
    bool is_open = false;
    for (size_t i = 0; i < count; i++) {
        if (filter != NULL && filter->names != NULL && !allows_extra(filter, extras[i].name)) {
            continue;
        }
        if (!is_open) {
            json_write_open(writer, "extra", '{');
            is_open = true;
        }
        json_write_text(writer, extras[i].name, extras[i].value);
    }
    if (is_open) {
        json_write_close(writer, '}');
    }
}

static void write_order_members(struct json_writer *writer, const struct record *record,
                                const struct field_filter *filter)
{
    json_write_text(writer, "id", record->id);
    write_field(writer, record, filter, ORDER_REFERENCE);
    write_field(writer, record, filter, ORDER_STATUS);
    if (allows(filter, "status_kind")) {
        json_write_text(writer, "status_kind", order_kind_name(record->kind));
    }
    for (size_t i = 0; i < ARRAY_COUNT(fields_before_contact); i++) {
        write_field(writer, record, filter, fields_before_contact[i]);
    }
    write_contact(writer, record, filter);
    if (allows(filter, "notes")) {
        write_notes(writer, record);
    }
    write_field(writer, record, filter, ORDER_URL);
    write_extras(writer, record->extras, record->extra_count, filter);
}

static void write_appointment(struct json_writer *writer, const struct appointment *appointment)
{
    json_write_open(writer, NULL, '{');
    json_write_text(writer, "id", appointment->id);
    json_write_text(writer, "status", appointment->fields[APPOINTMENT_STATUS]);
    json_write_text(writer, "status_kind", appointment_kind_name(appointment->kind));
    json_write_text(writer, "start", appointment->fields[APPOINTMENT_START]);
    json_write_text(writer, "end", appointment->fields[APPOINTMENT_END]);
    json_write_text(writer, "location", appointment->fields[APPOINTMENT_LOCATION]);
    write_extras(writer, appointment->extras, appointment->extra_count, NULL);
    json_write_close(writer, '}');
}

void record_add_order(const struct record *record, const struct field_filter *filter,
                      struct text *out)
{
    struct json_writer writer = {.out = out};
    json_write_open(&writer, NULL, '{');
    write_order_members(&writer, record, filter);
    json_write_close(&writer, '}');
}

void record_add_appointment(const struct appointment *appointment, struct text *out)
{
    struct json_writer writer = {.out = out};
    write_appointment(&writer, appointment);
}

void record_add_contact(const struct record *record, struct text *out)
{
    struct json_writer writer = {.out = out};
    bool is_open = false;
    for (size_t i = 0; i < ARRAY_COUNT(contact_fields); i++) {
        const char *value = record->fields[contact_fields[i]];
        if (value != NULL && !is_open) {
            json_write_open(&writer, NULL, '{');
            is_open = true;
        }
        json_write_text(&writer, short_contact_name(contact_fields[i]), value);
    }
    if (is_open) {
        json_write_close(&writer, '}');
    }
}

/* --- reading back --- */

static const char *member(const struct json *object, const char *name, struct arena *arena)
{
    const char *value = json_member_text(object, name);
    return value != NULL ? arena_text(arena, span_of(value)) : NULL;
}

static const struct extra *read_extras(const struct json *owner, struct arena *arena,
                                       size_t *out_count)
{
    const struct json *list = json_member(owner, "extra");
    struct extra *extras = arena_array(arena, json_count(list), sizeof *extras);
    *out_count = 0;
    for (const struct json *node = json_first(list); node != NULL; node = json_next(node)) {
        extras[(*out_count)++] = (struct extra){
            .name = arena_text(arena, span_of(json_key(node))),
            .value = arena_text(arena, json_text(node)),
        };
    }
    return extras;
}

static void read_notes(const struct json *root, struct arena *arena, struct record *out)
{
    const struct json *list = json_member(root, "notes");
    struct note *notes = arena_array(arena, json_count(list), sizeof *notes);
    for (const struct json *node = json_first(list); node != NULL; node = json_next(node)) {
        notes[out->note_count++] = (struct note){
            .id = member(node, "id", arena),
            .date = member(node, "date", arena),
            .author = member(node, "author", arena),
            .text = member(node, "text", arena),
        };
    }
    out->notes = notes;
    out->older_note_count = (size_t)json_member_integer(root, "older_notes", 0);
}

static enum status read_appointments(const struct json *root, struct arena *arena,
                                     struct record *out, struct failure *why)
{
    const struct json *list = json_member(root, "appointments");
    struct appointment *all = arena_array(arena, json_count(list), sizeof *all);
    for (const struct json *node = json_first(list); node != NULL; node = json_next(node)) {
        struct appointment *one = &all[out->appointment_count++];
        one->id = member(node, "id", arena);
        if (one->id == NULL) {
            return fail(why, STATUS_CORRUPT, "stored order: an appointment has no id");
        }
        for (size_t i = 0; i < APPOINTMENT_FIELD_COUNT; i++) {
            one->fields[i] = member(node, appointment_field_name((enum appointment_field)i), arena);
        }
        one->kind = appointment_kind_named(json_member_text(node, "status_kind"));
        one->extras = read_extras(node, arena, &one->extra_count);
    }
    out->appointments = all;
    return STATUS_OK;
}

static enum status read_record(const struct json *root, struct arena *arena, struct record *out,
                               struct failure *why)
{
    out->id = member(root, "id", arena);
    if (out->id == NULL) {
        return fail(why, STATUS_CORRUPT, "stored order: it has no id");
    }
    const struct json *contact = json_member(root, "contact");
    for (size_t i = 0; i < ORDER_FIELD_COUNT; i++) {
        enum order_field field = (enum order_field)i;
        out->fields[i] = order_field_is_contact(field)
                             ? member(contact, short_contact_name(field), arena)
                             : member(root, order_field_name(field), arena);
    }
    out->kind = order_kind_named(json_member_text(root, "status_kind"));
    read_notes(root, arena, out);
    out->extras = read_extras(root, arena, &out->extra_count);
    return read_appointments(root, arena, out, why);
}

enum status record_read_json(struct span bytes, struct arena *arena, struct record *out,
                             struct failure *why)
{
    struct json *root = NULL;
    struct failure detail;
    if (json_parse(bytes, &root, &detail) != STATUS_OK) {
        return fail(why, STATUS_CORRUPT, "stored order: %s", detail.detail);
    }
    struct record record = {0};
    enum status status = read_record(root, arena, &record, why);
    json_destroy(root);
    if (status == STATUS_OK) {
        *out = record;
    }
    return status;
}
