#include "outlet_internal.h"

#include "core/log.h"
#include "core/route.h"

#include <stdlib.h>

#define FLUSH_PATIENCE_MS 10000

static const struct retry_policy store_retry = {.first_ms = 500, .cap_ms = 30000};

struct outlet *outlet_create(const struct outlet_options *options)
{
    struct outlet *outlet = alloc(sizeof *outlet);
    const struct sink_config *sink = &options->config->sinks[options->sink_index];
    uint32_t asked = sink->in_flight_max;
    uint32_t window = asked < HAND_COUNT_MAX ? asked : HAND_COUNT_MAX;
    uint32_t batch = sink->webhook.batch.count;
    outlet->batch_count = batch != 0 ? batch : 1;
    outlet->sink = sink;
    outlet->port = options->port;
    outlet->store = options->store;
    outlet_use_config(outlet, options->config, options->sink_index);
    outlet->random.state = options->seed;
    circuit_init(&outlet->circuit, &sink->retry, window, ~options->seed);
    histogram_init(&outlet->totals.latency, latency_bounds_s, ARRAY_COUNT(latency_bounds_s));
    due_clock_init(&outlet->clock, &sink->retry);
    pacer_init(&outlet->pacer, sink->rate);
    hand_init(&outlet->hand, (size_t)window * outlet->batch_count);
    if (options->outlook.query.list_orders != NULL && sink->kind == SINK_EMAIL) {
        outlet->outlook = outlook_scan_create(&options->outlook);
    }
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
    outlook_scan_destroy(outlet->outlook);
    free(outlet);
}

void outlet_inherit(struct outlet *outlet, const struct outlet *before)
{
    outlet->totals = before->totals;
    outlet->is_paused = before->is_paused;
    outlet->lanes_cross |= before->lanes_cross;
}

void outlet_use_config(struct outlet *outlet, const struct config *config, size_t sink_index)
{
    outlet->config = config;
    outlet->sink_index = sink_index;
    outlet->lanes_cross |= route_lanes_cross(config, sink_index);
    if (outlet->outlook != NULL) {
        outlook_scan_use_config(outlet->outlook, config, sink_index);
    }
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
    outlet_note_manners(outlet, parcel);
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
    outlet->has_fetched = true;
    outlet->next_due_wall_ms = result->next_due_wall_ms;
    outlet->wants_fetch |= due_clock_see(&outlet->clock, result->newest_wall_ms);
}

static void fetch_due(struct outlet *outlet)
{
    int64_t ids[HAND_COUNT_MAX];
    struct due_query query = {
        .sink_name = outlet->sink->name,
        .now_wall_ms = outlet->clock.now.wall_ms,
        .horizon_wall_ms = due_clock_horizon_wall_ms(&outlet->clock),
        .has_gone_back = outlet->clock.has_gone_back,
        .asks_newest = !outlet->has_fetched,
        .untried_wall_ms = outlet->clock.now.wall_ms + outlet->flush_ahead_ms,
        .untried_lanes = ROUTE_DIGEST_LANE,
        .count_max = outlet->hand.count_max - outlet->hand.count,
        .bytes_max = HAND_BYTES_MAX - outlet->hand.bytes,
        .except = ids,
        .except_count = hand_ids(&outlet->hand, ids),
        .lanes_cross = outlet->lanes_cross,
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
    size_t count = hand_count_in(&outlet->hand, PARCEL_ENDED);
    if (count == 0 || !may_ask(outlet, &outlet->settling)) {
        return;
    }
    /* An array for all that a hand can hold would be zeroed in each turn, and cost more than it. */
    struct settlement *settlements = alloc_array(count, sizeof *settlements);
    CHECK(hand_take_ended(&outlet->hand, settlements) == count);
    outlet->settling.is_asked = true;
    outlet->store.settle(outlet->store.self, settlements, count, on_settled, outlet);
    free(settlements);
}

/* --- turns -------------------------------------------------------------------------------- */

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

/* The next page for a digest's outlook. */
static int64_t next_look_mono_ms(struct outlet *outlet)
{
    bool is_off = outlet->outlook == NULL || outlet->is_stopping;
    return is_off ? INSTANT_NEVER : outlook_scan_turn(outlet->outlook, outlet->clock.now);
}

int64_t outlet_turn(struct outlet *outlet, struct instant now)
{
    if (due_clock_turn(&outlet->clock, now)) {
        outlet->wants_fetch = true;
    }
    if (!outlet->is_stopping) {
        outlet_park_waiting(outlet);
        outlet_send_waiting(outlet);
    }
    int64_t look_mono_ms = next_look_mono_ms(outlet);
    settle_ended(outlet);
    if (!outlet->is_stopping && has_due(outlet) && has_room(outlet) &&
        may_ask(outlet, &outlet->fetching)) {
        fetch_due(outlet);
    }
    return earlier(earlier(next_fetch_mono_ms(outlet), look_mono_ms),
                   earlier(next_settle_mono_ms(outlet), outlet_next_send_mono_ms(outlet)));
}

void outlet_expect_news(struct outlet *outlet)
{
    outlet->wants_fetch = true;
}

void outlet_flush(struct outlet *outlet, int64_t ahead_ms)
{
    outlet->is_flushing = true;
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

void outlet_hold(struct outlet *outlet, int64_t until_mono_ms)
{
    circuit_hold(&outlet->circuit, 0, until_mono_ms); /* by whose answer is not known any more */
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
    if (outlet->in_flight != 0 || outlet->fetching.is_asked || outlet->settling.is_asked ||
        outlook_scan_is_reading(outlet->outlook)) {
        return false;
    }
    if (has_failed_long(&outlet->fetching, now_mono_ms) ||
        has_failed_long(&outlet->settling, now_mono_ms)) {
        return true;
    }
    int64_t next_mono_ms = outlet_next_send_mono_ms(outlet); /* by its rate, or as it was asked */
    if (outlet->circuit.state == CIRCUIT_CLOSED && next_mono_ms != INSTANT_NEVER) {
        return next_mono_ms - now_mono_ms >= FLUSH_PATIENCE_MS;
    }
    return outlet->circuit.state == CIRCUIT_OPEN &&
           now_mono_ms - outlet->circuit.failing_since.mono_ms >= FLUSH_PATIENCE_MS;
}

/* After a stop, a settlement that the store keeps refusing is given up: it may repeat, same id. */
bool outlet_is_idle(const struct outlet *outlet)
{
    if (outlet->in_flight != 0 || outlet->fetching.is_asked || outlet->settling.is_asked ||
        outlook_scan_is_asking(outlet->outlook)) {
        return false;
    }
    return outlet->settling.failures != 0 || hand_count_in(&outlet->hand, PARCEL_ENDED) == 0;
}
