#include "core/event.h"

static const struct {
    const char *name;
    enum severity severity;
} types[] = {
    [EVENT_ORDER_CREATED] = {"order.created", SEVERITY_INFO},
    [EVENT_ORDER_STATUS_CHANGED] = {"order.status.changed", SEVERITY_INFO},
    [EVENT_ORDER_STATUS_COMPLETED] = {"order.status.completed", SEVERITY_NOTICE},
    [EVENT_ORDER_STATUS_CANCELLED] = {"order.status.cancelled", SEVERITY_CRITICAL},
    [EVENT_ORDER_STATUS_FAILED] = {"order.status.failed", SEVERITY_CRITICAL},
    [EVENT_ORDER_STATUS_HELD] = {"order.status.held", SEVERITY_WARNING},
    [EVENT_ORDER_STATUS_RESUMED] = {"order.status.resumed", SEVERITY_INFO},
    [EVENT_ORDER_STATUS_REVERTED] = {"order.status.reverted", SEVERITY_INFO},
    [EVENT_ORDER_DATE_COMMITTED] = {"order.date.committed", SEVERITY_NOTICE},
    [EVENT_ORDER_DATE_CHANGED] = {"order.date.changed", SEVERITY_NOTICE},
    [EVENT_ORDER_DATE_OVERDUE] = {"order.date.overdue", SEVERITY_WARNING},
    [EVENT_ORDER_STALLED] = {"order.stalled", SEVERITY_WARNING},
    [EVENT_ORDER_NOTE_ADDED] = {"order.note.added", SEVERITY_NOTICE},
    [EVENT_ORDER_UPDATED] = {"order.updated", SEVERITY_INFO},
    [EVENT_ORDER_CLOSED] = {"order.closed", SEVERITY_NOTICE},
    [EVENT_ORDER_DISAPPEARED] = {"order.disappeared", SEVERITY_WARNING},
    [EVENT_ORDER_REAPPEARED] = {"order.reappeared", SEVERITY_NOTICE},
    [EVENT_APPOINTMENT_CREATED] = {"appointment.created", SEVERITY_NOTICE},
    [EVENT_APPOINTMENT_CONFIRMED] = {"appointment.confirmed", SEVERITY_NOTICE},
    [EVENT_APPOINTMENT_RESCHEDULED] = {"appointment.rescheduled", SEVERITY_WARNING},
    [EVENT_APPOINTMENT_CANCELLED] = {"appointment.cancelled", SEVERITY_CRITICAL},
    [EVENT_APPOINTMENT_COMPLETED] = {"appointment.completed", SEVERITY_NOTICE},
    [EVENT_APPOINTMENT_MISSED] = {"appointment.missed", SEVERITY_CRITICAL},
    [EVENT_APPOINTMENT_UPDATED] = {"appointment.updated", SEVERITY_INFO},
    [EVENT_APPOINTMENT_REMOVED] = {"appointment.removed", SEVERITY_WARNING},
    [EVENT_APPOINTMENT_REMINDER] = {"appointment.reminder", SEVERITY_NOTICE},
    [EVENT_SOURCE_UNREACHABLE] = {"source.unreachable", SEVERITY_WARNING},
    [EVENT_SOURCE_RECOVERED] = {"source.recovered", SEVERITY_NOTICE},
    [EVENT_SOURCE_REJECTED] = {"source.rejected", SEVERITY_CRITICAL},
    [EVENT_SOURCE_SCHEMA_CHANGED] = {"source.schema_changed", SEVERITY_WARNING},
    [EVENT_SOURCE_CHANGE_HELD] = {"source.change_held", SEVERITY_CRITICAL},
    [EVENT_SOURCE_CREDENTIAL_EXPIRING] = {"source.credential_expiring", SEVERITY_WARNING},
    [EVENT_SINK_FAILING] = {"sink.failing", SEVERITY_WARNING},
    [EVENT_SINK_RECOVERED] = {"sink.recovered", SEVERITY_NOTICE},
    [EVENT_SINK_PARKED] = {"sink.parked", SEVERITY_CRITICAL},
    [EVENT_TEST] = {"test", SEVERITY_INFO},
    [EVENT_DIGEST] = {"digest", SEVERITY_INFO},
};
_Static_assert(ARRAY_COUNT(types) == EVENT_TYPE_COUNT, "every event type has a row");

static const char *const severities[] = {
    [SEVERITY_INFO] = "info",
    [SEVERITY_NOTICE] = "notice",
    [SEVERITY_WARNING] = "warning",
    [SEVERITY_CRITICAL] = "critical",
};

const char *event_type_name(enum event_type type)
{
    CHECK((size_t)type < ARRAY_COUNT(types));
    return types[type].name;
}

bool event_type_parse(const char *name, enum event_type *out)
{
    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        if (text_equal(types[i].name, name)) {
            *out = (enum event_type)i;
            return true;
        }
    }
    return false;
}

enum severity event_type_severity(enum event_type type)
{
    CHECK((size_t)type < ARRAY_COUNT(types));
    return types[type].severity;
}

const char *severity_name(enum severity severity)
{
    CHECK((size_t)severity < ARRAY_COUNT(severities));
    return severities[severity];
}

bool severity_parse(const char *name, enum severity *out)
{
    for (size_t i = 0; i < ARRAY_COUNT(severities); i++) {
        if (text_equal(severities[i], name)) {
            *out = (enum severity)i;
            return true;
        }
    }
    return false;
}
