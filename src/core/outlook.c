#include "core/outlook.h"

#include "core/arena.h"
#include "core/digest.h"
#include "core/history.h"
#include "core/log.h"
#include "core/route.h"
#include "core/zone.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_ORDERS 250
#define TRIES_MAX 5
#define TRY_AGAIN_MS 1000

enum scan_state { SCAN_IDLE, SCAN_READING, SCAN_DONE };

struct outlook_scan {
    struct outlook_options options;
    enum scan_state state;
    bool is_asking;
    uint32_t failures; /* in a row */
    int64_t retry_mono_ms;
    int64_t delivery_id;
    struct instant started;
    struct arena *page_arena, *arena; /* arena: of the outlook */
    struct text after_source, after_id;
    struct outlook outlook;
};

struct outlook_scan *outlook_scan_create(const struct outlook_options *options)
{
    struct outlook_scan *scan = alloc(sizeof *scan);
    *scan = (struct outlook_scan){
        .options = *options, .page_arena = arena_create(), .arena = arena_create()};
    text_init(&scan->after_source, 1024);
    text_init(&scan->after_id, (size_t)2 * RECORD_ID_MAX);
    return scan;
}

void outlook_scan_destroy(struct outlook_scan *scan)
{
    if (scan == NULL) {
        return;
    }
    CHECK(!scan->is_asking);
    text_fini(&scan->after_source);
    text_fini(&scan->after_id);
    arena_destroy(scan->page_arena);
    arena_destroy(scan->arena);
    free(scan);
}

void outlook_scan_use_config(struct outlook_scan *scan, const struct config *config,
                             size_t sink_index)
{
    scan->options.config = config;
    scan->options.sink_index = sink_index;
}

/* --- one order ------------------------------------------------------------------------------ */

static const char *keep(struct outlook_scan *scan, const char *text)
{
    return text != NULL ? arena_text(scan->arena, span_of(text)) : NULL;
}

/* Keeps the earliest; of equals the first that came. */
static void add_item(struct outlook_scan *scan, struct outlook_list *list,
                     const struct outlook_item *item)
{
    list->total++;
    size_t place = list->count;
    while (place > 0 && list->items[place - 1].at_wall_ms > item->at_wall_ms) {
        place--;
    }
    if (place == OUTLOOK_ITEMS_MAX) {
        return;
    }
    size_t kept = list->count < OUTLOOK_ITEMS_MAX ? list->count : OUTLOOK_ITEMS_MAX - 1;
    memmove(&list->items[place + 1], &list->items[place], (kept - place) * sizeof *item);
    list->items[place] = (struct outlook_item){.source_name = keep(scan, item->source_name),
                                               .order_id = keep(scan, item->order_id),
                                               .site = keep(scan, item->site),
                                               .status = keep(scan, item->status),
                                               .date = item->date,
                                               .at_wall_ms = item->at_wall_ms};
    list->count = kept + 1;
}

static const struct sink_config *sink_of(const struct outlook_scan *scan)
{
    return &scan->options.config->sinks[scan->options.sink_index];
}

static struct outlook_item item_of(const struct outlook_scan *scan,
                                   const struct source_config *source, const struct record *record)
{
    bool shows_site = field_filter_allows(&sink_of(scan)->fields, "site");
    return (struct outlook_item){.source_name = source->name,
                                 .order_id = record->id,
                                 .site = shows_site ? record->fields[ORDER_SITE] : NULL};
}

/* A day is to come until it is over. */
static void add_upcoming(struct outlook_scan *scan, const struct source_config *source,
                         const struct record *record)
{
    int64_t now_ms = scan->started.wall_ms;
    for (size_t i = 0; i < record->appointment_count; i++) {
        const struct appointment *appointment = &record->appointments[i];
        struct date start = date_of(appointment->fields[APPOINTMENT_START]);
        if (start.kind == DATE_NONE || !history_will_take_place(appointment->kind)) {
            continue;
        }
        int64_t begin_ms = start.kind == DATE_DAY ? zone_to_utc(source->zone, start.ms) : start.ms;
        if (date_end_ms(start, source->zone) <= now_ms ||
            begin_ms >= now_ms + OUTLOOK_DAYS * DAY_MS) {
            continue;
        }
        struct outlook_item item = item_of(scan, source, record);
        item.status = appointment->fields[APPOINTMENT_STATUS];
        item.date = start;
        item.at_wall_ms = begin_ms;
        add_item(scan, &scan->outlook.upcoming, &item);
    }
}

static void add_overdue(struct outlook_scan *scan, const struct source_config *source,
                        const struct record *record)
{
    struct date committed = date_of(record->fields[ORDER_COMMITTED_DATE]);
    bool is_shown = field_filter_allows(&sink_of(scan)->fields, "committed_date");
    if (committed.kind == DATE_NONE || order_kind_is_final(record->kind) || !is_shown) {
        return;
    }
    int64_t end_ms = date_end_ms(committed, source->zone);
    if (end_ms <= scan->started.wall_ms) {
        struct outlook_item item = item_of(scan, source, record);
        item.date = committed;
        item.at_wall_ms = end_ms;
        add_item(scan, &scan->outlook.overdue, &item);
    }
}

