/* Events and deliveries, and the whole story of one event. */
#include "core/arena.h"
#include "core/event_document.h"
#include "core/glob.h"
#include "core/json.h"
#include "core/route.h"

#include "surface_scan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *delivery_state_name(enum delivery_state state)
{
    switch (state) {
    case DELIVERY_PENDING:
        return "pending";
    case DELIVERY_DELIVERED:
        return "delivered";
    case DELIVERY_PARKED:
        return "parked";
    case DELIVERY_DROPPED:
        return "dropped";
    case DELIVERY_ANY:
        break;
    }
    CHECK(!"a state that no delivery has");
}

static bool read_cursor(struct scan *scan, int64_t *out)
{
    *out = 0;
    return scan->cursor == NULL || cursor_number(scan->cursor, out);
}

static void keep_cursor(struct scan *scan, int64_t next)
{
    scan->cursor = next != 0 ? arena_format(scan->arena, "%" PRId64, next) : NULL;
}

/* --- events ----------------------------------------------------------------------------------- */

static void on_events(void *arg, const struct event_page *page)
{
    struct scan *scan = arg;
    size_t taken = 0;
    for (; page->status == STATUS_OK && taken < page->count && scan_has_room(scan); taken++) {
        text_clear(&scan->item);
        text_add(&scan->item, page->events[taken].event.json);
        scan_keep_item(scan);
    }
    scan->row_count += page->count;
    bool is_cut = taken != 0 && taken < page->count;
    keep_cursor(scan, is_cut ? page->events[taken - 1].row : page->next);
    scan_page_done(scan, page->status, page->detail);
}

static void ask_events(struct scan *scan)
{
    const struct filter *filter = &scan->filter;
    struct event_query events = {.source_name = filter->source,
                                 .order_id = filter->order,
                                 .type_glob = filter->type_glob,
                                 .id_prefix = filter->id_prefix,
                                 .severity_min = filter->severity_min,
                                 .since_wall_ms = filter->since_wall_ms,
                                 .until_wall_ms = filter->until_wall_ms,
                                 .limit = filter->text != NULL ? SPARSE_PAGE_ITEMS
                                                               : filter->limit - scan->item_count};
    bool is_number = read_cursor(scan, &events.after);
    CHECK(is_number);
    const struct query_port query = scan->inquiry.surface->options.query;
    query.list_events(query.self, &events, on_events, scan);
}

static void begin_numbered(struct scan *scan, void (*ask)(struct scan *scan))
{
    int64_t after = 0;
    scan->cursor = scan->filter.after;
    if (!read_cursor(scan, &after)) {
        scan_refuse_cursor(scan);
        return;
    }
    scan_begin(scan, ask);
}

void serve_events(const struct call *call)
{
    static const char *const names[] = {"source", "order", "type",  "severity", "id", "since",
                                        "until",  "q",     "after", "limit",    NULL};
    struct scan *scan = scan_create(call, names);
    if (scan != NULL) {
        begin_numbered(scan, ask_events);
    }
}

/* --- deliveries ------------------------------------------------------------------------------- */

static void write_attempts(struct json_writer *writer, const struct listed_delivery *delivery)
{
    json_write_open(writer, "tries", '[');
    for (size_t i = 0; i < delivery->attempt_count; i++) {
        json_write_open(writer, NULL, '{');
        item_add_wall(writer, "time", delivery->attempts[i].wall_ms);
        json_write_text(writer, "detail", delivery->attempts[i].detail);
        json_write_close(writer, '}');
    }
    json_write_close(writer, ']');
}

/* What a story needs to tell which routes led its event to a sink. */
struct story_routes {
    const struct config *config;
    struct event_document document;
    struct route_facts facts;
};

