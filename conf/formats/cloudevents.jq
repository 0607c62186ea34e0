# CloudEvents 1.0 in structured mode: the event as it is (the default format).
#
# The receiver: any URL that takes application/cloudevents+json and answers 2xx.
{body: ., content_type: "application/cloudevents+json; charset=utf-8"}
