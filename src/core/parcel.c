#include "core/parcel.h"

#include "core/log.h"

#include "core/arena.h"
#include "core/hash.h"
#include "core/keep.h"

#include <stdlib.h>

static bool is_news_of_sinks(const struct delivery *delivery)
{
    for (size_t i = 0; i < delivery->event_count; i++) {
        enum event_type type = delivery->events[i].type;
        if (type != EVENT_SINK_FAILING && type != EVENT_SINK_RECOVERED &&
            type != EVENT_SINK_PARKED) {
            return false;
        }
    }
    return true;
}

/* Hundreds of parcels are in hand at once: their memory fits, most often in one piece. */
#define TEXTS_BYTES 1024

static size_t size_of_events(const struct delivery *delivery)
{
    size_t size = 0;
    for (size_t i = 0; i < delivery->event_count; i++) {
        size += delivery->events[i].json.size + delivery->events[i].personal.size;
    }
    return size;
}

struct parcel *parcel_create(struct outlet *outlet, const struct delivery *delivery)
{
    struct parcel *parcel = alloc(sizeof *parcel);
    parcel->bytes = size_of_events(delivery);
    struct arena *arena = arena_create_small(parcel->bytes + TEXTS_BYTES);
    parcel->outlet = outlet;
    parcel->arena = arena;
    parcel->delivery = *delivery;
    parcel->delivery.sink_name = keep_string(arena, delivery->sink_name);
    parcel->delivery.lane = keep_string(arena, delivery->lane);
    parcel->delivery.bundle = keep_string(arena, delivery->bundle);
    parcel->delivery.progress = keep_string(arena, delivery->progress);
    struct event *events = arena_array(arena, delivery->event_count, sizeof *events);
    for (size_t i = 0; i < delivery->event_count; i++) {
        events[i] = keep_event(arena, &delivery->events[i]);
    }
    parcel->delivery.events = events;
    parcel->events = events;
    parcel->lane_hash = hash64(span_of(delivery->lane));
    parcel->is_news_of_sinks = is_news_of_sinks(delivery);
    return parcel;
}

void parcel_destroy(struct parcel *parcel)
{
    if (parcel == NULL) {
        return;
    }
    arena_destroy(parcel->arena);
    free(parcel);
}

static const char *settle_name(enum settle_kind kind)
{
    switch (kind) {
    case SETTLE_DELIVERED:
        return "delivered";
    case SETTLE_LATER:
        return "later";
    case SETTLE_PARKED:
        return "parked";
    case SETTLE_DEFERRED:
        return "deferred";
    }
    CHECK(!"an end that does not exist");
}

static const struct stored_value *copy_values(struct arena *arena,
                                              const struct stored_value *values, size_t count)
{
    struct stored_value *copies = arena_array(arena, count, sizeof *copies);
    for (size_t i = 0; i < count; i++) {
        copies[i].key = keep_string(arena, values[i].key);
        copies[i].value = keep_span(arena, values[i].value);
    }
    return copies;
}

void parcel_end(struct parcel *parcel, enum settle_kind kind, const struct send_result *result)
{
    CHECK(parcel->state == PARCEL_WAITING || parcel->state == PARCEL_SENDING);
    parcel->state = PARCEL_ENDED;
    LOG_DEBUG("attempt_ended", log_text("sink", parcel->delivery.sink_name),
              log_text("outcome", settle_name(kind)), log_number("delivery", parcel->delivery.id),
              log_text("lane", parcel->delivery.lane), log_text("answer", result->detail));
    parcel->settlement = (struct settlement){
        .delivery_id = parcel->delivery.id,
        .last_id = parcel->delivery.last_id,
        .kind = kind,
        .at_wall_ms = result->at.wall_ms,
        .due_wall_ms = result->at.wall_ms,
        .progress = keep_string(parcel->arena, result->progress),
        .detail = keep_string(parcel->arena, result->detail),
        .values = copy_values(parcel->arena, result->values, result->value_count),
        .value_count = result->value_count};
}

int64_t parcel_age_starts_wall_ms(const struct parcel *parcel)
{
    const struct delivery *delivery = &parcel->delivery;
    return delivery->created_wall_ms > delivery->first_due_wall_ms ? delivery->created_wall_ms
                                                                   : delivery->first_due_wall_ms;
}

