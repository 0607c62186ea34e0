#include "surface_internal.h"

#include <stdio.h>
#include <stdlib.h>

/* How many intervals without a complete sweep are late, and what a short interval gets. */
#define SWEEP_INTERVALS 3
#define SWEEP_ALLOWANCE_MS 10000
/* Quiet hours and digests explain older ones: a long week-end. */
#define BACKLOG_AGE_MAX_MS (4 * DAY_MS)
#define WRITE_TRIAL_EVERY_MS 5000

/* The part of a list that was asked for: from behind after on, limit items at most. */
struct listing {
    const char *after; /* the name of an item; NULL: from the start */
    size_t limit;
    const char *last; /* of the items shown */
    bool is_cut;      /* there are more */
};

struct health_inquiry {
    struct inquiry inquiry;
    void (*respond)(struct health_inquiry *asked, const struct survey *survey);
    struct listing listing;
    char *after;
};

/* --- what is wrong ---------------------------------------------------------------------------- */

struct verdict {
    struct json_writer *reasons;
    bool is_bad;
};

/* code: one word for programs, which may say it in another language. */
static void add_reason(struct verdict *verdict, const char *kind, const char *name,
                       const char *code, const char *reason)
{
    verdict->is_bad = true;
    json_write_open(verdict->reasons, NULL, '{');
    json_write_text(verdict->reasons, kind, name);
    json_write_text(verdict->reasons, "code", code);
    json_write_text(verdict->reasons, "reason", reason);
    json_write_close(verdict->reasons, '}');
}

static void judge_source(struct verdict *verdict, const struct surface *surface, size_t index)
{
    const struct source_config *config = &surface->options.config->sources[index];
    struct poller_status status = poller_status(monitor_poller(surface->options.monitor, index));
    int64_t age_ms = surface->now.wall_ms - status.last_complete_wall_ms;
    int64_t late_ms = SWEEP_INTERVALS * config->every_ms;
    late_ms = late_ms > SWEEP_ALLOWANCE_MS ? late_ms : SWEEP_ALLOWANCE_MS;
    bool is_known = status.last_complete_wall_ms != 0;
    bool is_rejected = status.health == POLLER_REJECTED; /* it does not come right by itself */
    if (status.health == POLLER_MAINTENANCE || (!is_rejected && is_known && age_ms <= late_ms)) {
        return;
    }
    const char *code = is_known ? "late" : "never_swept";
    struct text reason;
    text_init(&reason, 2048);
    if (is_rejected) {
        code = "rejected";
        text_add_text(&reason, "access is refused");
    } else if (is_known) {
        text_addf(&reason, "no complete sweep for %lld s", (long long)(age_ms / 1000));
    } else {
        text_add_text(&reason, "no complete sweep yet");
    }
    if (status.is_paused && !is_rejected) {
        code = "paused";
        text_addf(&reason, ": paused; `orderwatch resume %s` goes on", config->name);
    } else if (status.last_failure[0] != '\0') {
        text_addf(&reason, ": %s", status.last_failure);
    }
    add_reason(verdict, "source", config->name, code, text_cstr(&reason));
    text_fini(&reason);
}

/* What a digest or quiet hours hold back is no backlog until their time has come. */
static void judge_backlog(struct verdict *verdict, const struct surface *surface,
                          const struct sink_counts *counts)
{
    char reason[200];
    int64_t age_ms = surface->now.wall_ms - counts->waiting_since_wall_ms;
    if (counts->pending != 0 && age_ms > BACKLOG_AGE_MAX_MS) {
        (void)snprintf(reason, sizeof reason, "its oldest pending delivery waits for %lld h",
                       (long long)(age_ms / HOUR_MS));
        add_reason(verdict, "sink", counts->sink_name, "backlog", reason);
    }
}

/* Of every sink that was ever delivered to: nothing may be lost without a trace. */
static void judge_books(struct verdict *verdict, const struct survey *survey)
{
    for (size_t i = 0; survey->counts != NULL && i < survey->count; i++) {
        const struct sink_counts *counts = &survey->counts[i];
        if (!counts_are_conserved(counts)) {
            char reason[200];
            (void)snprintf(reason, sizeof reason,
                           "observed %llu is not delivered %llu + pending %llu + parked %llu + "
                           "silenced %llu",
                           (unsigned long long)counts->observed,
                           (unsigned long long)counts->delivered,
                           (unsigned long long)counts->pending, (unsigned long long)counts->parked,
                           (unsigned long long)counts->silenced);
            add_reason(verdict, "sink", counts->sink_name, "books", reason);
        }
    }
}

