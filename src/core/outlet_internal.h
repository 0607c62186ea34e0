/* What outlet's files share: the store's side and the turns, the sink's side, and batches. */
#ifndef CORE_OUTLET_INTERNAL_H
#define CORE_OUTLET_INTERNAL_H

#include "core/due_clock.h"
#include "core/outlet.h"
#include "core/pacer.h"

/* One kind of question to the store, and how often in a row it went wrong. */
struct question {
    bool is_asked;
    uint32_t failures;
    int64_t failing_since_mono_ms, retry_mono_ms;
};

struct outlet {
    const struct config *config;
    size_t sink_index;
    const struct sink_config *sink;
    struct sink_port port;
    struct store_port store;
    bool lanes_cross;
    struct circuit circuit;
    struct pacer pacer;
    struct due_clock clock;
    struct random random;
    struct hand hand;
    uint32_t in_flight;
    int64_t last_probe_id;
    uint32_t batch_count; /* how many events leave together now; the receiver may want fewer */

    struct outlook_scan *outlook; /* for digests; NULL: there are none */
    struct question fetching, settling;
    bool wants_fetch, has_fetched, is_paused, is_stopping, is_flushing;
    int64_t next_due_wall_ms, flush_ahead_ms;

    struct outlet_totals totals;
    char last_detail[200];
};

/* --- outlet_send.c --- */

void outlet_send_waiting(struct outlet *outlet);
void outlet_park_waiting(struct outlet *outlet);
/* When a waiting parcel may leave or is to be looked at again; INSTANT_NEVER: a done comes first.
 */
int64_t outlet_next_send_mono_ms(const struct outlet *outlet);

/* --- outlet_route.c --- */

void outlet_defer_quiet(struct outlet *outlet); /* what waits, while its routes are quiet */
void outlet_note_manners(struct outlet *outlet, struct parcel *parcel); /* fresh from the store */

/* --- outlet_batch.c --- */

/* What leaves as one message: a delivery, or a batch of them from several lanes. */
struct consignment {
    struct outlet *outlet;
    struct delivery delivery; /* of a batch: its first one, with the events of all */
    struct event *events;     /* of a batch; NULL: a single delivery's own */
    struct parcel **parcels;
    size_t count;
    bool is_probe;
    bool is_full; /* no further one fits */
};

/* What leaves with this parcel: itself first. */
struct consignment *consignment_create(struct outlet *outlet, struct parcel *first);
void consignment_destroy(struct consignment *consignment);
/* How long the parcel may still wait for company; 0: it goes as it is. */
int64_t batch_wait_ms(const struct outlet *outlet, const struct parcel *parcel);
/* What is noted with a batch that is tried again, so that the same ones leave together under the
 * same id; a batch that keeps failing is told apart, for one of its events may be to blame. */
const char *batch_progress(const struct consignment *consignment, const struct parcel *parcel);

#endif
