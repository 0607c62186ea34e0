#include "core/arena.h"
#include "core/date.h"
#include "core/hash.h"
#include "core/keep.h"
#include "core/log.h"
#include "core/silencer.h"
#include "core/zone.h"

#include "poller_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- one transaction -------------------------------------------------------------------------- */

static void count_types(struct poller *poller, const struct commit *commit)
{
    poller->committing = (struct event_tally){.counts = {0}};
    if (commit->source_name != NULL) {
        event_tally_add(&poller->committing, &poller->sweep.tally.types);
    }
    for (size_t i = 0; i < commit->order_count; i++) {
        event_tally_count(&poller->committing, commit->orders[i].events,
                          commit->orders[i].event_count);
    }
    event_tally_count(&poller->committing, commit->events, commit->event_count);
}

struct stored_value poller_state_value(const struct poller *poller, struct arena *arena)
{
    struct text value;
    text_init(&value, SOURCE_STATE_BYTES_MAX);
    source_state_add(&poller->state, &value);
    CHECK(value.status == STATUS_OK);
    struct stored_value stored = {.key = arena_format(arena, "source/%s", poller->source->name),
                                  .value = keep_text(&value, arena)};
    return stored;
}

static bool makes_news(const struct poller *poller, const struct commit *commit)
{
    return commit->event_count != 0 || commit->order_count != 0 ||
           (commit->source_name != NULL && poller->sweep.has_staged);
}

bool poller_commit(struct poller *poller, struct instant now, const struct commit *commit,
                   step_fn *after)
{
    struct arena *arena = arena_create();
    struct notice_context context = {.config = poller->options.config,
                                     .silences = silencer_list(poller->options.silencer),
                                     .source_name = poller->source->name,
                                     .sweep =
                                         poller->sweep.is_running ? poller->state.sweep_count : 0,
                                     .now_wall_ms = now.wall_ms};
    struct commit whole = *commit;
    whole.at_wall_ms = now.wall_ms;
    whole.event_count = poller->notices.count;
    whole.events = notice_compose(&poller->notices, &context, &poller->state.sequence, arena);
    poller->told_count = poller->notices.count;
    struct stored_value stored = poller_state_value(poller, arena);
    whole.values = &stored;
    whole.value_count = 1;
    poller->is_committing = true;
    poller->commits_staged = whole.source_name != NULL;
    (void)poller_wait_store(poller, after);
    count_types(poller, &whole);
    struct store_port store = poller->options.store;
    store.commit(store.self, &whole, poller_on_stored, poller);
    arena_destroy(arena);
    if (makes_news(poller, &whole)) {
        poller_tell_news(poller);
    }
    return false;
}

void poller_keep_durable(struct poller *poller)
{
    text_clear(&poller->durable);
    source_state_add(&poller->state, &poller->durable);
    poller->durable_complete_wall_ms = poller->state.last_complete_wall_ms;
}

void poller_roll_back(struct poller *poller)
{
    notice_clear(&poller->notices);
    if (poller->durable.size != 0) {
        struct failure why = {0};
        enum status status = source_state_read(&poller->state, text_span(&poller->durable), &why);
        CHECK(status == STATUS_OK);
    } else {
        source_state_fini(&poller->state);
    }
}

bool poller_has_committed(struct poller *poller)
{
    CHECK(poller->is_committing);
    poller->is_committing = false;
    if (poller->commits_staged) { /* told or gone; by any other commit it stays as it was */
        poller->sweep.has_staged = false;
    }
    if (poller->stored.status == STATUS_OK) {
        poller_keep_durable(poller);
        event_tally_add(&poller->told, &poller->committing);
        notice_clear(&poller->notices);
        return true;
    }
    poller_roll_back(poller);
    return false;
}

void poller_tell_news(struct poller *poller)
{
    if (poller->options.on_news != NULL) {
        poller->options.on_news(poller->options.on_news_arg);
    }
}

/* --- what the commit makes true --------------------------------------------------------------- */

static void apply_change(struct index *known, const struct index *changes, uint32_t i,
                         uint32_t mark)
{
    const struct index_entry *change = index_at(changes, i);
    uint32_t position = index_find_id(known, index_id(changes, i));
    if (position == INDEX_NONE) {
        position = index_add(known, index_id(changes, i), change->raw_fingerprint);
        index_at(known, position)->start_min = change->start_min;
    } else {
        index_set_raw(known, position, change->raw_fingerprint);
    }
    struct index_entry *entry = index_at(known, position);
    entry->has_left = change->has_left;
    entry->seen_in = mark;
}

/* An appointment whose order did not come by is news again in the next sweep. */
static bool is_pending(const struct poller *poller, const struct index *changes, uint32_t i)
{
    return !moved_is_taken(poller->sweep.moved, index_at(changes, i)->owner);
}

