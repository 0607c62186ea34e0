#include "core/arena.h"
#include "core/hash.h"
#include "core/log.h"

#include "poller_internal.h"

#include <stdio.h>
#include <string.h>

#define VALIDATOR_TRUSTED_MS HOUR_MS /* as of a page */
#define SURVEY_DELAY_MS 1000         /* what the sweep has to tell goes first */
#define ROOM_WAIT_MS 1000
#define RESTED_SWEEPS_MAX 64
/* An API whose details differ from its list is not worth asking, and is found out soon. */
#define UNLIKE_MAX 3
#define DISPUTED_MAX 3

static step_fn step_answered, step_compare, step_committed, step_surveyed;

/* --- when ------------------------------------------------------------------------------------- */

static struct attention_room room_of(const struct poller *poller, struct instant now)
{
    const struct source_config *source = poller->source;
    const struct schedule *schedule = &poller->schedule;
    int64_t due_ms = schedule->due_ms > schedule->wait_ms ? schedule->due_ms : schedule->wait_ms;
    uint32_t limit = poller->budget.limit;
    uint32_t sweep = poller->look.sweep_requests;
    return (struct attention_room){.every_ms = source->every_ms,
                                   .window_ms = source->budget.window_ms,
                                   .limit = limit,
                                   .left = budget_left(&poller->budget, now.mono_ms),
                                   .sweep_count = sweep < limit ? sweep : limit,
                                   .due_in_ms = due_ms - now.mono_ms,
                                   .answer_ms_max = source->timeout_ms};
}

/* Only what is known to be well is looked at: a source that fails, waits, or was told to slow down
 * has its sweeps, and nothing beside them. */
static bool may_look(const struct poller *poller, struct instant now)
{
    const struct health *health = &poller->health;
    const struct source_config *source = poller->source;
    return source->is_adaptive && source->profile->orders.detail_path != NULL &&
           poller->state.is_baselined && health->has_completed && health->failure_count == 0 &&
           !poller_is_held(poller) && !poller_in_maintenance(poller, now.wall_ms) &&
           poller->schedule.wait_ms <= now.mono_ms;
}

static bool may_ask(const struct poller *poller)
{
    const struct look *look = &poller->look;
    return look->rest_count == 0 && poller->budget.limit == poller->source->budget.count &&
           poller_has_token(poller);
}

int64_t poller_look_due(struct poller *poller, struct instant now)
{
    struct look *look = &poller->look;
    if (!may_look(poller, now)) {
        return INSTANT_NEVER;
    }
    if (look->has_unknown) {
        return look->attention.swept_ms + SURVEY_DELAY_MS;
    }
    struct attention_room room = room_of(poller, now);
    if (!may_ask(poller) || look->made >= attention_allowance(&room)) {
        return INSTANT_NEVER;
    }
    struct attention_item *item = NULL;
    int64_t due_ms = attention_next(&look->attention, &room, now, &item);
    bool must_wait = item != NULL && !attention_has_room(&room);
    return must_wait ? now.mono_ms + ROOM_WAIT_MS : due_ms;
}

/* --- what is known of their appointments ------------------------------------------------------ */

static void note_start(struct poller *poller, uint32_t position, const struct record *record,
                       int64_t now_wall_ms)
{
    uint32_t start_min = attention_start_min(record, poller->source->zone, now_wall_ms);
    index_at(poller->known[COLLECTION_ORDERS], position)->start_min = start_min;
    attention_note_start(&poller->look.attention, position, start_min, now_wall_ms);
}

static bool end_work(struct poller *poller)
{
    poller->look.is_running = false;
    poller->batch.count = 0;
    poller->batch.bytes = 0;
    arena_reset(poller->batch.arena);
    answer_clear(&poller->request.answer);
    poller->step = poller_step_idle;
    return true;
}

/* After a start the index does not know when appointments begin, nor after one which is the next:
 * their records tell, a few at a time and without any request. */
static bool begin_survey(struct poller *poller)
{
    struct look *look = &poller->look;
    struct batch *batch = &poller->batch;
    const struct index *known = poller->known[COLLECTION_ORDERS];
    uint32_t count = (uint32_t)index_count(known);
    while (look->survey_position < count && batch->count < BATCH_COUNT) {
        const struct index_entry *entry = index_at(known, look->survey_position);
        if (entry->start_min == ATTENTION_UNKNOWN && !entry->has_left) {
            const char *id = index_id(known, look->survey_position);
            batch->items[batch->count++] =
                (struct work){.id = arena_text(batch->arena, span_of(id))};
        }
        look->survey_position++;
    }
    if (look->survey_position == count) {
        look->has_unknown = false;
        look->survey_position = 0;
    }
    look->is_running = true;
    return batch->count != 0 ? poller_fetch_batch(poller, step_surveyed) : end_work(poller);
}

