/* Appointments: inside their order, or elements of a collection of their own. */
#include "core/extract_field.h"

#include "core/arena.h"
#include "core/json.h"
#include "core/log.h"
#include "core/merge.h"

#include <stdlib.h>
#include <string.h>

static const enum field_shape shapes[APPOINTMENT_FIELD_COUNT] = {
    [APPOINTMENT_STATUS] = SHAPE_STATUS,
    [APPOINTMENT_START] = SHAPE_DATE,
    [APPOINTMENT_END] = SHAPE_DATE,
    [APPOINTMENT_LOCATION] = SHAPE_TEXT,
};

static void report_status(struct extracting *work, const struct appointment *appointment)
{
    const char *status = appointment->fields[APPOINTMENT_STATUS];
    if (status != NULL && appointment->kind == APPOINTMENT_UNKNOWN) {
        const char *key = arena_format(work->arena, "appointment.status:%s", status);
        extracting_add_novelty(work, NOVELTY_STATUS, key, span_of(status));
    }
}

struct appointment extract_one_appointment(struct extracting *work, const struct json *node)
{
    const struct profile *profile = work->extractor->profile;
    struct appointment found = {0};
    bool is_too_long = false;
    found.id = extract_id(work, node, &profile->appointment_id, &is_too_long);
    for (size_t i = 0; i < APPOINTMENT_FIELD_COUNT; i++) {
        struct field_rule rule = {
            .name = appointment_field_name((enum appointment_field)i),
            .shape = shapes[i],
        };
        found.fields[i] = extract_value(work, node, &profile->appointment_fields[i], &rule, NULL);
    }
    found.kind = profile_appointment_kind(profile, found.fields[APPOINTMENT_STATUS]);
    found.extras = extract_extras(work, node, profile->appointment_watch,
                                  profile->appointment_watch_count, &found.extra_count);
    if (!work->is_status_no_text) {
        report_status(work, &found);
    }
    extract_report_alike(work, node);
    return found;
}

/* --- ids where the API gives none --- */

static int compare_texts(const char *left, const char *right)
{
    return strcmp(left != NULL ? left : "", right != NULL ? right : "");
}

/* By id, those without one last; among equals by content, so that the order in which the API lists
 * them means nothing. */
static int by_id_and_content(const void *left, const void *right)
{
    const struct appointment *one = left;
    const struct appointment *other = right;
    if ((one->id == NULL) != (other->id == NULL)) {
        return one->id == NULL ? 1 : -1;
    }
    static const enum appointment_field fields[] = {APPOINTMENT_START, APPOINTMENT_END,
                                                    APPOINTMENT_STATUS, APPOINTMENT_LOCATION};
    int order = compare_texts(one->id, other->id);
    for (size_t i = 0; order == 0 && i < ARRAY_COUNT(fields); i++) {
        order = compare_texts(one->fields[fields[i]], other->fields[fields[i]]);
    }
    return order;
}

static bool is_same(const struct appointment *one, const struct appointment *other)
{
    return text_equal(one->id, other->id) && by_id_and_content(one, other) == 0;
}

/* The same appointment listed under two items of one order is one appointment. */
static size_t drop_repeats(struct appointment *all, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || all[i].id == NULL || !is_same(&all[kept - 1], &all[i])) {
            all[kept++] = all[i];
        }
    }
    return kept;
}

/* Without ids an appointment is known by its place among the others, by start: n1, n2, … until it
 * is compared with what is known (respell_nameless). A second one with an id that is taken is told
 * apart by a suffix: A-1#2. */
static void give_ids(struct appointment *all, size_t count, struct arena *arena)
{
    size_t nameless_count = 0;
    size_t twin_count = 1;
    const char *latest_id = NULL;
    for (size_t i = 0; i < count; i++) {
        if (all[i].id == NULL) {
            all[i].id = arena_format(arena, "n%zu", ++nameless_count);
            all[i].is_nameless = true;
        } else if (text_equal(all[i].id, latest_id)) {
            all[i].id = arena_format(arena, "%s#%zu", latest_id, ++twin_count);
        } else {
            latest_id = all[i].id;
            twin_count = 1;
        }
    }
}

/* A made id may still equal a true one: the later of two equals goes. */
static size_t drop_equal_ids(struct appointment *all, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || !text_equal(all[kept - 1].id, all[i].id)) {
            all[kept++] = all[i];
        }
    }
    return kept;
}

void extract_nested_appointments(struct extracting *work, const struct json *order,
                                 struct record *out)
{
    const struct json *const *nodes = NULL;
    size_t node_count =
        extract_elements(work, order, &work->extractor->profile->order_appointments, &nodes);
    struct appointment *all = arena_array(work->arena, node_count, sizeof *all);
    size_t count = 0;
    for (size_t i = 0; i < node_count; i++) {
        if (json_kind(nodes[i]) == JSON_OBJECT) {
            all[count++] = extract_one_appointment(work, nodes[i]);
        } else {
            extracting_add_novelty(work, NOVELTY_TYPE, "appointment:no object",
                                   json_text(nodes[i]));
        }
    }
    if (count > 1) {
        qsort(all, count, sizeof *all, by_id_and_content);
    }
    count = drop_repeats(all, count);
    if (count > APPOINTMENT_COUNT_MAX) {
        LOG_WARN("appointments_left_out", log_text("order", out->id),
                 log_number("count", (int64_t)(count - APPOINTMENT_COUNT_MAX)));
    }
    give_ids(all, count, work->arena);
    merge_sort_appointments(all, &count);
    out->appointment_count = drop_equal_ids(all, count);
    out->appointments = all;
}

enum status extract_appointment(const struct extractor *extractor, struct span element,
                                struct arena *arena, struct appointment_extraction *out,
                                struct failure *why)
{
    struct json *root = NULL;
    struct failure detail;
    if (json_parse(element, &root, &detail) != STATUS_OK) {
        return fail(why, STATUS_INVALID, "appointment: %s", detail.detail);
    }
    struct extracting work = extracting_begin(extractor, "appointment", arena);
    struct appointment_extraction found = {0};
    bool is_too_long = false;
    found.order_id =
        extract_id(&work, root, &extractor->profile->appointment_order_id, &is_too_long);
    if (json_kind(root) == JSON_OBJECT) {
        found.appointment = extract_one_appointment(&work, root);
    }
    found.order_id = found.order_id != NULL ? found.order_id : "";
    json_destroy(root);
    if (found.appointment.id == NULL) {
        return fail(why, STATUS_INVALID, "appointment: no object with an id of at most %d bytes",
                    RECORD_ID_MAX);
    }
    found.novelties = work.novelties;
    found.novelty_count = work.novelty_count;
    *out = found;
    return STATUS_OK;
}