/* While one sync of the store lasts a quick receiver takes many windows; they are settled in one.
 */
#define HAND_WINDOWS 32

void hand_init(struct hand *hand, size_t window)
{
    *hand =
        (struct hand){.count_max = window < HAND_COUNT_MAX / HAND_WINDOWS ? window * HAND_WINDOWS
                                                                          : HAND_COUNT_MAX};
}

bool hand_add(struct hand *hand, struct parcel *parcel)
{
    CHECK(hand->count < HAND_COUNT_MAX);
    for (size_t i = 0; i < hand->count; i++) {
        if (hand->parcels[i]->lane_hash == parcel->lane_hash) {
            return false;
        }
    }
    hand->parcels[hand->count++] = parcel;
    hand->bytes += parcel->bytes;
    return true;
}

size_t hand_count_in(const struct hand *hand, enum parcel_state state)
{
    size_t count = 0;
    for (size_t i = 0; i < hand->count; i++) {
        count += hand->parcels[i]->state == state;
    }
    return count;
}

static int compare_ids(const void *left, const void *right)
{
    const int64_t *a = left;
    const int64_t *b = right;
    return (*a > *b) - (*a < *b);
}

size_t hand_ids(const struct hand *hand, int64_t ids[static HAND_COUNT_MAX])
{
    for (size_t i = 0; i < hand->count; i++) {
        ids[i] = hand->parcels[i]->delivery.id;
    }
    qsort(ids, hand->count, sizeof ids[0], compare_ids);
    return hand->count;
}

size_t hand_take_ended(struct hand *hand, struct settlement *settlements)
{
    size_t count = 0;
    for (size_t i = 0; i < hand->count; i++) {
        if (hand->parcels[i]->state == PARCEL_ENDED) {
            hand->parcels[i]->state = PARCEL_SETTLING;
            settlements[count++] = hand->parcels[i]->settlement;
        }
    }
    return count;
}

static void count_settled(const struct parcel *parcel, struct outlet_totals *totals)
{
    size_t count = parcel->delivery.event_total;
    switch (parcel->settlement.kind) {
    case SETTLE_DELIVERED:
        totals->delivered += count;
        histogram_add(&totals->latency,
                      (double)(parcel->settlement.at_wall_ms - parcel_age_starts_wall_ms(parcel)) /
                          1000,
                      count);
        break;
    case SETTLE_LATER:
        totals->retried += count;
        break;
    case SETTLE_PARKED:
        totals->parked += count;
        totals->parked_news += parcel->is_news_of_sinks ? count : 0;
        break;
    case SETTLE_DEFERRED:
        break;
    }
}

void hand_forget_settling(struct hand *hand, struct outlet_totals *totals)
{
    size_t kept = 0;
    for (size_t i = 0; i < hand->count; i++) {
        struct parcel *parcel = hand->parcels[i];
        if (parcel->state == PARCEL_SETTLING) {
            count_settled(parcel, totals);
            hand->bytes -= parcel->bytes;
            parcel_destroy(parcel);
        } else {
            hand->parcels[kept++] = parcel;
        }
    }
    hand->count = kept;
}

void hand_keep_settling(struct hand *hand)
{
    for (size_t i = 0; i < hand->count; i++) {
        if (hand->parcels[i]->state == PARCEL_SETTLING) {
            hand->parcels[i]->state = PARCEL_ENDED;
        }
    }
}

struct parcel *hand_choose_after(const struct hand *hand, int64_t id)
{
    struct parcel *first = NULL;
    struct parcel *next = NULL;
    for (size_t i = 0; i < hand->count; i++) {
        struct parcel *parcel = hand->parcels[i];
        if (parcel->state != PARCEL_WAITING) {
            continue;
        }
        if (first == NULL || parcel->delivery.id < first->delivery.id) {
            first = parcel;
        }
        if (parcel->delivery.id > id && (next == NULL || parcel->delivery.id < next->delivery.id)) {
            next = parcel;
        }
    }
    return next != NULL ? next : first;
}

void hand_clear(struct hand *hand)
{
    for (size_t i = 0; i < hand->count; i++) {
        parcel_destroy(hand->parcels[i]);
    }
    hand->count = 0;
    hand->bytes = 0;
}