static bool step_surveyed(struct poller *poller, struct instant now)
{
    const struct batch *batch = &poller->batch;
    for (size_t i = 0; i < batch->count; i++) {
        const struct work *work = &batch->items[i];
        uint32_t position = index_find_id(poller->known[COLLECTION_ORDERS], work->id);
        struct record record = {.id = work->id};
        struct failure why = {0};
        if (work->before != NULL &&
            record_decode(work->before->canonical, batch->arena, &record, &why) != STATUS_OK) {
            return poller_fail_corrupt(poller, &why);
        }
        note_start(poller, position, &record, now.wall_ms);
    }
    return end_work(poller);
}

/* --- the end of a look-up --------------------------------------------------------------------- */

static void rest(struct poller *poller, uint32_t sweep_count, const char *reason)
{
    struct look *look = &poller->look;
    look->rest_count = sweep_count;
    look->disputed_count = 0;
    LOG_DEBUG("look_ups_rest", log_text("source", poller->source->name),
              log_number("sweeps", sweep_count), log_text("reason", reason));
}

static struct attention_item *item_of(struct poller *poller)
{
    struct attention *attention = &poller->look.attention;
    for (size_t i = 0; i < attention->near_count; i++) {
        if (attention->near[i].position == poller->look.position) {
            return &attention->near[i];
        }
    }
    for (size_t i = 0; i < attention->recent_count; i++) {
        if (attention->recent[i].position == poller->look.position) {
            return &attention->recent[i];
        }
    }
    return NULL;
}

/* The same bytes, or the same validator, mean the same the next time. */
static void remember_answer(struct poller *poller)
{
    const struct answer *answer = &poller->request.answer;
    struct attention_item *item = item_of(poller);
    if (item == NULL) {
        return;
    }
    item->fingerprint = hash64(answer_body(answer));
    item->read_ms = poller->request.started.mono_ms;
    const char *validator = poller_validator(answer, &item->is_date);
    bool fits = validator != NULL && strlen(validator) < sizeof item->validator;
    (void)snprintf(item->validator, sizeof item->validator, "%s", fits ? validator : "");
}

static bool end_well(struct poller *poller)
{
    poller->look.failure_count = 0;
    poller->look.was_alike = true;
    remember_answer(poller);
    return end_work(poller);
}

/* The API is left alone until sweeps have gone well, twice as many each time. */
static bool end_badly(struct poller *poller, const char *reason)
{
    struct look *look = &poller->look;
    uint32_t sweep_count = UINT32_C(1) << look->failure_count;
    look->failure_count += sweep_count < RESTED_SWEEPS_MAX ? 1 : 0;
    rest(poller, sweep_count, reason);
    return end_work(poller);
}

void poller_abandon_look(struct poller *poller)
{
    budget_answered(&poller->budget, poller->now_ms);
    (void)end_work(poller);
}

/* --- one look-up ------------------------------------------------------------------------------ */

/* Only an answer that said what the list says is worth as much again. */
static bool is_alike(const struct poller *poller, const struct attention_item *item)
{
    return item != NULL &&
           index_at(poller->known[COLLECTION_ORDERS], item->position)->is_detail_alike;
}

static bool is_trusted(const struct poller *poller, const struct attention_item *item,
                       struct instant now)
{
    return is_alike(poller, item) && item->validator[0] != '\0' &&
           now.mono_ms - item->read_ms < VALIDATOR_TRUSTED_MS;
}

bool poller_step_look(struct poller *poller, struct instant now)
{
    struct look *look = &poller->look;
    if (look->has_unknown) {
        return begin_survey(poller);
    }
    struct attention_room room = room_of(poller, now);
    struct attention_item *item = NULL;
    (void)attention_next(&look->attention, &room, now, &item);
    CHECK(item != NULL);
    look->attention.looked_ms = now.mono_ms;
    item->looked_ms = now.mono_ms;
    look->position = item->position;
    look->is_running = true;
    look->made++;
    look->count++;
    poller_set_detail_url(poller, index_id(poller->known[COLLECTION_ORDERS], item->position));
    bool goes_on = poller_ask(poller, step_answered);
    if (is_trusted(poller, item, now)) {
        *(item->is_date ? &poller->request.last_modified : &poller->request.etag) = item->validator;
    }
    return goes_on;
}

