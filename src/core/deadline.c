#include "core/deadline.h"

#include "core/json_write.h"
#include "core/keep.h"
#include "core/settle.h"
#include "core/zone.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LATE_AFTER_MS (5 * MINUTE_MS)
#define EXTRA_BYTES_MAX 8192

static void add(struct deadline_list *list, enum deadline_kind kind, int64_t due_wall_ms,
                const char *key)
{
    list->items[list->count++] =
        (struct deadline){.kind = kind, .due_wall_ms = due_wall_ms, .key = key};
}

/* --- reminders --- */

/* When an appointment begins; a plain day begins at its midnight where the site is. */
static bool start_ms(const struct appointment *appointment, const struct zone *zone, int64_t *out)
{
    struct date start = date_of(appointment->fields[APPOINTMENT_START]);
    if (start.kind == DATE_NONE) {
        return false;
    }
    *out = start.kind == DATE_INSTANT ? start.ms : zone_to_utc(zone, start.ms);
    return true;
}

static const struct appointment_history *known_appointment(const struct history *history,
                                                           const char *id)
{
    for (size_t i = 0; i < history->appointment_count; i++) {
        if (text_equal(history->appointments[i].id, id)) {
            return &history->appointments[i];
        }
    }
    return NULL;
}

/* A lead time and the start it is for: another start makes another deadline. The id comes last
 * because it may hold anything. */
static const char *reminder_key(int64_t lead_ms, const struct appointment *appointment,
                                struct arena *arena)
{
    return arena_format(arena, "%" PRId64 " %s %s", lead_ms, appointment->fields[APPOINTMENT_START],
                        appointment->id);
}

static void plan_reminders(const struct source_config *source,
                           const struct appointment *appointment, const struct history *history,
                           struct arena *arena, struct deadline_list *out)
{
    const struct appointment_history *known = known_appointment(history, appointment->id);
    int64_t begin_ms = 0;
    if (known == NULL || !history_will_take_place(appointment->kind) ||
        !start_ms(appointment, source->zone, &begin_ms)) {
        return;
    }
    for (size_t i = 0; i < source->remind_count; i++) {
        int64_t due_ms = begin_ms - source->remind_ms[i];
        if (due_ms > known->since_wall_ms && !history_is_reminded(known, source->remind_ms[i])) {
            add(out, DEADLINE_REMINDER, due_ms,
                reminder_key(source->remind_ms[i], appointment, arena));
        }
    }
}

/* --- the order --- */

static void plan_overdue(const struct source_config *source, const struct record *record,
                         const struct history *history, struct deadline_list *out)
{
    const char *committed = record->fields[ORDER_COMMITTED_DATE];
    struct date date = date_of(committed);
    if (date.kind == DATE_NONE || history_is_overdue_told(history, committed)) {
        return;
    }
    int64_t due_ms = date_end_ms(date, source->zone);
    if (due_ms > history->baseline_wall_ms) {
        add(out, DEADLINE_OVERDUE, due_ms, committed);
    }
}

static const char *stalled_key(const struct history *history, struct arena *arena)
{
    return arena_format(arena, "%" PRId64, history->status_since_wall_ms);
}

static void plan_settled(const struct source_config *source, const struct history *history,
                         struct arena *arena, struct deadline_list *out)
{
    int64_t since_ms = history->pending.since_wall_ms;
    if (since_ms != 0) {
        add(out, DEADLINE_SETTLED, since_ms + source->settle_ms,
            arena_format(arena, "%" PRId64, since_ms));
    }
}

void deadline_plan(const struct source_config *source, const struct record *record,
                   const struct history *history, struct arena *arena, struct deadline_list *out)
{
    size_t count_max = 3 + record->appointment_count * source->remind_count;
    out->items = arena_array(arena, count_max, sizeof *out->items);
    out->count = 0;
    for (size_t i = 0; i < record->appointment_count; i++) {
        plan_reminders(source, &record->appointments[i], history, arena, out);
    }
    plan_settled(source, history, arena, out);
    if (order_kind_is_final(record->kind)) {
        return;
    }
    plan_overdue(source, record, history, out);
    if (source->stalled_after_ms != 0 && !history->is_stall_told) {
        add(out, DEADLINE_STALLED, history->status_since_wall_ms + source->stalled_after_ms,
            stalled_key(history, arena));
    }
}

/* --- when it comes --- */

static struct finding finding_of(enum event_type type)
{
    return (struct finding){.type = type, .severity = event_type_severity(type)};
}

static const struct appointment *reminded_appointment(const struct deadline_context *context,
                                                      const char *key, int64_t lead_ms)
{
    for (size_t i = 0; i < context->record->appointment_count; i++) {
        const struct appointment *appointment = &context->record->appointments[i];
        if (appointment->fields[APPOINTMENT_START] != NULL &&
            text_equal(reminder_key(lead_ms, appointment, context->arena), key)) {
            return appointment;
        }
    }
    return NULL;
}

