/* The appointments of one source as a calendar that others subscribe to: the same entries as in the
 * mails, by UID and SEQUENCE. */
#include "core/hash.h"
#include "core/history.h"
#include "core/record.h"
#include "core/secret.h"
#include "core/words.h"

#include "message_telling.h"
#include "surface_gate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "/calendar/"
#define SUFFIX ".ics"
#define PATIENCE_MS 30000 /* every order is looked at */
#define PAGE_ORDERS 500
#define PAST_MS (30 * DAY_MS) /* so long an appointment stays after its start */
#define ENTRIES_MAX 5000      /* of more the nearest are shown */
#define COLLECTED_MAX 100000
#define TEXT_BYTES_MAX 400

struct feed_entry {
    struct message_appointment shown;
    int64_t away_ms; /* from now, whichever way */
};

struct feed_inquiry {
    struct inquiry inquiry;
    struct arena *arena;
    struct telling telling;
    const char *source_name; /* its configuration may be another one before the answer */
    const char *known_etag, *last_id;
    struct feed_entry *entries;
    size_t count, capacity;
};

/* --- who may ---------------------------------------------------------------------------------- */

static const struct source_config *find_source(const struct call *call)
{
    const struct config *config = call->surface->options.config;
    const char *name = call->query->path + strlen(PREFIX);
    for (size_t i = 0; i < config->source_count; i++) {
        size_t size = strlen(config->sources[i].name);
        if (strncmp(config->sources[i].name, name, size) == 0 && strcmp(name + size, SUFFIX) == 0) {
            return &config->sources[i];
        }
    }
    return NULL;
}

const char *feed_token(const struct call *call)
{
    bool is_feed = strncmp(call->query->path, PREFIX, strlen(PREFIX)) == 0;
    return is_feed ? call_parameter(call, "token") : NULL;
}

bool feed_is_opened(const struct call *call, const char *token)
{
    const struct source_config *source = find_source(call);
    return source != NULL && source->calendar_token != NULL &&
           gate_is_secret(source->calendar_token, token);
}

/* Without saying which of the two it is: a stranger learns no names. */
void feed_refuse(const struct call *call)
{
    answer_problem(call->surface, call->exchange, 404,
                   "no such calendar, or not with this token; accepted: /calendar/SOURCE.ics with "
                   "the calendar_token of that source");
}

/* --- entries ---------------------------------------------------------------------------------- */

static const char *copy(struct arena *arena, const char *text)
{
    return text != NULL ? arena_text(arena, span_of(text)) : NULL;
}

static const char *describe(const struct telling *telling, const struct record *record)
{
    static const enum order_field fields[] = {ORDER_REFERENCE, ORDER_OFFER, ORDER_STATUS,
                                              ORDER_STEP};
    struct text text;
    text_init(&text, (size_t)4 * TEXT_BYTES_MAX + 1024);
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
        const char *value = record->fields[fields[i]];
        if (value != NULL) {
            text_addf(&text, "%s\n",
                      telling_titled(telling, telling_field(telling, order_field_name(fields[i])),
                                     telling_clean(telling, value, TEXT_BYTES_MAX)));
        }
    }
    const char *description = arena_text(telling->arena, text_span(&text));
    text_fini(&text);
    return description;
}

static const char *title_of(const struct telling *telling, const struct record *record)
{
    const char *order =
        telling_phrase(telling, PHRASE_ORDER, telling_clean(telling, record->id, 64), NULL);
    const char *site = record->fields[ORDER_SITE];
    if (site != NULL) {
        order = arena_format(telling->arena, "%s (%s)", order, telling_clean(telling, site, 60));
    }
    return telling_titled(telling, order, words_phrase(PHRASE_VISIT, telling->language));
}

