#include "core/outlet.h"

#include "core/due_clock.h"
#include "core/log.h"

#include <stdlib.h>
#include <string.h>

#define FLUSH_PATIENCE_MS 10000

static const struct retry_policy store_retry = {.first_ms = 500, .cap_ms = 30000};

/* One kind of question to the store, and how often in a row it went wrong. */
struct question {
    bool is_asked;
    uint32_t failures;
    int64_t failing_since_mono_ms, retry_mono_ms;
};

struct outlet {
    const struct sink_config *sink;
    struct sink_port port;
    struct store_port store;
    struct circuit circuit;
    struct due_clock clock;
    struct random random;
    struct hand hand;
    uint32_t in_flight;
    int64_t last_probe_id;

    struct question fetching, settling;
    bool wants_fetch, is_paused, is_stopping;
    int64_t next_due_wall_ms, flush_ahead_ms;

    struct outlet_totals totals;
    char last_detail[200];
};

struct outlet *outlet_create(const struct outlet_options *options)
{
    struct outlet *outlet = alloc(sizeof *outlet);
    uint32_t asked = options->sink->in_flight_max;
    uint32_t window = asked < HAND_COUNT_MAX ? asked : HAND_COUNT_MAX;
    outlet->sink = options->sink;
    outlet->port = options->port;
    outlet->store = options->store;
    outlet->random.state = options->seed;
    circuit_init(&outlet->circuit, &options->sink->retry, window, ~options->seed);
    histogram_init(&outlet->totals.latency, latency_bounds_s, ARRAY_COUNT(latency_bounds_s));
    due_clock_init(&outlet->clock, &options->sink->retry);
    hand_init(&outlet->hand, window);
    outlet->wants_fetch = true;
    outlet->next_due_wall_ms = INSTANT_NEVER;
    return outlet;
}

void outlet_destroy(struct outlet *outlet)
{
    if (outlet == NULL) {
        return;
    }
    CHECK(outlet_is_idle(outlet));
    hand_clear(&outlet->hand);
    free(outlet);
}

/* --- the store's side --------------------------------------------------------------------- */

static void note_answer(struct outlet *outlet, struct question *question, enum status status,
                        const char *detail)
{
    question->is_asked = false;
    if (status == STATUS_OK) {
        question->failures = 0;
        return;
    }
    int64_t now_mono_ms = outlet->clock.now.mono_ms;
    if (question->failures++ == 0) {
        question->failing_since_mono_ms = now_mono_ms;
        LOG_WARN("sink_store_failed", log_text("sink", outlet->sink->name),
                 log_text("status", status_name(status)), log_text("reason", detail));
    }
    question->retry_mono_ms = now_mono_ms + retry_delay_ms(&store_retry, question->failures,
                                                           store_retry.first_ms, &outlet->random);
}

static bool may_ask(const struct outlet *outlet, const struct question *question)
{
    return !question->is_asked &&
           (question->failures == 0 || outlet->clock.now.mono_ms >= question->retry_mono_ms);
}

/* A parked delivery that is retried by hand comes before the one of its lane that is in hand: it
 * waits until that one is settled, and is asked for again. */
static void take_in(struct outlet *outlet, const struct delivery *delivery)
{
    struct parcel *parcel = parcel_create(outlet, delivery);
    if (!hand_add(&outlet->hand, parcel)) {
        parcel_destroy(parcel);
    }
}

static void on_due(void *arg, const struct due_result *result)
{
    struct outlet *outlet = arg;
    note_answer(outlet, &outlet->fetching, result->status, result->detail);
    if (result->status != STATUS_OK) {
        outlet->wants_fetch = true;
        return;
    }
    for (size_t i = 0; i < result->delivery_count; i++) {
        take_in(outlet, &result->deliveries[i]);
    }
    outlet->next_due_wall_ms = result->next_due_wall_ms;
}

static void fetch_due(struct outlet *outlet)
{
    int64_t ids[HAND_COUNT_MAX];
    struct due_query query = {
        .sink_name = outlet->sink->name,
        .now_wall_ms = outlet->clock.now.wall_ms,
        .horizon_wall_ms = due_clock_horizon_wall_ms(&outlet->clock),
        .untried_wall_ms = outlet->clock.now.wall_ms + outlet->flush_ahead_ms,
        .count_max = outlet->hand.count_max - outlet->hand.count,
        .bytes_max = HAND_BYTES_MAX - outlet->hand.bytes,
        .except = ids,
        .except_count = hand_ids(&outlet->hand, ids),
    };
    outlet->wants_fetch = false;
    outlet->fetching.is_asked = true;
    outlet->next_due_wall_ms = INSTANT_NEVER;
    outlet->store.fetch_due(outlet->store.self, &query, on_due, outlet);
}

