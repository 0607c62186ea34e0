#include "edge/sinks.h"

#include "mqtt_connection.h"
#include "mqtt_reason.h"
#include "mqtt_topic.h"

#include <uv.h>

#include <stdlib.h>
#include <string.h>

#define TOPIC_BYTES_MAX 65535
#define PAYLOAD_BYTES_MAX ((size_t)1 << 20)

/* A send or publish on its way: until the broker's answer; held while a connection is being made;
 * or, if it can never leave, until the call that asked has returned. */
struct pending {
    struct pending *next;
    int message_id; /* 0: it has not left */
    bool is_held;   /* the message waits here for the connection */
    bool is_retained, has_event;
    struct text topic, payload;
    struct event event; /* its identity; the rest is in payload */
    enum send_outcome outcome;
    char detail[320];
    send_done_fn *on_done;
    void *arg;
};

struct sink_mqtt {
    const struct sink_config *config;
    struct mqtt_connection *connection;
    struct pending *pending;
    uv_timer_t soon; /* ends what did not leave, after the call that asked has returned */
    struct sink_listener listener;
    closed_fn *on_closed;
    void *on_closed_arg;
};

static struct instant now(void)
{
    uv_timeval64_t wall;
    CHECK(uv_gettimeofday(&wall) == 0);
    return (struct instant){.mono_ms = (int64_t)(uv_hrtime() / 1000000),
                            .wall_ms = wall.tv_sec * 1000 + wall.tv_usec / 1000};
}

static struct pending *pending_add(struct sink_mqtt *sink, send_done_fn *on_done, void *arg)
{
    struct pending *pending = alloc(sizeof *pending);
    *pending = (struct pending){.next = sink->pending, .on_done = on_done, .arg = arg};
    text_init(&pending->topic, TOPIC_BYTES_MAX);
    text_init(&pending->payload, PAYLOAD_BYTES_MAX);
    sink->pending = pending;
    return pending;
}

static void finish(struct pending *pending, enum send_outcome outcome, const char *detail)
{
    const struct send_result result = {.at = now(), .outcome = outcome, .detail = detail};
    pending->on_done(pending->arg, &result);
    text_fini(&pending->topic);
    text_fini(&pending->payload);
    free(pending);
}

/* Takes those out first that `soon` is for, so that a done may ask again. */
static void on_soon(uv_timer_t *timer)
{
    struct sink_mqtt *sink = timer->data;
    struct pending *ended = NULL;
    for (struct pending **link = &sink->pending; *link != NULL;) {
        struct pending *pending = *link;
        if (pending->message_id != 0 || pending->is_held) {
            link = &pending->next;
            continue;
        }
        *link = pending->next;
        pending->next = ended;
        ended = pending;
    }
    while (ended != NULL) {
        struct pending *next = ended->next;
        finish(ended, ended->outcome, ended->detail);
        ended = next;
    }
}

static void end_soon(struct sink_mqtt *sink, struct pending *pending, enum send_outcome outcome,
                     const char *detail)
{
    struct failure line;
    (void)fail(&line, STATUS_UNAVAILABLE, "%.300s", detail);
    pending->outcome = outcome;
    for (size_t i = 0; i + 1 < sizeof pending->detail && line.detail[i] != '\0'; i++) {
        pending->detail[i] = line.detail[i];
    }
    CHECK(uv_timer_start(&sink->soon, on_soon, 0, 0) == 0);
}

/* --- sending ---------------------------------------------------------------------------------- */

static void post(struct sink_mqtt *sink, struct pending *pending)
{
    struct failure why;
    const struct mqtt_message message = {.topic = text_cstr(&pending->topic),
                                         .payload = text_span(&pending->payload),
                                         .is_retained = pending->is_retained,
                                         .event = pending->has_event ? &pending->event : NULL};
    pending->is_held = false;
    switch (mqtt_connection_publish(sink->connection, &message, &pending->message_id, &why)) {
    case STATUS_OK:
        text_fini(&pending->topic);
        text_fini(&pending->payload);
        return;
    case STATUS_TOO_LARGE:
        break;
    case STATUS_INVALID:
    case STATUS_NOT_FOUND:
    case STATUS_UNAVAILABLE:
    case STATUS_FULL:
    case STATUS_BUSY:
    case STATUS_CORRUPT:
        CHECK(!"an answer that mqtt_connection_publish does not give");
    }
    pending->message_id = 0;
    end_soon(sink, pending, SEND_REJECTED, why.detail);
}

/* Up: off it goes. An attempt under way decides within its deadline: until then it waits here. */
static void post_or_hold(struct sink_mqtt *sink, struct pending *pending)
{
    if (pending->topic.status != STATUS_OK) {
        end_soon(sink, pending, SEND_REJECTED, "the topic would be longer than MQTT allows");
    } else if (mqtt_connection_is_up(sink->connection)) {
        post(sink, pending);
    } else if (mqtt_connection_is_trying(sink->connection)) {
        pending->is_held = true;
    } else {
        end_soon(sink, pending, SEND_OFFLINE, mqtt_connection_detail(sink->connection));
    }
}

