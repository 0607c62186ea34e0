#include "tests/sim/sim_store.h"

#include "core/arena.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void sim_store_init(struct sim_store *store, struct sim *sim)
{
    *store = (struct sim_store){.sim = sim, .arena = arena_create()};
}

void sim_store_fini(struct sim_store *store)
{
    arena_destroy(store->arena);
    free(store->events);
    free(store->rows);
}

/* --- copies -------------------------------------------------------------------------------- */

const char *sim_copy_text(struct arena *arena, const char *text)
{
    return text != NULL ? arena_text(arena, span_of(text)) : NULL;
}

struct span sim_copy_span(struct arena *arena, struct span bytes)
{
    return (struct span){.data = arena_text(arena, bytes), .size = bytes.size};
}

static struct event copy_event(struct arena *arena, const struct event *event)
{
    struct event copy = *event;
    copy.source_name = sim_copy_text(arena, event->source_name);
    copy.sink_name = sim_copy_text(arena, event->sink_name);
    copy.order_id = sim_copy_text(arena, event->order_id);
    copy.appointment_id = sim_copy_text(arena, event->appointment_id);
    copy.json = sim_copy_span(arena, event->json);
    copy.personal = sim_copy_span(arena, event->personal);
    return copy;
}

struct planned_delivery sim_copy_plan(struct arena *arena, const struct planned_delivery *plan)
{
    struct planned_delivery copy = *plan;
    copy.sink_name = sim_copy_text(arena, plan->sink_name);
    copy.lane = sim_copy_text(arena, plan->lane);
    copy.bundle = sim_copy_text(arena, plan->bundle);
    return copy;
}

const struct new_event *sim_copy_news(struct arena *arena, const struct new_event *events,
                                      size_t count)
{
    struct new_event *copies = arena_array(arena, count, sizeof *copies);
    for (size_t i = 0; i < count; i++) {
        struct planned_delivery *plans =
            arena_array(arena, events[i].delivery_count, sizeof *plans);
        for (size_t j = 0; j < events[i].delivery_count; j++) {
            plans[j] = sim_copy_plan(arena, &events[i].deliveries[j]);
            if (plans[j].if_late != NULL) {
                struct planned_delivery *late = arena_alloc(arena, sizeof *late);
                *late = sim_copy_plan(arena, plans[j].if_late);
                plans[j].if_late = late;
            }
        }
        copies[i] = (struct new_event){.event = copy_event(arena, &events[i].event),
                                       .deliveries = plans,
                                       .delivery_count = events[i].delivery_count,
                                       .silence_id = sim_copy_text(arena, events[i].silence_id)};
    }
    return copies;
}

struct staged_order sim_copy_staged(struct arena *arena, const struct staged_order *order)
{
    struct staged_order copy = *order;
    copy.order.id = sim_copy_text(arena, order->order.id);
    copy.order.canonical = sim_copy_span(arena, order->order.canonical);
    copy.order.history = sim_copy_span(arena, order->order.history);
    struct deadline *deadlines = arena_array(arena, order->deadline_count, sizeof *deadlines);
    for (size_t i = 0; i < order->deadline_count; i++) {
        deadlines[i] = order->deadlines[i];
        deadlines[i].key = sim_copy_text(arena, deadlines[i].key);
    }
    copy.deadlines = deadlines;
    copy.events = sim_copy_news(arena, order->events, order->event_count);
    return copy;
}

/* --- reading ------------------------------------------------------------------------------- */

static struct sim_order *find_order(const struct sim_store *store, const char *source_name,
                                    const char *order_id)
{
    for (struct sim_order *order = store->orders; order != NULL; order = order->next) {
        if (text_equal(order->source_name, source_name) && text_equal(order->order.id, order_id)) {
            return order;
        }
    }
    return NULL;
}

const struct sim_order *sim_store_order(const struct sim_store *store, const char *source_name,
                                        const char *order_id)
{
    return find_order(store, source_name, order_id);
}

