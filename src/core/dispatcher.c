#include "core/arena.h"
#include "core/due_clock.h"
#include "core/log.h"
#include "core/route.h"
#include "core/silencer.h"

#include "digest_seed.h"
#include "dispatcher_internal.h"

#include <stdlib.h>
#include <string.h>

#define COUNT_EVERY_MS 1000
#define STORE_TRIES_OF_A_FLUSH 4

static const struct retry_policy store_retry = {.first_ms = 500, .cap_ms = 30000};

struct dispatcher *dispatcher_create(const struct dispatcher_options *options)
{
    struct dispatcher *dispatcher = alloc(sizeof *dispatcher);
    const struct config *config = options->config;
    dispatcher->options = *options;
    dispatcher->random.state = options->seed;
    dispatcher->arena = arena_create();
    dispatcher->stranger_arena = arena_create();
    dispatcher->branch_count = config->sink_count;
    dispatcher->branches = alloc_array(config->sink_count + 1, sizeof *dispatcher->branches);
    dispatcher->wants_count = true;
    for (size_t i = 0; i < config->sink_count; i++) {
        branch_init(&dispatcher->branches[i], dispatcher, config, i);
    }
    return dispatcher;
}

void dispatcher_destroy(struct dispatcher *dispatcher)
{
    CHECK(dispatcher_is_idle(dispatcher));
    for (size_t i = 0; i < dispatcher->branch_count; i++) {
        outlet_destroy(dispatcher->branches[i].outlet);
    }
    arena_destroy(dispatcher->stranger_arena);
    arena_destroy(dispatcher->arena);
    free(dispatcher->branches);
    free(dispatcher);
}

#define VALUE_PREFIX "sink/"

void dispatcher_restore(struct dispatcher *dispatcher, const struct stored_value *value)
{
    if (strncmp(value->key, VALUE_PREFIX, strlen(VALUE_PREFIX)) != 0) {
        return;
    }
    struct branch *branch = dispatcher_find_branch(dispatcher, value->key + strlen(VALUE_PREFIX));
    if (branch == NULL || branch->has_begun) {
        return; /* a sink that is not configured keeps its memory in the store */
    }
    struct failure why;
    if (sink_memory_decode(value->value, &branch->memory, &why) != STATUS_OK) {
        LOG_ERROR("sink_memory_unreadable", log_text("sink", branch->config->name),
                  log_text("reason", why.detail));
    } else {
        branch->is_restored = true;
    }
}

/* --- how much is where -------------------------------------------------------------------- */

bool sink_fails_for(const struct sink_status *status, int64_t duration_ms, int64_t now_wall_ms)
{
    return status->failing_since_wall_ms != 0 &&
           now_wall_ms - status->failing_since_wall_ms >= duration_ms;
}

bool counts_are_conserved(const struct sink_counts *counts)
{
    return counts->observed ==
           counts->delivered + counts->pending + counts->parked + counts->silenced;
}

/* It cannot be; so if it is, somebody must hear of it, once for each time that it begins. */
static void check_books(struct dispatcher *dispatcher, const struct sink_counts *counts,
                        size_t count)
{
    bool are_kept = true;
    for (size_t i = 0; i < count; i++) {
        if (counts_are_conserved(&counts[i])) {
            continue;
        }
        are_kept = false;
        if (!dispatcher->are_books_broken) {
            LOG_ERROR("books_broken", log_text("sink", counts[i].sink_name),
                      log_number("observed", (int64_t)counts[i].observed),
                      log_number("delivered", (int64_t)counts[i].delivered),
                      log_number("pending", (int64_t)counts[i].pending),
                      log_number("parked", (int64_t)counts[i].parked),
                      log_number("silenced", (int64_t)counts[i].silenced));
        }
    }
    dispatcher->are_books_broken = !are_kept;
}

