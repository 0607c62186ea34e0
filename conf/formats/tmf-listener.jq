# TM Forum notifications: TMF622 product order and TMF646 appointment events, version 4 envelopes.
#
# The receiver: url is the callback as it would be registered at a hub; each event is posted to
# /listener/NAME below it, such as productOrderStateChangeEvent; its eventType begins with a capital.
# Events of sources and sinks are none of TM Forum's: leave them out of the route
# (types: ["order.*", "appointment.*"]).
# Settings: domain (default "orderwatch").

def state: {
    open: "inProgress", held: "held", completed: "completed", cancelled: "cancelled",
    failed: "failed"
}[. // "open"] // "inProgress";

def appointment_state: {
    confirmed: "confirmed", cancelled: "cancelled", completed: "completed", missed: "failed"
}[. // ""] // "initialized";

def name: {
    "order.created": "productOrderCreateEvent",
    "order.closed": "productOrderDeleteEvent",
    "order.disappeared": "productOrderDeleteEvent",
    "order.reappeared": "productOrderCreateEvent",
    "appointment.created": "appointmentCreateEvent",
    "appointment.removed": "appointmentDeleteEvent",
    "appointment.confirmed": "appointmentStateChangeEvent",
    "appointment.cancelled": "appointmentStateChangeEvent",
    "appointment.completed": "appointmentStateChangeEvent",
    "appointment.missed": "appointmentStateChangeEvent"
}[.] // (if startswith("order.status.") then "productOrderStateChangeEvent"
         elif startswith("order.") then "productOrderAttributeValueChangeEvent"
         elif startswith("appointment.") then "appointmentAttributeValueChangeEvent"
         else null end);

def present: with_entries(select(.value != null));

def product_order: {
    id, href: .url, externalId: .reference, state: (.status_kind | state),
    description: .offer,
    requestedCompletionDate: .requested_date,
    expectedCompletionDate: .committed_date,
    completionDate: .completed_date,
    note: (if .notes then [.notes[] | {id, author, date, text} | present] else null end)
} | present;

def appointment($order): {
    id,
    status: (.status_kind | appointment_state),
    validFor: ({startDateTime: .start, endDateTime: .end} | present),
    relatedEntity: [{id: $order.id, "@referredType": "ProductOrder"}]
} | present;

. as $event
| (.type | ltrimstr("orderwatch.")) as $type
| ($type | name) as $name
| if $name == null then null else {
    path: "/listener/\($name)",
    body: ({
        eventId: .id,
        eventTime: .time,
        timeOcurred: .time,
        eventType: (($name[:1] | ascii_upcase) + $name[1:]),
        correlationId: $ticket.key,
        domain: ($settings.domain // "orderwatch"),
        title: $type,
        description: .data.summary,
        priority: .severity,
        event: (if ($type | startswith("appointment."))
            then {appointment: (.data.appointment // {} | appointment($event.data.order))}
            else {productOrder: (.data.order | product_order)} end)
    } | present)
} end