struct sim_state_row *sim_store_state(const struct sim_store *store, const char *sink_name,
                                      const char *source_name, const char *order_id)
{
    for (struct sim_state_row *row = store->states; row != NULL; row = row->next) {
        if (text_equal(row->sink_name, sink_name) && text_equal(row->source_name, source_name) &&
            text_equal(row->order_id, order_id)) {
            return row;
        }
    }
    return NULL;
}

/* --- committing ---------------------------------------------------------------------------- */

static struct sim_state_row *
add_state(struct sim_store *store, const struct sim_state_sink *state_sink, const char *order_id)
{
    struct sim_state_row *row = arena_alloc(store->arena, sizeof *row);
    row->sink_name = state_sink->sink_name;
    row->source_name = state_sink->source_name;
    row->order_id = sim_copy_text(store->arena, order_id);
    row->published = "";
    row->is_whole = true;
    row->next = store->states;
    store->states = row;
    return row;
}

static void mark_stale(struct sim_store *store, const char *source_name, const char *order_id)
{
    for (size_t i = 0; i < store->state_sink_count; i++) {
        const struct sim_state_sink *state_sink = &store->state_sinks[i];
        if (!text_equal(state_sink->source_name, source_name)) {
            continue;
        }
        struct sim_state_row *row =
            sim_store_state(store, state_sink->sink_name, source_name, order_id);
        if (row == NULL) {
            row = add_state(store, state_sink, order_id);
        }
        row->version++;
    }
}

void sim_store_refill(struct sim_store *store, const char *sink_name)
{
    for (struct sim_state_row *row = store->states; row != NULL; row = row->next) {
        if (text_equal(row->sink_name, sink_name)) {
            row->version += row->version == row->settled_version || !row->is_whole;
            row->is_whole = true;
        }
    }
}

static struct sim_row *add_row(struct sim_store *store)
{
    if (store->row_count == store->row_capacity) {
        store->row_capacity = store->row_capacity * 2 + 64;
        store->rows = alloc_resize(store->rows, store->row_capacity, sizeof *store->rows);
    }
    struct sim_row *row = &store->rows[store->row_count++];
    *row = (struct sim_row){.id = (int64_t)store->row_count, .progress = ""};
    return row;
}

static void add_event(struct sim_store *store, const struct new_event *news, int64_t at_wall_ms)
{
    const struct new_event *kept = sim_copy_news(store->arena, news, 1);
    if (store->event_count == store->event_capacity) {
        store->event_capacity = store->event_capacity * 2 + 64;
        /* NOLINTNEXTLINE(bugprone-sizeof-expression): they are pointers */
        store->events = alloc_resize(store->events, store->event_capacity, sizeof *store->events);
    }
    store->events[store->event_count++] = &kept->event;
    for (size_t i = 0; i < kept->delivery_count && kept->silence_id == NULL; i++) {
        const struct planned_delivery *plan = &kept->deliveries[i];
        if (plan->if_late != NULL && plan->due_wall_ms <= at_wall_ms) {
            plan = plan->if_late;
        }
        struct sim_row *row = add_row(store);
        row->event = &kept->event;
        row->sink_name = plan->sink_name;
        row->lane = plan->lane;
        row->bundle = plan->bundle;
        row->due_wall_ms = plan->due_wall_ms;
        row->first_due_wall_ms = plan->due_wall_ms;
        row->created_wall_ms = kept->event.wall_ms;
        row->created_mono_ms = store->sim->now.mono_ms;
    }
    sim_trace(store->sim, "committed %s %s %s/%" PRIu64 " for %zu", kept->event.id,
              event_type_name(kept->event.type), kept->event.order_id, kept->event.sequence,
              kept->delivery_count);
    if (store->watch.on_event != NULL) {
        store->watch.on_event(store->watch.arg, kept);
    }
}

