#include "tests/sim/oracle.h"

#include "core/arena.h"
#include "core/date.h"
#include "core/home_assistant.h"
#include "core/json.h"
#include "core/zone.h"

#include <stdlib.h>
#include <string.h>

void oracle_init(struct oracle *oracle, struct sim_store *store,
                 const struct sim_upstream *upstream, const struct config *config)
{
    *oracle = (struct oracle){.sim = store->sim,
                              .store = store,
                              .upstream = upstream,
                              .config = config,
                              .arena = arena_create(),
                              .wall_max_ms = store->sim->now.wall_ms,
                              .clock_offset_ms = store->sim->now.wall_ms - store->sim->now.mono_ms};
}

void oracle_fini(struct oracle *oracle)
{
    arena_destroy(oracle->arena);
    free(oracle->received);
}

/* --- identity ------------------------------------------------------------------------------ */

/* What an event says, but not when it was found, in which sweep, and under which id. */
static const char *change_of(struct oracle *oracle, const struct event *event)
{
    struct json *root;
    struct failure why;
    if (json_parse(event->json, &root, &why) != STATUS_OK) {
        sim_violation(oracle->sim, "event %s is not JSON: %s", event->id, why.detail);
    }
    struct text text;
    text_init(&text, (size_t)2 * EVENT_BYTES_MAX);
    static const char *const names[] = {"source", "subject", "type", "sequence"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        text_addf(&text, "%s ", json_member_text(root, names[i]));
    }
    if (!text_equal(json_member_text(root, "id"), event->id)) {
        sim_violation(oracle->sim, "event %s calls itself otherwise", event->id);
    }
    const struct json *data = json_member(root, "data");
    for (const struct json *part = json_first(data); part != NULL; part = json_next(part)) {
        if (!text_equal(json_key(part), "sweep")) {
            json_add(&text, part);
        }
    }
    const char *change = arena_text(oracle->arena, text_span(&text));
    text_fini(&text);
    json_destroy(root);
    return change;
}

/* The same change must always get the same id, also when it was lost on its way to the store. */
static void see_event(struct oracle *oracle, const struct event *event)
{
    if (event->order_id[0] == '\0') {
        return; /* of a source or sink: its counts go on while it waits to be stored */
    }
    const char *change = change_of(oracle, event);
    for (const struct oracle_identity *known = oracle->identities; known != NULL;
         known = known->next) {
        if (text_equal(known->change, change) && !text_equal(known->id, event->id)) {
            sim_violation(oracle->sim, "one change, two ids: %s and %s for %s", known->id,
                          event->id, change);
        }
        if (text_equal(known->change, change)) {
            return;
        }
    }
    struct oracle_identity *identity = arena_alloc(oracle->arena, sizeof *identity);
    identity->change = change;
    (void)memcpy(identity->id, event->id, sizeof identity->id);
    identity->next = oracle->identities;
    oracle->identities = identity;
}

/* What a digest had to leave behind, or was kept from by quiet hours, leaves with the next one. */
static bool is_moved(const struct sim_row *row)
{
    return row->state == ROW_PENDING && row->detail != NULL;
}

/* A digest time has one event of its own at most, for its sink alone. */
static void judge_seed(struct oracle *oracle, const struct new_event *news)
{
    if (news->delivery_count != 1 || news->silence_id != NULL) {
        sim_violation(oracle->sim, "digest %s has %zu deliveries", news->event.id,
                      news->delivery_count);
    }
    for (size_t i = 0; i < oracle->store->row_count; i++) {
        const struct sim_row *row = &oracle->store->rows[i];
        if (row->event->type == EVENT_DIGEST && !text_equal(row->event->id, news->event.id) &&
            row->first_due_wall_ms == news->deliveries[0].due_wall_ms && !is_moved(row)) {
            sim_violation(oracle->sim, "two digests at one time: %s and %s", row->event->id,
                          news->event.id);
        }
    }
}

static int64_t time_of(const struct oracle *oracle, const struct event *event)
{
    struct json *root = NULL;
    struct failure why;
    struct date time = {0};
    CHECK(json_parse(event->json, &root, &why) == STATUS_OK);
    if (!date_parse(span_of(json_member_text(root, "time")), zone_utc(), &time)) {
        sim_violation(oracle->sim, "event %s has no time", event->id);
    }
    json_destroy(root);
    return time.ms;
}