static void judge_sink(struct verdict *verdict, const struct surface *surface,
                       const struct survey *survey, size_t index)
{
    const struct sink_config *config = &surface->options.config->sinks[index];
    struct sink_status status =
        dispatcher_status(monitor_dispatcher(surface->options.monitor), index);
    const struct sink_counts *counts = survey_of(survey, config->name);
    if (counts != NULL) {
        judge_backlog(verdict, surface, counts);
    }
    if (status.circuit == CIRCUIT_DISABLED) {
        add_reason(verdict, "sink", config->name, "disabled",
                   "its receiver is gone for good (410); `orderwatch resume` opens it again");
        return;
    }
    bool is_long = sink_fails_for(&status, config->failing_after_ms, surface->now.wall_ms);
    if (is_long && counts != NULL && counts->pending != 0) {
        char reason[400];
        (void)snprintf(reason, sizeof reason, "failing for %lld s: %s",
                       (long long)((surface->now.wall_ms - status.failing_since_wall_ms) / 1000),
                       status.last_detail);
        add_reason(verdict, "sink", config->name, "failing", reason);
    }
}

static void judge_store(struct verdict *verdict, const struct surface *surface,
                        const struct survey *survey)
{
    if (survey->counts == NULL) {
        add_reason(verdict, "store", "state", "silent", "does not answer");
    } else if (surface->has_written && surface->written.status != STATUS_OK) {
        char reason[sizeof surface->written.detail + 32];
        (void)snprintf(reason, sizeof reason, "cannot be written: %s",
                       surface->written.detail[0] != '\0' ? surface->written.detail
                                                          : status_name(surface->written.status));
        add_reason(verdict, "store", "state", "unwritable", reason);
    }
}

static bool is_ready(const struct surface *surface, const struct survey *survey,
                     struct json_writer *reasons)
{
    struct verdict verdict = {.reasons = reasons};
    judge_store(&verdict, surface, survey);
    judge_books(&verdict, survey);
    for (size_t i = 0; i < surface->options.config->source_count; i++) {
        judge_source(&verdict, surface, i);
    }
    for (size_t i = 0; i < surface->options.config->sink_count; i++) {
        judge_sink(&verdict, surface, survey, i);
    }
    return !verdict.is_bad;
}

/* --- answers ---------------------------------------------------------------------------------- */

struct page {
    struct text body, reasons;
    struct json_writer writer, reason_writer;
};

static void page_init(struct page *page)
{
    text_init(&page->body, ANSWER_BYTES_MAX);
    text_init(&page->reasons, ANSWER_BYTES_MAX);
    page->writer = (struct json_writer){.out = &page->body};
    page->reason_writer = (struct json_writer){.out = &page->reasons};
    json_write_open(&page->writer, NULL, '{');
    json_write_open(&page->reason_writer, NULL, '[');
}

static void page_send(struct page *page, struct surface *surface, struct http_exchange *exchange,
                      int code)
{
    json_write_close(&page->writer, '}');
    answer_json(surface, exchange, code, text_span(&page->body));
    text_fini(&page->body);
    text_fini(&page->reasons);
}

static void write_verdict(struct page *page, const char *name, bool is_good)
{
    json_write_close(&page->reason_writer, ']');
    json_write_raw(&page->writer, name, span_of(is_good ? "true" : "false"));
    json_write_raw(&page->writer, "reasons", text_span(&page->reasons));
}

static void respond_healthy(struct health_inquiry *asked, const struct survey *survey)
{
    struct surface *surface = asked->inquiry.surface;
    struct page page;
    page_init(&page);
    struct verdict verdict = {.reasons = &page.reason_writer};
    if (survey->counts == NULL) {
        add_reason(&verdict, "store", "state", "silent", "does not answer");
    }
    judge_books(&verdict, survey);
    write_verdict(&page, "healthy", !verdict.is_bad);
    page_send(&page, surface, inquiry_take(&asked->inquiry), verdict.is_bad ? 503 : 200);
}

static void respond_ready(struct health_inquiry *asked, const struct survey *survey)
{
    struct surface *surface = asked->inquiry.surface;
    struct page page;
    page_init(&page);
    bool is_good = is_ready(surface, survey, &page.reason_writer);
    write_verdict(&page, "ready", is_good);
    page_send(&page, surface, inquiry_take(&asked->inquiry), is_good ? 200 : 503);
}