static void on_counts(void *arg, enum status status, const struct sink_counts *counts, size_t count)
{
    struct dispatcher *dispatcher = arg;
    dispatcher->is_counting = false;
    if (status != STATUS_OK) {
        dispatcher->wants_count = true;
        dispatcher->count_failures++;
        return;
    }
    dispatcher->has_counted = true;
    dispatcher->count_failures = 0;
    dispatcher_note_strangers(dispatcher, counts, count);
    check_books(dispatcher, counts, count);
    for (size_t i = 0; i < count; i++) {
        struct branch *branch = dispatcher_find_branch(dispatcher, counts[i].sink_name);
        if (branch != NULL) {
            branch->counts = counts[i];
            branch->counts.sink_name = branch->config->name;
        }
    }
}

static void notice_settlements(struct dispatcher *dispatcher)
{
    for (size_t i = 0; i < dispatcher->branch_count; i++) {
        struct branch *branch = &dispatcher->branches[i];
        struct outlet_totals totals = outlet_totals(branch->outlet);
        uint64_t settled = totals.delivered + totals.retried + totals.parked;
        dispatcher->wants_count |= settled != branch->settled_seen;
        branch->settled_seen = settled;
    }
}

/* The counts follow what happens, but not each settlement. */
static int64_t count_when_due(struct dispatcher *dispatcher)
{
    if (!dispatcher->wants_count || dispatcher->is_counting || dispatcher->is_stopping) {
        return INSTANT_NEVER;
    }
    bool is_urgent = dispatcher->is_flushing && dispatcher->count_failures == 0;
    if (dispatcher->now.mono_ms < dispatcher->count_due_mono_ms && !is_urgent) {
        return dispatcher->count_due_mono_ms;
    }
    dispatcher->wants_count = false;
    dispatcher->is_counting = true;
    dispatcher->count_due_mono_ms = dispatcher->now.mono_ms + COUNT_EVERY_MS;
    dispatcher->options.store.count_sinks(dispatcher->options.store.self, on_counts, dispatcher);
    return INSTANT_NEVER;
}

/* --- news of sinks ------------------------------------------------------------------------ */

/* Parked news of sinks are known to nobody else and make no further news: two sinks that refuse
 * everything would tell each other so for ever. */
static void absorb_counts(struct dispatcher *dispatcher, struct branch *branch)
{
    uint64_t parked_news = outlet_totals(branch->outlet).parked_news;
    branch->memory.parked_told += parked_news - branch->parked_news_seen;
    branch->parked_news_seen = parked_news;
    bool is_current =
        dispatcher->has_counted && !dispatcher->wants_count && !dispatcher->is_counting;
    if (is_current && branch->counts.parked < branch->memory.parked_told) {
        branch->memory.parked_told = branch->counts.parked; /* retried or dropped by hand */
    }
}

static struct sink_condition condition_of(const struct dispatcher *dispatcher,
                                          const struct branch *branch)
{
    const struct circuit *circuit = outlet_circuit(branch->outlet);
    int64_t hold_ms = circuit->held_until_mono_ms - dispatcher->now.mono_ms;
    return (struct sink_condition){.sink_name = branch->config->name,
                                   .detail = outlet_last_detail(branch->outlet),
                                   .failing_since = circuit->failing_since,
                                   .failing_after_ms = branch->config->failing_after_ms,
                                   .parked_count = branch->counts.parked,
                                   .parked_told_mono_ms = branch->parked_told_mono_ms,
                                   .has_answered = circuit->has_answered,
                                   .is_disabled = circuit->state == CIRCUIT_DISABLED,
                                   .held_until_wall_ms =
                                       hold_ms > 0 ? dispatcher->now.wall_ms + hold_ms : 0};
}

struct news_batch {
    struct new_event *events;
    struct stored_value *values;
    size_t event_count, value_count;
};

static void add_event(struct dispatcher *dispatcher, const struct branch *branch,
                      const struct event *event, struct news_batch *batch)
{
    struct new_event *news = &batch->events[batch->event_count++];
    news->event = *event;
    struct route_facts facts = {.event = &news->event};
    struct route_context routing = {.config = dispatcher->options.config,
                                    .silences = silencer_list(dispatcher->options.silencer),
                                    .now_wall_ms = dispatcher->now.wall_ms};
    route_event(&routing, &facts, dispatcher->arena, news);
    LOG_INFO("event", log_text("type", event_type_name(event->type)), log_text("id", event->id),
             log_text("sink", branch->config->name));
}

