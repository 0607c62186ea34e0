#include "core/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct metrics {
    struct metrics_options options;
    struct histogram loop_lag, turn;
    double turn_began_s;
    int64_t wake_mono_ms; /* what the latest turn asked for */
    struct reload_facts reload;
};

struct metrics *metrics_create(const struct metrics_options *options)
{
    struct metrics *metrics = alloc(sizeof *metrics);
    metrics->options = *options;
    metrics->wake_mono_ms = INSTANT_NEVER;
    metrics->reload = (struct reload_facts){.is_last_successful = true,
                                            .in_force_since_wall_ms = options->started_wall_ms,
                                            .fingerprint = config_fingerprint(options->config)};
    histogram_init(&metrics->loop_lag, work_bounds_s, ARRAY_COUNT(work_bounds_s));
    histogram_init(&metrics->turn, work_bounds_s, ARRAY_COUNT(work_bounds_s));
    return metrics;
}

void metrics_destroy(struct metrics *metrics)
{
    free(metrics);
}

void metrics_use_config(struct metrics *metrics, const struct config *config)
{
    metrics->options.config = config;
}

void metrics_note_reload(struct metrics *metrics, const struct reload_facts *facts)
{
    metrics->reload = *facts;
}

void metrics_turn_begins(struct metrics *metrics, struct instant now)
{
    metrics->turn_began_s = metrics->options.seconds();
    if (metrics->wake_mono_ms <= now.mono_ms) {
        histogram_add(&metrics->loop_lag, (double)(now.mono_ms - metrics->wake_mono_ms) / 1000, 1);
    }
}

void metrics_turn_ends(struct metrics *metrics, int64_t wake_mono_ms)
{
    histogram_add(&metrics->turn, metrics->options.seconds() - metrics->turn_began_s, 1);
    metrics->wake_mono_ms = wake_mono_ms;
}

/* --- the text format -------------------------------------------------------------------------- */

