#include "tests/sim/sim_sinks.h"

#include "core/arena.h"
#include "core/glob.h"
#include "core/text.h"

#include "tests/sim/sim_store.h"

#include <stdio.h>
#include <stdlib.h>

#define SENT_COUNT_MAX 256

struct message {
    struct message *next;
    struct sim_sink_port *port;
    struct arena *arena;
    struct delivery delivery;
    struct retained retained;
    uint32_t connection; /* of the sink, when it left */
    bool is_retained, is_sent, is_taken;
    enum send_outcome outcome;
    int64_t retry_after_ms;
    bool is_sink_busy;
    size_t part_max;
    send_done_fn *on_done;
    void *arg;
};

struct sim_sink_port {
    struct sim_sink *sink;
    struct sim_process *process;
    struct message *under_way; /* newest first */
    uint32_t in_flight;
    int64_t sent_mono_ms[SENT_COUNT_MAX]; /* a ring, for the rate */
    uint64_t sent_count;
    int64_t held_until_mono_ms; /* as it asked */
    char held_lane[256];        /* over this one */
    bool has_taken_others;      /* since then */
    struct sink_listener listener;
    bool is_closing;
};

void sim_sink_init(struct sim_sink *sink, struct sim *sim, const struct sink_config *config)
{
    *sink = (struct sim_sink){.sim = sim, .config = config, .answer_ms_max = 50};
}

void sim_sink_forget_topics(struct sim_sink *sink)
{
    while (sink->topics != NULL) {
        struct sim_topic *topic = sink->topics;
        sink->topics = topic->next;
        free(topic->name);
        free(topic->payload);
        free(topic);
    }
}

void sim_sink_fini(struct sim_sink *sink)
{
    sim_sink_forget_topics(sink);
}

const char *sim_sink_topic(const struct sim_sink *sink, const char *name)
{
    for (const struct sim_topic *topic = sink->topics; topic != NULL; topic = topic->next) {
        if (text_equal(topic->name, name)) {
            return topic->payload;
        }
    }
    return NULL;
}

static void remove_topic(struct sim_sink *sink, const char *name)
{
    for (struct sim_topic **place = &sink->topics; *place != NULL; place = &(*place)->next) {
        struct sim_topic *topic = *place;
        if (text_equal(topic->name, name)) {
            *place = topic->next;
            free(topic->name);
            free(topic->payload);
            free(topic);
            return;
        }
    }
}

static char *topic_name(const struct retained *retained)
{
    if (retained->kind == RETAINED_DISCOVERY || retained->kind == RETAINED_EARLIER) {
        return alloc_text(retained->topic);
    }
    struct text name;
    text_init(&name, 4096);
    text_add_text(&name, retained->source_name);
    if (retained->kind != RETAINED_SOURCE) {
        text_addf(&name, "/%s", retained->order_id);
    }
    if (retained->kind == RETAINED_APPOINTMENT) {
        text_addf(&name, "/%s", retained->appointment_id);
    }
    return text_take(&name);
}

static bool is_refused(const struct sim_sink *sink, const struct retained *retained)
{
    if (sink->refused_topics == NULL || retained->payload.size == 0) {
        return false;
    }
    char *name = topic_name(retained);
    bool is_it = glob_matches(sink->refused_topics, name);
    free(name);
    return is_it;
}

static void retain(struct sim_sink *sink, const struct retained *retained)
{
    char *name = topic_name(retained);
    sink->retained_count++;
    sim_trace(sink->sim, "%s keeps %s, %zu bytes", sink->config->name, name,
              retained->payload.size);
    remove_topic(sink, name);
    if (retained->payload.size == 0) {
        free(name);
        return;
    }
    struct text payload;
    text_init(&payload, retained->payload.size);
    text_add(&payload, retained->payload);
    struct sim_topic *topic = alloc(sizeof *topic);
    topic->name = name;
    topic->payload = text_take(&payload);
    topic->next = sink->topics;
    sink->topics = topic;
}

static void take(struct message *message)
{
    struct sim_sink *sink = message->port->sink;
    message->is_taken = true;
    if (message->is_retained) {
        retain(sink, &message->retained);
        return;
    }
    sink->receipt_count++;
    sim_trace(sink->sim, "%s takes %s in %s", sink->config->name, message->delivery.events[0].id,
              message->delivery.lane);
    if (sink->watch.on_receipt != NULL) {
        sink->watch.on_receipt(sink->watch.arg, sink->config->name, &message->delivery);
    }
}

static bool is_batch(const struct delivery *delivery)
{
    return delivery->event_count > 1 && delivery->bundle == NULL;
}

static bool is_connected(const struct message *message)
{
    const struct sim_sink *sink = message->port->sink;
    return !sink->is_away && message->connection == sink->connection;
}

