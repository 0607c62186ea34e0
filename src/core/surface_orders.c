/* Orders and appointments, as the store knows them. */
#include "core/record.h"

#include "surface_scan.h"

#include <stdlib.h>
#include <string.h>

static const struct field_filter without_contact = {.names = NULL};

static struct span inside_braces(const struct text *json)
{
    CHECK(json->size >= 2);
    return (struct span){.data = json->data + 1, .size = json->size - 2};
}

static void write_order(struct json_writer *writer, const char *source_name,
                        const struct record *record, bool has_left)
{
    struct text part;
    text_init(&part, ANSWER_BYTES_MAX);
    json_write_open(writer, NULL, '{');
    json_write_text(writer, "source", source_name);
    json_write_true(writer, "left", has_left);
    record_add_order(record, &without_contact, &part);
    json_write_members(writer, inside_braces(&part));
    json_write_open(writer, "appointments", '[');
    for (size_t i = 0; i < record->appointment_count; i++) {
        text_clear(&part);
        record_add_appointment(&record->appointments[i], &part);
        json_write_raw(writer, NULL, text_span(&part));
    }
    json_write_close(writer, ']');
    text_fini(&part);
}

static void write_appointment(struct json_writer *writer, const char *source_name,
                              const struct record *record, const struct appointment *appointment)
{
    struct text part;
    text_init(&part, ANSWER_BYTES_MAX);
    json_write_open(writer, NULL, '{');
    json_write_text(writer, "source", source_name);
    json_write_text(writer, "order", record->id);
    json_write_text(writer, "order_status_kind", order_kind_name(record->kind));
    json_write_text(writer, "reference", record->fields[ORDER_REFERENCE]);
    json_write_text(writer, "site", record->fields[ORDER_SITE]);
    record_add_appointment(appointment, &part);
    json_write_members(writer, inside_braces(&part));
    json_write_close(writer, '}');
    text_fini(&part);
}

/* --- lists ------------------------------------------------------------------------------------ */

static bool has_status(const struct filter *filter, const char *status, const char *kind)
{
    return filter->status == NULL || (status != NULL && strcasecmp(filter->status, status) == 0) ||
           strcasecmp(filter->status, kind) == 0;
}

static void begin_item(struct scan *scan, struct json_writer *writer)
{
    text_clear(&scan->item);
    *writer = (struct json_writer){.out = &scan->item};
}

static void take_order(struct scan *scan, const char *source_name, const struct record *record,
                       bool has_left)
{
    if (!has_status(&scan->filter, record->fields[ORDER_STATUS], order_kind_name(record->kind))) {
        return;
    }
    struct json_writer writer;
    begin_item(scan, &writer);
    write_order(&writer, source_name, record, has_left);
    json_write_close(&writer, '}');
    scan_keep_item(scan);
}

static bool starts_in_time(const struct filter *filter, const struct appointment *appointment)
{
    if (filter->since_wall_ms == 0 && filter->until_wall_ms == 0) {
        return true;
    }
    struct date start = date_of(appointment->fields[APPOINTMENT_START]);
    return start.kind != DATE_NONE && filter_has_time(filter, start.ms);
}

/* False: there is no room for all of them; scan->skip of them are done. */
static bool take_appointments(struct scan *scan, const char *source_name,
                              const struct record *record)
{
    for (size_t i = scan->skip; i < record->appointment_count; i++) {
        const struct appointment *appointment = &record->appointments[i];
        if (!has_status(&scan->filter, appointment->fields[APPOINTMENT_STATUS],
                        appointment_kind_name(appointment->kind)) ||
            !starts_in_time(&scan->filter, appointment)) {
            continue;
        }
        if (!scan_has_room(scan)) {
            scan->skip = i;
            return false;
        }
        struct json_writer writer;
        begin_item(scan, &writer);
        write_appointment(&writer, source_name, record, appointment);
        scan_keep_item(scan);
    }
    scan->skip = 0;
    return true;
}

/* False: as take_appointments. */
static bool take_stored(struct scan *scan, const char *source_name,
                        const struct stored_order *order)
{
    struct arena *arena = arena_create();
    struct record record;
    bool is_done = true;
    if (record_decode(order->canonical, arena, &record, NULL) != STATUS_OK) {
        /* A damaged record is the store's to tell of; the others are still worth showing. */
    } else if (!scan->has_appointments) {
        take_order(scan, source_name, &record, order->has_left);
    } else if (!order->has_left) {
        is_done = take_appointments(scan, source_name, &record);
    }
    arena_destroy(arena);
    return is_done;
}

/* A cursor is the last order that is done, and of appointments how many of the next one are. */
static void keep_cursor(struct scan *scan, const struct order_page *page, size_t done)
{
    bool is_end = done == page->count && !page->has_more;
    const char *last = scan->last;
    if (done != 0) {
        last = arena_format(scan->arena, "%s/%s", page->source_names[done - 1],
                            page->orders[done - 1].id);
    }
    scan->last = last;
    if (is_end) {
        scan->cursor = NULL;
    } else if (scan->has_appointments) {
        scan->cursor = arena_format(scan->arena, "%zu:%s", scan->skip, last);
    } else {
        scan->cursor = last;
    }
}

