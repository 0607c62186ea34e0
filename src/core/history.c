#include "core/history.h"

#include "core/arena.h"
#include "core/json.h"
#include "core/json_write.h"

#include <string.h>

bool history_will_take_place(enum appointment_kind kind)
{
    return kind == APPOINTMENT_NEW || kind == APPOINTMENT_CONFIRMED || kind == APPOINTMENT_UNKNOWN;
}

struct appointment_history *history_appointment(struct history *history, const char *id)
{
    for (size_t i = 0; i < history->appointment_count; i++) {
        if (text_equal(history->appointments[i].id, id)) {
            return &history->appointments[i];
        }
    }
    return NULL;
}

bool history_is_overdue_told(const struct history *history, const char *committed_date)
{
    for (size_t i = 0; i < history->overdue_told_count; i++) {
        if (text_equal(history->overdue_told[i], committed_date)) {
            return true;
        }
    }
    return false;
}

void history_tell_overdue(struct history *history, const char *committed_date)
{
    if (history_is_overdue_told(history, committed_date)) {
        return;
    }
    if (history->overdue_told_count == HISTORY_OVERDUE_MAX) {
        history->overdue_told_count--;
        memmove(history->overdue_told, history->overdue_told + 1,
                history->overdue_told_count * sizeof history->overdue_told[0]);
    }
    history->overdue_told[history->overdue_told_count++] = committed_date;
}

bool history_is_reminded(const struct appointment_history *appointment, int64_t lead_ms)
{
    for (size_t i = 0; i < appointment->reminded_count; i++) {
        if (appointment->reminded_ms[i] == lead_ms) {
            return true;
        }
    }
    return false;
}

void history_tell_reminder(struct appointment_history *appointment, int64_t lead_ms)
{
    if (history_is_reminded(appointment, lead_ms)) {
        return;
    }
    if (appointment->reminded_count == HISTORY_REMINDED_MAX) {
        appointment->reminded_count--;
        memmove(appointment->reminded_ms, appointment->reminded_ms + 1,
                appointment->reminded_count * sizeof appointment->reminded_ms[0]);
    }
    appointment->reminded_ms[appointment->reminded_count++] = lead_ms;
}

/* --- moving on --- */

static void advance_date(struct date_history *date, const char *value, const struct change *change)
{
    if (date->first == NULL) {
        date->first = value;
    } else if (change != NULL) {
        date->move_count++;
    }
}

static void advance_dates(struct history *history, const struct record *after,
                          const struct diff *diff)
{
    for (size_t i = 0; i < ORDER_FIELD_COUNT; i++) {
        enum order_field field = (enum order_field)i;
        if (order_field_is_date(field)) {
            advance_date(&history->dates[i], after->fields[i],
                         change_list_find(&diff->dates, order_field_name(field)));
        }
    }
}

/* What was told of the old start, or before a cancellation, says nothing of the new one. */
static void begin_anew(struct appointment_history *known, int64_t now_wall_ms)
{
    known->since_wall_ms = now_wall_ms;
    known->reminded_count = 0;
}

static void advance_known(struct appointment_history *known, const struct appointment_diff *diff,
                          int64_t now_wall_ms)
{
    const char *start = diff->after != NULL ? diff->after->fields[APPOINTMENT_START] : NULL;
    const struct change *move = change_list_find(&diff->changes, "start");
    bool will = diff->after != NULL && history_will_take_place(diff->after->kind);
    bool would = diff->before != NULL && history_will_take_place(diff->before->kind);
    known->calendar_sequence++;
    known->is_removed = diff->after == NULL;
    if (diff->before != NULL && diff->after != NULL && move != NULL && move->from != NULL) {
        known->move_count++;
    }
    if (known->first_start == NULL) {
        known->first_start = start;
    }
    if (move != NULL || (will && !would)) {
        begin_anew(known, now_wall_ms);
    }
}

static void add_appointment(struct history *history, const struct appointment *appointment,
                            int64_t now_wall_ms)
{
    history->appointments[history->appointment_count++] = (struct appointment_history){
        .id = appointment->id,
        .first_start = appointment->fields[APPOINTMENT_START],
        .since_wall_ms = now_wall_ms,
    };
}