static bool has_due(const struct outlet *outlet)
{
    return outlet->wants_fetch || outlet->clock.now.wall_ms >= outlet->next_due_wall_ms;
}

/* Filled up when half of it has been sent: few questions, and the answers in time. */
static bool has_room(const struct outlet *outlet)
{
    const struct hand *hand = &outlet->hand;
    return hand->count < hand->count_max && hand->bytes < HAND_BYTES_MAX &&
           hand_count_in(hand, PARCEL_WAITING) <= hand->count_max / 2;
}

/* A failed write keeps what is known here: it is written again, and nothing is sent again. */
static void on_settled(void *arg, enum status status, const char *detail)
{
    struct outlet *outlet = arg;
    outlet->wants_fetch = true; /* the lanes' next ones */
    note_answer(outlet, &outlet->settling, status, detail);
    if (status != STATUS_OK) {
        hand_keep_settling(&outlet->hand);
        return;
    }
    hand_forget_settling(&outlet->hand, &outlet->totals);
}

static void settle_ended(struct outlet *outlet)
{
    if (!may_ask(outlet, &outlet->settling)) {
        return;
    }
    struct settlement settlements[HAND_COUNT_MAX];
    size_t count = hand_take_ended(&outlet->hand, settlements);
    if (count != 0) {
        outlet->settling.is_asked = true;
        outlet->store.settle(outlet->store.self, settlements, count, on_settled, outlet);
    }
}

/* --- the sink's side ---------------------------------------------------------------------- */

static void park(struct outlet *outlet, struct parcel *parcel, const struct send_result *result)
{
    parcel_end(parcel, SETTLE_PARKED, result);
    parcel->settlement.fallback_sink_name = outlet->sink->fallback;
    LOG_WARN("delivery_parked", log_text("sink", outlet->sink->name),
             log_number("delivery", parcel->delivery.id), log_text("lane", parcel->delivery.lane),
             log_text("reason", result->detail));
}

static void park_or_retry(struct outlet *outlet, struct parcel *parcel,
                          const struct send_result *result)
{
    if (due_clock_has_expired(&outlet->clock, parcel_age_starts_wall_ms(parcel), result->at)) {
        park(outlet, parcel, result);
    } else {
        parcel_end(parcel, SETTLE_LATER, result);
    }
    if (result->outcome == SEND_OFFLINE) { /* not charged: the sink is to blame */
        parcel->settlement.due_wall_ms = parcel->delivery.first_due_wall_ms;
        return;
    }
    int64_t hint_ms = due_clock_hint(&outlet->clock, result->at, result->retry_after_ms);
    parcel->settlement.counts_attempt = true;
    parcel->settlement.due_wall_ms += retry_delay_ms(
        &outlet->sink->retry, parcel->delivery.attempts_made + 1, hint_ms, &outlet->random);
}

static void settle_result(struct outlet *outlet, struct parcel *parcel,
                          const struct send_result *result)
{
    switch (result->outcome) {
    case SEND_ACCEPTED:
        parcel_end(parcel, SETTLE_DELIVERED, result);
        parcel->settlement.counts_attempt = true;
        break;
    case SEND_TRY_LATER:
    case SEND_OFFLINE:
        park_or_retry(outlet, parcel, result);
        break;
    case SEND_REJECTED:
    case SEND_GONE:
        park(outlet, parcel, result);
        parcel->settlement.counts_attempt = true;
        break;
    }
}

static void judge_sink(struct outlet *outlet, const struct parcel *parcel,
                       const struct send_result *result)
{
    struct circuit *circuit = &outlet->circuit;
    switch (result->outcome) {
    case SEND_ACCEPTED:
    case SEND_REJECTED:
        circuit_answered(circuit);
        break;
    case SEND_TRY_LATER:
        circuit_refused(circuit, parcel->lane_hash, parcel->is_probe, result->retry_after_ms,
                        result->at);
        break;
    case SEND_OFFLINE:
        circuit_lost(circuit, parcel->is_probe, result->retry_after_ms, result->at);
        break;
    case SEND_GONE:
        circuit_disable(circuit, result->at);
        break;
    }
}

