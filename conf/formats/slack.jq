# Slack, and what takes the same messages (Mattermost, Rocket.Chat, Discord's /slack URLs).
#
# The receiver: an incoming webhook; its URL is a secret, so give it as ${SLACK_URL}. Slack verifies
# no signature: leave secret out.

# The three signs that Slack reads. Others also call everybody by a name: a space that is not seen
# stands in it.
def replace($sign; $with): split($sign) | join($with);
def call_nobody: split("@")
    | .[:1] + (.[1:] | map(if test("^(channel|here|everyone|all)"; "i") then "\u200b" + . else . end))
    | join("@");
def safe: replace("&"; "&amp;") | replace("<"; "&lt;") | replace(">"; "&gt;") | call_nobody;
def color: {info: "#2f6fab", notice: "#2e7d32", warning: "#e08a00", critical: "#c62828"}[.];
def field($name; $value): if $value then {title: $name, value: ($value | safe), short: true} else empty end;

.data as $data
| {
    text: ($data.summary | safe),
    mrkdwn: false,
    attachments: [{
        color: (.severity | color),
        fallback: ($data.summary | safe),
        fields: [
            field("Event"; .type | ltrimstr("orderwatch.")),
            field("Reference"; $data.order.reference),
            field("Status"; $data.order.status),
            field("Site"; $data.order.site),
            field("Committed"; $data.order.committed_date),
            field("Link"; $data.order.url)
        ]
    }]
}