static void write_order(struct sim_store *store, const struct commit *commit,
                        const struct staged_order *staged)
{
    const char *source_name = commit->source_name;
    struct staged_order copy = sim_copy_staged(store->arena, staged);
    struct sim_order *order = find_order(store, source_name, copy.order.id);
    if (order == NULL) {
        order = arena_alloc(store->arena, sizeof *order);
        order->source_name = sim_copy_text(store->arena, source_name);
        order->next = store->orders;
        store->orders = order;
    }
    order->order = copy.order;
    order->deadlines = copy.deadlines;
    order->deadline_count = copy.deadline_count;
    for (size_t i = 0; i < copy.event_count; i++) {
        add_event(store, &copy.events[i], commit->at_wall_ms);
    }
    mark_stale(store, source_name, copy.order.id);
    if (store->watch.on_order != NULL) {
        store->watch.on_order(store->watch.arg, source_name, &copy);
    }
}

static void write_value(struct sim_store *store, const struct stored_value *value)
{
    struct sim_value *place = store->values;
    while (place != NULL && !text_equal(place->key, value->key)) {
        place = place->next;
    }
    if (place == NULL) {
        place = arena_alloc(store->arena, sizeof *place);
        place->key = sim_copy_text(store->arena, value->key);
        place->next = store->values;
        store->values = place;
    }
    place->value = sim_copy_span(store->arena, value->value);
}

static void apply_staged(struct sim_store *store, const struct commit *commit,
                         const struct sim_staged *staged)
{
    if (staged == NULL) {
        return;
    }
    apply_staged(store, commit, staged->next); /* oldest first */
    if (text_equal(staged->source_name, commit->source_name)) {
        write_order(store, commit, &staged->order);
    }
}

void sim_store_apply(struct sim_store *store, const struct commit *commit,
                     const struct sim_staged *staged)
{
    if (commit->source_name != NULL) {
        apply_staged(store, commit, staged);
    }
    for (size_t i = 0; i < commit->order_count; i++) {
        write_order(store, commit, &commit->orders[i]);
    }
    for (size_t i = 0; i < commit->event_count; i++) {
        add_event(store, &commit->events[i], commit->at_wall_ms);
    }
    for (size_t i = 0; i < commit->value_count; i++) {
        write_value(store, &commit->values[i]);
    }
}

/* --- deliveries ---------------------------------------------------------------------------- */

static void plan_fallback(struct sim_store *store, size_t index,
                          const struct settlement *settlement)
{
    const struct event *event = store->rows[index].event;
    for (size_t i = 0; i < store->row_count; i++) {
        if (store->rows[i].event == event &&
            text_equal(store->rows[i].sink_name, settlement->fallback_sink_name)) {
            return;
        }
    }
    const char *lane = store->rows[index].lane;
    struct sim_row *row = add_row(store);
    row->event = event;
    row->sink_name = sim_copy_text(store->arena, settlement->fallback_sink_name);
    row->lane = lane;
    row->due_wall_ms = settlement->at_wall_ms;
    row->first_due_wall_ms = settlement->at_wall_ms;
    row->created_wall_ms = settlement->at_wall_ms;
}

static void settle_row(struct sim_store *store, size_t index, const struct settlement *settlement)
{
    struct sim_row *row = &store->rows[index];
    CHECK(row->state == ROW_PENDING);
    if (store->watch.on_settled != NULL) {
        store->watch.on_settled(store->watch.arg, row, settlement);
    }
    row->attempts_made += settlement->counts_attempt;
    row->detail = sim_copy_text(store->arena, settlement->detail);
    if (settlement->progress != NULL) {
        row->progress = sim_copy_text(store->arena, settlement->progress);
    }
    switch (settlement->kind) {
    case SETTLE_DELIVERED:
        row->state = ROW_DELIVERED;
        break;
    case SETTLE_LATER:
        row->due_wall_ms = settlement->due_wall_ms;
        row->is_retry = true;
        row->tried_mono_ms = store->sim->now.mono_ms;
        row->tried_wall_ms = settlement->at_wall_ms;
        break;
    case SETTLE_DEFERRED:
        row->due_wall_ms = settlement->due_wall_ms;
        row->first_due_wall_ms = settlement->due_wall_ms;
        row->is_retry = false;
        break;
    case SETTLE_PARKED:
        row->state = ROW_PARKED;
        if (settlement->fallback_sink_name != NULL) {
            plan_fallback(store, index, settlement);
        }
        break;
    }
}