static void show_entry(const struct feed_inquiry *asked, const struct record *record,
                       const struct appointment *appointment,
                       const struct appointment_history *known, struct message_appointment *out)
{
    const struct telling *telling = &asked->telling;
    const char *location = appointment->fields[APPOINTMENT_LOCATION];
    location = location != NULL ? location : record->fields[ORDER_SITE];
    bool is_off = record->kind == ORDER_CANCELLED && history_will_take_place(appointment->kind);
    *out = (struct message_appointment){
        .source_name = asked->source_name,
        .order_id = copy(asked->arena, record->id),
        .appointment_id = copy(asked->arena, appointment->id),
        .sequence = known->calendar_sequence,
        .revised_wall_ms = known->since_wall_ms,
        .is_cancelled = is_off || appointment->kind == APPOINTMENT_CANCELLED,
        .is_confirmed = appointment->kind == APPOINTMENT_CONFIRMED ||
                        appointment->kind == APPOINTMENT_COMPLETED,
        .start = copy(asked->arena, appointment->fields[APPOINTMENT_START]),
        .end = date_of(appointment->fields[APPOINTMENT_END]).kind != DATE_NONE
                   ? copy(asked->arena, appointment->fields[APPOINTMENT_END])
                   : NULL,
        .summary = title_of(telling, record),
        .location = location != NULL ? telling_clean(telling, location, TEXT_BYTES_MAX) : NULL,
        .description = describe(telling, record),
    };
}

static struct feed_entry *make_room(struct feed_inquiry *asked)
{
    if (asked->count == asked->capacity) {
        size_t capacity = asked->capacity != 0 ? 2 * asked->capacity : 64;
        struct feed_entry *entries = alloc_array(capacity, sizeof *entries);
        if (asked->count != 0) {
            memcpy(entries, asked->entries, asked->count * sizeof *entries);
        }
        free(asked->entries);
        asked->entries = entries;
        asked->capacity = capacity;
    }
    return &asked->entries[asked->count++];
}

static void take_record(struct feed_inquiry *asked, const struct record *record,
                        struct history *history)
{
    for (size_t i = 0; i < record->appointment_count && asked->count < COLLECTED_MAX; i++) {
        const struct appointment *appointment = &record->appointments[i];
        const struct appointment_history *known = history_appointment(history, appointment->id);
        struct date start = date_of(appointment->fields[APPOINTMENT_START]);
        int64_t away_ms = start.ms - asked->telling.now_wall_ms;
        if (known == NULL || start.kind == DATE_NONE || away_ms < -PAST_MS) {
            continue;
        }
        struct feed_entry *entry = make_room(asked);
        entry->away_ms = away_ms < 0 ? -away_ms : away_ms;
        show_entry(asked, record, appointment, known, &entry->shown);
    }
}

static void take_order(struct feed_inquiry *asked, const struct stored_order *order)
{
    struct arena *arena = arena_create();
    struct record record;
    struct history history;
    if (!order->has_left && record_decode(order->canonical, arena, &record, NULL) == STATUS_OK &&
        history_decode(order->history, arena, &history, NULL) == STATUS_OK) {
        take_record(asked, &record, &history);
    }
    arena_destroy(arena);
}

/* --- the answer ------------------------------------------------------------------------------- */

static int by_distance(const void *left, const void *right)
{
    int64_t left_ms = ((const struct feed_entry *)left)->away_ms;
    int64_t right_ms = ((const struct feed_entry *)right)->away_ms;
    return (left_ms > right_ms) - (left_ms < right_ms);
}

/* The same entries are the same bytes, whatever the time of asking: their tag depends on it. */
static int by_id(const void *left, const void *right)
{
    const struct message_appointment *one = &((const struct feed_entry *)left)->shown;
    const struct message_appointment *other = &((const struct feed_entry *)right)->shown;
    int order = strcmp(one->order_id, other->order_id);
    return order != 0 ? order : strcmp(one->appointment_id, other->appointment_id);
}

static void write_feed(struct feed_inquiry *asked, const struct source_config *source,
                       struct text *body)
{
    if (asked->count > ENTRIES_MAX) {
        qsort(asked->entries, asked->count, sizeof *asked->entries, by_distance);
        asked->count = ENTRIES_MAX;
        qsort(asked->entries, asked->count, sizeof *asked->entries, by_id);
    }
    struct message_appointment *shown = alloc_array(asked->count + 1, sizeof *shown);
    for (size_t i = 0; i < asked->count; i++) {
        shown[i] = asked->entries[i].shown;
    }
    const struct surface_feed feed = {
        .name = source->name, .zone = source->zone, .appointments = shown, .count = asked->count};
    asked->inquiry.surface->options.write_feed(&feed, body);
    free(shown);
}