static enum send_outcome decide_retained(struct sim_sink *sink, struct message *message)
{
    if (is_refused(sink, &message->retained)) {
        sim_trace(sink->sim, "%s refuses %s", sink->config->name, sink->refused_topics);
        return SEND_REJECTED;
    }
    take(message);
    return SEND_ACCEPTED;
}

static bool is_divided(struct sim_sink *sink, struct message *message)
{
    struct sim *sim = sink->sim;
    if (!sim_chance(sim, sink->divide_permille) && !sim_chance(sim, sink->reject_permille)) {
        return false;
    }
    message->part_max = sim_chance(sim, 500) ? message->delivery.event_count / 2 : 1;
    return true;
}

static enum send_outcome decide_delivery(struct sim_sink *sink, struct message *message)
{
    struct sim *sim = sink->sim;
    if (sink->is_gone) {
        return SEND_GONE;
    }
    if (sink->busy_ms != 0) {
        message->retry_after_ms = sink->busy_ms;
        message->is_sink_busy = true;
        return SEND_TRY_LATER;
    }
    if (is_batch(&message->delivery)) {
        if (is_divided(sink, message)) {
            return SEND_DIVIDE;
        }
    } else if (sim_chance(sim, sink->reject_permille)) {
        return SEND_REJECTED;
    }
    if (sim_chance(sim, sink->later_permille)) {
        message->retry_after_ms = sim_chance(sim, 200) ? sim_between(sim, 1000, 30000) : 0;
        return SEND_TRY_LATER;
    }
    take(message);
    if (sim_chance(sim, sink->lost_ack_permille)) {
        return sim_chance(sim, 500) ? SEND_TRY_LATER : SEND_OFFLINE;
    }
    return SEND_ACCEPTED;
}

static enum send_outcome decide(struct sim_sink *sink, struct message *message)
{
    if (!is_connected(message)) {
        return SEND_OFFLINE;
    }
    return message->is_retained ? decide_retained(sink, message) : decide_delivery(sink, message);
}

/* It was cut off: the receiver may have taken it all the same. */
static void take_perhaps(struct message *message)
{
    const struct sim_sink *sink = message->port->sink;
    if (message->is_sent && !message->is_taken && is_connected(message) && !sink->is_gone &&
        sim_chance(sink->sim, 500)) {
        take(message);
    }
}

static void forget_under_way(struct message *message)
{
    struct message **place = &message->port->under_way;
    while (*place != message) {
        place = &(*place)->next;
    }
    *place = message->next;
}

/* It asks all of them to wait; but not again over the lane that it refused the last time, if it
 * took others meanwhile. */
static void note_manners(struct message *message, enum send_outcome outcome)
{
    struct sim_sink_port *port = message->port;
    const struct sim *sim = port->sink->sim;
    if (message->is_retained) {
        return;
    }
    bool is_held_lane = text_equal(port->held_lane, message->delivery.lane);
    port->has_taken_others |= outcome == SEND_ACCEPTED && !is_held_lane;
    if (message->is_sink_busy && !(is_held_lane && port->has_taken_others)) {
        int64_t until = sim->now.mono_ms + message->retry_after_ms;
        port->held_until_mono_ms =
            until > port->held_until_mono_ms ? until : port->held_until_mono_ms;
        port->has_taken_others = false;
        (void)snprintf(port->held_lane, sizeof port->held_lane, "%s", message->delivery.lane);
    }
}

static void on_answer(void *self, bool is_alive)
{
    struct message *message = self;
    struct sim_sink *sink = message->port->sink;
    forget_under_way(message);
    message->port->in_flight -= !message->is_retained;
    struct send_result result = {.at = sink->sim->now, .outcome = SEND_OFFLINE, .detail = "died"};
    if (is_alive && message->port->is_closing) {
        take_perhaps(message);
        result.detail = "closed";
    } else if (is_alive) {
        result.outcome = decide(sink, message);
        note_manners(message, result.outcome);
        result.retry_after_ms = message->retry_after_ms;
        result.is_sink_busy = message->is_sink_busy;
        result.part_max = message->part_max;
        result.detail = result.outcome == SEND_ACCEPTED ? "taken" : "refused";
    }
    message->on_done(message->arg, &result);
    arena_destroy(message->arena);
    free(message);
}

static struct message *begin(struct sim_sink_port *port, send_done_fn *on_done, void *arg)
{
    struct message *message = alloc(sizeof *message);
    message->port = port;
    message->connection = port->sink->connection;
    message->arena = arena_create();
    message->on_done = on_done;
    message->arg = arg;
    message->next = port->under_way;
    port->under_way = message;
    return message;
}

static void start(struct message *message)
{
    struct sim_sink_port *port = message->port;
    struct sim *sim = port->sink->sim;
    int64_t delay = port->process->is_dead ? 0 : sim_between(sim, 0, port->sink->answer_ms_max);
    sim_spawn(sim, port->process, delay, on_answer, message);
}