/* What was announced is nobody's failure; and what time causes waits until the data is fresh. */
static void refuse_alarm(const struct oracle *oracle, const struct event *event)
{
    static const enum event_type refused[] = {
        EVENT_SOURCE_UNREACHABLE,   EVENT_SOURCE_REJECTED, EVENT_ORDER_DATE_OVERDUE,
        EVENT_APPOINTMENT_REMINDER, EVENT_ORDER_STALLED,
    };
    bool is_refused = false;
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++) {
        is_refused |= event->type == refused[i];
    }
    if (!is_refused) {
        return;
    }
    const struct source_config *source = &oracle->config->sources[0];
    int64_t time_ms = time_of(oracle, event);
    for (size_t i = 0; i < source->maintenance_count; i++) {
        const struct window *window = &source->maintenance[i];
        if (time_ms >= window->from_wall_ms && time_ms < window->to_wall_ms) {
            sim_violation(oracle->sim, "%s in an announced maintenance",
                          event_type_name(event->type));
        }
    }
}

static void on_event(void *arg, const struct new_event *news)
{
    struct oracle *oracle = arg;
    see_event(oracle, &news->event);
    oracle_judge_time(oracle, news);
    if (news->event.type == EVENT_DIGEST) {
        judge_seed(oracle, news);
    } else {
        oracle_judge_reach(oracle, news);
    }
    refuse_alarm(oracle, &news->event);
    for (size_t i = 0; i + 1 < oracle->store->event_count; i++) {
        if (text_equal(oracle->store->events[i]->id, news->event.id)) {
            sim_violation(oracle->sim, "event %s was committed twice", news->event.id);
        }
    }
}

static void on_staged(void *arg, const struct event *event)
{
    see_event(arg, event);
}

static void on_order(void *arg, const char *source_name, const struct staged_order *order)
{
    (void)source_name;
    oracle_judge_order(arg, order);
}

/* --- deliveries ---------------------------------------------------------------------------- */

static bool *received(struct oracle *oracle, const struct sim_row *row)
{
    if (oracle->received_count < oracle->store->row_count) {
        size_t count = oracle->store->row_count * 2;
        oracle->received = alloc_resize(oracle->received, count, sizeof *oracle->received);
        for (size_t i = oracle->received_count; i < count; i++) {
            oracle->received[i] = false;
        }
        oracle->received_count = count;
    }
    return &oracle->received[row->id - 1];
}

static void on_settled(void *arg, const struct sim_row *row, const struct settlement *settlement)
{
    struct oracle *oracle = arg;
    if (settlement->kind == SETTLE_DELIVERED && !*received(oracle, row)) {
        sim_violation(oracle->sim, "%s: event %s is called delivered, but nobody took it",
                      row->sink_name, row->event->id);
    }
}

static const struct sim_row *row_of(struct oracle *oracle, const char *sink_name,
                                    const struct event *event)
{
    for (size_t i = 0; i < oracle->store->row_count; i++) {
        const struct sim_row *row = &oracle->store->rows[i];
        if (text_equal(row->sink_name, sink_name) && text_equal(row->event->id, event->id)) {
            return row;
        }
    }
    sim_violation(oracle->sim, "%s is sent event %s, which is not durable for it", sink_name,
                  event->id);
}

/* Planned to leave before the earlier one: that waits for the end of quiet hours, and this is let
 * through. */
static bool may_overtake(const struct sim_row *later, const struct sim_row *earlier)
{
    return later->first_due_wall_ms < earlier->first_due_wall_ms;
}

/* Of one order and one sink, whatever the daemon thinks that its lanes are. */
static bool is_same_order(const struct sim_row *left, const struct sim_row *right)
{
    return left->event->order_id[0] != '\0' && text_equal(left->sink_name, right->sink_name) &&
           text_equal(left->event->source_name, right->event->source_name) &&
           text_equal(left->event->order_id, right->event->order_id);
}

static bool is_among(const struct delivery *delivery, size_t count, const struct sim_row *row)
{
    for (size_t i = 0; i < count; i++) {
        if (text_equal(delivery->events[i].id, row->event->id)) {
            return true;
        }
    }
    return false;
}

static void on_send(void *arg, const char *sink_name, const struct delivery *delivery)
{
    struct oracle *oracle = arg;
    if (delivery->bundle != NULL && delivery->bundle[0] == 'd' && delivery->outlook == NULL) {
        sim_violation(oracle->sim, "%s is sent a digest without an outlook", sink_name);
    }
    oracle_judge_hour(oracle, sink_name, delivery);
    for (size_t i = 0; i < delivery->event_count; i++) {
        const struct sim_row *row = row_of(oracle, sink_name, &delivery->events[i]);
        if (row->state != ROW_PENDING) {
            sim_violation(oracle->sim, "%s is sent event %s again after its end", sink_name,
                          row->event->id);
        }
        for (int64_t j = 0; j + 1 < row->id; j++) {
            const struct sim_row *earlier = &oracle->store->rows[j];
            if (is_same_order(earlier, row) && earlier->state == ROW_PENDING &&
                !is_among(delivery, i, earlier) && !may_overtake(row, earlier)) {
                sim_violation(oracle->sim,
                              "%s is sent event %s before %s of the same order has ended",
                              sink_name, row->event->id, earlier->event->id);
            }
        }
    }
}

