/* The sink's side of an outlet: what is sent, and what comes of it. */
#include "outlet_internal.h"

#include "core/arena.h"
#include "core/log.h"
#include "core/route.h"

#include <string.h>

/* --- the end of a parcel -------------------------------------------------------------------- */

static void park(struct outlet *outlet, struct parcel *parcel, const struct send_result *result)
{
    parcel_end(parcel, SETTLE_PARKED, result);
    parcel->settlement.fallback_sink_name = outlet->sink->fallback;
    LOG_WARN("delivery_parked", log_text("sink", outlet->sink->name),
             log_number("delivery", parcel->delivery.id), log_text("lane", parcel->delivery.lane),
             log_text("reason", result->detail));
}

static void park_or_retry(struct outlet *outlet, struct parcel *parcel,
                          const struct send_result *result, int64_t delay_ms)
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
    parcel->settlement.counts_attempt = true;
    parcel->settlement.due_wall_ms += delay_ms;
}

static void divide(struct outlet *outlet, struct parcel *parcel, const struct send_result *result)
{
    CHECK(result->part_max >= 1);
    parcel->state = PARCEL_WAITING;
    parcel->part_max = result->part_max;
    LOG_DEBUG("batch_divided", log_text("sink", outlet->sink->name),
              log_number("delivery", parcel->delivery.id),
              log_number("parts_of", (int64_t)result->part_max),
              log_text("answer", result->detail));
}

static void plan_rest(const struct outlet *outlet, struct parcel *parcel)
{
    const char *lane = parcel->delivery.lane;
    enum settle_kind kind = parcel->settlement.kind;
    struct planned_delivery next;
    if ((kind == SETTLE_DELIVERED || kind == SETTLE_PARKED) &&
        strncmp(lane, ROUTE_DIGEST_LANE, strlen(ROUTE_DIGEST_LANE)) == 0 &&
        route_next_digest(outlet->config, outlet->sink_index, outlet->clock.now.wall_ms,
                          parcel->arena, &next)) {
        struct planned_delivery *rest = arena_alloc(parcel->arena, sizeof *rest);
        *rest = next;
        parcel->settlement.rest = rest;
    }
}

static void settle_parcel(struct outlet *outlet, struct parcel *parcel,
                          const struct send_result *result, int64_t delay_ms)
{
    switch (result->outcome) {
    case SEND_ACCEPTED:
        parcel_end(parcel, SETTLE_DELIVERED, result);
        parcel->settlement.counts_attempt = true;
        break;
    case SEND_TRY_LATER:
    case SEND_OFFLINE:
        park_or_retry(outlet, parcel, result, delay_ms);
        break;
    case SEND_REJECTED:
    case SEND_GONE:
        park(outlet, parcel, result);
        parcel->settlement.counts_attempt = true;
        break;
    case SEND_DIVIDE:
        divide(outlet, parcel, result);
        return;
    }
    plan_rest(outlet, parcel);
}

static void settle_consignment(struct outlet *outlet, const struct consignment *consignment,
                               const struct send_result *result)
{
    int64_t delay_ms = 0;
    struct send_result own = *result;
    bool is_later = result->outcome == SEND_TRY_LATER;
    if (is_later) {
        int64_t hint_ms = due_clock_hint(&outlet->clock, result->at, result->retry_after_ms);
        delay_ms = retry_delay_ms(&outlet->sink->retry, consignment->delivery.attempts_made + 1,
                                  hint_ms, &outlet->random);
    }
    for (size_t i = 0; i < consignment->count; i++) {
        struct parcel *parcel = consignment->parcels[i];
        if (is_later && outlet->sink->webhook.batch.count > 1) {
            own.progress = batch_progress(consignment, parcel);
        }
        settle_parcel(outlet, parcel, &own, delay_ms);
    }
}

/* --- what it says of the sink ---------------------------------------------------------------- */

/* One more with each full batch that is taken: what was too large once need not stay so. */
static void learn_batch_count(struct outlet *outlet, const struct consignment *consignment,
                              const struct send_result *result)
{
    if (result->outcome == SEND_DIVIDE && result->part_max > 1) {
        outlet->batch_count = (uint32_t)result->part_max;
    } else if (result->outcome == SEND_ACCEPTED && consignment->count == outlet->batch_count &&
               outlet->batch_count < outlet->sink->webhook.batch.count) {
        outlet->batch_count++;
    }
}

