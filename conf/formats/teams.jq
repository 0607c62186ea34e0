# Microsoft Teams: an adaptive card.
#
# The receiver: a workflow "When a Teams webhook request is received" that posts the card; its URL is
# a secret, so give it as ${TEAMS_URL}. Teams verifies no signature: leave secret out.

# Text blocks read Markdown: what the operator wrote stays text. Some signs mean something only
# where a line begins.
def signs: "\\`*_{}[]()!|<>~" | explode;
def safe: signs as $signs
    | [explode[] | if . as $sign | $signs | index($sign) then 92, . else . end] | implode
    | split("\n")
    | map(sub("^(?<space>\\s*)(?<sign>[-+#=])"; "\(.space)\\\(.sign)")
        | sub("^(?<number>\\s*[0-9]+)[.]"; "\(.number)\\."))
    | join("\n");
def color: {info: "default", notice: "good", warning: "warning", critical: "attention"}[.];
def fact($name; $value): if $value then {title: $name, value: ($value | safe)} else empty end;

.data as $data
| {
    type: "message",
    attachments: [{
        contentType: "application/vnd.microsoft.card.adaptive",
        content: {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            type: "AdaptiveCard",
            version: "1.4",
            body: [
                {type: "TextBlock", text: ($data.summary | safe), wrap: true, weight: "bolder",
                 color: (.severity | color)},
                {type: "FactSet", facts: [
                    fact("Event"; .type | ltrimstr("orderwatch.")),
                    fact("Reference"; $data.order.reference),
                    fact("Status"; $data.order.status),
                    fact("Site"; $data.order.site),
                    fact("Committed"; $data.order.committed_date)
                ]}
            ]
        }
    }]
}