static void refuse_late_receipt(struct oracle *oracle, const struct sim_row *row)
{
    for (size_t later = (size_t)row->id; later < oracle->store->row_count; later++) {
        if (oracle->received[later] && is_same_order(&oracle->store->rows[later], row) &&
            !may_overtake(&oracle->store->rows[later], row)) {
            sim_violation(oracle->sim, "%s takes event %s after a later one of its order",
                          row->sink_name, row->event->id);
        }
    }
}

/* Of quiet hours or a digest. */
static bool is_gathered(const struct delivery *delivery)
{
    const char *bundle = delivery->bundle;
    return bundle != NULL && (bundle[0] == 'q' || bundle[0] == 'd');
}

static void read_mail(struct oracle *oracle, const char *sink_name, const struct delivery *delivery)
{
    struct event *events = arena_array(oracle->arena, delivery->event_count, sizeof *events);
    for (size_t i = 0; i < delivery->event_count; i++) {
        events[i] = *row_of(oracle, sink_name, &delivery->events[i])->event;
    }
    if (delivery->event_total == delivery->event_count) {
        oracle_judge_mail(oracle, delivery, events);
    }
}

static void on_receipt(void *arg, const char *sink_name, const struct delivery *delivery)
{
    struct oracle *oracle = arg;
    if (is_gathered(delivery)) {
        oracle_judge_moment(oracle, delivery);
        read_mail(oracle, sink_name, delivery);
    }
    for (size_t i = 0; i < delivery->event_count; i++) {
        const struct sim_row *row = row_of(oracle, sink_name, &delivery->events[i]);
        bool *is_received = received(oracle, row);
        oracle->duplicate_count += *is_received;
        if (!*is_received) {
            refuse_late_receipt(oracle, row);
        }
        *is_received = true;
    }
}

struct sim_store_watch oracle_store_watch(struct oracle *oracle)
{
    return (struct sim_store_watch){.arg = oracle,
                                    .on_staged = on_staged,
                                    .on_event = on_event,
                                    .on_order = on_order,
                                    .on_settled = on_settled};
}

struct sim_sink_watch oracle_sink_watch(struct oracle *oracle)
{
    return (struct sim_sink_watch){.arg = oracle, .on_send = on_send, .on_receipt = on_receipt};
}

/* --- the end ------------------------------------------------------------------------------- */

static const struct sim_row *first_pending(const struct oracle *oracle)
{
    for (size_t i = 0; i < oracle->store->row_count; i++) {
        const struct sim_row *row = &oracle->store->rows[i];
        if (row->state == ROW_PENDING && row->event->type != EVENT_DIGEST) {
            return row; /* the next digest's own is always there */
        }
    }
    return NULL;
}

bool oracle_is_settled(const struct oracle *oracle)
{
    const char *wrong_id;
    return first_pending(oracle) == NULL && oracle_knows_truth(oracle, &wrong_id) &&
           !oracle_waits(oracle, &wrong_id);
}

/* A wait, or a bundle that waits for an earlier mail. */
#define RETRY_MS_MAX (BUNDLE_WAIT_MS + HOUR_MS)

/* One whose moment was planned by a clock that was wrong may be a day away. */
static bool has_elder(const struct oracle *oracle, size_t index)
{
    const struct sim_row *rows = oracle->store->rows;
    for (size_t i = 0; i < index; i++) {
        if (rows[i].state == ROW_PENDING && text_equal(rows[i].sink_name, rows[index].sink_name)) {
            return true;
        }
    }
    return false;
}

void oracle_check_waits(const struct oracle *oracle, int64_t calm_since_mono_ms)
{
    const struct sim *sim = oracle->sim;
    for (size_t i = 0; i < oracle->store->row_count; i++) {
        const struct sim_row *row = &oracle->store->rows[i];
        if (row->state == ROW_PENDING && row->is_retry &&
            sim->now.mono_ms - row->tried_mono_ms > RETRY_MS_MAX) {
            sim_violation(oracle->sim, "%s: event %s was tried once and is forgotten",
                          row->sink_name, row->event->id);
        }
        if (row->state == ROW_PENDING && row->due_wall_ms <= row->created_wall_ms &&
            sim->now.mono_ms - calm_since_mono_ms > 2 * RETRY_MS_MAX &&
            sim->now.mono_ms - row->created_mono_ms > 2 * RETRY_MS_MAX && !has_elder(oracle, i)) {
            sim_violation(oracle->sim, "%s: event %s was due at once and still waits",
                          row->sink_name, row->event->id);
        }
    }
}

