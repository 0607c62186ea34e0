#include "core/zone.h"

#include "surface_internal.h"

static const char *health_name(enum poller_health health)
{
    switch (health) {
    case POLLER_STARTING:
        return "starting";
    case POLLER_OK:
        return "ok";
    case POLLER_FAILING:
        return "failing";
    case POLLER_REJECTED:
        return "rejected";
    case POLLER_MAINTENANCE:
        return "maintenance";
    }
    CHECK(!"a health that does not exist");
}

/* A receiver that answers, but takes nothing, fails like one that is away. */
static const char *sink_state_name(const struct sink_status *status,
                                   const struct sink_config *config, int64_t now_wall_ms)
{
    switch (status->circuit) {
    case CIRCUIT_CLOSED:
        return sink_fails_for(status, config->failing_after_ms, now_wall_ms) ? "failing" : "ok";
    case CIRCUIT_OPEN:
    case CIRCUIT_PROBING:
        return "failing";
    case CIRCUIT_DISABLED:
        return "disabled";
    }
    CHECK(!"a circuit state that does not exist");
}

void item_add_wall(struct json_writer *writer, const char *name, int64_t wall_ms)
{
    if (wall_ms == 0) {
        return;
    }
    struct text text;
    text_init(&text, 64);
    date_add_wall(&text, wall_ms);
    json_write_text(writer, name, text_cstr(&text));
    text_fini(&text);
}

static const char *known(const char *text)
{
    return text != NULL && text[0] != '\0' ? text : NULL;
}

static void add_bool(struct json_writer *writer, const char *name, bool value)
{
    json_write_raw(writer, name, span_of(value ? "true" : "false"));
}

void item_add_source(struct json_writer *writer, const struct surface *surface, size_t index)
{
    const struct source_config *config = &surface->options.config->sources[index];
    struct poller_status status = poller_status(monitor_poller(surface->options.monitor, index));
    json_write_open(writer, NULL, '{');
    json_write_text(writer, "name", config->name);
    json_write_text(writer, "profile", config->profile_name);
    json_write_text(writer, "time_zone", zone_name(config->zone));
    json_write_text(writer, "state", health_name(status.health));
    item_add_wall(writer, "last_complete_sweep", status.last_complete_wall_ms);
    if (status.next_due_mono_ms != INSTANT_NEVER && !status.is_sweeping && !status.is_paused) {
        int64_t wait_ms = status.next_due_mono_ms - surface->now.mono_ms;
        item_add_wall(writer, "next_sweep", surface->now.wall_ms + (wait_ms > 0 ? wait_ms : 0));
    }
    json_write_integer(writer, "every_seconds", config->every_ms / 1000);
    json_write_integer(writer, "orders", (int64_t)status.order_count);
    json_write_integer(writer, "sweeps", (int64_t)status.sweep_count);
    json_write_integer(writer, "look_ups", (int64_t)status.look_up_count);
    json_write_integer(writer, "events", (int64_t)status.event_count);
    add_bool(writer, "sweeping", status.is_sweeping);
    add_bool(writer, "held", status.is_held);
    add_bool(writer, "paused", status.is_paused);
    json_write_text(writer, "last_failure", known(status.last_failure));
    json_write_open(writer, "budget", '{');
    json_write_integer(writer, "left", status.budget_left);
    json_write_integer(writer, "limit", status.budget_limit);
    json_write_close(writer, '}');
    json_write_close(writer, '}');
}

const struct sink_counts *survey_of(const struct survey *survey, const char *sink_name)
{
    for (size_t i = 0; survey->counts != NULL && i < survey->count; i++) {
        if (text_equal(survey->counts[i].sink_name, sink_name)) {
            return &survey->counts[i];
        }
    }
    return NULL;
}

static void add_counts(struct json_writer *writer, const struct survey *survey,
                       const char *sink_name)
{
    if (survey->counts == NULL) {
        return;
    }
    static const struct sink_counts none = {.sink_name = ""};
    const struct sink_counts *counts = survey_of(survey, sink_name);
    if (counts == NULL) {
        counts = &none; /* nothing was ever routed to it */
    }
    json_write_integer(writer, "observed", (int64_t)counts->observed);
    json_write_integer(writer, "delivered", (int64_t)counts->delivered);
    json_write_integer(writer, "pending", (int64_t)counts->pending);
    json_write_integer(writer, "parked", (int64_t)counts->parked);
    json_write_integer(writer, "silenced", (int64_t)counts->silenced);
    add_bool(writer, "conserved", counts_are_conserved(counts));
    item_add_wall(writer, "oldest_pending", counts->oldest_pending_wall_ms);
    item_add_wall(writer, "waiting_since", counts->waiting_since_wall_ms);
}

static void add_connection(struct json_writer *writer, const struct sink_port *sink)
{
    struct text words;
    if (sink->ops == NULL || sink->ops->describe == NULL) { /* NULL: it closes for a reload */
        return;
    }
    text_init(&words, 2048);
    sink->ops->describe(sink->self, &words);
    json_write_text(writer, "connection", known(text_cstr(&words)));
    text_fini(&words);
}

static void add_moment(struct json_writer *writer, const struct surface *surface, const char *key,
                       int64_t mono_ms)
{
    int64_t wait_ms = mono_ms - surface->now.mono_ms;
    item_add_wall(writer, key, surface->now.wall_ms + (wait_ms > 0 ? wait_ms : 0));
}

void item_add_sink(struct json_writer *writer, const struct surface *surface, size_t index,
                   const struct survey *survey)
{
    struct sink_status status =
        dispatcher_status(monitor_dispatcher(surface->options.monitor), index);
    json_write_open(writer, NULL, '{');
    json_write_text(writer, "name", status.sink_name);
    json_write_text(writer, "kind", status.kind);
    json_write_text(
        writer, "state",
        sink_state_name(&status, &surface->options.config->sinks[index], surface->now.wall_ms));
    add_bool(writer, "paused", status.is_paused);
    add_counts(writer, survey, status.sink_name);
    item_add_wall(writer, "failing_since", status.failing_since_wall_ms);
    json_write_text(writer, "last_failure", known(status.last_detail));
    if (status.next_attempt_mono_ms != 0) {
        add_moment(writer, surface, "next_attempt", status.next_attempt_mono_ms);
    }
    if (status.asked_until_mono_ms > surface->now.mono_ms) {
        add_moment(writer, surface, "asked_to_wait_until", status.asked_until_mono_ms);
    }
    json_write_integer(writer, "window", status.window);
    json_write_integer(writer, "in_flight", status.in_flight);
    add_connection(writer, &surface->options.sinks[index]);
    json_write_close(writer, '}');
}

void item_add_stranger(struct json_writer *writer, const struct sink_counts *counts)
{
    const struct survey survey = {.counts = counts, .count = 1, .status = STATUS_OK};
    json_write_open(writer, NULL, '{');
    json_write_text(writer, "name", counts->sink_name);
    json_write_text(writer, "state", "not configured");
    add_bool(writer, "paused", false);
    add_counts(writer, &survey, counts->sink_name);
    json_write_close(writer, '}');
}