static bool is_seed_due(const struct dispatcher *dispatcher, const struct branch *branch)
{
    return !dispatcher->options.is_once &&
           digest_seed_is_due(branch->config, &branch->memory, dispatcher->now.wall_ms);
}

static void add_news(struct dispatcher *dispatcher, struct branch *branch, struct news_batch *batch)
{
    struct sink_condition condition = condition_of(dispatcher, branch);
    struct event events[SINK_NEWS_MAX];
    size_t count = sink_news_compose(&branch->memory, &condition, dispatcher->now,
                                     dispatcher->arena, events, &branch->memory_after);
    for (size_t i = 0; i < count; i++) {
        add_event(dispatcher, branch, &events[i], batch);
    }
    if (is_seed_due(dispatcher, branch)) {
        digest_seed_compose(dispatcher->options.config, (size_t)(branch - dispatcher->branches),
                            dispatcher->now.wall_ms, dispatcher->arena, &branch->memory_after,
                            &batch->events[batch->event_count++]);
    }
    struct text value;
    text_init(&value, 1024);
    sink_memory_encode(&branch->memory_after, &value);
    batch->values[batch->value_count++] = (struct stored_value){
        .key = arena_format(dispatcher->arena, VALUE_PREFIX "%s", branch->config->name),
        .value = {.data = arena_text(dispatcher->arena, text_span(&value)), .size = value.size}};
    text_fini(&value);
    branch->is_in_commit = true;
}

static void remember(struct dispatcher *dispatcher, struct branch *branch)
{
    if (branch->memory_after.parked_told != branch->memory.parked_told) {
        branch->parked_told_mono_ms = dispatcher->now.mono_ms;
    }
    branch->memory = branch->memory_after;
}

static void on_committed(void *arg, enum status status, const char *detail)
{
    struct dispatcher *dispatcher = arg;
    dispatcher->is_committing = false;
    if (status == STATUS_OK) {
        dispatcher->commit_failures = 0;
        event_tally_add(&dispatcher->told, &dispatcher->committing);
    } else {
        dispatcher->commit_failures++;
        dispatcher->commit_retry_mono_ms =
            dispatcher->now.mono_ms + retry_delay_ms(&store_retry, dispatcher->commit_failures,
                                                     store_retry.first_ms, &dispatcher->random);
        LOG_WARN("sink_news_not_stored", log_text("status", status_name(status)),
                 log_text("reason", detail));
    }
    for (size_t i = 0; i < dispatcher->branch_count; i++) {
        struct branch *branch = &dispatcher->branches[i];
        if (branch->is_in_commit && status == STATUS_OK) {
            remember(dispatcher, branch);
        }
        branch->is_in_commit = false;
    }
}

static bool is_news_due(const struct dispatcher *dispatcher, const struct branch *branch)
{
    struct sink_condition condition = condition_of(dispatcher, branch);
    return is_seed_due(dispatcher, branch) ||
           sink_news_is_due(&branch->memory, &condition, dispatcher->now);
}

static void tell_news(struct dispatcher *dispatcher)
{
    arena_reset(dispatcher->arena);
    struct news_batch batch = {
        .events = arena_array(dispatcher->arena, dispatcher->branch_count * (SINK_NEWS_MAX + 1),
                              sizeof *batch.events),
        .values = arena_array(dispatcher->arena, dispatcher->branch_count, sizeof *batch.values)};
    for (size_t i = 0; i < dispatcher->branch_count; i++) {
        absorb_counts(dispatcher, &dispatcher->branches[i]);
        if (is_news_due(dispatcher, &dispatcher->branches[i])) {
            add_news(dispatcher, &dispatcher->branches[i], &batch);
        }
    }
    if (batch.value_count == 0) {
        return;
    }
    struct commit commit = {.at_wall_ms = dispatcher->now.wall_ms,
                            .events = batch.events,
                            .event_count = batch.event_count,
                            .values = batch.values,
                            .value_count = batch.value_count};
    dispatcher->committing = (struct event_tally){.counts = {0}};
    event_tally_count(&dispatcher->committing, batch.events, batch.event_count);
    dispatcher->is_committing = true;
    dispatcher->options.store.commit(dispatcher->options.store.self, &commit, on_committed,
                                     dispatcher);
    dispatcher_expect_news(dispatcher);
}

