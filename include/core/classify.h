/* From field changes to typed events: one aspect, one event (contract.md sections 3 and 7). */
#ifndef CORE_CLASSIFY_H
#define CORE_CLASSIFY_H

#include "core/diff.h"
#include "core/history.h"
#include "core/slip.h"

/* An event before it has a number, words and bytes. */
struct finding {
    enum event_type type;
    enum severity severity;
    struct change_list changes;
    const struct appointment *appointment; /* NULL: about the order as a whole */
    struct slip slip;                      /* of what moved */
    int64_t lead_ms;                       /* reminders: before the start */
    bool is_late;                          /* reminders: told later than it was due */
    int64_t since_wall_ms;                 /* order.stalled: without a move since */
    size_t follower_count;                 /* a cancelled order's: appointments told with it */
    size_t unkept_count;                   /* new notes that are no longer kept */
    struct span extra_json;                /* further members of data */
};

struct finding_list {
    struct finding *items;
    size_t count;
};

struct classify_context {
    const struct source_config *source;
    const struct record *before; /* NULL: the order is new */
    const struct record *after;
    const struct diff *diff;
    struct history *history; /* after history_advance */
    struct arena *arena;
};

/* The order is new: order.created, and appointment.created each. */
void classify_new(const struct classify_context *context, struct finding_list *out);
/* It is on the list as before. */
void classify_changed(const struct classify_context *context, struct finding_list *out);
/* It left: its own event, after the status event of an order that ended just then. detail_json may
 * be empty. */
void classify_left(const struct classify_context *context, bool is_closed, struct span detail_json,
                   struct finding_list *out);
/* It is back: its own event with all that changed meanwhile. */
void classify_reappeared(const struct classify_context *context, struct finding_list *out);

/* Members of data that tell a calendar how to treat this appointment: "calendar":{…}. */
void classify_write_calendar(const struct classify_context *context, const char *appointment_id,
                             struct json_writer *writer);

#endif