static void add_order(struct outlook_scan *scan, const char *source_name,
                      const struct stored_order *order)
{
    const struct config *config = scan->options.config;
    const struct source_config *source = config_source(config, source_name);
    struct record record;
    struct failure why;
    if (order->has_left || source == NULL ||
        record_decode(order->canonical, scan->page_arena, &record, &why) != STATUS_OK ||
        !route_shows_order(config, scan->options.sink_index, source_name, &record)) {
        return;
    }
    if (record.kind != ORDER_CANCELLED && record.kind != ORDER_FAILED) {
        add_upcoming(scan, source, &record);
    }
    add_overdue(scan, source, &record);
}

/* --- page by page --------------------------------------------------------------------------- */

static void on_page(void *arg, const struct order_page *page)
{
    struct outlook_scan *scan = arg;
    scan->is_asking = false;
    if (page->status != STATUS_OK) {
        scan->failures++;
        return;
    }
    scan->failures = 0;
    for (size_t i = 0; i < page->count; i++) {
        arena_reset(scan->page_arena);
        add_order(scan, page->source_names[i], &page->orders[i]);
    }
    if (!page->has_more || page->count == 0) {
        scan->state = SCAN_DONE;
        return;
    }
    text_clear(&scan->after_source);
    text_clear(&scan->after_id);
    text_add_text(&scan->after_source, page->source_names[page->count - 1]);
    text_add_text(&scan->after_id, page->orders[page->count - 1].id);
}

static void describe_sources(struct outlook_scan *scan)
{
    const struct config *config = scan->options.config;
    struct outlook_source *sources =
        arena_array(scan->arena, config->source_count, sizeof *sources);
    for (size_t i = 0; i < config->source_count; i++) {
        if (route_leads_to(config, config->sources[i].name, scan->options.sink_index)) {
            struct outlook_source *source = &sources[scan->outlook.source_count++];
            source->name = keep(scan, config->sources[i].name);
            scan->options.describe(scan->options.describe_arg, i, source);
        }
    }
    scan->outlook.sources = sources;
}

static void start(struct outlook_scan *scan, int64_t delivery_id, struct instant now)
{
    arena_reset(scan->arena);
    text_clear(&scan->after_source);
    text_clear(&scan->after_id);
    scan->outlook = (struct outlook){.is_known = true};
    scan->delivery_id = delivery_id;
    scan->started = now;
    scan->failures = 0;
    scan->retry_mono_ms = 0;
    scan->state = SCAN_READING;
    describe_sources(scan);
}

/* The mail at the end of quiet hours is one too where the sink has digests. */
static bool is_digest(const struct outlook_scan *scan, const char *bundle)
{
    return bundle != NULL &&
           (bundle[0] == 'd' || (bundle[0] == 'q' && digest_is_on(&sink_of(scan)->email.digest)));
}

bool outlook_scan_prepare(struct outlook_scan *scan, struct delivery *delivery, struct instant now)
{
    if (!is_digest(scan, delivery->bundle)) {
        return true;
    }
    bool is_its = scan->delivery_id == delivery->id;
    if (scan->state == SCAN_DONE && is_its) {
        delivery->outlook = &scan->outlook;
        scan->state = SCAN_IDLE; /* the next try looks anew */
        return true;
    }
    if (scan->state != SCAN_READING) {
        start(scan, delivery->id, now);
    }
    return false;
}

int64_t outlook_scan_turn(struct outlook_scan *scan, struct instant now)
{
    if (scan->state != SCAN_READING || scan->is_asking) {
        return INSTANT_NEVER;
    }
    if (scan->failures == TRIES_MAX) { /* the mail is worth more than its lists */
        LOG_WARN("outlook_failed", log_text("sink", sink_of(scan)->name));
        scan->outlook.is_known = false;
        scan->state = SCAN_DONE;
        return now.mono_ms;
    }
    if (scan->failures != 0 && scan->retry_mono_ms == 0) {
        scan->retry_mono_ms = now.mono_ms + TRY_AGAIN_MS;
    }
    if (now.mono_ms < scan->retry_mono_ms) {
        return scan->retry_mono_ms;
    }
    scan->retry_mono_ms = 0;
    scan->is_asking = true;
    const struct query_port *query = &scan->options.query;
    const struct order_query page = {.after_source_name = text_cstr(&scan->after_source),
                                     .after_id = text_cstr(&scan->after_id),
                                     .limit = PAGE_ORDERS};
    query->list_orders(query->self, &page, on_page, scan);
    return INSTANT_NEVER;
}

bool outlook_scan_is_asking(const struct outlook_scan *scan)
{
    return scan != NULL && scan->is_asking;
}

bool outlook_scan_is_reading(const struct outlook_scan *scan)
{
    return scan != NULL && scan->state == SCAN_READING;
}
