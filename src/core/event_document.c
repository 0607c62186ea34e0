#include "core/event_document.h"

#include "core/arena.h"
#include "core/date.h"
#include "core/json.h"
#include "core/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What follows prefix; NULL if it does not begin so. */
static const char *after(const char *text, const char *prefix)
{
    size_t size = strlen(prefix);
    return text != NULL && strncmp(text, prefix, size) == 0 ? text + size : NULL;
}

static enum status read_kind(const struct json *root, struct event *event, struct failure *why)
{
    const char *type = json_member_text(root, "type");
    const char *name = after(type, "orderwatch.");
    if (name == NULL || !event_type_parse(name, &event->type)) {
        return fail(why, STATUS_INVALID,
                    "type: %.80s is no event type; accepted: orderwatch.order.created and the like",
                    type != NULL ? type : "(absent)");
    }
    const char *id = json_member_text(root, "id");
    (void)snprintf(event->id, sizeof event->id, "%s", id != NULL ? id : "");
    const char *sequence = json_member_text(root, "sequence");
    event->sequence = sequence != NULL ? strtoull(sequence, NULL, 10) : 0;
    event->sweep = (uint64_t)json_member_integer(json_member(root, "data"), "sweep", 0);
    const char *severity = json_member_text(root, "severity");
    event->severity = event_type_severity(event->type);
    if (severity != NULL && !severity_parse(severity, &event->severity)) {
        return fail(why, STATUS_INVALID,
                    "severity: %.80s is none; accepted: info, notice, warning, critical", severity);
    }
    return STATUS_OK;
}

/* urn:orderwatch:NAME for sources; urn:orderwatch for sinks, whose name is in the subject. */
static enum status read_owner(const struct json *root, struct arena *arena, struct event *event,
                              struct failure *why)
{
    const char *source = json_member_text(root, "source");
    const char *name = after(source, "urn:orderwatch:");
    if (name == NULL && !text_equal(source, "urn:orderwatch")) {
        return fail(why, STATUS_INVALID,
                    "source: %.80s; accepted: urn:orderwatch:NAME, with the name of a source",
                    source != NULL ? source : "(absent)");
    }
    event->source_name = arena_text(arena, span_of(name));
    const char *sink = after(json_member_text(root, "subject"), "sinks/");
    event->sink_name = arena_text(arena, span_of(sink));
    return STATUS_OK;
}

static enum status read_data(const struct json *root, struct arena *arena,
                             struct event_document *out, struct failure *why)
{
    const struct json *data = json_member(root, "data");
    const struct json *order = json_member(data, "order");
    const char *appointment_id = json_member_text(json_member(data, "appointment"), "id");
    out->event.appointment_id = arena_text(arena, span_of(appointment_id));
    out->event.order_id = "";
    if (order == NULL) {
        return STATUS_OK;
    }
    struct text bytes;
    text_init(&bytes, SIZE_MAX / 4);
    json_add(&bytes, order);
    enum status status = record_read_json(text_span(&bytes), arena, &out->record, why);
    text_fini(&bytes);
    if (status != STATUS_OK) {
        return fail(why, STATUS_INVALID, "data.order has no id; accepted: an order with its id");
    }
    out->has_record = true;
    out->event.order_id = out->record.id;
    return STATUS_OK;
}

static enum status read_root(const struct json *root, struct arena *arena,
                             struct event_document *out, struct failure *why)
{
    if (json_kind(root) != JSON_OBJECT) {
        return fail(why, STATUS_INVALID, "no JSON object; accepted: one CloudEvents event");
    }
    enum status status = read_kind(root, &out->event, why);
    if (status == STATUS_OK) {
        status = read_owner(root, arena, &out->event, why);
    }
    if (status == STATUS_OK) {
        status = read_data(root, arena, out, why);
    }
    struct date date = date_of_wall(json_member_text(root, "time"));
    out->event.wall_ms = date.kind == DATE_INSTANT ? date.ms : 0;
    return status;
}

enum status event_document_read(struct span bytes, struct arena *arena, struct event_document *out,
                                struct failure *why)
{
    struct json *root = NULL;
    enum status status = json_parse(bytes, &root, why);
    if (status != STATUS_OK) {
        return STATUS_INVALID;
    }
    struct event_document document = {0};
    status = read_root(root, arena, &document, why);
    json_destroy(root);
    if (status == STATUS_OK) {
        *out = document;
    }
    return status;
}
