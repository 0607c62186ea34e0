/* A delivery in hand: the store's answer copied, and how its attempt ended. */
#ifndef CORE_PARCEL_H
#define CORE_PARCEL_H

#include "core/histogram.h"
#include "core/ports.h"

enum parcel_state {
    PARCEL_WAITING,  /* fetched, not yet sent */
    PARCEL_SENDING,  /* the sink has it */
    PARCEL_ENDED,    /* its settlement is to be written */
    PARCEL_SETTLING, /* the store is writing it */
};

struct outlet;

struct parcel {
    struct outlet *outlet;
    struct arena *arena; /* owns every text of the delivery and the settlement */
    struct delivery delivery;
    struct event *events; /* the delivery's */
    size_t bytes;         /* of its events */
    uint64_t lane_hash;
    enum parcel_state state;
    size_t part_max; /* of a batch that was refused: how many may be together; 0: any number */
    bool is_news_of_sinks; /* nothing but sink.* events: its parking is not told again */
    struct settlement settlement;
};

struct parcel *parcel_create(struct outlet *outlet, const struct delivery *delivery);
void parcel_destroy(struct parcel *parcel); /* NULL is fine */
/* progress NULL: as it was. */
void parcel_end(struct parcel *parcel, enum settle_kind kind, const struct send_result *result);
int64_t parcel_age_starts_wall_ms(const struct parcel *parcel);

/* Since start, and durable: counted in events. */
struct outlet_totals {
    uint64_t delivered, retried, parked;
    uint64_t parked_news;     /* of the parked: events of sinks, whose parking is not told again */
    struct histogram latency; /* of the delivered: from when they could leave */
};

#define HAND_COUNT_MAX 512
#define HAND_BYTES_MAX (2u << 20)

/* What one sink has in hand, oldest first, one delivery of a lane at most. */
struct hand {
    struct parcel *parcels[HAND_COUNT_MAX];
    size_t count, count_max, bytes;
};

void hand_init(struct hand *hand, size_t window);
/* False: it holds another of this lane, and parcel stays the caller's. */
bool hand_add(struct hand *hand, struct parcel *parcel) MUST_CHECK;
size_t hand_count_in(const struct hand *hand, enum parcel_state state);
size_t hand_ids(const struct hand *hand, int64_t ids[static HAND_COUNT_MAX]); /* sorted */
/* Marks what has ended as settling and gives it to be written: as many as hand_count_in says. */
size_t hand_take_ended(struct hand *hand, struct settlement *settlements);
void hand_forget_settling(struct hand *hand, struct outlet_totals *totals); /* it is written */
void hand_keep_settling(struct hand *hand); /* it could not be written: it has ended, as before */
/* Of those that wait, the one with the next id, round and round; NULL: none waits. */
struct parcel *hand_choose_after(const struct hand *hand, int64_t id);
void hand_clear(struct hand *hand);

#endif
