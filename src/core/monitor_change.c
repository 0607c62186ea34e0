/* Another configuration without a restart. What it leaves as it was is not touched: its sweep goes
 * on, its connection stays, its waits are waited. What it changes lives through what a restart
 * would be for that part alone, on the same store: nothing is known about it here that a crash
 * could not take away, so there is nothing to carry over but totals and pauses. */
#include "core/route.h"

#include "monitor_internal.h"

#include <stdlib.h>

/* --- coming to rest --------------------------------------------------------------------------- */

static bool keeps_source(const struct monitor_change *change, const char *name)
{
    const struct source_config *found = config_source(change->config, name);
    return found != NULL && change->is_source_kept[found - change->config->sources];
}

static bool keeps_sink(const struct monitor_change *change, const char *name)
{
    const struct sink_config *found = config_sink(change->config, name);
    return found != NULL && change->is_sink_kept[found - change->config->sinks];
}

void monitor_rest(struct monitor *monitor, const struct monitor_change *change)
{
    const struct config *config = monitor->options.config;
    for (size_t i = 0; i < config->source_count; i++) {
        if (!keeps_source(change, config->sources[i].name)) {
            monitor->sources[i].is_resting = true;
            poller_stop(monitor->sources[i].poller);
        }
    }
    for (size_t i = 0; i < config->sink_count; i++) {
        struct sink *sink = monitor->sinks[i];
        if (keeps_sink(change, config->sinks[i].name)) {
            continue;
        }
        sink->is_resting = true;
        dispatcher_rest(monitor->dispatcher, i);
        if (sink->mirror != NULL) {
            mirror_stop(sink->mirror);
        }
    }
}

bool monitor_is_rested(const struct monitor *monitor)
{
    const struct config *config = monitor->options.config;
    for (size_t i = 0; i < config->source_count; i++) {
        if (monitor->sources[i].is_resting && !poller_is_idle(monitor->sources[i].poller)) {
            return false;
        }
    }
    for (size_t i = 0; i < config->sink_count; i++) {
        const struct sink *sink = monitor->sinks[i];
        bool is_busy = !dispatcher_is_rested(monitor->dispatcher, i) ||
                       (sink->mirror != NULL && !mirror_is_idle(sink->mirror));
        if (sink->is_resting && is_busy) {
            return false;
        }
    }
    return true;
}

/* --- sources ---------------------------------------------------------------------------------- */

static struct source *find_source(struct monitor *monitor, const char *name)
{
    for (size_t i = 0; i < monitor->options.config->source_count; i++) {
        if (text_equal(monitor->options.config->sources[i].name, name)) {
            return &monitor->sources[i];
        }
    }
    return NULL;
}

static struct source *make_sources(struct monitor *monitor, const struct monitor_change *change)
{
    struct source *sources = alloc_array(change->config->source_count + 1, sizeof *sources);
    for (size_t i = 0; i < change->config->source_count; i++) {
        struct source *before = find_source(monitor, change->config->sources[i].name);
        CHECK(before != NULL || !change->is_source_kept[i]);
        if (change->is_source_kept[i]) {
            sources[i] = *before;
            poller_use_config(before->poller, change->config);
            before->poller = NULL; /* it has moved */
            continue;
        }
        sources[i].poller = monitor_create_poller(monitor, change->config, i);
        if (before != NULL) {
            poller_inherit(sources[i].poller, before->poller);
        }
    }
    return sources;
}

/* The events of a source that goes are not counted backwards. */
static void end_sources(struct monitor *monitor, const struct config *after)
{
    for (size_t i = 0; i < monitor->options.config->source_count; i++) {
        struct poller *poller = monitor->sources[i].poller;
        if (poller != NULL &&
            config_source(after, monitor->options.config->sources[i].name) == NULL) {
            event_tally_add(&monitor->departed, poller_status(poller).events);
        }
        poller_destroy(poller);
    }
    free(monitor->sources);
}