static void on_page(void *arg, const struct order_page *page)
{
    struct scan *scan = arg;
    size_t done = 0;
    while (page->status == STATUS_OK && done < page->count && scan_has_room(scan) &&
           take_stored(scan, page->source_names[done], &page->orders[done])) {
        done++;
    }
    scan->row_count += page->count;
    if (page->status == STATUS_OK) {
        keep_cursor(scan, page, done);
    }
    scan_page_done(scan, page->status, page->detail);
}

/* One order is a page of its own. */
static void on_one(void *arg, enum status status, const struct stored_order *orders, size_t count)
{
    struct scan *scan = arg;
    bool is_found = status == STATUS_OK && count == 1 && orders[0].id != NULL;
    const struct order_page page = {.status = status,
                                    .detail = "the order cannot be read",
                                    .source_names = &scan->filter.source,
                                    .orders = orders,
                                    .count = is_found ? 1 : 0};
    on_page(scan, &page);
}

static void ask_one(struct scan *scan)
{
    const struct store_port store = scan->inquiry.surface->options.store;
    store.fetch_orders(store.self, scan->filter.source, &scan->filter.order, 1, on_one, scan);
}

static void ask_orders(struct scan *scan)
{
    const char *slash = strchr(scan->last, '/');
    const char *source_name = "";
    if (slash != NULL) {
        source_name = arena_text(
            scan->arena, (struct span){.data = scan->last, .size = (size_t)(slash - scan->last)});
    }
    const struct order_query orders = {.source_name = scan->filter.source,
                                       .after_source_name = source_name,
                                       .after_id = slash != NULL ? slash + 1 : "",
                                       .limit = scan_page_size(scan)};
    const struct query_port query = scan->inquiry.surface->options.query;
    query.list_orders(query.self, &orders, on_page, scan);
}

static bool read_cursor(struct scan *scan)
{
    const char *cursor = scan->filter.after;
    scan->last = "";
    if (cursor == NULL) {
        return true;
    }
    if (scan->has_appointments) {
        size_t digits = strspn(cursor, "0123456789");
        if (digits == 0 || digits > 3 || cursor[digits] != ':') {
            return false;
        }
        scan->skip = strtoul(cursor, NULL, 10);
        cursor += digits + 1;
    }
    scan->last = cursor;
    return cursor[0] == '\0' || strchr(cursor, '/') != NULL;
}

static void begin_orders(struct scan *scan)
{
    if (read_cursor(scan)) {
        scan_begin(scan, scan->filter.order != NULL ? ask_one : ask_orders);
    } else {
        scan_refuse_cursor(scan);
    }
}

void serve_orders(const struct call *call)
{
    static const char *const names[] = {"source", "status", "q", "after", "limit", NULL};
    struct scan *scan = scan_create(call, names);
    if (scan != NULL) {
        begin_orders(scan);
    }
}

void serve_appointments(const struct call *call)
{
    static const char *const names[] = {"source", "order", "status", "since", "until",
                                        "q",      "after", "limit",  NULL};
    struct scan *scan = scan_create(call, names);
    if (scan != NULL) {
        scan->has_appointments = true;
        begin_orders(scan);
    }
}

/* --- one order with its time line ------------------------------------------------------------- */

#define TIME_LINE_EVENTS 200

struct order_inquiry {
    struct inquiry inquiry;
    char *source_name, *order_id;
    struct text body;
    struct json_writer writer;
};

static void destroy_order(struct inquiry *inquiry)
{
    struct order_inquiry *asked = (struct order_inquiry *)inquiry;
    free(asked->source_name);
    free(asked->order_id);
    text_fini(&asked->body);
    free(asked);
}

static void give_up_order(struct inquiry *inquiry)
{
    answer_store_problem(inquiry->surface, inquiry_take(inquiry), STATUS_UNAVAILABLE,
                         "it takes too long");
}

static void on_time_line(void *arg, const struct event_page *page)
{
    struct order_inquiry *asked = arg;
    if (inquiry_is_open(&asked->inquiry)) {
        json_write_open(&asked->writer, "events", '[');
        for (size_t i = 0; page->status == STATUS_OK && i < page->count; i++) {
            json_write_raw(&asked->writer, NULL, page->events[i].event.json);
        }
        json_write_close(&asked->writer, ']');
        json_write_close(&asked->writer, '}');
        answer_json(asked->inquiry.surface, inquiry_take(&asked->inquiry), 200,
                    text_span(&asked->body));
    }
    inquiry_end(&asked->inquiry);
}

static void ask_time_line(struct inquiry *inquiry)
{
    struct order_inquiry *asked = (struct order_inquiry *)inquiry;
    const struct event_query events = {
        .source_name = asked->source_name, .order_id = asked->order_id, .limit = TIME_LINE_EVENTS};
    const struct query_port query = inquiry->surface->options.query;
    query.list_events(query.self, &events, on_time_line, asked);
}

