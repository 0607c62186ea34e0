/* One sink's way out: a few deliveries in hand, a window of sends, settlements in one go. */
#ifndef CORE_OUTLET_H
#define CORE_OUTLET_H

#include "core/circuit.h"
#include "core/outlook.h"
#include "core/parcel.h"

struct outlet;

struct outlet_options {
    const struct config *config; /* borrowed until outlet_use_routes gives another */
    size_t sink_index;           /* in config->sinks; that sink must outlive the outlet */
    struct sink_port port;
    struct store_port store;
    struct outlook_options outlook; /* of its digests */
    uint64_t seed;
};

struct outlet *outlet_create(const struct outlet_options *options);
void outlet_destroy(struct outlet *outlet); /* requires idle; NULL is fine */

/* Takes over from the outlet of the same sink before a reload: the totals, and a pause. */
void outlet_inherit(struct outlet *outlet, const struct outlet *before);
/* After a reload: routes and outlook by this configuration. What was planned by the one before may
 * still wait, so lanes that once crossed are taken to. */
void outlet_use_config(struct outlet *outlet, const struct config *config, size_t sink_index);

void outlet_expect_news(struct outlet *outlet);
/* Digests that were never tried are due at once if they are due within ahead_ms. */
void outlet_flush(struct outlet *outlet, int64_t ahead_ms);
/* Returns the mono ms of the next call; now.mono_ms: again at once. */
int64_t outlet_turn(struct outlet *outlet, struct instant now);

void outlet_available(struct outlet *outlet); /* the receiver is there: probe at once */
void outlet_disable(struct outlet *outlet, struct instant now);
void outlet_hold(struct outlet *outlet, int64_t until_mono_ms); /* the receiver asked for it */
void outlet_resume(struct outlet *outlet);
void outlet_pause(struct outlet *outlet, bool is_paused);
bool outlet_is_paused(const struct outlet *outlet);
void outlet_stop(struct outlet *outlet); /* no new sends; running ones finish and are settled */

const struct circuit *outlet_circuit(const struct outlet *outlet);
struct outlet_totals outlet_totals(const struct outlet *outlet);
const char *outlet_last_detail(const struct outlet *outlet); /* "" if nothing was refused */
size_t outlet_in_flight(const struct outlet *outlet);
bool outlet_is_empty(const struct outlet *outlet); /* nothing in hand, nothing due, nothing asked */
/* In a flush: what it holds cannot leave now, the sink or the store has been away for a while. */
bool outlet_is_stuck(const struct outlet *outlet);
bool outlet_is_idle(const struct outlet *outlet); /* no port owes an answer */

#endif