static void sink_send(void *self, const struct delivery *delivery, send_done_fn *on_done, void *arg)
{
    struct sink_mqtt *sink = self;
    CHECK(delivery->event_count == 1);
    const struct event *event = &delivery->events[0];
    struct pending *pending = pending_add(sink, on_done, arg);
    struct failure why;
    if (event_add_filtered(event, &sink->config->fields, &pending->payload, &why) != STATUS_OK) {
        end_soon(sink, pending, SEND_REJECTED, why.detail);
        return;
    }
    mqtt_topic_event(sink->config->mqtt.prefix, event, &pending->topic);
    pending->has_event = true;
    pending->event = (struct event){.type = event->type, .severity = event->severity};
    memcpy(pending->event.id, event->id, sizeof event->id);
    pending->event.json = text_span(&pending->payload);
    post_or_hold(sink, pending);
}

static void sink_publish(void *self, const struct retained *retained, send_done_fn *on_done,
                         void *arg)
{
    struct sink_mqtt *sink = self;
    struct pending *pending = pending_add(sink, on_done, arg);
    mqtt_topic_retained(sink->config->mqtt.prefix, retained, &pending->topic);
    text_add(&pending->payload, retained->payload);
    pending->is_retained = true;
    post_or_hold(sink, pending);
}

/* --- what the connection tells ---------------------------------------------------------------- */

static void on_acknowledged(void *arg, int message_id, int code)
{
    struct sink_mqtt *sink = arg;
    for (struct pending **link = &sink->pending; *link != NULL; link = &(*link)->next) {
        struct pending *pending = *link;
        if (pending->message_id != message_id) {
            continue;
        }
        *link = pending->next;
        struct failure words;
        (void)fail(&words, STATUS_OK, "PUBACK 0x%02x: %s", (unsigned)code, mqtt_reason_words(code));
        enum send_outcome refused = mqtt_reason_is_final(code) ? SEND_REJECTED : SEND_TRY_LATER;
        finish(pending, mqtt_reason_is_refusal(code) ? refused : SEND_ACCEPTED, words.detail);
        return;
    }
}

static void on_up(void *arg)
{
    struct sink_mqtt *sink = arg;
    for (struct pending *pending = sink->pending; pending != NULL; pending = pending->next) {
        if (pending->is_held && mqtt_connection_is_up(sink->connection)) {
            post(sink, pending);
        }
    }
    if (sink->listener.on_available != NULL) {
        sink->listener.on_available(sink->listener.arg);
    }
}

static void on_down(void *arg, const char *detail)
{
    struct sink_mqtt *sink = arg;
    while (sink->pending != NULL) {
        struct pending *pending = sink->pending;
        sink->pending = pending->next;
        bool was_refused = pending->message_id == 0 && !pending->is_held;
        finish(pending, was_refused ? pending->outcome : SEND_OFFLINE,
               was_refused ? pending->detail : detail);
    }
}

static void on_state_lost(void *arg)
{
    struct sink_mqtt *sink = arg;
    if (sink->listener.on_state_lost != NULL) {
        sink->listener.on_state_lost(sink->listener.arg);
    }
}

static void sink_listen(void *self, const struct sink_listener *listener)
{
    struct sink_mqtt *sink = self;
    sink->listener = *listener;
}

/* --- closing ---------------------------------------------------------------------------------- */

static void on_soon_closed(uv_handle_t *handle)
{
    struct sink_mqtt *sink = handle->data;
    closed_fn *on_closed = sink->on_closed;
    void *arg = sink->on_closed_arg;
    free(sink);
    on_closed(arg);
}

static void on_connection_closed(void *arg)
{
    struct sink_mqtt *sink = arg;
    on_down(sink, "orderwatch stops");
    uv_close((uv_handle_t *)&sink->soon, on_soon_closed);
}

static void sink_close(void *self, closed_fn *on_closed, void *arg)
{
    struct sink_mqtt *sink = self;
    sink->on_closed = on_closed;
    sink->on_closed_arg = arg;
    mqtt_connection_close(sink->connection, on_connection_closed, sink);
}

enum status sink_mqtt_open(const struct sink_config *config,
                           const struct sink_environment *environment, struct sink_port *out,
                           struct failure *why)
{
    static const struct sink_ops ops = {.kind = "mqtt",
                                        .send = sink_send,
                                        .publish = sink_publish,
                                        .listen = sink_listen,
                                        .close = sink_close};
    (void)why; /* a broker that is away is no reason not to start */
    struct sink_mqtt *sink = alloc(sizeof *sink);
    sink->config = config;
    CHECK(uv_timer_init(environment->uv, &sink->soon) == 0);
    sink->soon.data = sink;
    const struct mqtt_events events = {.arg = sink,
                                       .on_up = on_up,
                                       .on_down = on_down,
                                       .on_acknowledged = on_acknowledged,
                                       .on_state_lost = on_state_lost};
    sink->connection =
        mqtt_connection_create(config->name, &config->mqtt, environment->uv, &events);
    *out = (struct sink_port){.self = sink, .ops = &ops};
    return STATUS_OK;
}