static void check_rate(struct sim_sink_port *port)
{
    const struct sim_sink *sink = port->sink;
    struct rate rate = sink->config->rate;
    CHECK(rate.count < SENT_COUNT_MAX);
    int64_t now = sink->sim->now.mono_ms;
    if (rate.count != 0 && port->sent_count >= rate.count &&
        now - port->sent_mono_ms[(port->sent_count - rate.count) % SENT_COUNT_MAX] <=
            rate.window_ms) {
        sim_violation(sink->sim, "%s is sent more than %u in %lld ms", sink->config->name,
                      rate.count, (long long)rate.window_ms);
    }
    port->sent_mono_ms[port->sent_count++ % SENT_COUNT_MAX] = now;
}

static void sink_send(void *self, const struct delivery *delivery, send_done_fn *on_done, void *arg)
{
    struct sim_sink_port *port = self;
    struct sim_sink *sink = port->sink;
    bool is_alive = sim_call(port->process);
    struct message *message = begin(port, on_done, arg);
    struct event *events = arena_array(message->arena, delivery->event_count, sizeof *events);
    for (size_t i = 0; i < delivery->event_count; i++) {
        events[i] = delivery->events[i];
        events[i].source_name = sim_copy_text(message->arena, events[i].source_name);
        events[i].order_id = sim_copy_text(message->arena, events[i].order_id);
    }
    message->delivery = *delivery;
    message->delivery.lane = sim_copy_text(message->arena, delivery->lane);
    message->delivery.events = events;
    message->is_sent = is_alive;
    port->in_flight++;
    if (is_alive) {
        check_rate(port);
        if (sink->sim->now.mono_ms < port->held_until_mono_ms) {
            sim_violation(sink->sim, "%s is sent to although it asked for a pause",
                          sink->config->name);
        }
        if (port->in_flight > sink->config->in_flight_max) {
            sim_violation(sink->sim, "%s has %u in flight, %u are allowed", sink->config->name,
                          port->in_flight, sink->config->in_flight_max);
        }
        if (sink->watch.on_send != NULL) {
            sink->watch.on_send(sink->watch.arg, sink->config->name, delivery);
        }
    }
    start(message);
}

static void sink_publish(void *self, const struct retained *retained, send_done_fn *on_done,
                         void *arg)
{
    struct sim_sink_port *port = self;
    bool is_alive = sim_call(port->process);
    struct message *message = begin(port, on_done, arg);
    message->is_sent = is_alive;
    message->is_retained = true;
    message->retained = *retained;
    message->retained.source_name = sim_copy_text(message->arena, retained->source_name);
    message->retained.order_id = sim_copy_text(message->arena, retained->order_id);
    message->retained.appointment_id = sim_copy_text(message->arena, retained->appointment_id);
    if (retained->topic != NULL) {
        message->retained.topic = sim_copy_text(message->arena, retained->topic);
    }
    message->retained.payload = sim_copy_span(message->arena, retained->payload);
    start(message);
}

static void sink_listen(void *self, const struct sink_listener *listener)
{
    struct sim_sink_port *port = self;
    port->listener = *listener;
}

static void sink_close(void *self, closed_fn *on_closed, void *arg)
{
    (void)self;
    on_closed(arg);
}

static const struct sink_ops state_ops = {.kind = "mqtt",
                                          .send = sink_send,
                                          .publish = sink_publish,
                                          .listen = sink_listen,
                                          .close = sink_close};
static const struct sink_ops plain_ops = {
    .kind = "webhook", .send = sink_send, .close = sink_close};

struct sim_sink_port *sim_sink_port_create(struct sim_sink *sink, struct sim_process *process)
{
    struct sim_sink_port *port = alloc(sizeof *port);
    port->sink = sink;
    port->process = process;
    return port;
}

struct sink_port sim_sink_port(struct sim_sink_port *port)
{
    bool keeps_state = port->sink->config->kind == SINK_MQTT;
    return (struct sink_port){.self = port, .ops = keeps_state ? &state_ops : &plain_ops};
}

void sim_sink_port_connect(struct sim_sink_port *port)
{
    if (port->listener.on_available == NULL || port->sink->is_away) {
        return;
    }
    if (sim_sink_topic(port->sink, "orange") == NULL) {
        port->listener.on_state_lost(port->listener.arg);
    }
    port->listener.on_available(port->listener.arg);
}

void sim_sink_port_crash(struct sim_sink_port *port)
{
    CHECK(port->process->is_dead);
    for (struct message *message = port->under_way; message != NULL; message = message->next) {
        take_perhaps(message);
    }
}

void sim_sink_port_close(struct sim_sink_port *port)
{
    port->is_closing = true;
}

bool sim_sink_port_is_quiet(const struct sim_sink_port *port)
{
    return port->under_way == NULL;
}

void sim_sink_port_resume(struct sim_sink_port *port)
{
    port->held_until_mono_ms = 0;
}

void sim_sink_port_destroy(struct sim_sink_port *port)
{
    CHECK(port->under_way == NULL);
    free(port);
}
