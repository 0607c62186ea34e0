# CloudEvents 1.0 in binary mode: the attributes as ce- headers, the data as the body.
#
# The receiver: any URL that takes the HTTP protocol binding of CloudEvents and answers 2xx.

# Percent-encoded as the binding says: the space, the quote, the percent sign and all but ASCII.
def attribute: tostring
    | [match("[!#$&-~]+|[^!#$&-~]+"; "g").string | if test("^[!#$&-~]") then . else @uri end]
    | add;

{
    headers: (del(.data, .datacontenttype)
        | with_entries(.key |= "ce-" + . | .value |= attribute)),
    content_type: (.datacontenttype // "application/json"),
    body: .data
}
