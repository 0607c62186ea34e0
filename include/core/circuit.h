/* Whether a sink is worth trying: closed while it answers, open while it is away. Pure. */
#ifndef CORE_CIRCUIT_H
#define CORE_CIRCUIT_H

#include "core/retry.h"

enum circuit_state { CIRCUIT_CLOSED, CIRCUIT_OPEN, CIRCUIT_PROBING, CIRCUIT_DISABLED };

#define REFUSED_LANES_MAX                                                                          \
    5 /* so many lanes refused in a row: it is the sink, not the deliveries                        \
       */

struct circuit {
    enum circuit_state state;
    const struct retry_policy *policy;
    struct random random;
    uint32_t window, window_max; /* sends at once; small after an outage */
    uint32_t failed_probes;
    int64_t probe_mono_ms;
    int64_t held_until_mono_ms;   /* the receiver asked all of us to wait */
    uint64_t held_lane;           /* by its answer to this one */
    bool has_taken_others;        /* since that answer */
    struct instant failing_since; /* since the first failure without a success; 0: it works */
    bool has_answered;            /* since start */
    uint64_t refused_lanes[REFUSED_LANES_MAX];
    size_t refused_lane_count;
};

/* policy is borrowed and must outlive the circuit. */
void circuit_init(struct circuit *circuit, const struct retry_policy *policy, uint32_t window_max,
                  uint64_t seed);

/* How many more sends may start now. While the circuit is open: one, when a probe is due. */
uint32_t circuit_room(const struct circuit *circuit, uint32_t in_flight, int64_t now_mono_ms);
/* From when on there is room; INSTANT_NEVER: an answer comes first. */
int64_t circuit_next_mono_ms(const struct circuit *circuit, uint32_t in_flight,
                             int64_t now_mono_ms);
/* Until when nothing leaves; 0: nothing is in its way, or it is disabled. */
int64_t circuit_pause_ends_mono_ms(const struct circuit *circuit, int64_t now_mono_ms);
bool circuit_sends(struct circuit *circuit); /* a send starts; true: it is the probe */

/* The receiver decided on this lane: it works. */
void circuit_answered(struct circuit *circuit, uint64_t lane_hash);
/* The receiver refused this lane for now. */
void circuit_refused(struct circuit *circuit, uint64_t lane_hash, bool is_probe,
                     int64_t server_hint_ms, struct instant now);
/* The sink as a whole is away. */
void circuit_lost(struct circuit *circuit, bool is_probe, int64_t server_hint_ms,
                  struct instant now);
/* The receiver is there and asks for a pause: nothing leaves before, and then slowly. Not so if it
 * asks again over the same lane while it took others: that is that lane's affair. */
void circuit_hold(struct circuit *circuit, uint64_t lane_hash, int64_t until_mono_ms);
void circuit_available(struct circuit *circuit, int64_t now_mono_ms); /* probe at once */
void circuit_disable(struct circuit *circuit, struct instant now);
/* Opens a disabled sink, with a small window, and ends a pause that its receiver asked for. */
void circuit_enable(struct circuit *circuit);

#endif