static int64_t next_seed_mono_ms(const struct dispatcher *dispatcher, const struct branch *branch)
{
    return dispatcher->options.is_once
               ? INSTANT_NEVER
               : digest_seed_next_mono_ms(branch->config, &branch->memory, dispatcher->now);
}

static int64_t next_news_mono_ms(const struct dispatcher *dispatcher)
{
    int64_t next = INSTANT_NEVER;
    for (size_t i = 0; i < dispatcher->branch_count; i++) {
        struct sink_condition condition = condition_of(dispatcher, &dispatcher->branches[i]);
        int64_t due = sink_news_next_mono_ms(&dispatcher->branches[i].memory, &condition);
        next = due < next ? due : next;
        int64_t seed = next_seed_mono_ms(dispatcher, &dispatcher->branches[i]);
        next = seed < next ? seed : next;
    }
    return next;
}

static int64_t tell_news_when_due(struct dispatcher *dispatcher)
{
    if (dispatcher->is_committing || dispatcher->is_stopping) {
        return INSTANT_NEVER;
    }
    if (dispatcher->commit_failures != 0 &&
        dispatcher->now.mono_ms < dispatcher->commit_retry_mono_ms) {
        return dispatcher->commit_retry_mono_ms;
    }
    tell_news(dispatcher);
    return dispatcher->is_committing ? INSTANT_NEVER : next_news_mono_ms(dispatcher);
}

/* --- turns -------------------------------------------------------------------------------- */

/* What the receiver said before the start holds on, but no pause that a clock has since made
 * longer: of one that went back nobody knows how far, and none is longer than can be asked for. */
static void begin_branch(struct branch *branch, struct instant now)
{
    const struct sink_memory *memory = &branch->memory;
    int64_t hold_ms = memory->held_until_wall_ms - now.wall_ms;
    if (memory->is_disabled) {
        outlet_disable(branch->outlet, now);
    }
    if (branch->is_restored && hold_ms > 0 && memory->held_from_wall_ms <= now.wall_ms) {
        hold_ms = hold_ms < SERVER_HINT_MAX_MS ? hold_ms : SERVER_HINT_MAX_MS;
        outlet_hold(branch->outlet, now.mono_ms + hold_ms);
    }
    branch->is_restored = false;
    branch->has_begun = true;
}

static void begin_branches(struct dispatcher *dispatcher)
{
    dispatcher->has_turned = true;
    for (size_t i = 0; i < dispatcher->branch_count; i++) {
        struct branch *branch = &dispatcher->branches[i];
        if (!branch->has_begun) {
            begin_branch(branch, dispatcher->now);
        }
    }
}

int64_t dispatcher_turn(struct dispatcher *dispatcher, struct instant now)
{
    dispatcher->now = now;
    begin_branches(dispatcher);
    int64_t next = INSTANT_NEVER;
    for (size_t i = 0; i < dispatcher->branch_count; i++) {
        int64_t due = outlet_turn(dispatcher->branches[i].outlet, now);
        next = due < next ? due : next;
    }
    notice_settlements(dispatcher);
    int64_t news = tell_news_when_due(dispatcher);
    int64_t count = count_when_due(dispatcher);
    next = news < next ? news : next;
    return count < next ? count : next;
}

void dispatcher_expect_news(struct dispatcher *dispatcher)
{
    dispatcher->wants_count = true;
    for (size_t i = 0; i < dispatcher->branch_count; i++) {
        outlet_expect_news(dispatcher->branches[i].outlet);
    }
}

void dispatcher_available(struct dispatcher *dispatcher, size_t sink_index)
{
    CHECK(sink_index < dispatcher->branch_count);
    outlet_available(dispatcher->branches[sink_index].outlet);
}

