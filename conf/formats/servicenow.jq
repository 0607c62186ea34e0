# ServiceNow, Table API: one incident for each condition of an order.
#
# The receiver: url https://INSTANCE.service-now.com/api/now/table/incident, username and password
# (or bearer_token), and ticket_id: /result/sys_id, so that later events find their incident.
# Settings: caller_id, assignment_group, close_code (default "Solution provided"; older
# instances know "Solved (Permanently)" instead).

def urgency: {info: "3", notice: "3", warning: "2", critical: "1"}[.];

# Work notes read HTML between [code] and [/code]: what the operator wrote does not get there.
def safe: split("[") | join("[ ");

def words: [
    .data.summary,
    "",
    "Event: " + (.type | ltrimstr("orderwatch.")) + " (" + .severity + ", " + .time + ")",
    (.data.note.text // empty),
    (.data.order // {} | . as $order
        | ("id", "reference", "status", "step", "site", "offer", "requested_date",
           "committed_date", "completed_date", "url")
        | select($order[.] != null)
        | . + ": " + $order[.])
] | join("\n") | safe;

def present: with_entries(select(.value != null));
def change($fields): {method: "PATCH", path: "/\($ticket.id | @uri)", body: $fields};

if $ticket.id == null then {
    body: ({
        short_description: (.data.summary | .[0:160]),
        description: words,
        urgency: (.severity | urgency),
        correlation_id: $ticket.key,
        correlation_display: "orderwatch",
        caller_id: $settings.caller_id,
        assignment_group: $settings.assignment_group
    } | present)
}
elif $ticket.action == "close" then change({
    state: "6", close_code: ($settings.close_code // "Solution provided"), close_notes: words
})
elif $ticket.action == "reopen" then change({state: "2", work_notes: words})
else change({work_notes: words}) end