static void log_circuit(const struct outlet *outlet, enum circuit_state before)
{
    enum circuit_state after = outlet->circuit.state;
    if (before == CIRCUIT_CLOSED && after == CIRCUIT_OPEN) {
        LOG_WARN("sink_away", log_text("sink", outlet->sink->name),
                 log_text("reason", outlet->last_detail));
    } else if (before != CIRCUIT_CLOSED && after == CIRCUIT_CLOSED) {
        LOG_INFO("sink_back", log_text("sink", outlet->sink->name));
    } else if (before != CIRCUIT_DISABLED && after == CIRCUIT_DISABLED) {
        LOG_ERROR("sink_disabled", log_text("sink", outlet->sink->name),
                  log_text("reason", outlet->last_detail));
    }
}

static void keep_detail(struct outlet *outlet, const char *detail)
{
    size_t size = detail != NULL ? strnlen(detail, sizeof outlet->last_detail - 1) : 0;
    while (size > 0 && detail[size] != '\0' && ((unsigned char)detail[size] & 0xC0) == 0x80) {
        size--; /* never half a character */
    }
    memcpy(outlet->last_detail, detail != NULL ? detail : "", size);
    outlet->last_detail[size] = '\0';
}

static void on_sent(void *arg, const struct send_result *result)
{
    struct parcel *parcel = arg;
    struct outlet *outlet = parcel->outlet;
    CHECK(parcel->state == PARCEL_SENDING && outlet->in_flight > 0);
    outlet->in_flight--;
    enum circuit_state before = outlet->circuit.state;
    if (result->outcome != SEND_ACCEPTED) {
        keep_detail(outlet, result->detail);
    }
    settle_result(outlet, parcel, result);
    judge_sink(outlet, parcel, result);
    log_circuit(outlet, before);
}

static void send(struct outlet *outlet, struct parcel *parcel)
{
    parcel->is_probe = circuit_sends(&outlet->circuit);
    if (parcel->is_probe) {
        outlet->last_probe_id = parcel->delivery.id;
    }
    parcel->state = PARCEL_SENDING;
    outlet->in_flight++;
    outlet->port.ops->send(outlet->port.self, &parcel->delivery, on_sent, parcel);
}

/* While acknowledgements cannot be written, each further send would be a repeat after a crash. */
static uint32_t room_to_send(const struct outlet *outlet)
{
    if (outlet->is_paused || outlet->settling.failures != 0) {
        return 0;
    }
    return circuit_room(&outlet->circuit, outlet->in_flight, outlet->clock.now.mono_ms);
}

static void send_waiting(struct outlet *outlet)
{
    uint32_t room = room_to_send(outlet);
    if (room != 0 && outlet->circuit.state == CIRCUIT_OPEN) {
        /* Round and round, so that one bad delivery cannot keep a sink shut. */
        struct parcel *probe = hand_choose_after(&outlet->hand, outlet->last_probe_id);
        if (probe != NULL) {
            send(outlet, probe);
        }
        return;
    }
    for (size_t i = 0; i < outlet->hand.count && room != 0; i++) {
        if (outlet->hand.parcels[i]->state == PARCEL_WAITING) {
            send(outlet, outlet->hand.parcels[i]);
            room--;
        }
    }
}

/* What no send will settle: everything for a disabled sink, and what grew too old for one that is
 * away. */
static void park_waiting(struct outlet *outlet)
{
    bool is_disabled = outlet->circuit.state == CIRCUIT_DISABLED;
    if (outlet->circuit.state == CIRCUIT_CLOSED) {
        return;
    }
    struct send_result result = {
        .at = outlet->clock.now,
        .detail = is_disabled ? "the receiver asked to stop for good; `orderwatch resume` opens it"
                              : outlet->last_detail};
    for (size_t i = 0; i < outlet->hand.count; i++) {
        struct parcel *parcel = outlet->hand.parcels[i];
        if (parcel->state == PARCEL_WAITING &&
            (is_disabled ||
             due_clock_has_expired(&outlet->clock, parcel_age_starts_wall_ms(parcel), result.at))) {
            park(outlet, parcel, &result);
        }
    }
}

/* --- turns -------------------------------------------------------------------------------- */

static int64_t earlier(int64_t left, int64_t right)
{
    return left < right ? left : right;
}

static int64_t next_fetch_mono_ms(const struct outlet *outlet)
{
    if (outlet->is_stopping || outlet->fetching.is_asked || !has_room(outlet)) {
        return INSTANT_NEVER;
    }
    int64_t due = outlet->wants_fetch
                      ? outlet->clock.now.mono_ms
                      : due_clock_wake_mono_ms(&outlet->clock, outlet->next_due_wall_ms);
    bool waits = outlet->fetching.failures != 0 && due < outlet->fetching.retry_mono_ms;
    return waits ? outlet->fetching.retry_mono_ms : due;
}

