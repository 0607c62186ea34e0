#include "core/arena.h"
#include "core/log.h"

#include "poller_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum status poller_forget(struct poller *poller, const char *order_id, bool drops_open,
                          store_forgot_fn *on_done, void *arg, struct failure *why)
{
    if (poller->forgetting.order_id != NULL) {
        return fail(why, STATUS_BUSY, "another order of source %s is being forgotten; try again",
                    poller->source->name);
    }
    poller->forgetting = (struct forgetting){
        .order_id = alloc_text(order_id), .drops_open = drops_open, .on_done = on_done, .arg = arg};
    return STATUS_OK;
}

/* --- the index -------------------------------------------------------------------------------- */

/* Its elements are read again wherever they come up. */
static void forget_appointments(struct index *known, const char *order_id)
{
    struct text key;
    text_init(&key, 16384);
    moved_add_key(&key, order_id, "");
    for (uint32_t i = 0; i < index_count(known); i++) {
        if (strncmp(index_id(known, i), text_cstr(&key), key.size) == 0) {
            index_set_raw(known, i, 0);
        }
    }
    text_fini(&key);
}

static void forget_entry(struct poller *poller)
{
    const char *order_id = poller->forgetting.order_id;
    struct index *known = poller->known[COLLECTION_ORDERS];
    uint32_t position = index_find_id(known, order_id);
    if (position == INDEX_NONE) {
        return;
    }
    struct index_entry *entry = index_at(known, position);
    poller->listed_count[COLLECTION_ORDERS] -= entry->has_left ? 0 : 1;
    entry->has_left = true;
    index_set_raw(known, position, 0);
    attention_forget(&poller->look.attention, position);
    forget_appointments(poller->known[COLLECTION_APPOINTMENTS], order_id);
}

/* --- the steps -------------------------------------------------------------------------------- */

/* Whoever asked may ask again from inside of on_done. */
static bool end(struct poller *poller, enum status status, const char *detail)
{
    struct forgetting ended = poller->forgetting;
    poller->forgetting = (struct forgetting){.order_id = NULL};
    poller->step = poller_step_idle;
    ended.on_done(ended.arg, status, detail, &ended.what);
    free(ended.order_id);
    return true;
}

static bool step_forgotten(struct poller *poller, struct instant now)
{
    (void)now;
    const struct forgotten *what = &poller->forgetting.what;
    if (poller->stored.status != STATUS_OK) {
        poller_roll_back(poller);
        return end(poller, poller->stored.status, poller->stored.detail);
    }
    poller_keep_durable(poller);
    forget_entry(poller);
    LOG_INFO("order_forgotten", log_text("source", poller->source->name),
             log_number("events", (int64_t)what->event_count),
             log_number("deliveries", (int64_t)what->delivery_count),
             log_number("dropped", (int64_t)what->open_count));
    return end(poller, STATUS_OK, "");
}

static void on_forgot(void *arg, enum status status, const char *detail,
                      const struct forgotten *what)
{
    struct poller *poller = arg;
    poller->forgetting.what = *what;
    poller_on_stored(poller, status, detail);
}

static bool step_fetched(struct poller *poller, struct instant now)
{
    (void)now;
    struct forgetting *forgetting = &poller->forgetting;
    if (poller->stored.status != STATUS_OK) {
        return end(poller, poller->stored.status, poller->stored.detail);
    }
    if (forgetting->is_listed &&
        !source_state_note_forgotten(&poller->state, forgetting->order_id, forgetting->sequence)) {
        return end(poller, STATUS_FULL,
                   "too many orders were forgotten since the last complete sweep; try again after "
                   "the next one");
    }
    struct arena *arena = arena_create();
    struct stored_value value = poller_state_value(poller, arena);
    struct forget_query query = {.source_name = poller->source->name,
                                 .order_id = forgetting->order_id,
                                 .drops_open = forgetting->drops_open,
                                 .values = &value,
                                 .value_count = 1};
    struct store_port store = poller->options.store;
    (void)poller_wait_store(poller, step_forgotten);
    store.forget_order(store.self, &query, on_forgot, poller);
    arena_destroy(arena);
    poller_tell_news(poller); /* its retained state is to be taken back */
    return false;
}

static void on_orders(void *arg, enum status status, const struct stored_order *orders,
                      size_t count)
{
    struct poller *poller = arg;
    poller_on_stored(poller, status, "");
    if (status == STATUS_OK && count == 1 && orders[0].id != NULL) {
        poller->forgetting.is_listed = !orders[0].has_left;
        poller->forgetting.sequence = orders[0].sequence;
    }
}

/* No sweep is under way that knows the order. */
bool poller_step_forget(struct poller *poller, struct instant now)
{
    (void)now;
    if (poller->is_stopping) {
        return end(poller, STATUS_UNAVAILABLE, "the daemon is stopping");
    }
    const char *const ids[] = {poller->forgetting.order_id};
    struct store_port store = poller->options.store;
    (void)poller_wait_store(poller, step_fetched);
    store.fetch_orders(store.self, poller->source->name, ids, 1, on_orders, poller);
    return false;
}