/* Time alone may have caused it a moment ago: it leaves when quiet hours end, or with a digest. */
static bool is_planned_ahead(const struct oracle *oracle, const struct sim_row *row)
{
    int64_t ahead_ms = row->due_wall_ms - oracle->sim->now.wall_ms;
    return !row->is_retry && row->bundle != NULL && ahead_ms > 0 && ahead_ms < DAY_MS;
}

void oracle_check_end(struct oracle *oracle)
{
    const struct sim_row *pending = first_pending(oracle);
    if (pending != NULL && !is_planned_ahead(oracle, pending)) {
        sim_violation(oracle->sim, "event %s is still pending for %s after %u attempts: %s",
                      pending->event->id, pending->sink_name, pending->attempts_made,
                      pending->detail != NULL ? pending->detail : "never tried");
    }
    const char *wrong_id;
    if (!oracle_knows_truth(oracle, &wrong_id)) {
        sim_violation(oracle->sim, "order %s is not known as it is", wrong_id);
    }
    oracle_check_reminders(oracle);
    if (oracle_waits(oracle, &wrong_id)) {
        sim_violation(oracle->sim, "order %s: nobody was told of its status", wrong_id);
    }
}

static const char *order_topic(struct oracle *oracle, const struct sim_order *order)
{
    return arena_format(oracle->arena, "%s/%s", order->source_name, order->order.id);
}

static size_t check_announcements(struct oracle *oracle, const struct sim_sink *sink,
                                  const struct sim_order *order, const struct record *record)
{
    const char *discovery_prefix = sink->config->mqtt.home_assistant.discovery_prefix;
    if (discovery_prefix == NULL) {
        return 0;
    }
    const struct home_assistant_order announced = {.sink = sink->config,
                                                   .discovery_prefix = discovery_prefix,
                                                   .source_name = order->source_name,
                                                   .order_id = order->order.id,
                                                   .record = record};
    struct home_assistant_message messages[HOME_ASSISTANT_MESSAGES];
    home_assistant_compose(&announced, oracle->arena, messages);
    for (size_t i = 0; i < HOME_ASSISTANT_MESSAGES; i++) {
        const char *shown = sim_sink_topic(sink, messages[i].topic);
        if (shown == NULL || !span_is(messages[i].payload, shown)) {
            sim_violation(oracle->sim, "topic %s does not announce the present", messages[i].topic);
        }
    }
    return HOME_ASSISTANT_MESSAGES;
}

/* How many topics the order should have; each of them must be there. */
static size_t check_order_topics(struct oracle *oracle, const struct sim_sink *sink,
                                 const struct sim_order *order)
{
    if (order->order.has_left) {
        return 0;
    }
    struct record record;
    struct failure why;
    if (record_decode(order->order.canonical, oracle->arena, &record, &why) != STATUS_OK) {
        sim_violation(oracle->sim, "order %s cannot be read: %s", order->order.id, why.detail);
    }
    struct text payload;
    text_init(&payload, (size_t)4 * EVENT_BYTES_MAX);
    record_add_order(&record, &sink->config->fields, &payload);
    const char *name = order_topic(oracle, order);
    if (!text_equal(sim_sink_topic(sink, name), text_cstr(&payload))) {
        sim_violation(oracle->sim, "topic %s shows %s instead of %s", name,
                      sim_sink_topic(sink, name) != NULL ? sim_sink_topic(sink, name) : "nothing",
                      text_cstr(&payload));
    }
    for (size_t i = 0; i < record.appointment_count; i++) {
        text_clear(&payload);
        record_add_appointment(&record.appointments[i], &payload);
        const char *topic = arena_format(oracle->arena, "%s/%s", name, record.appointments[i].id);
        if (!text_equal(sim_sink_topic(sink, topic), text_cstr(&payload))) {
            sim_violation(oracle->sim, "topic %s does not show the present", topic);
        }
    }
    text_fini(&payload);
    return 1 + record.appointment_count + check_announcements(oracle, sink, order, &record);
}

void oracle_check_topics(struct oracle *oracle, const struct sim_sink *sink)
{
    size_t expected = 1; /* the source's own */
    for (const struct sim_order *order = oracle->store->orders; order != NULL;
         order = order->next) {
        expected += check_order_topics(oracle, sink, order);
    }
    size_t found = 0;
    for (const struct sim_topic *topic = sink->topics; topic != NULL; topic = topic->next) {
        found++;
    }
    if (found != expected) {
        sim_violation(oracle->sim, "%s has %zu topics, %zu are right", sink->config->name, found,
                      expected);
    }
}