static void forget_oldest_removed(struct history *history)
{
    size_t removed_count = 0;
    for (size_t i = 0; i < history->appointment_count; i++) {
        removed_count += history->appointments[i].is_removed ? 1 : 0;
    }
    size_t kept = 0;
    for (size_t i = 0; i < history->appointment_count; i++) {
        if (history->appointments[i].is_removed && removed_count > HISTORY_REMOVED_MAX) {
            removed_count--;
            continue;
        }
        history->appointments[kept++] = history->appointments[i];
    }
    history->appointment_count = kept;
}

static void advance_appointments(struct history *history, const struct diff *diff,
                                 int64_t now_wall_ms, struct arena *arena)
{
    size_t count_max = history->appointment_count + diff->appointment_count;
    struct appointment_history *grown = arena_array(arena, count_max, sizeof *grown);
    if (history->appointment_count != 0) {
        memcpy(grown, history->appointments, history->appointment_count * sizeof *grown);
    }
    history->appointments = grown;
    for (size_t i = 0; i < diff->appointment_count; i++) {
        const struct appointment_diff *one = &diff->appointments[i];
        const char *id = one->after != NULL ? one->after->id : one->before->id;
        struct appointment_history *known = history_appointment(history, id);
        if (known != NULL) {
            advance_known(known, one, now_wall_ms);
        } else if (one->after != NULL) {
            add_appointment(history, one->after, now_wall_ms);
        }
    }
    forget_oldest_removed(history);
}

void history_advance(struct history *history, const struct record *after, const struct diff *diff,
                     int64_t now_wall_ms, struct arena *arena)
{
    if (diff->status.count != 0 || history->status_since_wall_ms == 0) {
        history->status_since_wall_ms = now_wall_ms;
        history->is_stall_told = false;
    }
    advance_dates(history, after, diff);
    advance_appointments(history, diff, now_wall_ms, arena);
}

/* --- bytes --- */

/* Most things never move: none is not written. */
static void write_count(struct json_writer *writer, const char *name, uint32_t count)
{
    if (count != 0) {
        json_write_integer(writer, name, count);
    }
}

static void write_dates(struct json_writer *writer, const struct history *history)
{
    json_write_open(writer, "dates", '{');
    for (size_t i = 0; i < ORDER_FIELD_COUNT; i++) {
        const struct date_history *date = &history->dates[i];
        if (date->first == NULL) {
            continue;
        }
        json_write_open(writer, order_field_name((enum order_field)i), '{');
        json_write_text(writer, "first", date->first);
        write_count(writer, "moves", date->move_count);
        json_write_close(writer, '}');
    }
    json_write_close(writer, '}');
}

static void write_pending(struct json_writer *writer, const struct pending_status *pending)
{
    if (pending->since_wall_ms == 0) {
        return;
    }
    json_write_open(writer, "pending", '{');
    json_write_integer(writer, "since", pending->since_wall_ms);
    json_write_integer(writer, "kind", (int64_t)pending->kind);
    json_write_text(writer, "status", pending->status);
    json_write_text(writer, "step", pending->step);
    json_write_text(writer, "completed_date", pending->completed_date);
    json_write_close(writer, '}');
}

static void write_appointment(struct json_writer *writer,
                              const struct appointment_history *appointment)
{
    json_write_open(writer, NULL, '{');
    json_write_text(writer, "id", appointment->id);
    json_write_text(writer, "first_start", appointment->first_start);
    write_count(writer, "moves", appointment->move_count);
    write_count(writer, "sequence", appointment->calendar_sequence);
    json_write_integer(writer, "since", appointment->since_wall_ms);
    if (appointment->reminded_count != 0) {
        json_write_open(writer, "reminded", '[');
        for (size_t i = 0; i < appointment->reminded_count; i++) {
            json_write_integer(writer, NULL, appointment->reminded_ms[i]);
        }
        json_write_close(writer, ']');
    }
    json_write_true(writer, "removed", appointment->is_removed);
    json_write_close(writer, '}');
}

void history_encode(const struct history *history, struct text *out)
{
    struct json_writer writer = {.out = out};
    json_write_open(&writer, NULL, '{');
    json_write_integer(&writer, "status_since", history->status_since_wall_ms);
    json_write_true(&writer, "stall_told", history->is_stall_told);
    if (history->baseline_wall_ms != 0) {
        json_write_integer(&writer, "baseline", history->baseline_wall_ms);
    }
    write_pending(&writer, &history->pending);
    write_dates(&writer, history);
    if (history->overdue_told_count != 0) {
        json_write_open(&writer, "overdue_told", '[');
        for (size_t i = 0; i < history->overdue_told_count; i++) {
            json_write_text(&writer, NULL, history->overdue_told[i]);
        }
        json_write_close(&writer, ']');
    }
    if (history->appointment_count != 0) {
        json_write_open(&writer, "appointments", '[');
        for (size_t i = 0; i < history->appointment_count; i++) {
            write_appointment(&writer, &history->appointments[i]);
        }
        json_write_close(&writer, ']');
    }
    json_write_close(&writer, '}');
}

