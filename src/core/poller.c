#include "core/arena.h"
#include "core/log.h"
#include "core/pager.h"
#include "core/reconcile.h"
#include "core/suggest.h"

#include "poller_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIMILAR_COUNT_MAX 10000 /* some milliseconds */
#define SLEEP_MAX_MS 60000      /* clocks may be set: nothing is slept through for longer */

/* --- life ------------------------------------------------------------------------------------- */

struct poller *poller_create(const struct poller_options *options)
{
    CHECK(options->source->profile != NULL);
    struct poller *poller = alloc(sizeof *poller);
    poller->options = *options;
    poller->source = options->source;
    poller->random.state = options->seed;
    poller->step = poller_step_idle;
    text_init(&poller->request.url, PAGER_URL_MAX);
    text_init(&poller->durable, SOURCE_STATE_BYTES_MAX);
    answer_clear(&poller->request.answer);
    poller->batch.arena = arena_create();
    sweep_init(&poller->sweep);
    /* A poller before us may have set orders aside and not have been able to discard them. */
    poller->sweep.has_staged = true;
    budget_init(&poller->budget, options->source->budget);
    for (size_t i = 0; i < COLLECTION_COUNT; i++) {
        poller->known[i] = index_create();
        poller->pages[i] = page_memory_create();
    }
    return poller;
}

void poller_destroy(struct poller *poller)
{
    if (poller == NULL) {
        return;
    }
    CHECK(poller_is_idle(poller));
    for (size_t i = 0; i < COLLECTION_COUNT; i++) {
        index_destroy(poller->known[i]);
        page_memory_destroy(poller->pages[i]);
    }
    budget_fini(&poller->budget);
    sweep_fini(&poller->sweep);
    token_fini(&poller->token);
    notice_clear(&poller->notices);
    source_state_fini(&poller->state);
    arena_destroy(poller->batch.arena);
    answer_clear(&poller->request.answer);
    text_fini(&poller->durable);
    text_fini(&poller->request.url);
    free(poller);
}

static void visit_order(void *arg, const struct stored_order *order)
{
    struct poller *poller = arg;
    struct index *known = poller->known[COLLECTION_ORDERS];
    /* One that has left is found by its id alone: whatever it says, it has come back. */
    uint32_t position =
        index_append(known, order->id, order->has_left ? 0 : order->raw_fingerprint);
    index_at(known, position)->has_left = order->has_left;
    poller->listed_count[COLLECTION_ORDERS] += order->has_left ? 0 : 1;
}

enum status poller_load(struct poller *poller, struct failure *why)
{
    struct store_port store = poller->options.store;
    enum status status =
        store.visit_orders(store.self, poller->source->name, visit_order, poller, why);
    poller->is_appointments_cold = poller->source->profile->has_appointments_collection &&
                                   poller->listed_count[COLLECTION_ORDERS] != 0;
    return status;
}

static bool is_key(const struct poller *poller, const char *kind, const char *key)
{
    size_t size = strlen(kind);
    return strncmp(key, kind, size) == 0 && strcmp(key + size, poller->source->name) == 0;
}

void poller_restore(struct poller *poller, const struct stored_value *value)
{
    if (is_key(poller, "budget/", value->key)) {
        budget_restore(&poller->budget, value->value);
    } else if (is_key(poller, "source/", value->key)) {
        struct failure why = {0};
        if (source_state_read(&poller->state, value->value, &why) != STATUS_OK) {
            LOG_ERROR("source_state_unreadable", log_text("source", poller->source->name),
                      log_text("detail", why.detail),
                      log_text("remedy", "the next complete sweep is a baseline"));
            return;
        }
        text_clear(&poller->durable);
        text_add(&poller->durable, value->value);
        poller->durable_complete_wall_ms = poller->state.last_complete_wall_ms;
    }
}

