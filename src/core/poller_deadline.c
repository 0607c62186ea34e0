#include "core/arena.h"
#include "core/log.h"
#include "core/silencer.h"

#include "poller_internal.h"

#include <string.h>

#define UNREADABLE_WAIT_MS HOUR_MS

static step_fn step_deadlines_fetched, step_deadlines_reconcile, step_deadlines_committed;

static bool is_in_batch(const struct batch *batch, const char *id)
{
    for (size_t i = 0; i < batch->count; i++) {
        if (strcmp(batch->items[i].id, id) == 0) {
            return true;
        }
    }
    return false;
}

/* One deadline of an order at a time: each changes the order that the next one starts from. */
static void on_deadlines(void *arg, enum status status, const struct due_deadline *deadlines,
                         size_t count, int64_t next_due_wall_ms)
{
    struct poller *poller = arg;
    struct batch *batch = &poller->batch;
    poller_on_stored(poller, status, "");
    poller->schedule.deadline_due_wall_ms = next_due_wall_ms;
    for (size_t i = 0; status == STATUS_OK && i < count && batch->count < BATCH_COUNT; i++) {
        if (is_in_batch(batch, deadlines[i].order_id)) {
            continue;
        }
        struct work *work = &batch->items[batch->count++];
        *work = (struct work){.id = arena_text(batch->arena, span_of(deadlines[i].order_id)),
                              .deadline = deadlines[i].deadline};
        work->deadline.key = arena_text(batch->arena, span_of(deadlines[i].deadline.key));
    }
}

bool poller_step_deadlines(struct poller *poller, struct instant now)
{
    struct store_port store = poller->options.store;
    (void)poller_wait_store(poller, step_deadlines_fetched);
    store.fetch_deadlines(store.self, poller->source->name, now.wall_ms, BATCH_COUNT, on_deadlines,
                          poller);
    return false;
}

static bool end_deadlines(struct poller *poller)
{
    poller->batch.count = 0;
    arena_reset(poller->batch.arena);
    poller->step = poller_step_idle;
    return true;
}

static bool step_deadlines_fetched(struct poller *poller, struct instant now)
{
    if (poller->stored.status != STATUS_OK) {
        return poller_fail_store(poller, "looking for what is due");
    }
    if (poller->batch.count == 0) {
        bool is_later = poller->schedule.deadline_due_wall_ms > now.wall_ms;
        poller->schedule.deadline_ms = now.mono_ms + (is_later ? 0 : 1000);
        return end_deadlines(poller);
    }
    return poller_fetch_batch(poller, step_deadlines_reconcile);
}

static bool reconcile_one(struct poller *poller, const struct work *work, struct instant now,
                          struct reconcile_result *out)
{
    struct reconcile_context context = {.config = poller->options.config,
                                        .source = poller->source,
                                        .silences = silencer_list(poller->options.silencer),
                                        .sweep = 0,
                                        .now_wall_ms = now.wall_ms,
                                        .lead_ms = poller_lead_ms(poller),
                                        .as_of_wall_ms = poller->state.last_complete_wall_ms};
    struct failure why = {0};
    if (work->before == NULL) {
        (void)fail(&why, STATUS_NOT_FOUND, "the order is not known any more");
    } else if (reconcile_deadline(&context, work->before, &work->deadline, poller->batch.arena, out,
                                  &why) == STATUS_OK) {
        return true;
    }
    LOG_ERROR("deadline_unreadable", log_text("source", poller->source->name),
              log_text("order", work->id), log_text("detail", why.detail));
    return false;
}

static bool step_deadlines_reconcile(struct poller *poller, struct instant now)
{
    struct batch *batch = &poller->batch;
    struct staged_order *orders = arena_array(batch->arena, batch->count, sizeof *orders);
    size_t count = 0;
    uint64_t event_count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        struct reconcile_result result;
        if (reconcile_one(poller, &batch->items[i], now, &result)) {
            event_count += result.staged.event_count;
            orders[count++] = result.staged;
        }
    }
    if (count < batch->count) {
        poller->schedule.deadline_ms = now.mono_ms + UNREADABLE_WAIT_MS;
    }
    if (count == 0) {
        return end_deadlines(poller);
    }
    poller->sweep.tally.events = event_count;
    poller->sweep.tally.types = (struct event_tally){.counts = {0}}; /* nothing is staged */
    struct commit commit = {.orders = orders, .order_count = count};
    commit.source_name = poller->source->name;
    return poller_commit(poller, now, &commit, step_deadlines_committed);
}

static bool step_deadlines_committed(struct poller *poller, struct instant now)
{
    (void)now;
    if (!poller_has_committed(poller)) {
        return poller_fail_store(poller, "committing what was due");
    }
    poller->schedule.deadline_due_wall_ms = 0; /* there may be more of them */
    poller->event_count += poller->sweep.tally.events + poller->told_count;
    return end_deadlines(poller);
}