static bool write_found(struct order_inquiry *asked, const struct stored_order *order)
{
    struct arena *arena = arena_create();
    struct record record;
    struct history history;
    bool is_good = record_decode(order->canonical, arena, &record, NULL) == STATUS_OK &&
                   history_decode(order->history, arena, &history, NULL) == STATUS_OK;
    if (is_good) {
        write_order(&asked->writer, asked->source_name, &record, order->has_left);
        /* NULL: a reload took the source away meanwhile. */
        item_add_moves(&asked->writer,
                       config_source(asked->inquiry.surface->options.config, asked->source_name),
                       &record, &history);
    }
    arena_destroy(arena);
    return is_good;
}

void order_add_hint(const struct surface *surface, const char *source_name, const char *order_id,
                    struct text *out)
{
    const struct poller *poller = surface_poller(surface, source_name);
    const char *similar = poller != NULL ? poller_similar_order(poller, order_id) : NULL;
    if (similar != NULL) {
        text_addf(out, "; did you mean %.200s", similar);
    }
}

static void refuse_order(struct order_inquiry *asked)
{
    struct surface *surface = asked->inquiry.surface;
    struct text hint;
    text_init(&hint, 512);
    order_add_hint(surface, asked->source_name, asked->order_id, &hint);
    answer_problem(surface, inquiry_take(&asked->inquiry), 404,
                   "source %s has no order %.200s%s; /api/v1/orders?source=%s lists those it has",
                   asked->source_name, asked->order_id, text_cstr(&hint), asked->source_name);
    text_fini(&hint);
}

static void on_order(void *arg, enum status status, const struct stored_order *orders, size_t count)
{
    struct order_inquiry *asked = arg;
    struct surface *surface = asked->inquiry.surface;
    if (!inquiry_is_open(&asked->inquiry)) {
        inquiry_end(&asked->inquiry);
        return;
    }
    bool is_found = status == STATUS_OK && count == 1 && orders[0].id != NULL;
    if (is_found && write_found(asked, &orders[0])) {
        asked->inquiry.proceed = ask_time_line;
        return;
    }
    if (status != STATUS_OK || is_found) {
        answer_store_problem(surface, inquiry_take(&asked->inquiry),
                             is_found ? STATUS_CORRUPT : status, "the order cannot be read");
    } else {
        refuse_order(asked);
    }
    inquiry_end(&asked->inquiry);
}

/* advice: what follows the names of those that there are. */
static void refuse_source(const struct call *call, const char *given, const char *advice)
{
    const struct config *config = call->surface->options.config;
    struct text names;
    text_init(&names, 4096);
    for (size_t i = 0; i < config->source_count; i++) {
        text_addf(&names, "%s%s", i != 0 ? ", " : "", config->sources[i].name);
    }
    answer_problem(call->surface, call->exchange, 404, "%.200s: no such source; there is %s%s",
                   given, text_cstr(&names), advice);
    text_fini(&names);
}

static void begin_order(const struct call *call, struct span source_name, const char *order_id)
{
    struct order_inquiry *asked = (struct order_inquiry *)inquiry_create(call, sizeof *asked);
    asked->inquiry.give_up = give_up_order;
    asked->inquiry.destroy = destroy_order;
    asked->source_name = strndup(source_name.data, source_name.size);
    CHECK(asked->source_name != NULL);
    asked->order_id = alloc_text(order_id);
    text_init(&asked->body, ANSWER_BYTES_MAX);
    asked->writer.out = &asked->body;
    const char *const ids[] = {asked->order_id};
    const struct store_port store = call->surface->options.store;
    store.fetch_orders(store.self, asked->source_name, ids, 1, on_order, asked);
}

static bool has_source(const struct call *call, struct span name)
{
    const struct config *config = call->surface->options.config;
    for (size_t i = 0; i < config->source_count; i++) {
        if (span_is(name, config->sources[i].name)) {
            return true;
        }
    }
    return false;
}

void serve_order(const struct call *call)
{
    static const char *const none[] = {NULL};
    struct span source_name = {.data = call->rest, .size = strcspn(call->rest, "/")};
    if (call->rest[source_name.size] != '/' || !has_source(call, source_name)) {
        refuse_source(call, call->rest,
                      "; an order is at /api/v1/orders/SOURCE/ID and "
                      "/api/v1/order?source=SOURCE&id=ID");
    } else if (call_accepts(call, none)) {
        begin_order(call, source_name, call->rest + source_name.size + 1);
    }
}

/* Whatever the id is: in a path browsers take "." and ".." away, even where they are encoded. */
void serve_order_by_query(const struct call *call)
{
    static const char *const names[] = {"source", "id", NULL};
    if (!call_accepts(call, names)) {
        return;
    }
    for (size_t i = 0; names[i] != NULL; i++) {
        if (call_parameter(call, names[i]) == NULL) {
            answer_problem(call->surface, call->exchange, 400,
                           "parameter %s: is missing; an order is asked for by its source and id",
                           names[i]);
            return;
        }
    }
    const char *source_name = call_parameter(call, "source");
    if (has_source(call, span_of(source_name))) {
        begin_order(call, span_of(source_name), call_parameter(call, "id"));
    } else {
        refuse_source(call, source_name, "");
    }
}