void dispatcher_flush(struct dispatcher *dispatcher)
{
    dispatcher->is_flushing = true;
    for (size_t i = 0; i < dispatcher->branch_count; i++) {
        outlet_flush(dispatcher->branches[i].outlet,
                     route_digest_wait_ms(dispatcher->options.config, i, dispatcher->now.wall_ms));
    }
}

static bool is_store_given_up(const struct dispatcher *dispatcher, uint32_t failures)
{
    return dispatcher->is_flushing && failures >= STORE_TRIES_OF_A_FLUSH;
}

bool dispatcher_is_counted(const struct dispatcher *dispatcher)
{
    return dispatcher->has_counted && !dispatcher->wants_count && !dispatcher->is_counting;
}

static bool is_news_told(const struct dispatcher *dispatcher)
{
    if (is_store_given_up(dispatcher, dispatcher->commit_failures)) {
        return true;
    }
    for (size_t i = 0; i < dispatcher->branch_count; i++) {
        if (is_news_due(dispatcher, &dispatcher->branches[i])) {
            return false;
        }
    }
    return !dispatcher->is_committing;
}

bool dispatcher_is_drained(const struct dispatcher *dispatcher)
{
    for (size_t i = 0; i < dispatcher->branch_count; i++) {
        const struct outlet *outlet = dispatcher->branches[i].outlet;
        bool is_stuck = dispatcher->is_flushing && outlet_is_stuck(outlet);
        if (!outlet_is_empty(outlet) && !is_stuck) {
            return false;
        }
    }
    bool is_counted = dispatcher_is_counted(dispatcher) ||
                      is_store_given_up(dispatcher, dispatcher->count_failures);
    return dispatcher->has_turned && is_counted && is_news_told(dispatcher);
}

struct sink_status dispatcher_status(const struct dispatcher *dispatcher, size_t sink_index)
{
    CHECK(sink_index < dispatcher->branch_count);
    const struct branch *branch = &dispatcher->branches[sink_index];
    const struct circuit *circuit = outlet_circuit(branch->outlet);
    struct outlet_totals totals = outlet_totals(branch->outlet);
    return (struct sink_status){.sink_name = branch->config->name,
                                .kind = branch->kind,
                                .circuit = circuit->state,
                                .failing_since_wall_ms = circuit->failing_since.wall_ms,
                                .next_attempt_mono_ms =
                                    circuit_pause_ends_mono_ms(circuit, dispatcher->now.mono_ms),
                                .asked_until_mono_ms = circuit->held_until_mono_ms,
                                .window = circuit->window,
                                .in_flight = (uint32_t)outlet_in_flight(branch->outlet),
                                .last_detail = outlet_last_detail(branch->outlet),
                                .counts = branch->counts,
                                .delivered = totals.delivered,
                                .retried = totals.retried,
                                .parked = totals.parked,
                                .is_paused = outlet_is_paused(branch->outlet),
                                .latency = totals.latency};
}

const struct event_tally *dispatcher_events(const struct dispatcher *dispatcher)
{
    return &dispatcher->told;
}

void dispatcher_resume(struct dispatcher *dispatcher, size_t sink_index)
{
    CHECK(sink_index < dispatcher->branch_count);
    outlet_resume(dispatcher->branches[sink_index].outlet);
}

void dispatcher_pause(struct dispatcher *dispatcher, size_t sink_index, bool is_paused)
{
    CHECK(sink_index < dispatcher->branch_count);
    outlet_pause(dispatcher->branches[sink_index].outlet, is_paused);
}

void dispatcher_stop(struct dispatcher *dispatcher)
{
    dispatcher->is_stopping = true;
    for (size_t i = 0; i < dispatcher->branch_count; i++) {
        outlet_stop(dispatcher->branches[i].outlet);
    }
}

bool dispatcher_is_idle(const struct dispatcher *dispatcher)
{
    for (size_t i = 0; i < dispatcher->branch_count; i++) {
        if (!outlet_is_idle(dispatcher->branches[i].outlet)) {
            return false;
        }
    }
    return !dispatcher->is_committing && !dispatcher->is_counting;
}
