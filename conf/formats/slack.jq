# Slack, and what takes the same messages (Mattermost, Rocket.Chat, Discord's /slack URLs).
#
# The receiver: an incoming webhook; its URL is a secret, so give it as ${SLACK_URL}. Slack verifies
# no signature: leave secret out.

def safe: gsub("&"; "&amp;") | gsub("<"; "&lt;") | gsub(">"; "&gt;");
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