static const char *copy(const char *text, struct arena *arena)
{
    return text != NULL ? arena_text(arena, span_of(text)) : NULL;
}

static int64_t integer_of(const struct json *node)
{
    struct span digits = json_text(node);
    bool is_negative = digits.size != 0 && digits.data[0] == '-';
    int64_t value = 0;
    for (size_t i = is_negative ? 1 : 0; i < digits.size && i < 18; i++) {
        value = value * 10 + (digits.data[i] - '0');
    }
    return is_negative ? -value : value;
}

static void read_pending(const struct json *node, struct arena *arena, struct pending_status *out)
{
    out->since_wall_ms = json_member_integer(node, "since", 0);
    out->kind = (enum order_kind)json_member_integer(node, "kind", ORDER_UNKNOWN);
    out->status = copy(json_member_text(node, "status"), arena);
    out->step = copy(json_member_text(node, "step"), arena);
    out->completed_date = copy(json_member_text(node, "completed_date"), arena);
}

static void read_appointment(const struct json *node, struct arena *arena,
                             struct appointment_history *out)
{
    out->id = copy(json_member_text(node, "id"), arena);
    out->first_start = copy(json_member_text(node, "first_start"), arena);
    out->move_count = (uint32_t)json_member_integer(node, "moves", 0);
    out->calendar_sequence = (uint32_t)json_member_integer(node, "sequence", 0);
    out->since_wall_ms = json_member_integer(node, "since", 0);
    out->is_removed = json_member_true(node, "removed");
    const struct json *lead = json_first(json_member(node, "reminded"));
    for (; lead != NULL; lead = json_next(lead)) {
        history_tell_reminder(out, integer_of(lead));
    }
}

static enum status read_appointments(const struct json *root, struct arena *arena,
                                     struct history *out, struct failure *why)
{
    const struct json *list = json_member(root, "appointments");
    out->appointments = arena_array(arena, json_count(list), sizeof *out->appointments);
    for (const struct json *node = json_first(list); node != NULL; node = json_next(node)) {
        struct appointment_history *one = &out->appointments[out->appointment_count++];
        read_appointment(node, arena, one);
        if (one->id == NULL) {
            return fail(why, STATUS_CORRUPT, "stored history: an appointment has no id");
        }
    }
    return STATUS_OK;
}

static enum status read_history(const struct json *root, struct arena *arena, struct history *out,
                                struct failure *why)
{
    out->status_since_wall_ms = json_member_integer(root, "status_since", 0);
    out->is_stall_told = json_member_true(root, "stall_told");
    out->baseline_wall_ms = json_member_integer(root, "baseline", 0);
    const struct json *pending = json_member(root, "pending");
    if (pending != NULL) {
        read_pending(pending, arena, &out->pending);
    }
    const struct json *dates = json_member(root, "dates");
    for (size_t i = 0; i < ORDER_FIELD_COUNT; i++) {
        const struct json *date = json_member(dates, order_field_name((enum order_field)i));
        if (date != NULL) {
            out->dates[i].first = copy(json_member_text(date, "first"), arena);
            out->dates[i].move_count = (uint32_t)json_member_integer(date, "moves", 0);
        }
    }
    const struct json *told = json_first(json_member(root, "overdue_told"));
    for (; told != NULL; told = json_next(told)) {
        history_tell_overdue(out, arena_text(arena, json_text(told)));
    }
    return read_appointments(root, arena, out, why);
}

enum status history_decode(struct span bytes, struct arena *arena, struct history *out,
                           struct failure *why)
{
    struct history history = {0};
    if (bytes.size == 0) {
        *out = history;
        return STATUS_OK;
    }
    struct json *root = NULL;
    struct failure detail;
    if (json_parse(bytes, &root, &detail) != STATUS_OK) {
        return fail(why, STATUS_CORRUPT, "stored history: %s", detail.detail);
    }
    enum status status = read_history(root, arena, &history, why);
    json_destroy(root);
    if (status == STATUS_OK) {
        *out = history;
    }
    return status;
}
