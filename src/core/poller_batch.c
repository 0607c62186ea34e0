#include "core/arena.h"
#include "core/log.h"
#include "core/silencer.h"

#include "poller_internal.h"

#include <string.h>

/* --- what is known of them -------------------------------------------------------------------- */

static const struct stored_order *copy_stored(const struct stored_order *order, struct arena *arena)
{
    struct stored_order *copy = arena_alloc(arena, sizeof *copy);
    *copy = *order;
    copy->id = arena_text(arena, span_of(order->id));
    copy->canonical.data = arena_text(arena, order->canonical);
    copy->history.data = arena_text(arena, order->history);
    return copy;
}

static void on_orders(void *arg, enum status status, const struct stored_order *orders,
                      size_t count)
{
    struct poller *poller = arg;
    struct batch *batch = &poller->batch;
    poller_on_stored(poller, status, "");
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        if (orders[i].id != NULL) {
            batch->items[batch->asked[i]].before = copy_stored(&orders[i], batch->arena);
        }
    }
}

static bool step_fetched(struct poller *poller, struct instant now)
{
    (void)now;
    if (poller->stored.status != STATUS_OK) {
        return poller_fail_store(poller, "reading known orders");
    }
    poller->step = poller->batch.reconcile;
    return true;
}

bool poller_fetch_batch(struct poller *poller, step_fn *reconcile)
{
    struct batch *batch = &poller->batch;
    const char *ids[BATCH_COUNT];
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        if (index_find_id(poller->known[COLLECTION_ORDERS], batch->items[i].id) != INDEX_NONE) {
            batch->asked[count] = i;
            ids[count++] = batch->items[i].id;
        }
    }
    batch->reconcile = reconcile;
    poller->step = reconcile;
    if (count != 0) {
        struct store_port store = poller->options.store;
        (void)poller_wait_store(poller, step_fetched);
        store.fetch_orders(store.self, poller->source->name, ids, count, on_orders, poller);
    }
    return false;
}

/* --- what that makes of them ------------------------------------------------------------------ */

/* After a start the index does not know which appointments an order has: its record tells. */
static enum status warm_appointments(struct poller *poller, const struct work *work,
                                     struct failure *why)
{
    struct record record;
    enum status status = record_decode(work->before->canonical, poller->batch.arena, &record, why);
    if (status != STATUS_OK) {
        return status;
    }
    struct index *known = poller->known[COLLECTION_APPOINTMENTS];
    for (size_t i = 0; i < record.appointment_count; i++) {
        struct text key;
        text_init(&key, 16384);
        moved_add_key(&key, work->id, record.appointments[i].id);
        if (index_find_id(known, text_cstr(&key)) == INDEX_NONE) {
            (void)index_add(known, text_cstr(&key), 0);
        }
        text_fini(&key);
    }
    return STATUS_OK;
}

/* Of an order that had left before the start the index knows nothing: it is cold when it is back.
 */
static bool is_cold(const struct poller *poller, const struct work *work)
{
    if (work->before == NULL || !poller->source->profile->has_appointments_collection) {
        return false;
    }
    return work->before->has_left ? work->sighting == SIGHTING_LISTED
                                  : poller->is_appointments_cold;
}

enum status poller_reconcile(struct poller *poller, const struct work *work,
                             struct reconcile_result *out, struct failure *why)
{
    const struct source_config *source = poller->source;
    *out = (struct reconcile_result){0};
    if (work->before == NULL && work->after == NULL) {
        return STATUS_OK; /* its record is gone: what its appointments do is nobody's news */
    }
    if (is_cold(poller, work)) {
        enum status status = warm_appointments(poller, work, why);
        if (status != STATUS_OK || (work->after == NULL && !work->has_moved)) {
            return status;
        }
    }
    struct forgotten_order *forgotten =
        work->before == NULL ? source_state_forgotten(&poller->state, work->id) : NULL;
    struct reconcile_context context = {.config = poller->options.config,
                                        .source = source,
                                        .silences = silencer_list(poller->options.silencer),
                                        .sweep = poller->state.sweep_count + 1,
                                        .now_wall_ms = poller->sweep.started.wall_ms,
                                        .lead_ms = poller_lead_ms(poller),
                                        .is_baseline =
                                            poller->sweep.is_baseline || forgotten != NULL};
    struct reconcile_input input = {
        .sighting = work->sighting,
        .before = work->before,
        .after = work->after,
        .raw_fingerprint = work->raw_fingerprint,
        .list_shows = poller->state.fields_found,
        .has_own_appointments = source->profile->has_appointments_collection,
        .appointments = work->moved.appointments,
        .appointment_count = work->moved.appointment_count,
        .removed_appointment_ids = work->moved.removed_ids,
        .removed_appointment_count = work->moved.removed_count,
        .detail_json = work->detail_json,
    };
    enum status status = reconcile_order(&context, &input, poller->batch.arena, out, why);
    if (status == STATUS_OK && forgotten != NULL) {
        out->staged.order.sequence = forgotten->sequence;
        forgotten->is_adopted = true;
    }
    return status;
}

static void count_result(struct poller *poller, const struct work *work,
                         const struct reconcile_result *result)
{
    struct tally *tally = &poller->sweep.tally;
    tally->events += result->staged.event_count;
    event_tally_count(&tally->types, result->staged.events, result->staged.event_count);
    if (work->sighting == SIGHTING_LISTED) {
        tally->guard.changed += result->has_news && !result->is_new ? 1 : 0;
        poller_look_note_listed(poller, work->id, result);
    }
}

static bool end_batch(struct poller *poller)
{
    poller->batch.count = 0;
    poller->batch.bytes = 0;
    arena_reset(poller->batch.arena);
    poller->step = poller->batch.after;
    return true;
}

static bool step_staged(struct poller *poller, struct instant now)
{
    (void)now;
    if (poller->stored.status != STATUS_OK) {
        poller->sweep.has_staged = false;
        return poller_fail_store(poller, "setting changed orders aside");
    }
    return end_batch(poller);
}

bool poller_fail_corrupt(struct poller *poller, const struct failure *why)
{
    poller->stored.status = STATUS_CORRUPT;
    memcpy(poller->stored.detail, why->detail, sizeof poller->stored.detail - 1);
    poller->stored.detail[sizeof poller->stored.detail - 1] = '\0';
    return poller_fail_store(poller, "comparing an order with what is known");
}

static bool step_reconcile(struct poller *poller, struct instant now)
{
    (void)now;
    struct batch *batch = &poller->batch;
    struct staged_order *staged = arena_array(batch->arena, batch->count, sizeof *staged);
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        struct reconcile_result result;
        struct failure why = {0};
        if (poller_reconcile(poller, &batch->items[i], &result, &why) != STATUS_OK) {
            return poller_fail_corrupt(poller, &why);
        }
        count_result(poller, &batch->items[i], &result);
        if (result.is_changed || result.is_new || result.staged.event_count != 0) {
            staged[count++] = result.staged;
        }
    }
    if (count == 0) {
        return end_batch(poller);
    }
    struct store_port store = poller->options.store;
    poller->sweep.has_staged = true;
    (void)poller_wait_store(poller, step_staged);
    store.stage(store.self, poller->source->name, staged, count, poller_on_stored, poller);
    return false;
}

bool poller_flush_batch(struct poller *poller, step_fn *after)
{
    poller->batch.after = after;
    if (poller->batch.count == 0) {
        return end_batch(poller);
    }
    return poller_fetch_batch(poller, step_reconcile);
}