void poller_inherit(struct poller *poller, const struct poller *before)
{
    CHECK(!poller->is_begun && poller_is_idle(before));
    poller->is_paused = before->is_paused;
    poller->event_count = before->event_count;
    poller->told = before->told;
    poller->request.code_count = before->request.code_count;
    memcpy(poller->request.tallies, before->request.tallies, sizeof poller->request.tallies);
    /* The store may not know of it yet. */
    poller->schedule.wait_ms = before->schedule.wait_ms;
    poller->schedule.wait_wall_ms = before->schedule.wait_wall_ms;
}

void poller_use_config(struct poller *poller, const struct config *config)
{
    poller->options.config = config;
}

/* A wall-clock time kept over a restart, as mono: never further away than it can have been. */
static int64_t mono_of(int64_t wall_ms, int64_t longest_ms, struct instant now)
{
    int64_t left_ms = wall_ms - now.wall_ms;
    left_ms = left_ms < 0 ? 0 : left_ms;
    return now.mono_ms + (left_ms < longest_ms ? left_ms : longest_ms);
}

static void begin(struct poller *poller, struct instant now)
{
    const struct guard_config *guard = &poller->source->guard;
    struct schedule *schedule = &poller->schedule;
    poller->is_begun = true;
    budget_begin(&poller->budget, now);
    schedule->due_ms = now.mono_ms;
    int64_t wait_ms = mono_of(poller->state.wait_until_wall_ms, RETRY_AFTER_MAX_MS, now);
    if (wait_ms > schedule->wait_ms) {
        schedule->wait_ms = wait_ms;
        schedule->wait_wall_ms = poller->state.wait_until_wall_ms;
    }
    schedule->hold_ms =
        mono_of(poller->state.held_since_wall_ms + guard->hold_ms, guard->hold_ms, now);
    schedule->credential_ms = now.mono_ms;
    schedule->deadline_ms = now.mono_ms;
    poller->health.well_ms = now.mono_ms;
}

/* --- idle ------------------------------------------------------------------------------------- */

void poller_on_stored(void *arg, enum status status, const char *detail)
{
    struct poller *poller = arg;
    CHECK(poller->waiting == WAITING_STORE);
    poller->waiting = WAITING_NONE;
    poller->stored.status = status;
    (void)snprintf(poller->stored.detail, sizeof poller->stored.detail, "%s",
                   detail != NULL ? detail : "");
}

bool poller_wait_store(struct poller *poller, step_fn *after)
{
    CHECK(poller->waiting == WAITING_NONE);
    poller->waiting = WAITING_STORE;
    poller->step = after;
    return false;
}

static bool step_told(struct poller *poller, struct instant now)
{
    (void)now;
    poller->step = poller_step_idle;
    if (!poller_has_committed(poller)) {
        poller_note_store_failure(poller, "committing what the source has to say");
        return true;
    }
    if (poller->schedule.is_store_trial) {
        poller_note_store_trial(poller);
    }
    poller->event_count += poller->told_count;
    return true;
}

/* What the source has to say leaves also from what is left of a full disk. */
static bool commit_state(struct poller *poller, struct instant now, bool has_news)
{
    struct commit commit = {.needs_room = !has_news};
    poller->schedule.is_store_trial = !has_news;
    return poller_commit(poller, now, &commit, step_told);
}

/* What time causes is told only of what is known to be so: not while the source fails, is held or
 * in maintenance, and not before the first complete sweep. */
static bool may_tell_deadlines(const struct poller *poller, struct instant now)
{
    const struct health *health = &poller->health;
    return poller->state.is_baselined && health->has_completed && health->failure_count == 0 &&
           !poller_is_held(poller) && !poller_in_maintenance(poller, now.wall_ms) &&
           poller->schedule.deadline_due_wall_ms <= now.wall_ms &&
           poller->schedule.deadline_ms <= now.mono_ms;
}

bool poller_is_sweep_due(const struct poller *poller, struct instant now)
{
    const struct schedule *schedule = &poller->schedule;
    return schedule->wait_ms <= now.mono_ms &&
           (schedule->is_asked_for || schedule->due_ms <= now.mono_ms);
}

