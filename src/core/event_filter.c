/* An event as one sink may see it. */
#include "core/event.h"

#include "core/json.h"
#include "core/json_write.h"
#include "core/record.h"
#include "core/utf8.h"
#include "core/words.h"

#include <string.h>

struct filtering {
    const struct event *event;
    const struct field_filter *filter;
    const struct json *personal; /* NULL: there is nothing personal */
    bool hides_change;
};

#define ID_SHOWN_BYTES_MAX 80

static const char contact_prefix[] = "contact.";

static void write_as_it_is(struct json_writer *writer, const struct json *node)
{
    struct text value;
    text_init(&value, SIZE_MAX / 4);
    json_add(&value, node);
    json_write_raw(writer, json_key(node), text_span(&value));
    text_fini(&value);
}

static bool allows_member(const struct field_filter *filter, const char *prefix, const char *name)
{
    struct text path;
    text_init(&path, RECORD_TEXT_MAX);
    text_add_text(&path, prefix);
    text_add_text(&path, name);
    bool allows = field_filter_allows(filter, text_cstr(&path));
    text_fini(&path);
    return allows;
}

/* An object whose members a filter may name one by one: contact, extra. */
static void write_group(struct json_writer *writer, const struct json *group, const char *prefix,
                        const struct field_filter *filter)
{
    const char *name = json_key(group);
    bool is_open = false;
    for (const struct json *node = json_first(group); node != NULL; node = json_next(node)) {
        if (!allows_member(filter, prefix, json_key(node))) {
            continue;
        }
        if (!is_open) {
            json_write_open(writer, name, '{');
            is_open = true;
        }
        write_as_it_is(writer, node);
    }
    if (is_open) {
        json_write_close(writer, '}');
    }
}

static void write_order_member(struct json_writer *writer, const struct json *node,
                               const struct field_filter *filter)
{
    const char *name = json_key(node);
    if (text_equal(name, "extra")) {
        write_group(writer, node, "extra.", filter);
    } else if (field_filter_allows(filter, text_equal(name, "older_notes") ? "notes" : name)) {
        write_as_it_is(writer, node);
    }
}

static bool comes_after_contact(const char *name)
{
    return text_equal(name, "notes") || text_equal(name, "older_notes") ||
           text_equal(name, "url") || text_equal(name, "extra");
}

static void write_order(struct json_writer *writer, const struct json *order,
                        const struct filtering *filtering)
{
    const struct json *contact = json_member(filtering->personal, "contact");
    json_write_open(writer, "order", '{');
    for (const struct json *node = json_first(order); node != NULL; node = json_next(node)) {
        if (comes_after_contact(json_key(node))) {
            write_group(writer, contact, contact_prefix, filtering->filter);
            contact = NULL;
        }
        write_order_member(writer, node, filtering->filter);
    }
    write_group(writer, contact, contact_prefix, filtering->filter);
    json_write_close(writer, '}');
}

static bool is_about_appointment(const struct filtering *filtering)
{
    return filtering->event->appointment_id[0] != '\0';
}

/* The fields of an appointment are no fields of an order: an event about one shows them all. */
static bool hides(const struct filtering *filtering, const struct json *change)
{
    const char *field = json_member_text(change, "field");
    return field != NULL && !is_about_appointment(filtering) &&
           !field_filter_allows(filtering->filter, field);
}

static const struct json *all_changes(const struct json *changes, const struct filtering *filtering)
{
    const struct json *personal = json_member(filtering->personal, "changes");
    return personal != NULL ? personal : changes;
}

static void write_changes(struct json_writer *writer, const struct json *changes,
                          const struct filtering *filtering)
{
    const struct json *list = all_changes(changes, filtering);
    json_write_open(writer, "changes", '[');
    for (const struct json *node = json_first(list); node != NULL; node = json_next(node)) {
        if (!hides(filtering, node)) {
            write_as_it_is(writer, node);
        }
    }
    json_write_close(writer, ']');
}

/* A sentence may name values that this sink is not to see: then it says only what happened. */
static void write_summary(struct json_writer *writer, const struct json *summary,
                          const struct filtering *filtering)
{
    if (!filtering->hides_change) {
        write_as_it_is(writer, summary);
        return;
    }
    struct text sentence;
    text_init(&sentence, EVENT_BYTES_MAX);
    text_add_text(&sentence, "Order ");
    utf8_add_clean_line(&sentence, span_of(filtering->event->order_id), ID_SHOWN_BYTES_MAX);
    text_add_text(&sentence, ": ");
    words_add_event(&sentence, filtering->event->type, LANGUAGE_EN);
    json_write_text(writer, "summary", text_cstr(&sentence));
    text_fini(&sentence);
}

static void write_data_member(struct json_writer *writer, const struct json *node,
                              const struct filtering *filtering)
{
    static const struct {
        const char *member, *field; /* a member of data that tells of a field of the order */
    } bound[] = {{"note", "notes"}, {"detail", "detail"}};

    const char *name = json_key(node);
    for (size_t i = 0; i < ARRAY_COUNT(bound); i++) {
        if (text_equal(name, bound[i].member) &&
            !field_filter_allows(filtering->filter, bound[i].field)) {
            return;
        }
    }
    if (text_equal(name, "date_change") && hides(filtering, node)) {
        return;
    }
    if (text_equal(name, "summary")) {
        write_summary(writer, node, filtering);
    } else if (text_equal(name, "order")) {
        write_order(writer, node, filtering);
    } else if (text_equal(name, "changes")) {
        write_changes(writer, node, filtering);
    } else {
        write_as_it_is(writer, node);
    }
}

static void write_event(struct json_writer *writer, const struct json *root,
                        const struct filtering *filtering)
{
    json_write_open(writer, NULL, '{');
    for (const struct json *node = json_first(root); node != NULL; node = json_next(node)) {
        if (!text_equal(json_key(node), "data")) {
            write_as_it_is(writer, node);
            continue;
        }
        json_write_open(writer, "data", '{');
        for (const struct json *member = json_first(node); member != NULL;
             member = json_next(member)) {
            write_data_member(writer, member, filtering);
        }
        json_write_close(writer, '}');
    }
    json_write_close(writer, '}');
}

static bool hides_any_change(const struct json *root, const struct filtering *filtering)
{
    const struct json *list = json_member(json_member(root, "data"), "changes");
    const struct json *node = json_first(all_changes(list, filtering));
    for (; node != NULL; node = json_next(node)) {
        if (hides(filtering, node)) {
            return true;
        }
    }
    return false;
}

enum status event_add_filtered(const struct event *event, const struct field_filter *filter,
                               struct text *out, struct failure *why)
{
    if (event->manner != NULL && event->manner->fields != NULL) {
        filter = event->manner->fields;
    }
    if (filter->names == NULL || event->order_id[0] == '\0') {
        text_add(out, event->json);
        return STATUS_OK;
    }
    struct json *root = NULL;
    struct json *personal = NULL;
    struct failure detail;
    enum status status = json_parse(event->json, &root, &detail);
    if (status == STATUS_OK && event->personal.size != 0) {
        status = json_parse(event->personal, &personal, &detail);
    }
    if (status == STATUS_OK) {
        struct filtering filtering = {.event = event, .filter = filter, .personal = personal};
        filtering.hides_change = hides_any_change(root, &filtering);
        struct json_writer writer = {.out = out};
        write_event(&writer, root, &filtering);
    }
    json_destroy(root);
    json_destroy(personal);
    return status == STATUS_OK
               ? STATUS_OK
               : fail(why, STATUS_CORRUPT, "stored event %s: %s", event->id, detail.detail);
}