/* Of a baseline everything is new: what was collected becomes the index as it is. */
static void apply_changes(struct poller *poller, enum collection_kind kind)
{
    struct sweep *sweep = &poller->sweep;
    struct index *changes = sweep->changes[kind];
    if (kind == COLLECTION_ORDERS && index_count(poller->known[kind]) == 0) {
        sweep->changes[kind] = poller->known[kind];
        poller->known[kind] = changes;
        for (uint32_t i = 0; i < index_count(changes); i++) {
            index_at(changes, i)->seen_in = sweep->marks[kind];
        }
        return;
    }
    for (uint32_t i = 0; i < index_count(changes); i++) {
        if (kind == COLLECTION_ORDERS || !is_pending(poller, changes, i)) {
            apply_change(poller->known[kind], changes, i, sweep->marks[kind]);
        }
    }
}

static void apply_collection(struct poller *poller, enum collection_kind kind)
{
    const struct sweep *sweep = &poller->sweep;
    apply_changes(poller, kind);
    const struct index *known = poller->known[kind];
    bool may_miss = sweep->is_complete[kind] ||
                    (kind == COLLECTION_ORDERS && sweep->extent == EXTENT_UNREADABLE);
    uint64_t listed = 0;
    for (uint32_t i = 0; i < index_count(known); i++) {
        struct index_entry *entry = index_at(known, i);
        listed += entry->has_left ? 0 : 1;
        if (entry->seen_in == sweep->marks[kind]) {
            entry->misses = 0;
        } else if (may_miss && entry->misses < UINT8_MAX) {
            entry->misses++;
        }
    }
    poller->listed_count[kind] = listed;
}

static void apply_sweep(struct poller *poller)
{
    const struct sweep *sweep = &poller->sweep;
    apply_collection(poller, COLLECTION_ORDERS);
    if (sweep->marks[COLLECTION_APPOINTMENTS] != 0) {
        apply_collection(poller, COLLECTION_APPOINTMENTS);
    }
    if (sweep->is_complete[COLLECTION_ORDERS]) {
        poller->is_appointments_cold = false;
    }
}

/* --- what the sweep means for the source ------------------------------------------------------ */

struct novelty_telling {
    const char *kind; /* data.novelty.kind: readers in other languages go by it */
    const char *what;
};

static void tell_novelty(struct poller *poller, const char *key, const char *sample,
                         struct novelty_telling telling)
{
    struct text extra;
    text_init(&extra, 16384);
    text_addf(&extra, "\"novelty\":{\"kind\":\"%s\",\"key\":", telling.kind);
    text_add_json_text(&extra, key);
    if (sample != NULL) {
        text_add_text(&extra, ",\"sample\":");
        text_add_json_text(&extra, sample);
    }
    text_add_char(&extra, '}');
    struct text summary;
    text_init(&summary, 1024);
    text_addf(&summary, "%s: %.200s", telling.what, key);
    notice_add(&poller->notices, EVENT_SOURCE_SCHEMA_CHANGED, text_cstr(&summary), &extra);
    text_fini(&summary);
    text_fini(&extra);
}

static struct novelty_telling novelty_words(enum novelty_kind kind)
{
    switch (kind) {
    case NOVELTY_STATUS:
        return (struct novelty_telling){"status", "A status that the profile does not know"};
    case NOVELTY_TYPE:
        return (struct novelty_telling){"type", "A field of another type than expected"};
    case NOVELTY_MISSING:
        return (struct novelty_telling){"missing", "A field that no order has any more"};
    case NOVELTY_LOOKS_WATCHED:
        return (struct novelty_telling){"alike", "A new field that looks like one that is watched"};
    case NOVELTY_UNREADABLE:
        return (struct novelty_telling){"unreadable", "An element that cannot be read"};
    }
    CHECK(!"a novelty that does not exist");
}

static void tell_novelties(struct poller *poller)
{
    for (size_t i = 0; i < poller->sweep.novelty_count; i++) {
        const struct novelty_seen *seen = &poller->sweep.novelties[i];
        if (source_state_note_novelty(&poller->state, seen->key)) {
            tell_novelty(poller, seen->key, seen->sample, novelty_words(seen->kind));
        }
    }
}

#define ORDERS_TO_MISS_A_FIELD 5

/* A field is gone when every order was read anew and none has it. An order that did not change
 * still has what it had. */