static const struct listing whole = {.limit = SIZE_MAX};

/* Answers and gives false if a parameter is wrong. */
static bool listing_read(const struct call *call, struct listing *out)
{
    static const char *const names[] = {"after", "limit", NULL};
    *out = whole;
    out->after = call_parameter(call, "after");
    return call_accepts(call, names) &&
           (call_parameter(call, "limit") == NULL || call_limit(call, &out->limit));
}

static bool listing_shows(struct listing *listing, const char *name)
{
    if (listing->after != NULL) {
        listing->after = text_equal(listing->after, name) ? NULL : listing->after;
        return false;
    }
    listing->is_cut = listing->limit == 0;
    if (!listing->is_cut) {
        listing->limit--;
        listing->last = name;
    }
    return !listing->is_cut;
}

static void listing_add_next(const struct listing *listing, struct json_writer *writer)
{
    if (listing->is_cut) {
        json_write_text(writer, "next", listing->last);
    } else {
        json_write_raw(writer, "next", span_of("null"));
    }
}

static void add_sources(struct json_writer *writer, const struct surface *surface,
                        struct listing *listing, const char *name)
{
    const struct config *config = surface->options.config;
    json_write_open(writer, name, '[');
    for (size_t i = 0; i < config->source_count; i++) {
        if (listing_shows(listing, config->sources[i].name)) {
            item_add_source(writer, surface, i);
        }
    }
    json_write_close(writer, ']');
}

/* A sink that a reload or a restart took away, but not what was still to be delivered to it. */
static bool is_stranger(const struct surface *surface, const struct sink_counts *counts)
{
    return (counts->pending != 0 || counts->parked != 0) &&
           config_sink(surface->options.config, counts->sink_name) == NULL;
}

/* NOLINTNEXTLINE(readability-function-size): which of them, and as what, is the caller's */
static void add_sinks(struct json_writer *writer, const struct surface *surface,
                      const struct survey *survey, struct listing *listing, const char *name)
{
    const struct config *config = surface->options.config;
    json_write_open(writer, name, '[');
    for (size_t i = 0; i < config->sink_count; i++) {
        if (listing_shows(listing, config->sinks[i].name)) {
            item_add_sink(writer, surface, i, survey);
        }
    }
    for (size_t i = 0; survey->counts != NULL && i < survey->count; i++) {
        if (is_stranger(surface, &survey->counts[i]) &&
            listing_shows(listing, survey->counts[i].sink_name)) {
            item_add_stranger(writer, &survey->counts[i]);
        }
    }
    json_write_close(writer, ']');
}

static void respond_status(struct health_inquiry *asked, const struct survey *survey)
{
    struct surface *surface = asked->inquiry.surface;
    struct page page;
    page_init(&page);
    json_write_text(&page.writer, "version", surface->options.version);
    item_add_wall(&page.writer, "started", surface->started.wall_ms);
    item_add_wall(&page.writer, "now", surface->now.wall_ms);
    write_verdict(&page, "ready", is_ready(surface, survey, &page.reason_writer));
    struct listing all_sources = whole;
    struct listing all_sinks = whole;
    add_sources(&page.writer, surface, &all_sources, "sources");
    add_sinks(&page.writer, surface, survey, &all_sinks, "sinks");
    page_send(&page, surface, inquiry_take(&asked->inquiry), 200);
}

static void respond_sinks(struct health_inquiry *asked, const struct survey *survey)
{
    struct surface *surface = asked->inquiry.surface;
    struct page page;
    page_init(&page);
    add_sinks(&page.writer, surface, survey, &asked->listing, "items");
    listing_add_next(&asked->listing, &page.writer);
    page_send(&page, surface, inquiry_take(&asked->inquiry), 200);
}

static void respond_metrics(struct health_inquiry *asked, const struct survey *survey)
{
    struct surface *surface = asked->inquiry.surface;
    struct text reasons;
    text_init(&reasons, ANSWER_BYTES_MAX);
    struct json_writer writer = {.out = &reasons};
    const struct metrics_view view = {.monitor = surface->options.monitor,
                                      .counts = survey->counts,
                                      .count = survey->count,
                                      .now = surface->now,
                                      .is_ready = is_ready(surface, survey, &writer)};
    struct text body;
    text_init(&body, ANSWER_BYTES_MAX);
    metrics_show(surface->options.metrics, &view, &body);
    const struct http_answer answer = {.code = 200,
                                       .content_type = "text/plain; version=0.0.4; charset=utf-8",
                                       .body = text_span(&body)};
    surface->options.responder.answer(inquiry_take(&asked->inquiry), &answer);
    text_fini(&body);
    text_fini(&reasons);
}