/* As the configuration in force has them; none leads to a fallback, or after a change. */
static void write_routes(struct json_writer *writer, const struct story_routes *routes,
                         const char *sink_name)
{
    json_write_open(writer, "routes", '[');
    for (size_t i = 0; i < routes->config->route_count; i++) {
        const struct route_config *route = &routes->config->routes[i];
        bool leads_there = false;
        for (size_t j = 0; j < route->sink_count; j++) {
            const struct sink_config *sink = &routes->config->sinks[route->sinks[j]];
            leads_there = leads_there || text_equal(sink->name, sink_name);
        }
        if (leads_there && route_matches(route, &routes->facts)) {
            char place[40];
            (void)snprintf(place, sizeof place, "routes[%zu]", i);
            json_write_text(writer, NULL, route->name != NULL ? route->name : place);
        }
    }
    json_write_close(writer, ']');
}

/* routes: NULL in a list, where neither they nor the attempts are shown. */
static void write_delivery(struct json_writer *writer, const struct listed_delivery *delivery,
                           const struct story_routes *routes)
{
    json_write_open(writer, NULL, '{');
    json_write_integer(writer, "id", delivery->id);
    json_write_integer(writer, "message", delivery->message_id);
    json_write_text(writer, "sink", delivery->sink_name);
    json_write_text(writer, "status", delivery_state_name(delivery->state));
    json_write_text(writer, "event", delivery->event_id);
    json_write_text(writer, "type", event_type_name(delivery->event_type));
    if (delivery->source_name[0] != '\0') {
        json_write_text(writer, "source", delivery->source_name);
    }
    if (delivery->order_id[0] != '\0') {
        json_write_text(writer, "order", delivery->order_id);
    }
    item_add_wall(writer, "created", delivery->created_wall_ms);
    if (delivery->state == DELIVERY_PENDING) {
        item_add_wall(writer, "due", delivery->due_wall_ms);
    }
    item_add_wall(writer, "ended", delivery->ended_wall_ms);
    json_write_integer(writer, "attempts", delivery->attempts_made);
    if (delivery->detail[0] != '\0') {
        json_write_text(writer, "detail", delivery->detail);
    }
    if (routes != NULL) {
        write_routes(writer, routes, delivery->sink_name);
        write_attempts(writer, delivery);
    }
    json_write_close(writer, '}');
}

static bool is_wanted(const struct filter *filter, const struct listed_delivery *delivery)
{
    return (filter->source == NULL || text_equal(filter->source, delivery->source_name)) &&
           (filter->type_glob == NULL ||
            glob_matches(filter->type_glob, event_type_name(delivery->event_type))) &&
           filter_has_time(filter, delivery->created_wall_ms);
}

static void on_deliveries(void *arg, const struct delivery_page *page)
{
    struct scan *scan = arg;
    size_t taken = 0;
    for (; page->status == STATUS_OK && taken < page->count && scan_has_room(scan); taken++) {
        if (!is_wanted(&scan->filter, &page->deliveries[taken])) {
            continue;
        }
        struct json_writer writer = {.out = &scan->item};
        text_clear(&scan->item);
        write_delivery(&writer, &page->deliveries[taken], NULL);
        scan_keep_item(scan);
    }
    scan->row_count += page->count;
    bool is_cut = taken != 0 && taken < page->count;
    keep_cursor(scan, is_cut ? page->deliveries[taken - 1].id : page->next);
    scan_page_done(scan, page->status, page->detail);
}

static void ask_deliveries(struct scan *scan)
{
    const struct filter *filter = &scan->filter;
    struct delivery_query deliveries = {.sink_name = filter->sink,
                                        .source_name = filter->source,
                                        .order_id = filter->order,
                                        .state = filter->state,
                                        .limit = scan_page_size(scan)};
    bool is_number = read_cursor(scan, &deliveries.after);
    CHECK(is_number);
    const struct query_port query = scan->inquiry.surface->options.query;
    query.list_deliveries(query.self, &deliveries, on_deliveries, scan);
}

void serve_deliveries(const struct call *call)
{
    static const char *const names[] = {"sink",  "status", "source", "order", "type", "since",
                                        "until", "q",      "after",  "limit", NULL};
    enum delivery_state state = DELIVERY_ANY;
    struct scan *scan = filter_read_state(call, &state) ? scan_create(call, names) : NULL;
    if (scan != NULL) {
        scan->filter.state = state;
        begin_numbered(scan, ask_deliveries);
    }
}