static void tell_missing_fields(struct poller *poller)
{
    const struct sweep *sweep = &poller->sweep;
    bool is_all_parsed = sweep->tally.parsed >= pager_distinct_count(&sweep->reading.pager) &&
                         pager_distinct_count(&sweep->reading.pager) >= ORDERS_TO_MISS_A_FIELD &&
                         !sweep->is_baseline;
    for (int field = 0; is_all_parsed && field < ORDER_FIELD_COUNT; field++) {
        uint32_t bit = UINT32_C(1) << field;
        if ((poller->state.fields_found & bit) == 0 || (sweep->tally.fields_found & bit) != 0) {
            continue;
        }
        char key[80];
        (void)snprintf(key, sizeof key, "order.%s:missing",
                       order_field_name((enum order_field)field));
        if (source_state_note_novelty(&poller->state, key)) {
            tell_novelty(poller, key, NULL, novelty_words(NOVELTY_MISSING));
        }
    }
    poller->state.fields_found = sweep->is_baseline
                                     ? sweep->tally.fields_found
                                     : poller->state.fields_found | sweep->tally.fields_found;
}

static uint64_t locale_fingerprint(const struct source_config *source)
{
    struct text locale;
    text_init(&locale, 1024);
    text_addf(&locale, "%s %s", source->language != NULL ? source->language : "",
              zone_name(source->zone));
    uint64_t fingerprint = hash64(text_span(&locale));
    text_fini(&locale);
    return fingerprint != 0 ? fingerprint : 1;
}

bool poller_has_other_locale(const struct poller *poller)
{
    return poller->state.locale_fingerprint != 0 &&
           poller->state.locale_fingerprint != locale_fingerprint(poller->source);
}

static void note_baseline(struct poller *poller)
{
    struct source_state *state = &poller->state;
    uint64_t fingerprint = poller->source->profile->fingerprint;
    if (state->is_baselined && state->profile_fingerprint != fingerprint) {
        const struct novelty_telling telling = {
            "profile", "The profile is another one; what is known was read anew without events"};
        tell_novelty(poller, "profile", poller->source->profile_name, telling);
    }
    if (state->is_baselined && poller_has_other_locale(poller)) {
        const struct novelty_telling telling = {
            "locale",
            "The language or the time zone is another one; what is known was read anew without "
            "events"};
        tell_novelty(poller, "locale", NULL, telling);
    }
    state->locale_fingerprint = locale_fingerprint(poller->source);
    state->is_baselined = true;
    state->profile_fingerprint = fingerprint;
}

static void prepare_state(struct poller *poller, struct instant now)
{
    struct sweep *sweep = &poller->sweep;
    poller->state.sweep_count++;
    poller->state.wait_until_wall_ms =
        poller->schedule.wait_ms > now.mono_ms ? poller->schedule.wait_wall_ms : 0;
    tell_novelties(poller);
    source_state_end_adopting(&poller->state, sweep->extent == EXTENT_COMPLETE);
    if (sweep->extent == EXTENT_COMPLETE) {
        tell_missing_fields(poller);
        note_baseline(poller);
        poller_note_complete(poller, now);
    } else if (sweep->is_baseline && sweep->lacks_elements && !sweep->lacks_pages) {
        note_baseline(poller); /* one order that is never readable must not silence all others */
    }
}

/* --- held changes ----------------------------------------------------------------------------- */

bool poller_is_held(const struct poller *poller)
{
    return poller->state.held_since_wall_ms != 0;
}

static void add_hold(const struct poller *poller, int64_t now_wall_ms, struct text *out)
{
    const struct guard_counts *counts = &poller->sweep.tally.guard;
    text_addf(out, "\"hold\":{\"changed\":%llu,\"vanished\":%llu,\"known\":%llu,\"until\":\"",
              (unsigned long long)counts->changed, (unsigned long long)counts->vanished,
              (unsigned long long)counts->known);
    date_add_wall(out, now_wall_ms + poller->source->guard.hold_ms);
    text_add_text(out, "\"}");
}

static void begin_hold(struct poller *poller, struct instant now)
{
    const struct guard_counts *counts = &poller->sweep.tally.guard;
    poller->state.held_since_wall_ms = now.wall_ms;
    poller->state.held = *counts;
    poller->schedule.hold_ms = now.mono_ms + poller->source->guard.hold_ms;
    poller->schedule.is_released = false;
    struct text extra;
    text_init(&extra, 1024);
    add_hold(poller, now.wall_ms, &extra);
    struct text summary;
    text_init(&summary, 512);
    text_addf(&summary,
              "%llu of %llu known orders changed and %llu vanished at once: held back until "
              "released with `orderwatch release %s`",
              (unsigned long long)counts->changed, (unsigned long long)counts->known,
              (unsigned long long)counts->vanished, poller->source->name);
    notice_add(&poller->notices, EVENT_SOURCE_CHANGE_HELD, text_cstr(&summary), &extra);
    LOG_WARN("change_held", log_text("source", poller->source->name),
             log_number("changed", (int64_t)counts->changed),
             log_number("vanished", (int64_t)counts->vanished),
             log_number("known", (int64_t)counts->known));
    text_fini(&summary);
    text_fini(&extra);
}