static void judge_sink(struct outlet *outlet, const struct consignment *consignment,
                       const struct send_result *result)
{
    struct circuit *circuit = &outlet->circuit;
    uint64_t lane_hash = consignment->parcels[0]->lane_hash;
    int64_t hint_ms =
        result->retry_after_ms < SERVER_HINT_MAX_MS ? result->retry_after_ms : SERVER_HINT_MAX_MS;
    switch (result->outcome) {
    case SEND_ACCEPTED:
    case SEND_REJECTED:
    case SEND_DIVIDE:
        circuit_answered(circuit, lane_hash);
        break;
    case SEND_TRY_LATER:
        circuit_refused(circuit, lane_hash, consignment->is_probe, hint_ms, result->at);
        if (result->is_sink_busy) {
            circuit_hold(circuit, lane_hash, result->at.mono_ms + hint_ms);
        }
        break;
    case SEND_OFFLINE:
        circuit_lost(circuit, consignment->is_probe, hint_ms, result->at);
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
    struct consignment *consignment = arg;
    struct outlet *outlet = consignment->outlet;
    CHECK(outlet->in_flight > 0);
    outlet->in_flight--;
    enum circuit_state before = outlet->circuit.state;
    if (result->outcome != SEND_ACCEPTED) {
        keep_detail(outlet, result->detail);
    }
    settle_consignment(outlet, consignment, result);
    learn_batch_count(outlet, consignment, result);
    judge_sink(outlet, consignment, result);
    log_circuit(outlet, before);
    consignment_destroy(consignment);
}

/* --- sending -------------------------------------------------------------------------------- */

static void send(struct outlet *outlet, struct consignment *consignment)
{
    consignment->is_probe = circuit_sends(&outlet->circuit);
    if (consignment->is_probe) {
        outlet->last_probe_id = consignment->delivery.id;
    }
    for (size_t i = 0; i < consignment->count; i++) {
        CHECK(consignment->parcels[i]->state == PARCEL_WAITING);
        consignment->parcels[i]->state = PARCEL_SENDING;
    }
    outlet->in_flight++;
    pacer_take(&outlet->pacer, outlet->clock.now.mono_ms);
    outlet->port.ops->send(outlet->port.self, &consignment->delivery, on_sent, consignment);
}

/* While acknowledgements cannot be written, each further send would be a repeat after a crash. */
static bool may_send(const struct outlet *outlet)
{
    int64_t now_mono_ms = outlet->clock.now.mono_ms;
    return !outlet->is_paused && outlet->settling.failures == 0 &&
           pacer_due_mono_ms(&outlet->pacer, now_mono_ms) <= now_mono_ms &&
           circuit_room(&outlet->circuit, outlet->in_flight, now_mono_ms) != 0;
}

/* A digest says what is to come, too, and that is looked up first. */
static bool is_ready(struct outlet *outlet, struct parcel *parcel)
{
    return outlet->outlook == NULL ||
           outlook_scan_prepare(outlet->outlook, &parcel->delivery, outlet->clock.now);
}

/* False: it waits for company. */
static bool send_with_company(struct outlet *outlet, struct parcel *parcel)
{
    struct consignment *consignment = consignment_create(outlet, parcel);
    if (!consignment->is_full && batch_wait_ms(outlet, parcel) != 0) {
        consignment_destroy(consignment);
        return false;
    }
    send(outlet, consignment);
    return true;
}

void outlet_send_waiting(struct outlet *outlet)
{
    if (may_send(outlet)) {
        outlet_defer_quiet(outlet);
    }
    if (may_send(outlet) && outlet->circuit.state == CIRCUIT_OPEN) {
        /* Round and round, so that one bad delivery cannot keep a sink shut. */
        struct parcel *probe = hand_choose_after(&outlet->hand, outlet->last_probe_id);
        if (probe != NULL && is_ready(outlet, probe)) {
            send(outlet, consignment_create(outlet, probe));
        }
        return;
    }
    bool is_waiting = false; /* what is younger waits along */
    for (size_t i = 0; i < outlet->hand.count && may_send(outlet); i++) {
        struct parcel *parcel = outlet->hand.parcels[i];
        bool is_younger = is_waiting && batch_wait_ms(outlet, parcel) != 0;
        if (parcel->state == PARCEL_WAITING && !is_younger && is_ready(outlet, parcel)) {
            is_waiting |= !send_with_company(outlet, parcel);
        }
    }
}

/* What no send will settle: everything for a disabled sink, and what grew too old for one that is
 * away. */
void outlet_park_waiting(struct outlet *outlet)
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

/* --- when next ------------------------------------------------------------------------------- */

/* The window, the circuit and the rate allow one from then on. */
static int64_t next_room_mono_ms(const struct outlet *outlet)
{
    const struct circuit *circuit = &outlet->circuit;
    int64_t now_mono_ms = outlet->clock.now.mono_ms;
    int64_t next = circuit_next_mono_ms(circuit, outlet->in_flight, now_mono_ms);
    int64_t paced = pacer_due_mono_ms(&outlet->pacer, now_mono_ms);
    return paced > next ? paced : next;
}

static int64_t next_company_mono_ms(const struct outlet *outlet)
{
    int64_t wait_ms = INSTANT_NEVER;
    if (outlet->sink->webhook.batch.wait_ms == 0) {
        return outlet->clock.now.mono_ms;
    }
    for (size_t i = 0; i < outlet->hand.count; i++) {
        const struct parcel *parcel = outlet->hand.parcels[i];
        if (parcel->state == PARCEL_WAITING) {
            wait_ms = earlier(wait_ms, batch_wait_ms(outlet, parcel));
        }
    }
    return wait_ms == INSTANT_NEVER ? INSTANT_NEVER : outlet->clock.now.mono_ms + wait_ms;
}

int64_t outlet_next_send_mono_ms(const struct outlet *outlet)
{
    if (outlet->is_stopping || hand_count_in(&outlet->hand, PARCEL_WAITING) == 0) {
        return INSTANT_NEVER;
    }
    /* Ages are by the wall clock, which may jump: look again within a minute. */
    int64_t look_again = due_clock_look_again_mono_ms(&outlet->clock);
    bool is_looking = outlook_scan_is_reading(outlet->outlook); /* a done comes first */
    if (outlet->is_paused || outlet->settling.failures != 0 || is_looking) {
        return look_again;
    }
    int64_t room = next_room_mono_ms(outlet);
    int64_t company = outlet->circuit.state == CIRCUIT_CLOSED ? next_company_mono_ms(outlet) : room;
    return earlier(look_again, room > company ? room : company);
}