static bool is_same_lane(const struct sim_row *left, const struct sim_row *right)
{
    return text_equal(left->sink_name, right->sink_name) && text_equal(left->lane, right->lane);
}

/* What was tried together stays together; what came later has another count or note. */
static bool is_with(const struct sim_row *head, const struct sim_row *row)
{
    if (row == head) {
        return true;
    }
    return row->state == ROW_PENDING && is_same_lane(head, row) && head->bundle != NULL &&
           text_equal(row->bundle, head->bundle) && row->attempts_made == head->attempts_made &&
           text_equal(row->progress, head->progress);
}

static void move_rest(struct sim_store *store, const struct settlement *settlement)
{
    const struct sim_row head = store->rows[settlement->delivery_id - 1];
    for (size_t i = (size_t)settlement->last_id; i < store->row_count; i++) {
        struct sim_row *row = &store->rows[i];
        if (row->state == ROW_PENDING && is_same_lane(&head, row) &&
            text_equal(row->bundle, head.bundle)) {
            row->lane = sim_copy_text(store->arena, settlement->rest->lane);
            row->bundle = sim_copy_text(store->arena, settlement->rest->bundle);
            row->due_wall_ms = settlement->rest->due_wall_ms;
            row->first_due_wall_ms = settlement->rest->due_wall_ms;
            row->is_retry = false;
        }
    }
}

/* Backwards: the others are compared with the head. */
static void settle_one(struct sim_store *store, const struct settlement *settlement)
{
    CHECK(settlement->delivery_id >= 1 && settlement->last_id <= (int64_t)store->row_count);
    size_t head = (size_t)settlement->delivery_id - 1;
    for (size_t row = (size_t)settlement->last_id; row-- > head;) {
        if (is_with(&store->rows[head], &store->rows[row])) {
            settle_row(store, row, settlement);
        }
    }
    if (settlement->rest != NULL) {
        move_rest(store, settlement);
    }
}

void sim_store_settle(struct sim_store *store, const struct settlement *settlements, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        settle_one(store, &settlements[i]);
    }
}

static bool is_excepted(const struct due_query *query, int64_t id)
{
    for (size_t i = 0; i < query->except_count; i++) {
        if (query->except[i] == id) {
            return true;
        }
    }
    return false;
}

static bool is_lane_head(const struct sim_store *store, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (store->rows[i].state == ROW_PENDING &&
            is_same_lane(&store->rows[i], &store->rows[index])) {
            return false;
        }
    }
    return true;
}

static bool is_due(const struct sim_row *row, const struct due_query *query)
{
    bool may_be_early = strncmp(row->lane, query->untried_lanes, strlen(query->untried_lanes)) == 0;
    bool is_early = may_be_early && row->due_wall_ms <= query->untried_wall_ms;
    bool is_stranded = query->has_gone_back && row->due_wall_ms <= row->created_wall_ms;
    return row->due_wall_ms <= query->now_wall_ms || is_stranded ||
           (!row->is_retry ? is_early : row->due_wall_ms > query->horizon_wall_ms);
}

int64_t sim_store_newest(const struct sim_store *store, const struct due_query *query)
{
    int64_t newest_wall_ms = INT64_MIN;
    for (size_t i = 0; i < store->row_count; i++) {
        const struct sim_row *row = &store->rows[i];
        if (row->state == ROW_PENDING && text_equal(row->sink_name, query->sink_name) &&
            row->due_wall_ms > query->now_wall_ms) {
            int64_t known = row->created_wall_ms > row->tried_wall_ms ? row->created_wall_ms
                                                                      : row->tried_wall_ms;
            newest_wall_ms = known > newest_wall_ms ? known : newest_wall_ms;
        }
    }
    return newest_wall_ms;
}

