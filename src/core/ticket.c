#include "core/ticket.h"

#include "core/arena.h"
#include "core/json.h"
#include "core/text.h"

#include <string.h>

#define KEY_BYTES_MAX 8192

enum condition { OF_ORDER, OF_OVERDUE, OF_HELD, OF_MISSED, OF_SOURCE, OF_SINK, OF_TEST };

/* What a type does to the ticket of its condition. */
enum wish {
    WISH_NONE, /* of no type */
    WISH_OPEN,
    WISH_UPDATE,
    WISH_CLOSE,
    WISH_REOPEN,
    WISH_RELIEVE, /* close it if it is open; else the event is just news of the order */
    WISH_END,     /* close the order's own and whatever is open of it */
};

struct rule {
    enum condition condition;
    enum wish wish;
};

static const struct rule rules[EVENT_TYPE_COUNT] = {
    [EVENT_ORDER_CREATED] = {OF_ORDER, WISH_OPEN},
    [EVENT_ORDER_DATE_OVERDUE] = {OF_OVERDUE, WISH_OPEN},
    [EVENT_ORDER_STATUS_HELD] = {OF_HELD, WISH_OPEN},
    [EVENT_APPOINTMENT_MISSED] = {OF_MISSED, WISH_OPEN},
    [EVENT_ORDER_STATUS_RESUMED] = {OF_HELD, WISH_CLOSE},
    [EVENT_ORDER_DATE_CHANGED] = {OF_OVERDUE, WISH_RELIEVE},
    [EVENT_APPOINTMENT_CONFIRMED] = {OF_MISSED, WISH_RELIEVE},
    [EVENT_APPOINTMENT_RESCHEDULED] = {OF_MISSED, WISH_RELIEVE},
    [EVENT_APPOINTMENT_CANCELLED] = {OF_MISSED, WISH_RELIEVE},
    [EVENT_APPOINTMENT_COMPLETED] = {OF_MISSED, WISH_RELIEVE},
    [EVENT_APPOINTMENT_REMOVED] = {OF_MISSED, WISH_RELIEVE},
    [EVENT_ORDER_STATUS_COMPLETED] = {OF_ORDER, WISH_END},
    [EVENT_ORDER_STATUS_CANCELLED] = {OF_ORDER, WISH_END},
    [EVENT_ORDER_CLOSED] = {OF_ORDER, WISH_END},
    [EVENT_ORDER_STATUS_REVERTED] = {OF_ORDER, WISH_REOPEN},
    [EVENT_ORDER_REAPPEARED] = {OF_ORDER, WISH_REOPEN},
    [EVENT_ORDER_STATUS_CHANGED] = {OF_ORDER, WISH_UPDATE},
    [EVENT_ORDER_STATUS_FAILED] = {OF_ORDER, WISH_UPDATE},
    [EVENT_ORDER_DATE_COMMITTED] = {OF_ORDER, WISH_UPDATE},
    [EVENT_ORDER_STALLED] = {OF_ORDER, WISH_UPDATE},
    [EVENT_ORDER_NOTE_ADDED] = {OF_ORDER, WISH_UPDATE},
    [EVENT_ORDER_UPDATED] = {OF_ORDER, WISH_UPDATE},
    [EVENT_ORDER_DISAPPEARED] = {OF_ORDER, WISH_UPDATE},
    [EVENT_APPOINTMENT_CREATED] = {OF_ORDER, WISH_UPDATE},
    [EVENT_APPOINTMENT_UPDATED] = {OF_ORDER, WISH_UPDATE},
    [EVENT_APPOINTMENT_REMINDER] = {OF_ORDER, WISH_UPDATE},
    [EVENT_SOURCE_UNREACHABLE] = {OF_SOURCE, WISH_OPEN},
    [EVENT_SOURCE_REJECTED] = {OF_SOURCE, WISH_OPEN},
    [EVENT_SOURCE_CHANGE_HELD] = {OF_SOURCE, WISH_OPEN},
    [EVENT_SOURCE_SCHEMA_CHANGED] = {OF_SOURCE, WISH_UPDATE},
    [EVENT_SOURCE_CREDENTIAL_EXPIRING] = {OF_SOURCE, WISH_UPDATE},
    [EVENT_SOURCE_RECOVERED] = {OF_SOURCE, WISH_CLOSE},
    [EVENT_SINK_FAILING] = {OF_SINK, WISH_OPEN},
    [EVENT_SINK_PARKED] = {OF_SINK, WISH_UPDATE},
    [EVENT_SINK_RECOVERED] = {OF_SINK, WISH_CLOSE},
    [EVENT_TEST] = {OF_TEST, WISH_OPEN},
    [EVENT_DIGEST] = {OF_TEST, WISH_OPEN},
};