static bool is_as_before(struct poller *poller)
{
    const struct answer *answer = &poller->request.answer;
    const struct attention_item *item = item_of(poller);
    bool was_asked = poller->request.etag != NULL || poller->request.last_modified != NULL;
    bool is_unchanged = was_asked && answer->status == STATUS_OK && answer->http_code == 304;
    return is_unchanged || (answer_is_page(answer) && is_alike(poller, item) &&
                            item->fingerprint == hash64(answer_body(answer)));
}

static bool step_answered(struct poller *poller, struct instant now)
{
    const struct answer *answer = &poller->request.answer;
    const char *id = index_id(poller->known[COLLECTION_ORDERS], poller->look.position);
    if (poller->is_cancelled) {
        return end_work(poller); /* the sweep is due: nobody failed */
    }
    if (is_as_before(poller)) {
        poller->look.failure_count = 0;
        poller->look.was_alike = true;
        return end_work(poller);
    }
    if (!answer_is_page(answer)) {
        struct trouble trouble;
        answer_explain(answer, poller->source->name, text_cstr(&poller->request.url), &trouble);
        poller_note_limits(poller, &trouble, now);
        return end_badly(poller, trouble.detail);
    }
    struct extraction *extraction = poller_read_detail(poller, id, NULL);
    if (extraction == NULL) {
        return end_badly(poller, "the detail is not of the order that was asked for");
    }
    poller->batch.items[poller->batch.count++] =
        (struct work){.sighting = SIGHTING_LOOKED_UP,
                      .id = arena_text(poller->batch.arena, span_of(id)),
                      .after = &extraction->record};
    return poller_fetch_batch(poller, step_compare);
}

/* --- what it showed --------------------------------------------------------------------------- */

/* Many changes at once are the sweep's to judge: it counts these with its own. */
static bool is_mass_change(const struct poller *poller)
{
    struct guard_counts counts = poller_guard_counts(poller);
    counts.changed++;
    const struct guard_config *guard = &poller->source->guard;
    return guard->policy != GUARD_TELL && guard_exceeds(guard, &counts);
}

static bool commit_change(struct poller *poller, struct reconcile_result *result,
                          struct instant now)
{
    struct staged_order *staged = arena_alloc(poller->batch.arena, sizeof *staged);
    *staged = result->staged;
    /* Whatever bytes the list has next, they are read: they may be those from before. */
    staged->order.raw_fingerprint = 0;
    poller->state.sweep_count++;
    poller->sweep.tally.events = staged->event_count;
    poller->sweep.tally.types = (struct event_tally){.counts = {0}};
    note_start(poller, poller->look.position, result->record, now.wall_ms);
    struct commit commit = {
        .source_name = poller->source->name, .orders = staged, .order_count = 1};
    return poller_commit(poller, now, &commit, step_committed);
}

/* A detail need not have the shape of the list. It counts once it was seen to say the same, and
 * until the list says something else. */
static bool step_compare(struct poller *poller, struct instant now)
{
    struct look *look = &poller->look;
    const struct work *work = &poller->batch.items[0];
    struct index_entry *entry = index_at(poller->known[COLLECTION_ORDERS], look->position);
    if (work->before == NULL || work->before->has_left) {
        return end_work(poller);
    }
    struct reconcile_result result;
    struct failure why = {0};
    poller->sweep.is_baseline = false;
    poller->sweep.started = now;
    if (poller_reconcile(poller, work, &result, &why) != STATUS_OK) {
        return poller_fail_corrupt(poller, &why);
    }
    if (!result.is_changed) {
        entry->is_detail_alike = true;
        return end_well(poller);
    }
    if (!entry->is_detail_alike) {
        look->was_unlike = true;
        return end_work(poller);
    }
    if (is_mass_change(poller)) {
        rest(poller, 1, "many orders change at once");
        return end_work(poller);
    }
    return commit_change(poller, &result, now);
}

static bool step_committed(struct poller *poller, struct instant now)
{
    struct look *look = &poller->look;
    if (!poller_has_committed(poller)) {
        return poller_fail_store(poller, "committing what a look-up showed");
    }
    index_set_raw(poller->known[COLLECTION_ORDERS], look->position, 0);
    attention_note_changed(&look->attention, look->position, now.mono_ms);
    look->changed_count++;
    poller->schedule.deadline_ms = now.mono_ms;
    poller->schedule.deadline_due_wall_ms = 0;
    uint64_t event_count = poller->sweep.tally.events + poller->told_count;
    LOG_INFO("look_up_committed", log_text("source", poller->source->name),
             log_text("order", index_id(poller->known[COLLECTION_ORDERS], look->position)),
             log_number("events", (int64_t)event_count));
    poller->event_count += event_count;
    return end_well(poller);
}