static void answer_feed(struct feed_inquiry *asked)
{
    struct surface *surface = asked->inquiry.surface;
    const struct source_config *source = config_source(surface->options.config, asked->source_name);
    if (source == NULL) {
        answer_problem(surface, inquiry_take(&asked->inquiry), 404,
                       "source %s is gone since the last reload", asked->source_name);
        return;
    }
    struct text body;
    char hash[33];
    char etag[40];
    text_init(&body, ANSWER_BYTES_MAX);
    write_feed(asked, source, &body);
    hash128_hex(text_span(&body), hash);
    (void)snprintf(etag, sizeof etag, "\"%s\"", hash);
    const struct http_answer answer = {.code = 200,
                                       .content_type = "text/calendar; charset=utf-8",
                                       .etag = etag,
                                       .body = text_span(&body)};
    answer_kept(surface, inquiry_take(&asked->inquiry), asked->known_etag, &answer);
    text_fini(&body);
}

static void ask_orders(struct inquiry *inquiry);

static void on_page(void *arg, const struct order_page *page)
{
    struct feed_inquiry *asked = arg;
    if (!inquiry_is_open(&asked->inquiry)) {
        inquiry_end(&asked->inquiry);
        return;
    }
    if (page->status != STATUS_OK) {
        answer_store_problem(asked->inquiry.surface, inquiry_take(&asked->inquiry), page->status,
                             page->detail);
        inquiry_end(&asked->inquiry);
        return;
    }
    for (size_t i = 0; i < page->count; i++) {
        take_order(asked, &page->orders[i]);
    }
    if (page->has_more && page->count != 0 && asked->count < COLLECTED_MAX) {
        asked->last_id = copy(asked->arena, page->orders[page->count - 1].id);
        asked->inquiry.proceed = ask_orders;
        return;
    }
    answer_feed(asked);
    inquiry_end(&asked->inquiry);
}

static void ask_orders(struct inquiry *inquiry)
{
    const struct feed_inquiry *asked = (const struct feed_inquiry *)inquiry;
    const struct order_query orders = {.source_name = asked->source_name,
                                       .after_source_name = asked->source_name,
                                       .after_id = asked->last_id,
                                       .limit = PAGE_ORDERS};
    const struct query_port query = inquiry->surface->options.query;
    query.list_orders(query.self, &orders, on_page, inquiry);
}

static void give_up(struct inquiry *inquiry)
{
    answer_store_problem(inquiry->surface, inquiry_take(inquiry), STATUS_UNAVAILABLE,
                         "it takes too long");
}

static void destroy(struct inquiry *inquiry)
{
    struct feed_inquiry *asked = (struct feed_inquiry *)inquiry;
    arena_destroy(asked->arena);
    free(asked->entries);
    free(asked);
}

void serve_feed(const struct call *call)
{
    static const char *const names[] = {"token", NULL};
    const struct source_config *source = find_source(call);
    if (source == NULL) {
        feed_refuse(call);
        return;
    }
    if (!call_accepts(call, names)) {
        return;
    }
    struct surface *surface = call->surface;
    struct feed_inquiry *asked = (struct feed_inquiry *)inquiry_create(call, sizeof *asked);
    asked->inquiry.give_up = give_up;
    asked->inquiry.destroy = destroy;
    asked->inquiry.deadline_mono_ms = surface->now.mono_ms + PATIENCE_MS;
    asked->arena = arena_create();
    asked->source_name = copy(asked->arena, source->name);
    asked->telling = (struct telling){.language = language_of_tag(source->language),
                                      .now_wall_ms = surface->now.wall_ms,
                                      .arena = asked->arena};
    asked->known_etag = copy(asked->arena, call->query->if_none_match);
    asked->last_id = "";
    ask_orders(&asked->inquiry);
}