static struct span reminder_json(const struct deadline_context *context,
                                 const struct finding *finding)
{
    struct text before;
    struct text json;
    text_init(&before, EXTRA_BYTES_MAX);
    text_init(&json, EXTRA_BYTES_MAX);
    duration_add(&before, finding->lead_ms);
    struct json_writer writer = {.out = &json};
    json_write_open(&writer, "reminder", '{');
    json_write_text(&writer, "before", text_cstr(&before));
    json_write_close(&writer, '}');
    json_write_true(&writer, "late", finding->is_late);
    struct classify_context calendar = {.history = context->history};
    classify_write_calendar(&calendar, finding->appointment->id, &writer);
    text_fini(&before);
    return keep_text(&json, context->arena);
}

/* The configuration may have changed since the deadline was stored. */
static bool is_configured(const struct source_config *source, int64_t lead_ms)
{
    for (size_t i = 0; i < source->remind_count; i++) {
        if (source->remind_ms[i] == lead_ms) {
            return true;
        }
    }
    return false;
}

static bool come_reminder(const struct deadline_context *context, const struct deadline *deadline,
                          struct finding *out)
{
    int64_t lead_ms = strtoll(deadline->key, NULL, 10);
    const struct appointment *appointment = reminded_appointment(context, deadline->key, lead_ms);
    if (appointment == NULL || !history_will_take_place(appointment->kind)) {
        return false;
    }
    struct appointment_history *known = history_appointment(context->history, appointment->id);
    if (known == NULL || history_is_reminded(known, lead_ms) ||
        !is_configured(context->source, lead_ms)) {
        return false;
    }
    history_tell_reminder(known, lead_ms);
    int64_t begin_ms = 0;
    if (!start_ms(appointment, context->source->zone, &begin_ms) ||
        context->now_wall_ms >= begin_ms) {
        return false; /* it has begun: a reminder now would only mislead */
    }
    *out = finding_of(EVENT_APPOINTMENT_REMINDER);
    out->appointment = appointment;
    out->lead_ms = lead_ms;
    out->is_late = context->now_wall_ms - (begin_ms - lead_ms) > LATE_AFTER_MS;
    out->extra_json = reminder_json(context, out);
    return true;
}

static bool come_overdue(const struct deadline_context *context, const struct deadline *deadline,
                         struct finding *out)
{
    const char *committed = context->record->fields[ORDER_COMMITTED_DATE];
    if (!text_equal(committed, deadline->key) || order_kind_is_final(context->record->kind) ||
        history_is_overdue_told(context->history, committed)) {
        return false;
    }
    history_tell_overdue(context->history, committed);
    *out = finding_of(EVENT_ORDER_DATE_OVERDUE);
    struct text json;
    text_init(&json, EXTRA_BYTES_MAX);
    struct json_writer writer = {.out = &json};
    json_write_open(&writer, "overdue", '{');
    json_write_text(&writer, "field", order_field_name(ORDER_COMMITTED_DATE));
    json_write_text(&writer, "date", committed);
    json_write_close(&writer, '}');
    out->extra_json = keep_text(&json, context->arena);
    return true;
}

static bool is_stalled(const struct deadline_context *context, const char *key)
{
    const struct history *history = context->history;
    int64_t after_ms = context->source->stalled_after_ms; /* may be another than it was */
    return text_equal(key, stalled_key(history, context->arena)) && !history->is_stall_told &&
           !order_kind_is_final(context->record->kind) && after_ms != 0 &&
           context->now_wall_ms >= history->status_since_wall_ms + after_ms;
}

static bool come_stalled(const struct deadline_context *context, const struct deadline *deadline,
                         struct finding *out)
{
    if (!is_stalled(context, deadline->key)) {
        return false;
    }
    context->history->is_stall_told = true;
    *out = finding_of(EVENT_ORDER_STALLED);
    out->since_wall_ms = context->history->status_since_wall_ms;
    struct text json;
    text_init(&json, EXTRA_BYTES_MAX);
    struct text since;
    text_init(&since, EXTRA_BYTES_MAX);
    date_add(&since, (struct date){.kind = DATE_INSTANT, .ms = out->since_wall_ms});
    struct json_writer writer = {.out = &json};
    json_write_open(&writer, "stalled", '{');
    json_write_text(&writer, "since", text_cstr(&since));
    json_write_close(&writer, '}');
    text_fini(&since);
    out->extra_json = keep_text(&json, context->arena);
    return true;
}

bool deadline_come(const struct deadline_context *context, const struct deadline *deadline,
                   struct finding *out)
{
    switch (deadline->kind) {
    case DEADLINE_REMINDER:
        return come_reminder(context, deadline, out);
    case DEADLINE_OVERDUE:
        return come_overdue(context, deadline, out);
    case DEADLINE_STALLED:
        return come_stalled(context, deadline, out);
    case DEADLINE_SETTLED:
        return settle_come(context->source, context->record, context->now_wall_ms, context->history,
                           context->arena, out);
    }
    CHECK(!"a deadline kind that does not exist");
}