static bool must_hold(const struct poller *poller, struct instant now)
{
    const struct sweep *sweep = &poller->sweep;
    const struct guard_config *guard = &poller->source->guard;
    if (sweep->is_baseline || guard->policy == GUARD_TELL) {
        return false;
    }
    struct guard_counts counts = sweep->tally.guard;
    if (sweep->extent == EXTENT_PARTIAL || sweep->extent == EXTENT_EMPTY ||
        poller->schedule.is_empty_believed) {
        counts.vanished = 0; /* what an incomplete list lacks is nothing that happened */
    }
    if (!poller_is_held(poller)) {
        return guard_exceeds(guard, &counts);
    }
    bool may_pass = poller->schedule.is_released || now.mono_ms >= poller->schedule.hold_ms;
    /* While something is held, only a whole list can show that it was undone. */
    return !may_pass &&
           (sweep->extent != EXTENT_COMPLETE || guard_exceeds(guard, &sweep->tally.guard));
}

/* --- the end of a sweep ----------------------------------------------------------------------- */

static void log_sweep(const struct poller *poller, uint64_t event_count)
{
    const struct sweep *sweep = &poller->sweep;
    struct log_field fields[] = {
        log_text("source", poller->source->name),
        log_text("extent", sweep->extent == EXTENT_COMPLETE ? "complete" : "partial"),
        log_number("orders", (int64_t)poller->listed_count[COLLECTION_ORDERS]),
        log_number("changed", (int64_t)sweep->tally.guard.changed),
        log_number("events", (int64_t)event_count),
        log_number("pages", sweep->reading.pager.page_count),
        log_number("took_ms", poller->now_ms - sweep->started.mono_ms),
        {.key = NULL}};
    log_write(event_count != 0 || sweep->is_baseline ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG,
              "sweep_committed", fields);
}

static void end_sweep(struct poller *poller, struct instant now)
{
    poller->schedule.sweep_ms = now.mono_ms - poller->sweep.started.mono_ms;
    struct sweep *sweep = &poller->sweep;
    sweep->is_running = false;
    poller->schedule.deadline_ms = now.mono_ms; /* the orders' deadlines may be others now */
    poller->schedule.deadline_due_wall_ms = 0;
    poller->schedule.is_fresh = sweep->extent == EXTENT_COMPLETE;
    if (sweep->extent == EXTENT_COMPLETE) {
        poller_end_trouble(poller, now);
    } else {
        struct trouble trouble = sweep->trouble;
        poller_note_trouble(poller, &trouble, now);
    }
    poller_schedule_next(poller, now);
    poller->step = poller_step_idle;
}

static bool step_committed(struct poller *poller, struct instant now)
{
    if (!poller_has_committed(poller)) {
        return poller_fail_store(poller, "committing a sweep");
    }
    poller_note_stored(poller);
    poller->schedule.is_released = false;
    uint64_t event_count = poller->sweep.tally.events + poller->told_count;
    apply_sweep(poller);
    poller_look_begin(poller, now);
    log_sweep(poller, event_count);
    end_sweep(poller, now);
    poller->event_count += event_count;
    return true;
}

static bool step_hold_committed(struct poller *poller, struct instant now)
{
    if (!poller_has_committed(poller)) {
        return poller_fail_store(poller, "committing a held sweep");
    }
    poller_note_stored(poller);
    end_sweep(poller, now);
    poller->event_count += poller->told_count;
    return true;
}

static bool step_hold(struct poller *poller, struct instant now)
{
    notice_clear(&poller->notices);
    poller->state.sweep_count++;
    tell_novelties(poller); /* they may be why so much changed: who releases it has to know */
    if (poller->sweep.extent == EXTENT_COMPLETE) {
        tell_missing_fields(poller);
    }
    if (!poller_is_held(poller)) {
        begin_hold(poller, now);
    }
    if (poller->sweep.extent == EXTENT_COMPLETE) {
        poller_note_complete(poller, now);
    }
    struct commit commit = {0};
    return poller_commit(poller, now, &commit, step_hold_committed);
}

bool poller_step_finish(struct poller *poller, struct instant now)
{
    if (must_hold(poller, now)) {
        return poller_discard(poller, step_hold);
    }
    poller->state.held_since_wall_ms = 0;
    poller->state.held = (struct guard_counts){0};
    prepare_state(poller, now);
    struct commit commit = {.source_name = poller->source->name};
    return poller_commit(poller, now, &commit, step_committed);
}