static bool is_elder(const struct sim_row *elder, const struct sim_row *row)
{
    return elder->state == ROW_PENDING && elder->id < row->id &&
           elder->first_due_wall_ms <= row->first_due_wall_ms &&
           text_equal(elder->sink_name, row->sink_name) && !is_same_lane(elder, row) &&
           row->event->order_id[0] != '\0' &&
           text_equal(elder->event->source_name, row->event->source_name) &&
           text_equal(elder->event->order_id, row->event->order_id);
}

/* When the first of those was planned to leave that it would overtake; INSTANT_NEVER: none. */
static int64_t elder_due(const struct sim_store *store, const struct sim_row *row)
{
    int64_t due_wall_ms = INSTANT_NEVER;
    for (int64_t i = 0; i < row->id - 1; i++) {
        if (is_elder(&store->rows[i], row)) {
            due_wall_ms = earlier(due_wall_ms, store->rows[i].first_due_wall_ms);
        }
    }
    return due_wall_ms;
}

static void gather_row(struct delivery *delivery, struct event *events, const struct sim_row *row)
{
    delivery->last_id = row->id;
    delivery->event_total++;
    delivery->severity_counts[row->event->severity]++;
    if (delivery->event_count < BUNDLE_EVENTS_MAX) {
        events[delivery->event_count++] = *row->event;
    }
}

/* Up to the first row that must wait; of no event: that is the head itself, or the whole still
 * waits. */
static struct delivery gather(struct sim_store *store, size_t index, const struct due_query *query,
                              struct arena *arena, size_t *bytes)
{
    const struct sim_row *head = &store->rows[index];
    struct event *events = arena_array(arena, BUNDLE_EVENTS_MAX, sizeof *events);
    struct delivery delivery = {.id = head->id,
                                .sink_name = head->sink_name,
                                .lane = head->lane,
                                .bundle = head->bundle,
                                .attempts_made = head->attempts_made,
                                .created_wall_ms = head->created_wall_ms,
                                .first_due_wall_ms = head->first_due_wall_ms,
                                .progress = head->progress,
                                .events = events};
    for (size_t i = index; i < store->row_count; i++) {
        const struct sim_row *row = &store->rows[i];
        if (row->state != ROW_PENDING || !is_same_lane(head, row)) {
            continue;
        }
        if (!is_with(head, row)) {
            break; /* without a gap, or the lane's order would be lost */
        }
        int64_t due_wall_ms = query->lanes_cross ? elder_due(store, row) : INSTANT_NEVER;
        if (due_wall_ms != INSTANT_NEVER) {
            if (due_wall_ms < head->first_due_wall_ms &&
                query->now_wall_ms < head->first_due_wall_ms + BUNDLE_WAIT_MS) {
                delivery.event_count = 0;
            }
            store->has_cut |= delivery.event_count != 0;
            break;
        }
        *bytes += row->event->json.size + row->event->personal.size;
        gather_row(&delivery, events, row);
    }
    return delivery;
}

size_t sim_store_due(struct sim_store *store, const struct due_query *query, struct arena *arena,
                     struct delivery *out, int64_t *next_due_wall_ms)
{
    size_t count = 0;
    size_t bytes = 0;
    *next_due_wall_ms = INSTANT_NEVER;
    for (size_t i = 0; i < store->row_count; i++) {
        const struct sim_row *row = &store->rows[i];
        if (row->state != ROW_PENDING || !text_equal(row->sink_name, query->sink_name) ||
            !is_lane_head(store, i) || is_excepted(query, row->id)) {
            continue;
        }
        if (is_due(row, query) && count < query->count_max &&
            (count == 0 || bytes < query->bytes_max)) {
            out[count] = gather(store, i, query, arena, &bytes);
            count += out[count].event_count != 0;
        } else if (row->due_wall_ms < *next_due_wall_ms) {
            *next_due_wall_ms = row->due_wall_ms;
        }
    }
    return count;
}
