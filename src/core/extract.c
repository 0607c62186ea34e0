#include "core/extract.h"

#include "core/arena.h"
#include "core/date.h"
#include "core/extract_field.h"
#include "core/json.h"

#include <stdlib.h>
#include <string.h>

static enum field_shape shape_of(enum order_field field)
{
    if (order_field_is_date(field)) {
        return SHAPE_DATE;
    }
    return field == ORDER_STATUS ? SHAPE_STATUS : SHAPE_TEXT;
}

static void extract_fields(struct extracting *work, const struct json *root, struct extraction *out)
{
    for (size_t i = 0; i < ORDER_FIELD_COUNT; i++) {
        enum order_field field = (enum order_field)i;
        if (order_field_is_contact(field)) {
            continue;
        }
        struct field_rule rule = {.name = order_field_name(field), .shape = shape_of(field)};
        bool is_found = false;
        out->record.fields[i] =
            extract_value(work, root, &work->extractor->profile->order_fields[i], &rule, &is_found);
        out->fields_found |= is_found ? UINT32_C(1) << i : 0;
    }
}

/* --- contact --- */

static void extract_contact(struct extracting *work, const struct json *root,
                            struct extraction *out)
{
    static const enum order_field fields[] = {ORDER_CONTACT_NAME, ORDER_CONTACT_PHONE,
                                              ORDER_CONTACT_EMAIL};
    static const struct field_rule rule = {.shape = SHAPE_TEXT};
    const struct profile *profile = work->extractor->profile;
    const struct json *const *nodes = NULL;
    if (extract_elements(work, root, &profile->contact, &nodes) == 0) {
        return;
    }
    if (json_kind(nodes[0]) != JSON_OBJECT) { /* a bare name */
        static const char *const whole[] = {""};
        static const struct candidates itself = {whole, 1};
        out->record.fields[ORDER_CONTACT_NAME] =
            extract_value(work, nodes[0], &itself, &rule, NULL);
        return;
    }
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
        bool is_found = false;
        out->record.fields[fields[i]] =
            extract_value(work, nodes[0], &profile->order_fields[fields[i]], &rule, &is_found);
        out->fields_found |= is_found ? UINT32_C(1) << fields[i] : 0;
    }
}

/* --- notes --- */

struct dated_note {
    struct note note;
    struct date date;
    size_t index; /* as the API listed them */
};

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* Two runs of digits at the heads of two texts, as numbers; moves past them. */
static int compare_numbers(const char **left, const char **right)
{
    size_t left_size = strspn(*left, "0123456789");
    size_t right_size = strspn(*right, "0123456789");
    if (left_size != right_size) {
        return left_size < right_size ? -1 : 1;
    }
    int order = strncmp(*left, *right, left_size);
    *left += left_size;
    *right += right_size;
    return order;
}

/* n2 before n10: runs of digits count as numbers. */
static int compare_naturally(const char *left, const char *right)
{
    int order = 0;
    while (order == 0 && *left != '\0' && *right != '\0') {
        if (is_digit(*left) && is_digit(*right)) {
            order = compare_numbers(&left, &right);
        } else {
            order = (unsigned char)*left++ - (unsigned char)*right++;
        }
    }
    return order != 0 ? order : (*left != '\0') - (*right != '\0');
}

/* Oldest first, those without a date before all others; then by id where both have one. */
static int by_age(const void *left, const void *right)
{
    const struct dated_note *one = left;
    const struct dated_note *other = right;
    bool one_is_dated = one->date.kind != DATE_NONE;
    bool other_is_dated = other->date.kind != DATE_NONE;
    if (one_is_dated != other_is_dated) {
        return one_is_dated ? 1 : -1;
    }
    if (one->date.ms != other->date.ms) {
        return one->date.ms < other->date.ms ? -1 : 1;
    }
    if ((one->note.id != NULL) != (other->note.id != NULL)) {
        return one->note.id != NULL ? 1 : -1;
    }
    int order = one->note.id != NULL ? compare_naturally(one->note.id, other->note.id) : 0;
    if (order != 0) {
        return order;
    }
    return one->index < other->index ? -1 : 1;
}

static const char *part_of_note(struct extracting *work, const struct json *node,
                                const struct candidates *where, enum field_shape shape)
{
    struct field_rule rule = {.shape = shape};
    return extract_value(work, node, where, &rule, NULL);
}

