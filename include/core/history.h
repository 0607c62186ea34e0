/* What is remembered of an order beyond its present record: first promises, moves, what was told.
 */
#ifndef CORE_HISTORY_H
#define CORE_HISTORY_H

#include "core/base.h"
#include "core/diff.h"
#include "core/record.h"

struct arena;
struct text;

#define HISTORY_REMOVED_MAX 64  /* removed appointments that are remembered */
#define HISTORY_REMINDED_MAX 16 /* lead times told per start */
#define HISTORY_OVERDUE_MAX 16  /* committed dates told as overdue */

struct date_history {
    const char *first; /* the first value ever seen; NULL: none */
    uint32_t move_count;
};

struct appointment_history {
    const char *id;
    const char *first_start; /* NULL: it never had one */
    uint32_t move_count;
    uint32_t calendar_sequence; /* iCalendar SEQUENCE: rises with every change */
    int64_t since_wall_ms;      /* since when it is known to take place at its present start */
    int64_t reminded_ms[HISTORY_REMINDED_MAX]; /* lead times told for the present start */
    size_t reminded_count;
    bool is_removed;
};

/* A status that moved and is not told yet: it may come back (settle). */
struct pending_status {
    int64_t since_wall_ms;                      /* 0: there is none */
    const char *status, *step, *completed_date; /* as told last; NULL: absent */
    enum order_kind kind;
};

struct history {
    struct date_history dates[ORDER_FIELD_COUNT]; /* of date fields only */
    int64_t status_since_wall_ms;
    bool is_stall_told; /* for the present status */
    struct pending_status pending;
    int64_t baseline_wall_ms; /* what had passed by then is not told; 0: first seen later */
    const char *overdue_told[HISTORY_OVERDUE_MAX];
    size_t overdue_told_count;
    struct appointment_history *appointments;
    size_t appointment_count;
};

/* Empty bytes give an empty history. STATUS_CORRUPT: not what history_encode made. */
enum status history_decode(struct span bytes, struct arena *arena, struct history *out,
                           struct failure *why) MUST_CHECK;
void history_encode(const struct history *history, struct text *out);

/* Moves on from one record to the next; diff is the difference between the two. */
void history_advance(struct history *history, const struct record *after, const struct diff *diff,
                     int64_t now_wall_ms, struct arena *arena);

struct appointment_history *history_appointment(struct history *history, const char *id); /* NULL */
bool history_is_overdue_told(const struct history *history, const char *committed_date);
void history_tell_overdue(struct history *history, const char *committed_date);
bool history_is_reminded(const struct appointment_history *appointment, int64_t lead_ms);
void history_tell_reminder(struct appointment_history *appointment, int64_t lead_ms);

/* Whether an appointment of this kind is still expected to take place. */
bool history_will_take_place(enum appointment_kind kind);

#endif