/* --- why -------------------------------------------------------------------------------------- */

static void give_up_story(struct inquiry *inquiry)
{
    answer_store_problem(inquiry->surface, inquiry_take(inquiry), STATUS_UNAVAILABLE,
                         "it takes too long");
}

/* Contacts are kept apart from the event, and routes may look at them. */
static void read_contact(const struct event *event, struct arena *arena, struct record *out)
{
    static const struct {
        const char *name;
        enum order_field field;
    } members[] = {{"name", ORDER_CONTACT_NAME},
                   {"phone", ORDER_CONTACT_PHONE},
                   {"email", ORDER_CONTACT_EMAIL}};
    struct json *personal = NULL;
    if (event->personal.size == 0 || json_parse(event->personal, &personal, NULL) != STATUS_OK) {
        return;
    }
    for (size_t i = 0; i < ARRAY_COUNT(members); i++) {
        const char *value = json_member_text(json_member(personal, "contact"), members[i].name);
        if (value != NULL) {
            out->fields[members[i].field] = arena_text(arena, span_of(value));
        }
    }
    json_destroy(personal);
}

static void read_routes(const struct surface *surface, const struct event *event,
                        struct arena *arena, struct story_routes *out)
{
    *out = (struct story_routes){.config = surface->options.config};
    if (event_document_read(event->json, arena, &out->document, NULL) != STATUS_OK) {
        out->document.event = *event;
        out->document.has_record = false;
    }
    struct event_document *document = &out->document;
    if (document->has_record) {
        read_contact(event, arena, &document->record);
    }
    out->facts = (struct route_facts){.event = &document->event,
                                      .record = document->has_record ? &document->record : NULL,
                                      .sweep = event->sweep};
}

static void answer_story(struct inquiry *inquiry, const struct listed_event *event,
                         const struct listed_delivery *deliveries, size_t count)
{
    struct text body;
    text_init(&body, ANSWER_BYTES_MAX);
    struct arena *arena = arena_create();
    struct story_routes routes;
    read_routes(inquiry->surface, &event->event, arena, &routes);
    struct json_writer writer = {.out = &body};
    json_write_open(&writer, NULL, '{');
    json_write_raw(&writer, "event", event->event.json);
    json_write_integer(&writer, "row", event->row);
    json_write_integer(&writer, "sweep", (int64_t)event->event.sweep);
    json_write_text(&writer, "silence", event->silence_id);
    json_write_open(&writer, "deliveries", '[');
    for (size_t i = 0; i < count; i++) {
        write_delivery(&writer, &deliveries[i], &routes);
    }
    json_write_close(&writer, ']');
    json_write_close(&writer, '}');
    arena_destroy(arena);
    answer_json(inquiry->surface, inquiry_take(inquiry), 200, text_span(&body));
    text_fini(&body);
}

static void on_story(void *arg, enum status status, const struct listed_event *event,
                     const struct listed_delivery *deliveries, size_t count)
{
    struct inquiry *inquiry = arg;
    if (!inquiry_is_open(inquiry)) {
        inquiry_end(inquiry);
        return;
    }
    if (status == STATUS_OK) {
        answer_story(inquiry, event, deliveries, count);
    } else if (status == STATUS_NOT_FOUND) {
        answer_problem(inquiry->surface, inquiry_take(inquiry), 404,
                       "no event has this id; /api/v1/events lists those that are kept");
    } else {
        answer_store_problem(inquiry->surface, inquiry_take(inquiry), status, "no story");
    }
    inquiry_end(inquiry);
}

void serve_event(const struct call *call)
{
    static const char *const none[] = {NULL};
    if (!call_accepts(call, none)) {
        return;
    }
    struct inquiry *inquiry = inquiry_create(call, sizeof *inquiry);
    inquiry->give_up = give_up_story;
    const struct query_port query = call->surface->options.query;
    query.explain_event(query.self, call->rest, on_story, inquiry);
}
