#include "core/route.h"

#include "monitor_internal.h"

#include <inttypes.h>
#include <stdlib.h>

#define ONCE_LOOK_MS 500 /* how often a run that is to end looks whether it can */

/* --- news from below ----------------------------------------------------------------------- */

static void on_news(void *arg)
{
    struct monitor *monitor = arg;
    dispatcher_expect_news(monitor->dispatcher);
    for (size_t i = 0; i < monitor->options.config->sink_count; i++) {
        if (monitor->sinks[i]->mirror != NULL) {
            mirror_expect_news(monitor->sinks[i]->mirror);
        }
    }
}

static void on_available(void *arg)
{
    struct sink *sink = arg;
    dispatcher_available(sink->monitor->dispatcher, sink->index);
    if (sink->mirror != NULL) {
        mirror_available(sink->mirror);
    }
}

static void on_state_lost(void *arg)
{
    struct sink *sink = arg;
    if (sink->mirror != NULL) {
        mirror_refill(sink->mirror);
    }
}

/* --- life ---------------------------------------------------------------------------------- */

struct poller *monitor_create_poller(struct monitor *monitor, const struct config *config,
                                     size_t index)
{
    struct poller_options poller = {.config = config,
                                    .source = &config->sources[index],
                                    .http = monitor->options.http,
                                    .store = monitor->options.store,
                                    .unicode = monitor->options.unicode,
                                    .silencer = monitor->silencer,

                                    .seed = random_next(&monitor->random),
                                    .on_news = on_news,
                                    .on_news_arg = monitor};
    return poller_create(&poller);
}

struct sink *monitor_create_sink(struct monitor *monitor, size_t index)
{
    const struct sink_config *config = &monitor->options.config->sinks[index];
    struct sink_port port = monitor->options.sinks[index];
    struct sink *sink = alloc(sizeof *sink);
    *sink = (struct sink){.monitor = monitor, .index = index};
    /* Without state, too: what was retained before is taken back. */
    if (port.ops->publish != NULL && config->kind == SINK_MQTT) {
        struct mirror_options mirror = {.config = monitor->options.config,
                                        .sink = config,
                                        .port = port,
                                        .store = monitor->options.store,
                                        .seed = random_next(&monitor->random)};
        sink->mirror = mirror_create(&mirror);
    }
    if (port.ops->listen != NULL) {
        struct sink_listener listener = {
            .arg = sink, .on_available = on_available, .on_state_lost = on_state_lost};
        port.ops->listen(port.self, &listener);
    }
    return sink;
}

void monitor_destroy_sink(struct sink *sink)
{
    if (sink->mirror != NULL) {
        mirror_destroy(sink->mirror);
    }
    free(sink);
}

static enum outlook_state outlook_state_of(const struct poller_status *status)
{
    if (status->is_held) {
        return OUTLOOK_HELD;
    }
    switch (status->health) {
    case POLLER_STARTING:
    case POLLER_OK:
        return OUTLOOK_OK;
    case POLLER_FAILING:
        return OUTLOOK_FAILING;
    case POLLER_REJECTED:
        return OUTLOOK_REFUSED;
    case POLLER_MAINTENANCE:
        return OUTLOOK_MAINTENANCE;
    }
    CHECK(!"a health that exists");
}

/* For digests: how recent what they say is. */
static void describe_source(void *arg, size_t source_index, struct outlook_source *out)
{
    const struct monitor *monitor = arg;
    struct poller_status status = poller_status(monitor->sources[source_index].poller);
    out->state = outlook_state_of(&status);
    out->complete_wall_ms = status.last_complete_wall_ms;
}

struct monitor *monitor_create(const struct monitor_options *options)
{
    const struct config *config = options->config;
    struct monitor *monitor = alloc(sizeof *monitor);
    monitor->random.state = options->seed;
    monitor->options = *options;
    monitor->sources = alloc_array(config->source_count + 1, sizeof *monitor->sources);
    monitor->sinks = alloc_array(config->sink_count + 1, sizeof(struct sink *));
    text_init(&monitor->payload, 1024);
    monitor->silencer = silencer_create(options->store);
    struct dispatcher_options dispatcher = {.config = config,
                                            .sinks = options->sinks,
                                            .store = options->store,
                                            .silencer = monitor->silencer,
                                            .query = options->query,
                                            .describe = describe_source,
                                            .describe_arg = monitor,
                                            .seed = random_next(&monitor->random),
                                            .is_once = options->is_once};
    monitor->dispatcher = dispatcher_create(&dispatcher);
    struct keeper_options keeper = {
        .store = options->store, .silencer = monitor->silencer, .keep_ms = config->keep_events_ms};
    monitor->keeper = keeper_create(&keeper);
    for (size_t i = 0; i < config->source_count; i++) {
        monitor->sources[i].poller = monitor_create_poller(monitor, config, i);
    }
    for (size_t i = 0; i < config->sink_count; i++) {
        monitor->sinks[i] = monitor_create_sink(monitor, i);
    }
    return monitor;
}

void monitor_destroy(struct monitor *monitor)
{
    CHECK(monitor_is_idle(monitor));
    for (size_t i = 0; i < monitor->options.config->source_count; i++) {
        poller_destroy(monitor->sources[i].poller);
    }
    for (size_t i = 0; i < monitor->options.config->sink_count; i++) {
        monitor_destroy_sink(monitor->sinks[i]);
    }
    keeper_destroy(monitor->keeper);
    dispatcher_destroy(monitor->dispatcher);
    silencer_destroy(monitor->silencer);
    text_fini(&monitor->payload);
    free(monitor->sources);
    free(monitor->sinks);
    free(monitor);
}