static struct note extract_note(struct extracting *work, const struct json *node)
{
    static const char *const whole[] = {""};
    static const struct candidates itself = {whole, 1};
    const struct profile *profile = work->extractor->profile;
    if (json_kind(node) != JSON_OBJECT) { /* a bare text */
        return (struct note){.text = part_of_note(work, node, &itself, SHAPE_BLOCK)};
    }
    return (struct note){
        .id = part_of_note(work, node, &profile->note_id, SHAPE_TEXT),
        .date = part_of_note(work, node, &profile->note_date, SHAPE_DATE),
        .author = part_of_note(work, node, &profile->note_author, SHAPE_TEXT),
        .text = part_of_note(work, node, &profile->note_text, SHAPE_BLOCK),
    };
}

static bool is_empty(const struct note *note)
{
    return note->id == NULL && note->date == NULL && note->author == NULL && note->text == NULL;
}

static void extract_notes(struct extracting *work, const struct json *root, struct record *out)
{
    const struct json *const *nodes = NULL;
    size_t node_count = extract_elements(work, root, &work->extractor->profile->notes, &nodes);
    struct dated_note *all = arena_array(work->arena, node_count, sizeof *all);
    size_t count = 0;
    for (size_t i = 0; i < node_count; i++) {
        struct note note = extract_note(work, nodes[i]);
        if (!is_empty(&note)) {
            all[count++] =
                (struct dated_note){.note = note, .date = date_of(note.date), .index = i};
        }
    }
    if (count > 1) {
        qsort(all, count, sizeof *all, by_age);
    }
    out->older_note_count = count > NOTE_COUNT_MAX ? count - NOTE_COUNT_MAX : 0;
    out->note_count = count - out->older_note_count;
    struct note *kept = arena_array(work->arena, out->note_count, sizeof *kept);
    for (size_t i = 0; i < out->note_count; i++) {
        kept[i] = all[out->older_note_count + i].note;
    }
    out->notes = kept;
}

/* --- the order --- */

static void report_status(struct extracting *work, const struct record *record)
{
    const char *status = record->fields[ORDER_STATUS];
    if (status != NULL && record->kind == ORDER_UNKNOWN) {
        const char *key = arena_format(work->arena, "order.status:%s", status);
        extracting_add_novelty(work, NOVELTY_STATUS, key, span_of(status));
    }
}

static enum status extract_root(struct extracting *work, const struct json *root,
                                struct extraction *out, struct failure *why)
{
    const struct profile *profile = work->extractor->profile;
    if (json_kind(root) != JSON_OBJECT) {
        return fail(why, STATUS_INVALID, "order: the element is no JSON object");
    }
    bool is_too_long = false;
    struct record *record = &out->record;
    record->id = extract_id(work, root, &profile->order_id, &is_too_long);
    if (record->id == NULL) {
        return fail(why, STATUS_INVALID,
                    is_too_long ? "order: its id is over %d bytes"
                                : "order: it has no id of 1 to %d bytes where the profile says",
                    RECORD_ID_MAX);
    }
    extract_fields(work, root, out);
    extract_contact(work, root, out);
    record->kind = profile_order_kind(profile, record->fields[ORDER_STATUS]);
    if (!work->is_status_no_text) {
        report_status(work, record);
    }
    extract_notes(work, root, record);
    record->extras =
        extract_extras(work, root, profile->watch, profile->watch_count, &record->extra_count);
    extract_report_alike(work, root);
    if (!profile->has_appointments_collection) {
        work->scope = "appointment";
        extract_nested_appointments(work, root, record);
    }
    return STATUS_OK;
}

enum status extract_order(const struct extractor *extractor, struct span element,
                          struct arena *arena, struct extraction *out, struct failure *why)
{
    struct json *root = NULL;
    struct failure detail;
    if (json_parse(element, &root, &detail) != STATUS_OK) {
        return fail(why, STATUS_INVALID, "order: %s", detail.detail);
    }
    struct extracting work = extracting_begin(extractor, "order", arena);
    struct extraction found = {0};
    enum status status = extract_root(&work, root, &found, why);
    json_destroy(root);
    if (status == STATUS_OK) {
        found.novelties = work.novelties;
        found.novelty_count = work.novelty_count;
        *out = found;
    }
    return status;
}