static int64_t idle_until(struct poller *poller, struct instant now)
{
    const struct schedule *schedule = &poller->schedule;
    int64_t sweep_ms = schedule->due_ms > schedule->wait_ms ? schedule->due_ms : schedule->wait_ms;
    int64_t until_ms = earlier(sweep_ms, poller_health_due(poller));
    until_ms = earlier(until_ms, poller_look_due(poller, now));
    if (schedule->deadline_due_wall_ms != INSTANT_NEVER) {
        int64_t left_ms = schedule->deadline_due_wall_ms - now.wall_ms;
        int64_t due_ms = now.mono_ms + (left_ms > 0 ? earlier(left_ms, SLEEP_MAX_MS) : 0);
        due_ms = due_ms > schedule->deadline_ms ? due_ms : schedule->deadline_ms;
        until_ms = due_ms > now.mono_ms ? earlier(until_ms, due_ms) : until_ms;
    }
    until_ms = earlier(until_ms, now.mono_ms + SLEEP_MAX_MS);
    return until_ms > now.mono_ms ? until_ms : now.mono_ms + 1;
}

bool poller_step_idle(struct poller *poller, struct instant now)
{
    struct schedule *schedule = &poller->schedule;
    if (poller->forgetting.order_id != NULL) {
        return poller_step_forget(poller, now);
    }
    if (poller->is_stopping || poller->is_paused) {
        schedule->again_ms = INSTANT_NEVER;
        return false;
    }
    if (schedule->store_ms > now.mono_ms) {
        schedule->again_ms = schedule->store_ms;
        return false;
    }
    if (poller->sweep.has_staged) {
        return poller_discard(poller, poller_step_idle);
    }
    bool has_news = poller_check_health(poller, now);
    if (has_news || schedule->store_ms != 0) {
        return commit_state(poller, now, has_news);
    }
    /* Where one sweep follows the other there is no idle moment: what time causes goes between. */
    schedule->is_fresh = schedule->is_fresh && may_tell_deadlines(poller, now);
    if (!schedule->is_fresh && poller_is_sweep_due(poller, now)) {
        schedule->is_asked_for = false;
        poller_begin_sweep(poller, now);
        return true;
    }
    if (may_tell_deadlines(poller, now)) {
        return poller_step_deadlines(poller, now);
    }
    if (poller_look_due(poller, now) <= now.mono_ms) {
        return poller_step_look(poller, now);
    }
    schedule->again_ms = idle_until(poller, now);
    return false;
}

/* --- the turn --------------------------------------------------------------------------------- */

/* A sweep, when nobody wants it any more; a look-up, also when it keeps the sweep waiting. */
static bool is_unwanted(const struct poller *poller, struct instant now)
{
    bool is_over = poller->is_stopping || poller->is_paused;
    bool is_late = poller->look.is_running && poller->waiting == WAITING_HTTP &&
                   poller_is_sweep_due(poller, now);
    bool is_running = poller->sweep.is_running || poller->look.is_running;
    return is_running && (is_over || is_late) && !poller->is_committing;
}

/* True while what is abandoned waits for the ends of what it had started. */
static bool is_abandoning(struct poller *poller, struct instant now)
{
    if (!is_unwanted(poller, now)) {
        return false;
    }
    if (poller->waiting == WAITING_HTTP && !poller->is_cancelled) {
        poller->is_cancelled = true;
        struct http_port http = poller->options.http;
        http.cancel_all(http.self, poller);
    }
    if (poller->waiting != WAITING_NONE) {
        return true;
    }
    if (poller->look.is_running) {
        poller_abandon_look(poller);
    } else {
        (void)poller_abandon_sweep(poller);
    }
    return false;
}

/* What is asked of a port calls when it is done; a sweep that comes due does not wait for a look.
 */
static int64_t wait_until(const struct poller *poller, struct instant now)
{
    const struct schedule *schedule = &poller->schedule;
    if (!poller->look.is_running || poller_is_sweep_due(poller, now)) {
        return INSTANT_NEVER;
    }
    return schedule->due_ms > schedule->wait_ms ? schedule->due_ms : schedule->wait_ms;
}