static void restore_value(void *arg, const struct stored_value *value)
{
    struct monitor *monitor = arg;
    silencer_restore(monitor->silencer, value);
    dispatcher_restore(monitor->dispatcher, value);
    for (size_t i = 0; i < monitor->options.config->source_count; i++) {
        poller_restore(monitor->sources[i].poller, value);
    }
}

enum status monitor_load(struct monitor *monitor, struct failure *why)
{
    const struct store_port *store = &monitor->options.store;
    for (size_t i = 0; i < monitor->options.config->source_count; i++) {
        enum status status = poller_load(monitor->sources[i].poller, why);
        if (status != STATUS_OK) {
            return status;
        }
        monitor->sources[i].has_loaded = true;
    }
    return store->visit_values(store->self, restore_value, monitor, why);
}

/* --- the retained status of sources -------------------------------------------------------- */

/* NULL: nothing is known yet, and what an earlier run published still holds. */
static const char *state_word(enum poller_health health)
{
    switch (health) {
    case POLLER_STARTING:
        break;
    case POLLER_OK:
        return "ok";
    case POLLER_FAILING:
    case POLLER_REJECTED:
        return "failing";
    case POLLER_MAINTENANCE:
        return "maintenance";
    }
    return NULL;
}

static void compose_payload(struct text *payload, const struct poller_status *status)
{
    text_clear(payload);
    text_addf(payload, "{\"state\":\"%s\"", state_word(status->health));
    if (status->last_complete_wall_ms != 0) {
        text_add_text(payload, ",\"last_complete_sweep\":\"");
        date_add_wall(payload, status->last_complete_wall_ms);
        text_add_char(payload, '"');
    }
    text_addf(payload, ",\"orders\":%" PRIu64 "}", status->order_count);
}

static void show_source(struct monitor *monitor, size_t source_index)
{
    struct poller_status status = poller_status(monitor->sources[source_index].poller);
    const struct config *config = monitor->options.config;
    if (state_word(status.health) == NULL) {
        return;
    }
    compose_payload(&monitor->payload, &status);
    for (size_t i = 0; i < config->sink_count; i++) {
        if (config->sinks[i].mqtt.has_state && monitor->sinks[i]->mirror != NULL &&
            route_leads_to(config, status.source_name, i)) {
            mirror_source_status(monitor->sinks[i]->mirror, status.source_name,
                                 text_span(&monitor->payload));
        }
    }
}

/* --- turns --------------------------------------------------------------------------------- */

static int64_t turn_sources(struct monitor *monitor, struct instant now)
{
    int64_t next = INSTANT_NEVER;
    for (size_t i = 0; i < monitor->options.config->source_count; i++) {
        struct source *source = &monitor->sources[i];
        if (monitor->options.is_once && !source->has_begun) {
            once_begin_source(source);
        }
        next = earlier(next, poller_turn(source->poller, now));
        if (monitor->options.is_once) {
            once_judge_source(source, now);
        }
        show_source(monitor, i);
    }
    return next;
}

static int64_t turn_mirrors(struct monitor *monitor, struct instant now)
{
    int64_t next = INSTANT_NEVER;
    for (size_t i = 0; i < monitor->options.config->sink_count; i++) {
        if (monitor->sinks[i]->mirror != NULL) {
            next = earlier(next, mirror_turn(monitor->sinks[i]->mirror, now));
        }
    }
    return next;
}

int64_t monitor_turn(struct monitor *monitor, struct instant now)
{
    int64_t next = turn_sources(monitor, now);
    next = earlier(next, turn_mirrors(monitor, now));
    next = earlier(next, dispatcher_turn(monitor->dispatcher, now));
    next = earlier(next, keeper_turn(monitor->keeper, now));
    if (monitor->options.is_once && monitor->outcome == ONCE_RUNNING && !monitor->is_stopping) {
        bool was_flushing = monitor->is_flushing;
        once_judge(monitor, now);
        next = was_flushing == monitor->is_flushing ? earlier(next, now.mono_ms + ONCE_LOOK_MS)
                                                    : now.mono_ms;
    }
    return next;
}

struct poller *monitor_poller(struct monitor *monitor, size_t source_index)
{
    CHECK(source_index < monitor->options.config->source_count);
    return monitor->sources[source_index].poller;
}

struct silencer *monitor_silencer(struct monitor *monitor)
{
    return monitor->silencer;
}

const struct event_tally *monitor_departed(const struct monitor *monitor)
{
    return &monitor->departed;
}

struct dispatcher *monitor_dispatcher(struct monitor *monitor)
{
    return monitor->dispatcher;
}

enum once_outcome monitor_once_outcome(const struct monitor *monitor)
{
    return monitor->outcome;
}

void monitor_stop(struct monitor *monitor)
{
    monitor->is_stopping = true;
    for (size_t i = 0; i < monitor->options.config->source_count; i++) {
        poller_stop(monitor->sources[i].poller);
    }
    for (size_t i = 0; i < monitor->options.config->sink_count; i++) {
        if (monitor->sinks[i]->mirror != NULL) {
            mirror_stop(monitor->sinks[i]->mirror);
        }
    }
    dispatcher_stop(monitor->dispatcher);
    keeper_stop(monitor->keeper);
}

bool monitor_is_idle(const struct monitor *monitor)
{
    for (size_t i = 0; i < monitor->options.config->source_count; i++) {
        if (!poller_is_idle(monitor->sources[i].poller)) {
            return false;
        }
    }
    for (size_t i = 0; i < monitor->options.config->sink_count; i++) {
        if (monitor->sinks[i]->mirror != NULL && !mirror_is_idle(monitor->sinks[i]->mirror)) {
            return false;
        }
    }
    return silencer_is_idle(monitor->silencer) && dispatcher_is_idle(monitor->dispatcher) &&
           keeper_is_idle(monitor->keeper);
}