static void head(struct text *out, const char *name, const char *type, const char *help)
{
    text_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void add_value(struct text *out, double value)
{
    bool is_whole = value == (double)(int64_t)value;
    text_addf(out, is_whole ? " %.0f\n" : " %.3f\n", value);
}

static void gauge(struct text *out, const char *name, const char *help, double value)
{
    head(out, name, "gauge", help);
    text_add_text(out, name);
    add_value(out, value);
}

static double seconds_of(int64_t wall_ms)
{
    return (double)wall_ms / 1000;
}

/* --- sources ---------------------------------------------------------------------------------- */

typedef bool source_value_fn(const struct poller_status *status, struct instant now, double *out);

static bool last_complete(const struct poller_status *status, struct instant now, double *out)
{
    (void)now;
    *out = seconds_of(status->last_complete_wall_ms);
    return true;
}

static bool order_count(const struct poller_status *status, struct instant now, double *out)
{
    (void)now;
    *out = (double)status->order_count;
    return true;
}

static bool is_up(const struct poller_status *status, struct instant now, double *out)
{
    (void)now;
    *out = status->health == POLLER_OK || status->health == POLLER_MAINTENANCE ? 1 : 0;
    return true;
}

static bool is_held(const struct poller_status *status, struct instant now, double *out)
{
    (void)now;
    *out = status->is_held ? 1 : 0;
    return true;
}

static bool budget_rest(const struct poller_status *status, struct instant now, double *out)
{
    (void)now;
    *out = status->budget_left;
    return true;
}

static bool token_age(const struct poller_status *status, struct instant now, double *out)
{
    *out = seconds_of(now.mono_ms - status->token_obtained_mono_ms);
    return status->token_obtained_mono_ms != 0;
}

static bool look_ups(const struct poller_status *status, struct instant now, double *out)
{
    (void)now;
    *out = (double)status->look_up_count;
    return true;
}

static bool parsed(const struct poller_status *status, struct instant now, double *out)
{
    (void)now;
    *out = (double)status->pages.parsed_count;
    return true;
}

struct source_metric {
    const char *name, *kind, *help;
    source_value_fn *value;
};

static const struct source_metric source_metrics[] = {
    {"orderwatch_sweep_last_complete_timestamp_seconds", "gauge",
     "When the latest complete sweep ended; 0: none yet.", last_complete},
    {"orderwatch_orders", "gauge", "Orders on the source's list.", order_count},
    {"orderwatch_source_up", "gauge", "1 if the latest sweep was good, or it is maintenance.",
     is_up},
    {"orderwatch_source_held", "gauge", "1 if a mass change is held until it is released.",
     is_held},
    {"orderwatch_budget_left", "gauge", "Requests that the budget allows now.", budget_rest},
    {"orderwatch_token_age_seconds", "gauge", "Age of the access token in use.", token_age},
    {"orderwatch_look_ups_total", "counter",
     "Orders looked at between sweeps: part of the requests.", look_ups},
    {"orderwatch_elements_parsed_total", "counter",
     "Elements of pages that were parsed: those with other bytes than before.", parsed},
};

static struct poller_status status_of(const struct metrics_view *view, size_t index)
{
    return poller_status(monitor_poller(view->monitor, index));
}

static void show_source_metric(const struct source_metric *metric, size_t source_count,
                               const struct metrics_view *view, struct text *out)
{
    head(out, metric->name, metric->kind, metric->help);
    for (size_t i = 0; i < source_count; i++) {
        struct poller_status status = status_of(view, i);
        double value = 0;
        if (metric->value(&status, view->now, &value)) {
            text_addf(out, "%s{source=\"%s\"}", metric->name, status.source_name);
            add_value(out, value);
        }
    }
}

static void show_sources(const struct metrics *metrics, const struct metrics_view *view,
                         struct text *out)
{
    for (size_t i = 0; i < ARRAY_COUNT(source_metrics); i++) {
        show_source_metric(&source_metrics[i], metrics->options.config->source_count, view, out);
    }
}

static void show_request(const char *source_name, const struct request_tally *tally,
                         struct text *out)
{
    char code[16] = "error";
    if (tally->code != 0) {
        (void)snprintf(code, sizeof code, "%d", tally->code);
    }
    text_addf(out, "orderwatch_requests_total{source=\"%s\",code=\"%s\"} %" PRIu64 "\n",
              source_name, code, tally->count);
}

static void show_requests(const struct metrics *metrics, const struct metrics_view *view,
                          struct text *out)
{
    head(out, "orderwatch_requests_total", "counter",
         "Requests to the source, tokens included, by HTTP code.");
    for (size_t i = 0; i < metrics->options.config->source_count; i++) {
        struct poller_status status = status_of(view, i);
        for (size_t j = 0; j < status.request_code_count; j++) {
            show_request(status.source_name, &status.requests[j], out);
        }
    }
}

static void show_page(const char *source_name, const char *read, uint64_t count, struct text *out)
{
    text_addf(out, "orderwatch_pages_total{source=\"%s\",read=\"%s\"} %" PRIu64 "\n", source_name,
              read, count);
}

static void show_pages(const struct metrics *metrics, const struct metrics_view *view,
                       struct text *out)
{
    head(out, "orderwatch_pages_total", "counter",
         "Pages by how they were read: unchanged (304), known by their bytes, cut into elements.");
    for (size_t i = 0; i < metrics->options.config->source_count; i++) {
        struct poller_status status = status_of(view, i);
        show_page(status.source_name, "unchanged", status.pages.unchanged_count, out);
        show_page(status.source_name, "known", status.pages.known_count, out);
        show_page(status.source_name, "cut", status.pages.cut_count, out);
    }
}

static void show_expiry(struct text *out, const char *source_name, const char *credential,
                        int64_t wall_ms)
{
    if (wall_ms > 0) {
        text_addf(out,
                  "orderwatch_credential_expiry_timestamp_seconds{source=\"%s\",credential=\"%s\"}"
                  " %.0f\n",
                  source_name, credential, seconds_of(wall_ms));
    }
}

static int64_t expiry_of(struct date issued, int64_t valid_for_ms)
{
    return issued.kind != DATE_NONE && valid_for_ms > 0 ? issued.ms + valid_for_ms : 0;
}

static void show_expiries(const struct metrics *metrics, const struct metrics_view *view,
                          struct text *out)
{
    head(out, "orderwatch_credential_expiry_timestamp_seconds", "gauge",
         "When a credential of the source, or its certificate, expires.");
    for (size_t i = 0; i < metrics->options.config->source_count; i++) {
        const struct source_config *source = &metrics->options.config->sources[i];
        show_expiry(out, source->name, "api_key",
                    expiry_of(source->api_key.issued, source->api_key.valid_for_ms));
        show_expiry(out, source->name, "client_secret",
                    expiry_of(source->oauth2.secret_issued, source->oauth2.secret_valid_for_ms));
        show_expiry(out, source->name, "certificate",
                    status_of(view, i).certificate_expires_wall_ms);
        show_expiry(out, source->name, "client_certificate",
                    status_of(view, i).own_certificate_expires_wall_ms);
        show_expiry(out, source->name, "token_certificate",
                    status_of(view, i).token_certificate_expires_wall_ms);
    }
}

static void show_events(const struct metrics *metrics, const struct metrics_view *view,
                        struct text *out)
{
    struct event_tally sum = *dispatcher_events(monitor_dispatcher(view->monitor));
    event_tally_add(&sum, monitor_departed(view->monitor));
    for (size_t i = 0; i < metrics->options.config->source_count; i++) {
        event_tally_add(&sum, status_of(view, i).events);
    }
    head(out, "orderwatch_events_total", "counter", "Events that became durable, by type.");
    for (size_t i = 0; i < EVENT_TYPE_COUNT; i++) {
        if (i != EVENT_TEST && i != EVENT_DIGEST) {
            text_addf(out, "orderwatch_events_total{type=\"%s\"} %" PRIu64 "\n",
                      event_type_name((enum event_type)i), sum.counts[i]);
        }
    }
}

/* --- sinks ------------------------------------------------------------------------------------ */

static struct sink_status sink_of(const struct metrics_view *view, size_t index)
{
    return dispatcher_status(monitor_dispatcher(view->monitor), index);
}

static void show_deliveries(const struct metrics *metrics, const struct metrics_view *view,
                            struct text *out)
{
    static const char name[] = "orderwatch_deliveries_total";
    head(out, name, "counter", "Attempts to deliver an event, by how they ended.");
    for (size_t i = 0; i < metrics->options.config->sink_count; i++) {
        struct sink_status status = sink_of(view, i);
        text_addf(out, "%s{sink=\"%s\",outcome=\"delivered\"} %" PRIu64 "\n", name,
                  status.sink_name, status.delivered);
        text_addf(out, "%s{sink=\"%s\",outcome=\"retried\"} %" PRIu64 "\n", name, status.sink_name,
                  status.retried);
        text_addf(out, "%s{sink=\"%s\",outcome=\"parked\"} %" PRIu64 "\n", name, status.sink_name,
                  status.parked);
    }
    head(out, "orderwatch_sink_up", "gauge", "1 while the sink takes deliveries.");
    for (size_t i = 0; i < metrics->options.config->sink_count; i++) {
        struct sink_status status = sink_of(view, i);
        text_addf(out, "orderwatch_sink_up{sink=\"%s\"} %d\n", status.sink_name,
                  status.circuit == CIRCUIT_CLOSED &&
                          !sink_fails_for(&status,
                                          metrics->options.config->sinks[i].failing_after_ms,
                                          view->now.wall_ms)
                      ? 1
                      : 0);
    }
    head(out, "orderwatch_sink_window", "gauge", "Sends at once; small after an outage.");
    for (size_t i = 0; i < metrics->options.config->sink_count; i++) {
        struct sink_status status = sink_of(view, i);
        text_addf(out, "orderwatch_sink_window{sink=\"%s\"} %" PRIu32 "\n", status.sink_name,
                  status.window);
    }
}

static void show_latency(const struct metrics *metrics, const struct metrics_view *view,
                         struct text *out)
{
    static const char name[] = "orderwatch_delivery_latency_seconds";
    head(out, name, "histogram", "From when an event could leave to its delivery.");
    for (size_t i = 0; i < metrics->options.config->sink_count; i++) {
        struct sink_status status = sink_of(view, i);
        char label[96];
        (void)snprintf(label, sizeof label, "sink=\"%s\"", status.sink_name);
        histogram_show(&status.latency, name, label, out);
    }
}

enum book { BOOK_OBSERVED, BOOK_DELIVERED, BOOK_PENDING, BOOK_PARKED, BOOK_SILENCED, BOOK_AGE };

struct book_metric {
    const char *name, *help;
    enum book book;
};

static const struct book_metric book_metrics[] = {
    {"orderwatch_outbox_depth", "Deliveries that are pending.", BOOK_PENDING},
    {"orderwatch_outbox_oldest_age_seconds",
     "How long the oldest pending delivery waits, from when it could leave; 0: none.", BOOK_AGE},
    {"orderwatch_parked", "Deliveries that wait for an operator.", BOOK_PARKED},
    {"orderwatch_ledger_observed",
     "Deliveries ever planned: delivered + pending + parked + silenced.", BOOK_OBSERVED},
    {"orderwatch_ledger_delivered", "Deliveries ever made.", BOOK_DELIVERED},
    {"orderwatch_ledger_silenced", "Deliveries not made, since a silence kept them back.",
     BOOK_SILENCED},
};

static double book_value(const struct sink_counts *counts, enum book book, int64_t now_wall_ms)
{
    switch (book) {
    case BOOK_OBSERVED:
        return (double)counts->observed;
    case BOOK_DELIVERED:
        return (double)counts->delivered;
    case BOOK_PENDING:
        return (double)counts->pending;
    case BOOK_PARKED:
        return (double)counts->parked;
    case BOOK_SILENCED:
        return (double)counts->silenced;
    case BOOK_AGE:
        return counts->waiting_since_wall_ms != 0 && counts->waiting_since_wall_ms < now_wall_ms
                   ? seconds_of(now_wall_ms - counts->waiting_since_wall_ms)
                   : 0;
    }
    CHECK(!"a book that does not exist");
}

static const struct sink_counts *counts_of(const struct metrics_view *view, const char *sink_name)
{
    static const struct sink_counts none = {.sink_name = ""};
    for (size_t i = 0; i < view->count; i++) {
        if (text_equal(view->counts[i].sink_name, sink_name)) {
            return &view->counts[i];
        }
    }
    return &none;
}

static void show_book(const struct book_metric *metric, const char *sink_name,
                      const struct sink_counts *counts, int64_t now_wall_ms, struct text *out)
{
    text_addf(out, "%s{sink=\"%s\"}", metric->name, sink_name);
    add_value(out, book_value(counts, metric->book, now_wall_ms));
}

/* What is kept for sinks that are not configured any more is not forgotten here either. */
static void show_strangers(const struct config *config, const struct book_metric *metric,
                           const struct metrics_view *view, struct text *out)
{
    for (size_t i = 0; i < view->count; i++) {
        const struct sink_counts *counts = &view->counts[i];
        bool is_kept = counts->pending != 0 || counts->parked != 0;
        if (is_kept && config_sink(config, counts->sink_name) == NULL) {
            show_book(metric, counts->sink_name, counts, view->now.wall_ms, out);
        }
    }
}

static void show_books(const struct metrics *metrics, const struct metrics_view *view,
                       struct text *out)
{
    const struct config *config = metrics->options.config;
    for (size_t i = 0; view->counts != NULL && i < ARRAY_COUNT(book_metrics); i++) {
        const struct book_metric *metric = &book_metrics[i];
        head(out, metric->name, "gauge", metric->help);
        for (size_t j = 0; j < config->sink_count; j++) {
            const char *sink_name = config->sinks[j].name;
            show_book(metric, sink_name, counts_of(view, sink_name), view->now.wall_ms, out);
        }
        show_strangers(config, metric, view, out);
    }
}

/* --- the process ------------------------------------------------------------------------------ */

static void show_process(const struct metrics *metrics, struct text *out)
{
    struct process_facts facts = {.cpu_s = 0};
    metrics->options.measure(&facts);
    head(out, "process_cpu_seconds_total", "counter", "User and system time spent.");
    text_addf(out, "process_cpu_seconds_total %.3f\n", facts.cpu_s);
    gauge(out, "process_resident_memory_bytes", "Resident memory.", (double)facts.resident_bytes);
    gauge(out, "process_open_fds", "Open file descriptors.", (double)facts.open_fds);
    gauge(out, "process_max_fds", "The limit of open file descriptors.",
          (double)facts.open_fds_max);
    gauge(out, "process_start_time_seconds", "When the process started.",
          seconds_of(metrics->options.started_wall_ms));
}

static void show_config(const struct metrics *metrics, struct text *out)
{
    const struct reload_facts *reload = &metrics->reload;
    head(out, "orderwatch_config_info", "gauge", "The configuration in force, by its fingerprint.");
    text_addf(out, "orderwatch_config_info{hash=\"%016" PRIx64 "\"} 1\n", reload->fingerprint);
    gauge(out, "orderwatch_config_last_reload_successful",
          "0 after a reload that was refused: the configuration before is in force.",
          reload->is_last_successful ? 1 : 0);
    gauge(out, "orderwatch_config_last_reload_success_timestamp_seconds",
          "Since when the configuration is in force.", seconds_of(reload->in_force_since_wall_ms));
}

static void show_commits(const struct metrics *metrics, struct text *out)
{
    static const char name[] = "orderwatch_commit_seconds";
    struct histogram commits;
    metrics->options.commits(metrics->options.commits_self, &commits);
    head(out, name, "histogram", "How long a transaction of the state file took.");
    histogram_show(&commits, name, "", out);
}

static void show_loop(const struct metrics *metrics, struct text *out)
{
    head(out, "orderwatch_loop_lag_seconds", "histogram", "How late the loop woke up.");
    histogram_show(&metrics->loop_lag, "orderwatch_loop_lag_seconds", "", out);
    head(out, "orderwatch_turn_seconds", "histogram", "How long a turn of the loop took.");
    histogram_show(&metrics->turn, "orderwatch_turn_seconds", "", out);
}

void metrics_show(struct metrics *metrics, const struct metrics_view *view, struct text *out)
{
    head(out, "orderwatch_build_info", "gauge", "The version that runs.");
    text_addf(out, "orderwatch_build_info{version=\"%s\"} 1\n", metrics->options.version);
    gauge(out, "orderwatch_ready", "1 if /-/ready would say so.", view->is_ready ? 1 : 0);
    gauge(out, "orderwatch_store_up", "1 if the state file answers.", view->counts != NULL ? 1 : 0);
    show_sources(metrics, view, out);
    show_requests(metrics, view, out);
    show_pages(metrics, view, out);
    show_expiries(metrics, view, out);
    show_events(metrics, view, out);
    show_deliveries(metrics, view, out);
    show_latency(metrics, view, out);
    show_books(metrics, view, out);
    show_loop(metrics, out);
    show_commits(metrics, out);
    show_config(metrics, out);
    show_process(metrics, out);
}