/* --- what sweeps show ------------------------------------------------------------------------- */

/* Who is missing from the list is the sweep's to look for. */
static void forget_missing(struct poller *poller)
{
    struct attention *attention = &poller->look.attention;
    for (size_t i = attention->recent_count; i > 0; i--) {
        uint32_t position = attention->recent[i - 1].position;
        const struct index_entry *entry = index_at(poller->known[COLLECTION_ORDERS], position);
        if (entry->has_left || entry->misses != 0) {
            attention_forget(attention, position);
        }
    }
}

/* True: the order is missing from the list, so the next sweep may ask for its detail. */
static bool note_entry(struct poller *poller, uint32_t position, int64_t now_wall_ms)
{
    struct look *look = &poller->look;
    struct index_entry *entry = index_at(poller->known[COLLECTION_ORDERS], position);
    if (entry->has_left || entry->misses != 0) {
        return !entry->has_left;
    }
    if (attention_is_over(entry->start_min, now_wall_ms)) {
        entry->start_min = ATTENTION_UNKNOWN;
    }
    if (attention_is_near(entry->start_min, now_wall_ms)) {
        attention_note_start(&look->attention, position, entry->start_min, now_wall_ms);
    }
    look->has_unknown = look->has_unknown || entry->start_min == ATTENTION_UNKNOWN;
    return false;
}

/* One that differs may have changed; where none is alike, they are not made alike. */
static void judge_details(struct poller *poller)
{
    struct look *look = &poller->look;
    if (look->was_alike || look->was_unlike) {
        look->unlike_count = look->was_alike ? 0 : look->unlike_count + 1;
    }
    look->was_alike = false;
    look->was_unlike = false;
    if (look->unlike_count >= UNLIKE_MAX) {
        look->unlike_count = 0;
        rest(poller, RESTED_SWEEPS_MAX, "details differ from the list");
    }
}

void poller_look_begin(struct poller *poller, struct instant now)
{
    struct look *look = &poller->look;
    if (!poller->source->is_adaptive || !poller->sweep.is_complete[COLLECTION_ORDERS]) {
        return;
    }
    look->changed_count = 0;
    look->made = 0;
    look->rest_count -= look->rest_count != 0 ? 1 : 0;
    judge_details(poller);
    attention_sweep(&look->attention, now.mono_ms);
    forget_missing(poller);
    uint32_t missing = 0;
    for (uint32_t i = 0; i < index_count(poller->known[COLLECTION_ORDERS]); i++) {
        missing += note_entry(poller, i, now.wall_ms) ? 1 : 0;
    }
    look->sweep_requests =
        poller->sweep.request_count + (missing < DETAILS_PER_SWEEP ? missing : DETAILS_PER_SWEEP);
}

/* What a look-up told, the list has confirmed or taken back. */
static void judge_dispute(struct poller *poller, struct index_entry *entry, bool is_changed)
{
    struct look *look = &poller->look;
    if (entry->raw_fingerprint == 0 && entry->is_detail_alike) {
        look->disputed_count = is_changed ? look->disputed_count + 1 : 0;
    }
    if (look->disputed_count >= DISPUTED_MAX) {
        rest(poller, RESTED_SWEEPS_MAX, "the list takes back what details say");
    }
    entry->is_detail_alike = entry->is_detail_alike && !is_changed;
}

static void note_changed(struct poller *poller, uint32_t position, const struct record *record)
{
    note_start(poller, position, record, poller->sweep.started.wall_ms);
    if (!poller->sweep.is_baseline && !order_kind_is_final(record->kind)) {
        attention_note_changed(&poller->look.attention, position, poller->now_ms);
    }
}

/* It has no place among what is known until the sweep is committed. */
static void note_new(struct poller *poller, const char *id, const struct record *record)
{
    struct index *changes = poller->sweep.changes[COLLECTION_ORDERS];
    uint32_t position = index_find_id(changes, id);
    if (position != INDEX_NONE && record != NULL) {
        index_at(changes, position)->start_min =
            attention_start_min(record, poller->source->zone, poller->sweep.started.wall_ms);
    }
}

void poller_look_note_listed(struct poller *poller, const char *id,
                             const struct reconcile_result *result)
{
    if (!poller->source->is_adaptive) {
        return;
    }
    uint32_t position = index_find_id(poller->known[COLLECTION_ORDERS], id);
    if (position == INDEX_NONE) {
        note_new(poller, id, result->record);
        return;
    }
    judge_dispute(poller, index_at(poller->known[COLLECTION_ORDERS], position), result->is_changed);
    if (result->is_changed) {
        note_changed(poller, position, result->record);
    }
}
