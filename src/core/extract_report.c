#include "core/extract_report.h"

#include "core/arena.h"
#include "core/extract_field.h"
#include "core/json.h"

#define LINE_COUNT_MAX 4096

struct reporting {
    struct extracting work;
    struct extract_line *lines;
    size_t count, capacity;
};

static void add_line(struct reporting *reporting, const char *field, const char *pointer,
                     const char *value)
{
    if (reporting->count < reporting->capacity) {
        reporting->lines[reporting->count++] = (struct extract_line){
            .field = field, .pointer = value != NULL ? pointer : NULL, .value = value};
    }
}

static void add_order_fields(struct reporting *reporting, const struct json *root,
                             const struct record *record)
{
    struct extracting *work = &reporting->work;
    const struct profile *profile = work->extractor->profile;
    add_line(reporting, "id", extract_matched(work, root, &profile->order_id), record->id);
    for (size_t i = 0; i < ORDER_FIELD_COUNT; i++) {
        enum order_field field = (enum order_field)i;
        if (order_field_is_contact(field)) {
            continue;
        }
        const char *pointer = extract_matched(work, root, &profile->order_fields[i]);
        add_line(reporting, order_field_name(field), pointer, record->fields[i]);
        if (field == ORDER_STATUS) {
            bool is_there = record->fields[i] != NULL;
            add_line(reporting, "status_kind", pointer,
                     is_there ? order_kind_name(record->kind) : NULL);
        }
    }
}

static void add_contact(struct reporting *reporting, const struct json *root,
                        const struct record *record)
{
    struct extracting *work = &reporting->work;
    const struct profile *profile = work->extractor->profile;
    const char *pointer = extract_matched(work, root, &profile->contact);
    const struct json *const *nodes = NULL;
    size_t count = extract_elements(work, root, &profile->contact, &nodes);
    for (size_t i = 0; i < ORDER_FIELD_COUNT; i++) {
        if (!order_field_is_contact((enum order_field)i)) {
            continue;
        }
        const char *below =
            count != 0 ? extract_matched(work, nodes[0], &profile->order_fields[i]) : NULL;
        const char *whole = arena_format(work->arena, "%s%s", pointer != NULL ? pointer : "",
                                         below != NULL ? below : "");
        add_line(reporting, order_field_name((enum order_field)i), whole, record->fields[i]);
    }
}

static void add_lists(struct reporting *reporting, const struct json *root,
                      const struct record *record)
{
    struct extracting *work = &reporting->work;
    const struct profile *profile = work->extractor->profile;
    size_t note_count = record->note_count + record->older_note_count;
    add_line(reporting, "notes", extract_matched(work, root, &profile->notes),
             note_count != 0 ? arena_format(work->arena, "%zu", note_count) : NULL);
    for (size_t i = 0; i < profile->watch_count; i++) {
        const char *name = arena_format(work->arena, "extra.%s", profile->watch[i].name);
        add_line(reporting, name, extract_matched(work, root, &profile->watch[i].where),
                 record_value(record, name));
    }
    size_t count = record->appointment_count;
    add_line(reporting, "appointments", extract_matched(work, root, &profile->order_appointments),
             count != 0 ? arena_format(work->arena, "%zu", count) : NULL);
}

static const char *extra_value(const struct appointment *appointment, const char *name)
{
    for (size_t i = 0; i < appointment->extra_count; i++) {
        if (text_equal(appointment->extras[i].name, name)) {
            return appointment->extras[i].value;
        }
    }
    return NULL;
}

static void add_appointment(struct reporting *reporting, const struct json *node)
{
    struct extracting *work = &reporting->work;
    const struct profile *profile = work->extractor->profile;
    struct appointment one = extract_one_appointment(work, node);
    add_line(reporting, "appointment.id", extract_matched(work, node, &profile->appointment_id),
             one.id);
    for (size_t i = 0; i < APPOINTMENT_FIELD_COUNT; i++) {
        const char *pointer = extract_matched(work, node, &profile->appointment_fields[i]);
        const char *name = arena_format(work->arena, "appointment.%s",
                                        appointment_field_name((enum appointment_field)i));
        add_line(reporting, name, pointer, one.fields[i]);
        if (i == APPOINTMENT_STATUS) {
            bool is_there = one.fields[i] != NULL;
            add_line(reporting, "appointment.status_kind", pointer,
                     is_there ? appointment_kind_name(one.kind) : NULL);
        }
    }
    for (size_t i = 0; i < profile->appointment_watch_count; i++) {
        const struct watched_field *watch = &profile->appointment_watch[i];
        add_line(reporting, arena_format(work->arena, "appointment.extra.%s", watch->name),
                 extract_matched(work, node, &watch->where), extra_value(&one, watch->name));
    }
}

static void add_appointments(struct reporting *reporting, const struct json *root)
{
    struct extracting *work = &reporting->work;
    const struct profile *profile = work->extractor->profile;
    const struct json *const *nodes = NULL;
    size_t count = profile->has_appointments_collection
                       ? 0
                       : extract_elements(work, root, &profile->order_appointments, &nodes);
    for (size_t i = 0; i < count; i++) {
        if (json_kind(nodes[i]) == JSON_OBJECT) {
            add_appointment(reporting, nodes[i]);
        }
    }
}

/* The element was just read, so it can be. */
static struct reporting begin(const struct extractor *extractor, const char *what,
                              struct span element, struct arena *arena, struct json **root)
{
    struct reporting reporting = {.work = extracting_begin(extractor, what, arena),
                                  .capacity = LINE_COUNT_MAX};
    reporting.lines = arena_array(arena, reporting.capacity, sizeof *reporting.lines);
    CHECK(json_parse(element, root, NULL) == STATUS_OK);
    return reporting;
}

static struct extract_report end(const struct reporting *reporting, struct json *root,
                                 const struct novelty *novelties, size_t novelty_count)
{
    json_destroy(root);
    return (struct extract_report){.lines = reporting->lines,
                                   .line_count = reporting->count,
                                   .novelties = novelties,
                                   .novelty_count = novelty_count};
}

enum status extract_report(const struct extractor *extractor, struct span element,
                           struct arena *arena, struct extract_report *out, struct failure *why)
{
    struct extraction found;
    enum status status = extract_order(extractor, element, arena, &found, why);
    if (status != STATUS_OK) {
        return status;
    }
    struct json *root = NULL;
    struct reporting reporting = begin(extractor, "order", element, arena, &root);
    add_order_fields(&reporting, root, &found.record);
    add_contact(&reporting, root, &found.record);
    add_lists(&reporting, root, &found.record);
    add_appointments(&reporting, root);
    *out = end(&reporting, root, found.novelties, found.novelty_count);
    return STATUS_OK;
}

enum status extract_report_appointment(const struct extractor *extractor, struct span element,
                                       struct arena *arena, struct extract_report *out,
                                       struct failure *why)
{
    struct appointment_extraction found;
    enum status status = extract_appointment(extractor, element, arena, &found, why);
    if (status != STATUS_OK) {
        return status;
    }
    struct json *root = NULL;
    struct reporting reporting = begin(extractor, "appointment", element, arena, &root);
    const struct candidates *order = &extractor->profile->appointment_order_id;
    add_line(&reporting, "order", extract_matched(&reporting.work, root, order),
             found.order_id[0] != '\0' ? found.order_id : NULL);
    add_appointment(&reporting, root);
    *out = end(&reporting, root, found.novelties, found.novelty_count);
    return STATUS_OK;
}
