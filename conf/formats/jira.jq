# Jira (Cloud and Data Center), REST API 2: one issue for each condition of an order.
#
# The receiver: url https://SITE/rest/api/2, username and password (or bearer_token), and
# ticket_id: /key, so that later events find their issue.
# Settings: project (its key; required), issue_type (default Task), close_transition and
# reopen_transition (the ids of the workflow's transitions; without one a comment says it).

def subject: .data.summary | .[0:250];

# Jira reads wiki markup, whose escapes leave holes: a backslash cannot be escaped, nor a line that
# begins like a heading. Within {noformat} there is none, and what the operator wrote cannot end it,
# nor call somebody by [~name], which is looked for everywhere.
def safe: "{noformat}\n" + (split("{") | join("{ ") | split("[~") | join("[ ~")) + "\n{noformat}";

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
] | join("\n") | safe;

def comment: {path: "/issue/\($ticket.id | @uri)/comment", body: {body: words}};

def transition($id): if $id == null then comment else {
    path: "/issue/\($ticket.id | @uri)/transitions",
    body: {transition: {id: $id}, update: {comment: [{add: {body: words}}]}}
} end;

if $settings.project == null then error("settings.project is missing: the key of the Jira project")
elif $ticket.id == null then {
    path: "/issue",
    body: {fields: {
        project: {key: $settings.project},
        issuetype: {name: ($settings.issue_type // "Task")},
        summary: subject,
        description: words,
        labels: ["orderwatch", $ticket.condition]
    }}
}
elif $ticket.action == "close" then transition($settings.close_transition)
elif $ticket.action == "reopen" then transition($settings.reopen_transition)
else comment end
