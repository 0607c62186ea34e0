/* Which parcels leave together. */
#include "outlet_internal.h"

#include "core/arena.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TAG "batch/"
#define ALONE "alone"
#define ATTEMPTS_TOGETHER_MAX 3

static const struct batch_config *config_of(const struct outlet *outlet)
{
    return &outlet->sink->webhook.batch;
}

static bool is_tagged(const struct parcel *parcel)
{
    return strncmp(parcel->delivery.progress, TAG, strlen(TAG)) == 0;
}

/* How many may be in a batch that has this parcel; at least 1. */
static size_t count_max_with(const struct outlet *outlet, const struct parcel *parcel)
{
    bool is_single = outlet->batch_count <= 1 || parcel->delivery.bundle != NULL ||
                     text_equal(parcel->delivery.progress, ALONE);
    if (is_single) {
        return 1;
    }
    size_t count = outlet->batch_count;
    return parcel->part_max != 0 && parcel->part_max < count ? parcel->part_max : count;
}

/* What was tried together stays together, and nothing joins it. */
static bool belongs_to(const struct parcel *first, const struct parcel *other)
{
    if (first->part_max != other->part_max) {
        return false;
    }
    bool is_split = first->part_max != 0;
    if (!is_split && (is_tagged(first) || is_tagged(other))) {
        return text_equal(first->delivery.progress, other->delivery.progress);
    }
    return true;
}

static void gather(struct consignment *consignment, struct parcel *first)
{
    const struct outlet *outlet = consignment->outlet;
    const struct hand *hand = &outlet->hand;
    size_t count_max = count_max_with(outlet, first);
    size_t bytes = first->bytes;
    consignment->parcels = alloc_array(count_max, sizeof(struct parcel *));
    consignment->parcels[consignment->count++] = first;
    for (size_t i = 0; i < hand->count && consignment->count < count_max; i++) {
        struct parcel *other = hand->parcels[i];
        if (other == first || other->state != PARCEL_WAITING || !belongs_to(first, other) ||
            count_max_with(outlet, other) == 1) {
            continue;
        }
        if (bytes + other->bytes > config_of(outlet)->bytes) {
            consignment->is_full = true;
            return;
        }
        bytes += other->bytes;
        consignment->parcels[consignment->count++] = other;
    }
    consignment->is_full = consignment->count == count_max;
}

static int compare_ids(const void *left, const void *right)
{
    const struct parcel *const *a = left;
    const struct parcel *const *b = right;
    return ((*a)->delivery.id > (*b)->delivery.id) - ((*a)->delivery.id < (*b)->delivery.id);
}

/* In the order of their ids, so that a batch that is tried again is the same to the byte. */
static void put_together(struct consignment *consignment)
{
    qsort(consignment->parcels, consignment->count, sizeof(struct parcel *), compare_ids);
    struct delivery *delivery = &consignment->delivery;
    *delivery = consignment->parcels[0]->delivery;
    if (consignment->count == 1) {
        return;
    }
    consignment->events = alloc_array(consignment->count, sizeof *consignment->events);
    for (size_t i = 0; i < consignment->count; i++) {
        const struct delivery *each = &consignment->parcels[i]->delivery;
        CHECK(each->event_count == 1);
        consignment->events[i] = each->events[0];
        if (each->attempts_made > delivery->attempts_made) {
            delivery->attempts_made = each->attempts_made;
        }
    }
    delivery->events = consignment->events;
    delivery->event_count = consignment->count;
    delivery->event_total = consignment->count;
}

struct consignment *consignment_create(struct outlet *outlet, struct parcel *first)
{
    CHECK(first->state == PARCEL_WAITING);
    struct consignment *consignment = alloc(sizeof *consignment);
    consignment->outlet = outlet;
    gather(consignment, first);
    put_together(consignment);
    return consignment;
}

void consignment_destroy(struct consignment *consignment)
{
    free(consignment->events);
    free(consignment->parcels);
    free(consignment);
}

int64_t batch_wait_ms(const struct outlet *outlet, const struct parcel *parcel)
{
    if (count_max_with(outlet, parcel) == 1 || parcel->delivery.attempts_made != 0 ||
        is_tagged(parcel) || parcel->part_max != 0 || outlet->is_flushing) {
        return 0;
    }
    int64_t age_ms = outlet->clock.now.wall_ms - parcel_age_starts_wall_ms(parcel);
    int64_t wait_ms = config_of(outlet)->wait_ms - age_ms;
    return age_ms >= 0 && wait_ms > 0 ? wait_ms : 0; /* the wall clock went back: now */
}

const char *batch_progress(const struct consignment *consignment, const struct parcel *parcel)
{
    if (consignment->count == 1) {
        return is_tagged(parcel) ? ALONE : NULL;
    }
    if (consignment->delivery.attempts_made + 1 >= ATTEMPTS_TOGETHER_MAX) {
        return ALONE;
    }
    return arena_format(parcel->arena, TAG "%" PRId64, consignment->delivery.id);
}
