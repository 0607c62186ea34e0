# GLPI 10, REST API: one ticket for each condition of an order.
#
# The receiver: url https://HOST/apirest.php, headers {App-Token: ..., Session-Token: ...} (a session
# of a user that may write tickets), and ticket_id: /id, so that later events find their ticket.
# Settings: entity (its number), category (its number).

def urgency: {info: 2, notice: 3, warning: 4, critical: 5}[.];

# GLPI reads HTML.
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
] | map("<p>" + (@html | split("\n") | join("<br>")) + "</p>") | join("");

def present: with_entries(select(.value != null));
def number: if . == null then null else tonumber end;
def add($what; $more): {
    path: "/\($what)",
    body: {input: ({itemtype: "Ticket", items_id: ($ticket.id | tonumber), content: words} + $more)}
};

if $ticket.id == null then {
    path: "/Ticket",
    body: {input: ({
        name: (.data.summary | .[0:250]),
        content: words,
        urgency: (.severity | urgency),
        entities_id: ($settings.entity | number),
        itilcategories_id: ($settings.category | number)
    } | present)}
}
elif $ticket.action == "close" then add("ITILSolution"; {})
elif $ticket.action == "reopen" then add("ITILFollowup"; {add_reopen: 1})
else add("ITILFollowup"; {}) end