static const char *condition_name(enum condition condition)
{
    static const char *const names[] = {
        [OF_ORDER] = "order",   [OF_OVERDUE] = "overdue", [OF_HELD] = "held",
        [OF_MISSED] = "missed", [OF_SOURCE] = "source",   [OF_SINK] = "sink",
        [OF_TEST] = "test"};
    return names[condition];
}

const char *ticket_action_name(enum ticket_action action)
{
    static const char *const names[] = {[TICKET_OPEN] = "open",
                                        [TICKET_UPDATE] = "update",
                                        [TICKET_CLOSE] = "close",
                                        [TICKET_REOPEN] = "reopen"};
    return names[action];
}

bool ticket_is_last(const struct event *event)
{
    return event->type == EVENT_ORDER_CLOSED;
}

/* --- keys ----------------------------------------------------------------------------------- */

const char *ticket_order_prefix(const struct event *event, struct arena *arena)
{
    struct text prefix;
    text_init(&prefix, KEY_BYTES_MAX);
    text_add_percent(&prefix, span_of(event->source_name));
    text_add_char(&prefix, '/');
    text_add_percent(&prefix, span_of(event->order_id));
    text_add_char(&prefix, '/');
    const char *copy = arena_text(arena, text_span(&prefix));
    text_fini(&prefix);
    return copy;
}

/* The store does not keep it beside the event. */
static const char *sink_of(const struct event *event, struct arena *arena)
{
    struct json *json = NULL;
    if (event->sink_name != NULL && event->sink_name[0] != '\0') {
        return event->sink_name;
    }
    if (json_parse(event->json, &json, NULL) != STATUS_OK) {
        return "";
    }
    const struct json *name = json_at(json, "/data/sink/name");
    const char *copy = name != NULL ? arena_text(arena, json_text(name)) : "";
    json_destroy(json);
    return copy;
}

static const char *key_of(const struct event *event, enum condition condition, struct arena *arena)
{
    const char *name = condition_name(condition);
    switch (condition) {
    case OF_ORDER:
    case OF_OVERDUE:
    case OF_HELD:
        return arena_format(arena, "%s%s", ticket_order_prefix(event, arena), name);
    case OF_MISSED: {
        struct text key;
        text_init(&key, KEY_BYTES_MAX);
        text_addf(&key, "%s%s/", ticket_order_prefix(event, arena), name);
        text_add_percent(&key, span_of(event->appointment_id));
        const char *copy = arena_text(arena, text_span(&key));
        text_fini(&key);
        return copy;
    }
    case OF_SOURCE:
        return arena_format(arena, "%s/-/%s", event->source_name, name);
    case OF_SINK:
        return arena_format(arena, "-/%s/%s", sink_of(event, arena), name);
    case OF_TEST:
        return "-/-/test";
    }
    CHECK(!"a condition that does not exist");
}

/* --- plans ---------------------------------------------------------------------------------- */

/* What a wish comes to for a ticket that was never opened, is open, or is closed. */
static enum ticket_action action_of(enum wish wish, const struct ticket_entry *entry)
{
    bool is_open = entry != NULL && entry->is_open;
    switch (wish) {
    case WISH_OPEN:
    case WISH_REOPEN:
        if (is_open) {
            return TICKET_UPDATE;
        }
        return entry == NULL ? TICKET_OPEN : TICKET_REOPEN;
    case WISH_UPDATE:
        return entry == NULL ? TICKET_OPEN : TICKET_UPDATE;
    case WISH_CLOSE:
    case WISH_RELIEVE:
    case WISH_END:
        return TICKET_CLOSE;
    case WISH_NONE:
        break;
    }
    CHECK(!"a wish that does not exist");
}

static enum ticket_action action_by_type(enum wish wish)
{
    static const enum ticket_action actions[] = {
        [WISH_OPEN] = TICKET_OPEN,     [WISH_UPDATE] = TICKET_UPDATE,  [WISH_CLOSE] = TICKET_CLOSE,
        [WISH_REOPEN] = TICKET_REOPEN, [WISH_RELIEVE] = TICKET_UPDATE, [WISH_END] = TICKET_CLOSE};
    return actions[wish];
}

