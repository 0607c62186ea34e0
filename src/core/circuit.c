#include "core/circuit.h"

void circuit_init(struct circuit *circuit, const struct retry_policy *policy, uint32_t window_max,
                  uint64_t seed)
{
    CHECK(window_max >= 1);
    *circuit = (struct circuit){.state = CIRCUIT_CLOSED,
                                .policy = policy,
                                .random = {.state = seed},
                                .window = window_max,
                                .window_max = window_max};
}

uint32_t circuit_room(const struct circuit *circuit, uint32_t in_flight, int64_t now_mono_ms)
{
    if (now_mono_ms < circuit->held_until_mono_ms) {
        return 0;
    }
    switch (circuit->state) {
    case CIRCUIT_CLOSED:
        return in_flight < circuit->window ? circuit->window - in_flight : 0;
    case CIRCUIT_OPEN:
        return now_mono_ms >= circuit->probe_mono_ms && in_flight < circuit->window_max ? 1 : 0;
    case CIRCUIT_PROBING:
    case CIRCUIT_DISABLED:
        break;
    }
    return 0;
}

int64_t circuit_pause_ends_mono_ms(const struct circuit *circuit, int64_t now_mono_ms)
{
    int64_t end = now_mono_ms;
    if (circuit->state == CIRCUIT_OPEN && circuit->probe_mono_ms > end) {
        end = circuit->probe_mono_ms;
    }
    if (circuit->state != CIRCUIT_DISABLED && circuit->held_until_mono_ms > end) {
        end = circuit->held_until_mono_ms;
    }
    return end > now_mono_ms ? end : 0;
}

int64_t circuit_next_mono_ms(const struct circuit *circuit, uint32_t in_flight, int64_t now_mono_ms)
{
    int64_t end = circuit_pause_ends_mono_ms(circuit, now_mono_ms);
    int64_t from = end != 0 ? end : now_mono_ms;
    return circuit_room(circuit, in_flight, from) != 0 ? from : INSTANT_NEVER;
}

bool circuit_sends(struct circuit *circuit)
{
    if (circuit->state != CIRCUIT_OPEN) {
        return false;
    }
    circuit->state = CIRCUIT_PROBING;
    return true;
}

void circuit_answered(struct circuit *circuit, uint64_t lane_hash)
{
    if (circuit->state == CIRCUIT_DISABLED) {
        return;
    }
    circuit->has_taken_others |= lane_hash != circuit->held_lane;
    /* One more for each answer doubles the window with every round trip. */
    if (circuit->state != CIRCUIT_CLOSED) {
        circuit->window = 1;
    } else if (circuit->window < circuit->window_max) {
        circuit->window++;
    }
    circuit->state = CIRCUIT_CLOSED;
    circuit->failed_probes = 0;
    circuit->refused_lane_count = 0;
    circuit->failing_since = (struct instant){0};
    circuit->has_answered = true;
}

static void begin_failing(struct circuit *circuit, struct instant now)
{
    if (circuit->failing_since.wall_ms == 0) {
        circuit->failing_since = now;
    }
}

static void break_circuit(struct circuit *circuit, int64_t server_hint_ms, struct instant now)
{
    circuit->state = CIRCUIT_OPEN;
    circuit->failed_probes++;
    circuit->probe_mono_ms = now.mono_ms + retry_delay_ms(circuit->policy, circuit->failed_probes,
                                                          server_hint_ms, &circuit->random);
}

/* What was sent before the circuit opened says nothing new when it fails too. */
static bool is_late(const struct circuit *circuit, bool is_probe)
{
    return circuit->state == CIRCUIT_DISABLED || circuit->state == CIRCUIT_OPEN ||
           (circuit->state == CIRCUIT_PROBING && !is_probe);
}

void circuit_lost(struct circuit *circuit, bool is_probe, int64_t server_hint_ms,
                  struct instant now)
{
    begin_failing(circuit, now);
    if (!is_late(circuit, is_probe)) {
        break_circuit(circuit, server_hint_ms, now);
    }
}

static bool knows_lane(const struct circuit *circuit, uint64_t lane_hash)
{
    for (size_t i = 0; i < circuit->refused_lane_count; i++) {
        if (circuit->refused_lanes[i] == lane_hash) {
            return true;
        }
    }
    return false;
}

void circuit_refused(struct circuit *circuit, uint64_t lane_hash, bool is_probe,
                     int64_t server_hint_ms, struct instant now)
{
    begin_failing(circuit, now);
    if (is_late(circuit, is_probe)) {
        return;
    }
    if (circuit->state == CIRCUIT_PROBING) {
        break_circuit(circuit, server_hint_ms, now);
        return;
    }
    if (!knows_lane(circuit, lane_hash)) {
        circuit->refused_lanes[circuit->refused_lane_count++] = lane_hash;
    }
    if (circuit->refused_lane_count == REFUSED_LANES_MAX) {
        circuit->refused_lane_count = 0;
        break_circuit(circuit, server_hint_ms, now);
    }
}

void circuit_hold(struct circuit *circuit, uint64_t lane_hash, int64_t until_mono_ms)
{
    if (lane_hash == circuit->held_lane && circuit->has_taken_others) {
        return;
    }
    circuit->held_lane = lane_hash;
    circuit->has_taken_others = false;
    if (until_mono_ms > circuit->held_until_mono_ms) {
        circuit->held_until_mono_ms = until_mono_ms;
    }
    circuit->window = 1;
}

void circuit_available(struct circuit *circuit, int64_t now_mono_ms)
{
    if (circuit->state == CIRCUIT_OPEN) {
        circuit->probe_mono_ms = now_mono_ms;
    }
}

void circuit_disable(struct circuit *circuit, struct instant now)
{
    begin_failing(circuit, now);
    circuit->state = CIRCUIT_DISABLED;
}

void circuit_enable(struct circuit *circuit)
{
    circuit->held_until_mono_ms = 0;
    if (circuit->state == CIRCUIT_DISABLED) {
        circuit->state = CIRCUIT_CLOSED;
        circuit->window = 1;
        circuit->failed_probes = 0;
        circuit->refused_lane_count = 0;
    }
}