static int64_t next_settle_mono_ms(const struct outlet *outlet)
{
    if (outlet->settling.is_asked || hand_count_in(&outlet->hand, PARCEL_ENDED) == 0) {
        return INSTANT_NEVER;
    }
    return outlet->settling.failures != 0 ? outlet->settling.retry_mono_ms
                                          : outlet->clock.now.mono_ms;
}

static int64_t next_send_mono_ms(const struct outlet *outlet)
{
    if (outlet->is_stopping || hand_count_in(&outlet->hand, PARCEL_WAITING) == 0) {
        return INSTANT_NEVER;
    }
    /* Ages are by the wall clock, which may jump: look again within a minute. */
    int64_t next = due_clock_look_again_mono_ms(&outlet->clock);
    bool can_probe = outlet->circuit.state == CIRCUIT_OPEN && !outlet->is_paused &&
                     outlet->in_flight < outlet->circuit.window_max &&
                     outlet->settling.failures == 0;
    return can_probe ? earlier(next, outlet->circuit.probe_mono_ms) : next;
}

int64_t outlet_turn(struct outlet *outlet, struct instant now)
{
    if (due_clock_turn(&outlet->clock, now)) {
        outlet->wants_fetch = true;
    }
    if (!outlet->is_stopping) {
        park_waiting(outlet);
        send_waiting(outlet);
    }
    settle_ended(outlet);
    if (!outlet->is_stopping && has_due(outlet) && has_room(outlet) &&
        may_ask(outlet, &outlet->fetching)) {
        fetch_due(outlet);
    }
    return earlier(next_fetch_mono_ms(outlet),
                   earlier(next_settle_mono_ms(outlet), next_send_mono_ms(outlet)));
}

void outlet_expect_news(struct outlet *outlet)
{
    outlet->wants_fetch = true;
}

void outlet_flush(struct outlet *outlet, int64_t ahead_ms)
{
    outlet->flush_ahead_ms = ahead_ms;
    outlet->wants_fetch = true;
}

void outlet_available(struct outlet *outlet)
{
    circuit_available(&outlet->circuit, outlet->clock.now.mono_ms);
}

void outlet_disable(struct outlet *outlet, struct instant now)
{
    circuit_disable(&outlet->circuit, now);
}

void outlet_resume(struct outlet *outlet)
{
    circuit_enable(&outlet->circuit);
}

bool outlet_is_paused(const struct outlet *outlet)
{
    return outlet->is_paused;
}

void outlet_pause(struct outlet *outlet, bool is_paused)
{
    outlet->is_paused = is_paused;
}

void outlet_stop(struct outlet *outlet)
{
    outlet->is_stopping = true;
}

const struct circuit *outlet_circuit(const struct outlet *outlet)
{
    return &outlet->circuit;
}

struct outlet_totals outlet_totals(const struct outlet *outlet)
{
    return outlet->totals;
}

const char *outlet_last_detail(const struct outlet *outlet)
{
    return outlet->last_detail;
}

size_t outlet_in_flight(const struct outlet *outlet)
{
    return outlet->in_flight;
}

bool outlet_is_empty(const struct outlet *outlet)
{
    return outlet->hand.count == 0 && !outlet->fetching.is_asked && !outlet->settling.is_asked &&
           !has_due(outlet);
}

static bool has_failed_long(const struct question *question, int64_t now_mono_ms)
{
    return question->failures != 0 &&
           now_mono_ms - question->failing_since_mono_ms >= FLUSH_PATIENCE_MS;
}

bool outlet_is_stuck(const struct outlet *outlet)
{
    int64_t now_mono_ms = outlet->clock.now.mono_ms;
    if (outlet->in_flight != 0 || outlet->fetching.is_asked || outlet->settling.is_asked) {
        return false;
    }
    if (has_failed_long(&outlet->fetching, now_mono_ms) ||
        has_failed_long(&outlet->settling, now_mono_ms)) {
        return true;
    }
    return outlet->circuit.state == CIRCUIT_OPEN &&
           now_mono_ms - outlet->circuit.failing_since.mono_ms >= FLUSH_PATIENCE_MS;
}

/* After a stop, a settlement that the store keeps refusing is given up: the receiver may get that
 * delivery again, with the same id. */
bool outlet_is_idle(const struct outlet *outlet)
{
    if (outlet->in_flight != 0 || outlet->fetching.is_asked || outlet->settling.is_asked) {
        return false;
    }
    return outlet->settling.failures != 0 || hand_count_in(&outlet->hand, PARCEL_ENDED) == 0;
}