static struct ticket ticket_for(const struct ticket_book *book, const char *key,
                                enum condition condition, enum wish wish)
{
    const struct ticket_entry *entry = book != NULL ? ticket_book_find(book, key) : NULL;
    return (struct ticket){.key = key,
                           .condition = condition_name(condition),
                           .action = book != NULL ? action_of(wish, entry) : action_by_type(wish),
                           .id = entry != NULL && entry->id[0] != '\0' ? entry->id : NULL};
}

static enum condition condition_of_key(const char *rest)
{
    static const enum condition all[] = {OF_OVERDUE, OF_HELD, OF_MISSED};
    for (size_t i = 0; i < ARRAY_COUNT(all); i++) {
        if (strncmp(rest, condition_name(all[i]), strlen(condition_name(all[i]))) == 0) {
            return all[i];
        }
    }
    return OF_ORDER;
}

static bool is_open(const struct ticket_book *book, const char *key)
{
    const struct ticket_entry *entry = book != NULL ? ticket_book_find(book, key) : NULL;
    return entry != NULL && entry->is_open;
}

static bool is_of_order(enum condition condition)
{
    return condition == OF_OVERDUE || condition == OF_HELD || condition == OF_MISSED;
}

/* What is open of the order, its own ticket last: the story ends there. */
static size_t plan_end(const struct ticket_book *book, const struct event *event,
                       struct arena *arena, struct ticket *out)
{
    const char *prefix = ticket_order_prefix(event, arena);
    const char *own_key = key_of(event, OF_ORDER, arena);
    size_t count = 0;
    const struct ticket_entry *entry = NULL;
    const char *after = NULL;
    while (count < TICKET_COUNT_MAX - 1 && book != NULL &&
           (entry = ticket_book_next(book, prefix, after)) != NULL) {
        after = arena_text(arena, span_of(entry->key));
        if (entry->is_open && strcmp(entry->key, own_key) != 0) {
            out[count++] =
                ticket_for(book, after, condition_of_key(after + strlen(prefix)), WISH_CLOSE);
        }
    }
    /* Who only opens tickets for conditions has none of the order itself. */
    const struct ticket_entry *own = book != NULL ? ticket_book_find(book, own_key) : NULL;
    if (book == NULL || (own != NULL && (count == 0 || own->is_open))) {
        out[count++] = ticket_for(book, own_key, OF_ORDER, WISH_END);
    } else if (count == 0 && event->severity >= SEVERITY_WARNING) {
        out[count++] = ticket_for(book, own_key, OF_ORDER, WISH_UPDATE);
    }
    return count;
}

/* An end is news to those alone who were told of the beginning, or of the order: there it is a
 * line in the ticket. None: nobody is to close what was never opened. */
static size_t plan_close(const struct ticket_book *book, const struct event *event,
                         struct arena *arena, struct ticket *out)
{
    enum condition condition = rules[event->type].condition;
    const char *key = key_of(event, condition, arena);
    enum wish wish = WISH_CLOSE;
    if (is_of_order(condition) && book != NULL && !is_open(book, key)) {
        key = key_of(event, OF_ORDER, arena);
        condition = OF_ORDER;
        wish = WISH_UPDATE;
    }
    if (book != NULL && ticket_book_find(book, key) == NULL) {
        return 0;
    }
    out[0] = ticket_for(book, key, condition, wish);
    return 1;
}

static void copy_id(struct ticket *ticket, struct arena *arena)
{
    ticket->id = ticket->id != NULL ? arena_text(arena, span_of(ticket->id)) : NULL;
}

size_t ticket_plan(const struct ticket_book *book, const struct event *event, struct arena *arena,
                   struct ticket out[static TICKET_COUNT_MAX])
{
    struct rule rule = rules[event->type];
    CHECK(rule.wish != WISH_NONE);
    size_t count = 1;
    if (rule.wish == WISH_END) {
        count = plan_end(book, event, arena, out);
    } else if (rule.wish == WISH_CLOSE) {
        count = plan_close(book, event, arena, out);
    } else {
        const char *key = key_of(event, rule.condition, arena);
        if (rule.wish == WISH_RELIEVE && !is_open(book, key)) {
            key = key_of(event, OF_ORDER, arena);
            rule = (struct rule){OF_ORDER, WISH_UPDATE};
        }
        out[0] = ticket_for(book, key, rule.condition, rule.wish);
    }
    for (size_t i = 0; i < count; i++) {
        copy_id(&out[i], arena);
    }
    return count;
}
