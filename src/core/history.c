#include "core/history.h"

#include "core/arena.h"

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
