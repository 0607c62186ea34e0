# Zammad, REST API: one ticket for each condition of an order.
#
# The receiver: url https://HOST/api/v1, headers {Authorization: "Token token=..."} (an access token
# that may write tickets), and ticket_id: /id, so that later events find their ticket.
# Settings: group (default Users), customer (a mail address that Zammad knows; required).

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

def article: {
    subject: (.data.summary | .[0:250]), body: words, type: "note", internal: true,
    content_type: "text/plain"
};
def change($fields): {
    method: "PUT", path: "/tickets/\($ticket.id | @uri)", body: ($fields + {article: article})
};

if $settings.customer == null then error("settings.customer is missing: a mail address")
elif $ticket.id == null then {
    path: "/tickets",
    body: {
        title: (.data.summary | .[0:250]),
        group: ($settings.group // "Users"),
        customer: $settings.customer,
        article: article
    }
}
elif $ticket.action == "close" then change({state: "closed"})
elif $ticket.action == "reopen" then change({state: "open"})
else change({}) end
