/* A change given a durable identity: the CloudEvents object that every sink sends. */
#ifndef CORE_EVENT_H
#define CORE_EVENT_H

#include "core/base.h"

struct arena;
struct field_filter;
struct text;

enum severity { SEVERITY_INFO, SEVERITY_NOTICE, SEVERITY_WARNING, SEVERITY_CRITICAL };

enum event_type {
    EVENT_ORDER_CREATED,
    EVENT_ORDER_STATUS_CHANGED,
    EVENT_ORDER_STATUS_COMPLETED,
    EVENT_ORDER_STATUS_CANCELLED,
    EVENT_ORDER_STATUS_FAILED,
    EVENT_ORDER_STATUS_HELD,
    EVENT_ORDER_STATUS_RESUMED,
    EVENT_ORDER_STATUS_REVERTED,
    EVENT_ORDER_DATE_COMMITTED,
    EVENT_ORDER_DATE_CHANGED,
    EVENT_ORDER_DATE_OVERDUE,
    EVENT_ORDER_STALLED,
    EVENT_ORDER_NOTE_ADDED,
    EVENT_ORDER_UPDATED,
    EVENT_ORDER_CLOSED,
    EVENT_ORDER_DISAPPEARED,
    EVENT_ORDER_REAPPEARED,
    EVENT_APPOINTMENT_CREATED,
    EVENT_APPOINTMENT_CONFIRMED,
    EVENT_APPOINTMENT_RESCHEDULED,
    EVENT_APPOINTMENT_CANCELLED,
    EVENT_APPOINTMENT_COMPLETED,
    EVENT_APPOINTMENT_MISSED,
    EVENT_APPOINTMENT_UPDATED,
    EVENT_APPOINTMENT_REMOVED,
    EVENT_APPOINTMENT_REMINDER,
    EVENT_SOURCE_UNREACHABLE,
    EVENT_SOURCE_RECOVERED,
    EVENT_SOURCE_REJECTED,
    EVENT_SOURCE_SCHEMA_CHANGED,
    EVENT_SOURCE_CHANGE_HELD,
    EVENT_SOURCE_CREDENTIAL_EXPIRING,
    EVENT_SINK_FAILING,
    EVENT_SINK_RECOVERED,
    EVENT_SINK_PARKED,
    EVENT_TEST,   /* orderwatch test SINK: marked as a test everywhere, never stored */
    EVENT_DIGEST, /* a digest's own: makes a mail even when nothing changed; goes to its sink only
                   */
    EVENT_TYPE_COUNT
};

const char *event_type_name(enum event_type type); /* without "orderwatch.": order.created */
bool event_type_parse(const char *name, enum event_type *out);
enum severity event_type_severity(enum event_type type); /* the usual one; classify may raise it */
const char *severity_name(enum severity severity);
bool severity_parse(const char *name, enum severity *out);

#define EVENT_BYTES_MAX 65536

/* One changed field. A value is canonical text, NULL if absent on that side. */
struct change {
    const char *field; /* start, status, committed_date, contact.name, extra.X … */
    const char *from;
    const char *to;
};

/* What is known of an event before it is composed; all borrowed. */
struct event_facts {
    enum event_type type;
    enum severity severity;
    const char *source_name;    /* NULL for events of sinks */
    const char *sink_name;      /* for events of sinks */
    const char *order_id;       /* NULL for events of sources and sinks */
    const char *appointment_id; /* NULL if not about one */
    uint64_t sequence;          /* of the order, source or sink; from 1 */
    int64_t wall_ms;            /* when it was detected; not part of the id */
    uint64_t sweep;             /* data.sweep; 0: not from a sweep */
    int64_t as_of_wall_ms;      /* data.as_of: when what it rests on was read; 0: none; not of id */
    const char *summary;        /* one English line, cleaned */
    const struct change *changes;
    size_t change_count;
    struct span order_json;       /* finished data.order without contact; empty: none */
    struct span contact_json;     /* finished contact object; empty: none */
    struct span appointment_json; /* finished data.appointment; empty: none */
    struct span extra_json; /* further members of data, finished: "reschedule":{…},"note":{…};
                               of sources and sinks: "source":{"name":…}, "sink":{"name":…} */
};

/* A finished event. json is what leaves by default; personal holds what only sinks that name
 * contact in `fields` may add: {"contact":{…},"changes":[…]} with every change; empty if there is
 * nothing. */
/* How routes want an event told, where they do not leave it to the sink. */
struct event_manner {
    const struct field_filter *fields; /* NULL: as the sink says */
    int language;                      /* 1 + enum language; 0: as the sink says */
};

struct event {
    char id[33];
    enum event_type type;
    enum severity severity;
    const char *source_name;    /* "" for sinks */
    const char *sink_name;      /* events of sinks, fresh from event_compose; else "" or NULL */
    const char *order_id;       /* "" if not about an order */
    const char *appointment_id; /* "" if not about one */
    uint64_t sequence;
    int64_t wall_ms;
    uint64_t sweep;
    struct span json;
    struct span personal;
    const struct event_manner *manner; /* NULL: the sink's own */
};

/* Composes id, json and personal; the new texts live in arena. Changes of contact fields are in
 * json without their values. What would pass EVENT_BYTES_MAX is shortened, notes first. The id is a
 * function of source, subject, type, sequence, changes and the finished parts of data, not of time.
 */
void event_compose(const struct event_facts *facts, struct arena *arena, struct event *out);

/* subject: orders/ID[/appointments/ID], sources/NAME, sinks/NAME, percent-encoded. */
void event_add_subject(const struct event_facts *facts, struct text *out);

/* The event as one sink may see it, by filter or by its own manner: contact added or fields taken
 * away. Copies json through when the filter is the default. STATUS_CORRUPT: json is not what
 * event_compose made. */
enum status event_add_filtered(const struct event *event, const struct field_filter *filter,
                               struct text *out, struct failure *why) MUST_CHECK;

#endif
