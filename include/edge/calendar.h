/* Appointments as iCalendar (RFC 5545, 5546): libical writes, what it says is never a guess. */
#ifndef EDGE_CALENDAR_H
#define EDGE_CALENDAR_H

#include "core/message.h"

enum calendar_method {
    CALENDAR_METHOD_NONE, /* a feed */
    CALENDAR_METHOD_PUBLISH,
    CALENDAR_METHOD_REQUEST,
    CALENDAR_METHOD_CANCEL
};

const char *calendar_method_name(enum calendar_method method); /* PUBLISH …; NULL for none */

struct calendar_facts {
    enum calendar_method method;
    const struct message_appointment *appointments; /* without a start: left out, but for CANCEL */
    size_t appointment_count;
    const struct zone *zone;      /* in which the times are written */
    const char *organizer;        /* bare address; NULL: none, for a feed */
    const char *const *attendees; /* bare addresses */
    size_t attendee_count;        /* PUBLISH must have none */
    int64_t stamp_wall_ms;        /* of appointments that do not say when they were revised */
    const char *name;             /* of a feed; NULL: none */
};

/* CRLF, folded, UTF-8. An end that is not after its start is left out. */
void calendar_add(const struct calendar_facts *facts, struct text *out);

/* The same for every mail and feed, for as long as the appointment exists. */
void calendar_add_uid(const struct message_appointment *appointment, struct text *out);

#endif