/* --- asking the store ------------------------------------------------------------------------- */

static void on_counted(void *arg, enum status status, const struct sink_counts *counts,
                       size_t count)
{
    struct health_inquiry *asked = arg;
    static const struct sink_counts none = {.sink_name = ""};
    const struct survey survey = {.counts =
                                      status != STATUS_OK ? NULL : (count != 0 ? counts : &none),
                                  .count = count,
                                  .status = status};
    if (inquiry_is_open(&asked->inquiry)) {
        asked->respond(asked, &survey);
    }
    inquiry_end(&asked->inquiry);
}

static void give_up(struct inquiry *inquiry)
{
    struct health_inquiry *asked = (struct health_inquiry *)inquiry;
    const struct survey nothing = {.status = STATUS_UNAVAILABLE};
    asked->respond(asked, &nothing);
}

static void destroy(struct inquiry *inquiry)
{
    struct health_inquiry *asked = (struct health_inquiry *)inquiry;
    free(asked->after);
    free(asked);
}

static void survey_listing(const struct call *call, const struct listing *listing,
                           void (*respond)(struct health_inquiry *asked,
                                           const struct survey *survey))
{
    struct health_inquiry *asked = (struct health_inquiry *)inquiry_create(call, sizeof *asked);
    asked->inquiry.give_up = give_up;
    asked->inquiry.destroy = destroy;
    asked->respond = respond;
    asked->listing = *listing;
    asked->after = listing->after != NULL ? alloc_text(listing->after) : NULL;
    asked->listing.after = asked->after;
    const struct store_port store = call->surface->options.store;
    store.count_sinks(store.self, on_counted, asked);
}

static void survey_store(const struct call *call,
                         void (*respond)(struct health_inquiry *asked, const struct survey *survey))
{
    static const char *const none[] = {NULL};
    if (call_accepts(call, none)) {
        survey_listing(call, &whole, respond);
    }
}

static void on_written(void *arg, enum status status, const char *detail)
{
    struct surface *surface = arg;
    (void)fail(&surface->written, status, "%s", detail != NULL ? detail : "");
    surface->has_written = true;
    surface->is_writing = false;
}

/* Only writing shows that the disk takes it: as much of it as a sweep needs. The store answers in
 * the order of asking, so that the counts that are asked for next come after this is known. */
static void try_writing(struct surface *surface)
{
    bool is_recent = surface->has_written &&
                     surface->now.mono_ms - surface->written_mono_ms < WRITE_TRIAL_EVERY_MS;
    if (surface->is_writing || is_recent) {
        return;
    }
    surface->is_writing = true;
    surface->written_mono_ms = surface->now.mono_ms;
    char bytes[32];
    (void)snprintf(bytes, sizeof bytes, "%lld", (long long)surface->now.wall_ms);
    const struct stored_value value = {.key = "surface/written", .value = span_of(bytes)};
    const struct commit commit = {.values = &value, .value_count = 1, .needs_room = true};
    const struct store_port store = surface->options.store;
    store.commit(store.self, &commit, on_written, surface);
}

void serve_healthy(const struct call *call)
{
    survey_store(call, respond_healthy);
}

void serve_ready(const struct call *call)
{
    try_writing(call->surface);
    survey_store(call, respond_ready);
}

void serve_status(const struct call *call)
{
    try_writing(call->surface);
    survey_store(call, respond_status);
}

void serve_metrics(const struct call *call)
{
    survey_store(call, respond_metrics);
}

void serve_sinks(const struct call *call)
{
    struct listing listing;
    if (listing_read(call, &listing)) {
        survey_listing(call, &listing, respond_sinks);
    }
}

void serve_sources(const struct call *call)
{
    struct listing listing;
    if (!listing_read(call, &listing)) {
        return;
    }
    struct page page;
    page_init(&page);
    add_sources(&page.writer, call->surface, &listing, "items");
    listing_add_next(&listing, &page.writer);
    page_send(&page, call->surface, call->exchange, 200);
}