/* --- sinks ------------------------------------------------------------------------------------ */

static struct sink *take_kept_sink(struct monitor *monitor, const char *name)
{
    for (size_t i = 0; i < monitor->options.config->sink_count; i++) {
        if (text_equal(monitor->options.config->sinks[i].name, name)) {
            struct sink *sink = monitor->sinks[i];
            monitor->sinks[i] = NULL;
            return sink;
        }
    }
    CHECK(!"a sink that is kept was there before");
}

/* Needs the configuration before; the new ones come once that of after is in force. */
static struct sink **keep_sinks(struct monitor *monitor, const struct monitor_change *change)
{
    struct sink **sinks = alloc_array(change->config->sink_count + 1, sizeof(struct sink *));
    for (size_t i = 0; i < change->config->sink_count; i++) {
        if (change->is_sink_kept[i]) {
            sinks[i] = take_kept_sink(monitor, change->config->sinks[i].name);
            sinks[i]->index = i;
        }
    }
    for (size_t i = 0; i < monitor->options.config->sink_count; i++) {
        if (monitor->sinks[i] != NULL) {
            monitor_destroy_sink(monitor->sinks[i]);
        }
    }
    free(monitor->sinks);
    return sinks;
}

/* The status topic of a source that no route leads to any more is emptied. Its orders' topics are
 * taken back by the store's own list of them. */
static void withdraw_sources(const struct monitor *monitor, const struct config *before,
                             size_t sink_index)
{
    const struct config *after = monitor->options.config;
    struct mirror *mirror = monitor->sinks[sink_index]->mirror;
    for (size_t i = 0; mirror != NULL && i < before->source_count; i++) {
        const char *name = before->sources[i].name;
        if (config_source(after, name) == NULL || !route_leads_to(after, name, sink_index)) {
            mirror_source_status(mirror, name, span_of(""));
        }
        mirror_expect_news(mirror);
    }
}

/* --- the one moment --------------------------------------------------------------------------- */

static void restore_value(void *arg, const struct stored_value *value)
{
    struct monitor *monitor = arg;
    dispatcher_restore(monitor->dispatcher, value); /* those that have begun take no notice */
    for (size_t i = 0; i < monitor->options.config->source_count; i++) {
        if (!monitor->sources[i].has_loaded) {
            poller_restore(monitor->sources[i].poller, value);
        }
    }
}

static enum status load_new(struct monitor *monitor, struct failure *why)
{
    const struct store_port *store = &monitor->options.store;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < monitor->options.config->source_count && status == STATUS_OK; i++) {
        if (!monitor->sources[i].has_loaded) {
            status = poller_load(monitor->sources[i].poller, why);
        }
    }
    if (status == STATUS_OK) {
        status = store->visit_values(store->self, restore_value, monitor, why);
    }
    for (size_t i = 0; i < monitor->options.config->source_count; i++) {
        monitor->sources[i].has_loaded = true;
    }
    return status;
}

enum status monitor_change(struct monitor *monitor, const struct monitor_change *change,
                           struct failure *why)
{
    CHECK(monitor_is_rested(monitor) && !monitor->options.is_once);
    const struct config *before = monitor->options.config;
    struct source *sources = make_sources(monitor, change);
    struct sink **sinks = keep_sinks(monitor, change);
    end_sources(monitor, change->config);
    monitor->sources = sources;
    monitor->sinks = sinks;
    monitor->options.config = change->config;
    monitor->options.sinks = change->sinks;
    dispatcher_change(monitor->dispatcher, change->config, change->sinks, change->is_sink_kept);
    for (size_t i = 0; i < change->config->sink_count; i++) {
        if (sinks[i] == NULL) {
            sinks[i] = monitor_create_sink(monitor, i);
        }
        withdraw_sources(monitor, before, i);
    }
    keeper_keep(monitor->keeper, change->config->keep_events_ms);
    return load_new(monitor, why);
}
