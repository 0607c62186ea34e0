# Request Tracker 5, REST API 2: one ticket for each condition of an order.
#
# The receiver: url https://HOST/REST/2.0, headers {Authorization: "token ..."} (or username and
# password), and ticket_id: /id, so that later events find their ticket.
# Settings: queue (required), requestor (a mail address), closed_status (default resolved).

def words: [
    .data.summary,
    "",
    "Event: " + (.type | ltrimstr("orderwatch.")) + " (" + .severity + ", " + .time + ")",
    (.data.note.text // empty),
    (.data.order // {} | . as $order
        | ("id", "reference", "status", "step", "site", "offer", "requested_date",
           "committed_date", "completed_date", "url")
        | select($order[.] != null)
        | . + ": " + $order[.]),
    "Key: " + $ticket.key
] | join("\n");

def present: with_entries(select(.value != null));
def correspond($more): {
    path: "/ticket/\($ticket.id | @uri)/correspond",
    body: ({Content: words, ContentType: "text/plain"} + $more)
};

if $settings.queue == null then error("settings.queue is missing: the name of the queue")
elif $ticket.id == null then {
    path: "/ticket",
    body: ({
        Queue: $settings.queue,
        Subject: (.data.summary | .[0:200]),
        Requestor: $settings.requestor,
        Content: words,
        ContentType: "text/plain"
    } | present)
}
elif $ticket.action == "close" then correspond({Status: ($settings.closed_status // "resolved")})
elif $ticket.action == "reopen" then correspond({Status: "open"})
else correspond({}) end
