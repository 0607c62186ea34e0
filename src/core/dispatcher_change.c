/* The dispatcher's branches when the configuration changes under them. */
#include "core/arena.h"
#include "core/route.h"

#include "dispatcher_internal.h"

#include <stdlib.h>

void branch_init(struct branch *branch, struct dispatcher *dispatcher, const struct config *config,
                 size_t index)
{
    const struct sink_config *sink = &config->sinks[index];
    const struct sink_port *port = &dispatcher->options.sinks[index];
    const struct outlet_options outlet = {
        .config = config,
        .sink_index = index,
        .port = *port,
        .store = dispatcher->options.store,
        .outlook = {.config = config,
                    .sink_index = index,
                    .query = dispatcher->options.query,
                    .describe = dispatcher->options.describe,
                    .describe_arg = dispatcher->options.describe_arg},
        .seed = random_next(&dispatcher->random)};
    *branch = (struct branch){.config = sink,
                              .kind = port->ops->kind,
                              .outlet = outlet_create(&outlet),
                              .counts = {.sink_name = sink->name},
                              .parked_told_mono_ms = INT64_MIN};
}

/* --- sinks that are not configured ------------------------------------------------------------ */

void dispatcher_note_strangers(struct dispatcher *dispatcher, const struct sink_counts *counts,
                               size_t count)
{
    arena_reset(dispatcher->stranger_arena);
    dispatcher->strangers = arena_array(dispatcher->stranger_arena, count, sizeof *counts);
    dispatcher->stranger_count = 0;
    for (size_t i = 0; i < count; i++) {
        bool is_open = counts[i].pending != 0 || counts[i].parked != 0;
        if (is_open && dispatcher_find_branch(dispatcher, counts[i].sink_name) == NULL) {
            struct sink_counts *stranger = &dispatcher->strangers[dispatcher->stranger_count++];
            *stranger = counts[i];
            stranger->sink_name =
                arena_text(dispatcher->stranger_arena, span_of(counts[i].sink_name));
        }
    }
}

const struct sink_counts *dispatcher_strangers(const struct dispatcher *dispatcher, size_t *count)
{
    *count = dispatcher->stranger_count;
    return dispatcher->strangers;
}

/* --- coming to rest, and beginning again ------------------------------------------------------ */

void dispatcher_rest(struct dispatcher *dispatcher, size_t sink_index)
{
    CHECK(sink_index < dispatcher->branch_count);
    outlet_stop(dispatcher->branches[sink_index].outlet);
}

bool dispatcher_is_rested(const struct dispatcher *dispatcher, size_t sink_index)
{
    CHECK(sink_index < dispatcher->branch_count);
    return outlet_is_idle(dispatcher->branches[sink_index].outlet);
}

/* What the sink's own history says is kept: what was told of it, and what is being told now. */
static void begin_anew(struct branch *branch, const struct branch *before)
{
    struct branch fresh = *branch;
    *branch = *before;
    branch->config = fresh.config;
    branch->kind = fresh.kind;
    branch->outlet = fresh.outlet;
    branch->counts.sink_name = fresh.counts.sink_name;
    branch->has_begun = false;
    outlet_inherit(branch->outlet, before->outlet);
}

struct branch *dispatcher_find_branch(struct dispatcher *dispatcher, const char *sink_name)
{
    for (size_t i = 0; i < dispatcher->branch_count; i++) {
        if (text_equal(dispatcher->branches[i].config->name, sink_name)) {
            return &dispatcher->branches[i];
        }
    }
    return NULL;
}

void dispatcher_change(struct dispatcher *dispatcher, const struct config *config,
                       const struct sink_port *sinks, const bool *is_kept)
{
    struct branch *branches = alloc_array(config->sink_count + 1, sizeof *branches);
    dispatcher->options.config = config;
    dispatcher->options.sinks = sinks;
    for (size_t i = 0; i < config->sink_count; i++) {
        struct branch *before = dispatcher_find_branch(dispatcher, config->sinks[i].name);
        CHECK(before != NULL || !is_kept[i]);
        if (is_kept[i]) {
            branches[i] = *before;
            before->outlet = NULL; /* it has moved */
            outlet_use_config(branches[i].outlet, config, i);
            continue;
        }
        branch_init(&branches[i], dispatcher, config, i);
        if (before != NULL) {
            begin_anew(&branches[i], before);
        }
    }
    for (size_t i = 0; i < dispatcher->branch_count; i++) {
        outlet_destroy(dispatcher->branches[i].outlet);
    }
    free(dispatcher->branches);
    dispatcher->branches = branches;
    dispatcher->branch_count = config->sink_count;
    dispatcher->wants_count = true;
}