int64_t poller_turn(struct poller *poller, struct instant now)
{
    poller->now_ms = now.mono_ms;
    if (!poller->is_begun) {
        begin(poller, now);
    }
    if (is_abandoning(poller, now)) {
        return INSTANT_NEVER;
    }
    poller->schedule.again_ms = now.mono_ms;
    while (poller->waiting == WAITING_NONE && poller->step(poller, now)) {
    }
    return poller->waiting != WAITING_NONE ? wait_until(poller, now) : poller->schedule.again_ms;
}

void poller_sweep_now(struct poller *poller)
{
    poller->schedule.is_asked_for = true;
}

void poller_release(struct poller *poller)
{
    if (poller_is_held(poller)) {
        poller->schedule.is_released = true;
        poller->schedule.is_asked_for = true;
    } else if (poller->schedule.is_empty_doubted) {
        poller->schedule.is_empty_believed = true;
        poller->schedule.is_asked_for = true;
    }
}

void poller_pause(struct poller *poller, bool is_paused)
{
    poller->is_paused = is_paused;
}

const char *poller_similar_order(const struct poller *poller, const char *order_id)
{
    const struct index *known = poller->known[COLLECTION_ORDERS];
    struct suggestion suggestion = suggest_begin(order_id);
    size_t count = index_count(known);
    for (uint32_t i = 0; i < count && i < SIMILAR_COUNT_MAX; i++) {
        if (!index_at(known, i)->has_left) {
            suggest_offer(&suggestion, index_id(known, i));
        }
    }
    return suggestion.best;
}

void poller_stop(struct poller *poller)
{
    poller->is_stopping = true;
}

bool poller_is_idle(const struct poller *poller)
{
    return poller->waiting == WAITING_NONE && poller->step == poller_step_idle &&
           poller->forgetting.order_id == NULL;
}

/* --- status ----------------------------------------------------------------------------------- */

static enum poller_health health_of(const struct poller *poller)
{
    const struct health *health = &poller->health;
    if (health->is_maintenance) {
        return POLLER_MAINTENANCE;
    }
    if (poller->state.is_rejected_told ||
        (health->failure_count != 0 && health->failing_as == API_REFUSED)) {
        return POLLER_REJECTED;
    }
    if (health->failure_count != 0 || poller->state.is_unreachable_told) {
        return POLLER_FAILING;
    }
    return health->has_completed ? POLLER_OK : POLLER_STARTING;
}

struct poller_status poller_status(const struct poller *poller)
{
    const struct schedule *schedule = &poller->schedule;
    struct poller_status status = {
        .source_name = poller->source->name,
        .health = health_of(poller),
        .last_complete_wall_ms = poller->durable_complete_wall_ms,
        .order_count = poller->listed_count[COLLECTION_ORDERS],
        .sweep_count = poller->state.sweep_count,
        .next_due_mono_ms =
            schedule->due_ms > schedule->wait_ms ? schedule->due_ms : schedule->wait_ms,
        .last_failure = poller->health.last_failure,
        .is_held = poller_is_held(poller),
        .is_empty_doubted = schedule->is_empty_doubted,
        .is_sweeping = poller->sweep.is_running,
        .is_paused = poller->is_paused,
        .budget_left = budget_left(&poller->budget, poller->now_ms),
        .budget_limit = poller->budget.limit,
        .look_up_count = poller->look.count,
        .event_count = poller->event_count,
        .events = &poller->told,
        .requests = poller->request.tallies,
        .request_code_count = poller->request.code_count,
        .pages = poller->tally,
        .token_obtained_mono_ms = poller->token.value != NULL ? poller->token.obtained_ms : 0,
        .certificate_expires_wall_ms = poller->health.certificate_expires_wall_ms,
        .own_certificate_expires_wall_ms = poller->health.own_certificate_expires_wall_ms,
        .token_certificate_expires_wall_ms = poller->health.token_certificate_expires_wall_ms,
    };
    return status;
}
