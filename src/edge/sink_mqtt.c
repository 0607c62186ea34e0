#include "edge/loop.h"
#include "edge/sinks.h"
#include "mqtt_connection.h"
#include "mqtt_post.h"

#include "core/log.h"
#include "core/random.h"
#include "core/retry.h"

#include <mosquitto.h>
#include <uv.h>

#include <stdlib.h>

/* A connection that did not even hold so long counts as another failed attempt: two clients with
 * one client_id throw each other out for ever. */
#define STEADY_MS 10000
#define LOGIN_WAIT_MS_MIN 30000
#define RECONNECT_WAIT_MS_MIN 100

/* A console waits for the present: after an outage of any length it has it within seconds. */
static const struct retry_policy reconnect_policy = {.first_ms = 1000, .cap_ms = 5000};
static const struct retry_policy login_policy = {.first_ms = 60000, .cap_ms = 300000};

struct sink_mqtt {
    const struct sink_config *config;
    uv_timer_t retry_timer;
    struct mqtt_connection *connection; /* NULL: waiting for the next attempt */
    bool is_up;
    int64_t up_mono_ms;
    uint32_t attempt_count; /* without a steady connection since */
    struct random random;
    struct mqtt_post *post;
    struct failure loss; /* the latest */
    struct sink_listener listener;
    closed_fn *on_closed; /* NULL: open */
    void *closed_arg;
};

static void connect_broker(struct sink_mqtt *sink);

static void on_retry_timer(uv_timer_t *timer)
{
    connect_broker(timer->data);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct sink_mqtt *sink = handle->data;
    closed_fn *on_closed = sink->on_closed;
    void *arg = sink->closed_arg;
    free(sink);
    (void)mosquitto_lib_cleanup();
    on_closed(arg);
}

static void on_post_closed(void *arg)
{
    struct sink_mqtt *sink = arg;
    uv_close((uv_handle_t *)&sink->retry_timer, on_timer_closed);
}

static void on_up(void *arg, bool is_state_lost)
{
    struct sink_mqtt *sink = arg;
    const struct sink_listener *listener = &sink->listener;
    sink->is_up = true;
    sink->up_mono_ms = loop_instant(sink->retry_timer.loop).mono_ms;
    LOG_INFO("mqtt_connected", log_text("sink", sink->config->name),
             log_text("host", sink->config->mqtt.host));
    if (is_state_lost && sink->config->mqtt.has_state) {
        LOG_INFO("mqtt_state_lost", log_text("sink", sink->config->name));
        if (listener->on_state_lost != NULL) {
            listener->on_state_lost(listener->arg);
        }
    }
    mqtt_post_flush(sink->post, sink->connection);
    if (listener->on_available != NULL) {
        listener->on_available(listener->arg);
    }
}

static void on_acknowledged(void *arg, int message_id, int code, const char *words)
{
    struct sink_mqtt *sink = arg;
    mqtt_post_acknowledge(sink->post, message_id, code, words);
    if (sink->is_up) {
        mqtt_post_flush(sink->post, sink->connection);
    }
}

static void plan_next_attempt(struct sink_mqtt *sink, bool is_login_refused)
{
    const struct retry_policy *policy = is_login_refused ? &login_policy : &reconnect_policy;
    int64_t wait_ms =
        retry_delay_ms(policy, sink->attempt_count,
                       is_login_refused ? LOGIN_WAIT_MS_MIN : RECONNECT_WAIT_MS_MIN, &sink->random);
    CHECK(uv_timer_start(&sink->retry_timer, on_retry_timer, (uint64_t)wait_ms, 0) == 0);
}

/* A degraded state is told when it is entered, not at each attempt. */
static void note_loss(struct sink_mqtt *sink, const struct mqtt_loss *loss)
{
    int64_t now_mono_ms = loop_instant(sink->retry_timer.loop).mono_ms;
    if (loss->was_up && now_mono_ms - sink->up_mono_ms >= STEADY_MS) {
        sink->attempt_count = 0;
    }
    (void)fail(&sink->loss, STATUS_UNAVAILABLE, "%s", loss->detail);
    if (sink->attempt_count++ == 0) {
        LOG_WARN("mqtt_disconnected", log_text("sink", sink->config->name),
                 log_text("detail", loss->detail));
    } else {
        LOG_DEBUG("mqtt_attempt_failed", log_text("sink", sink->config->name),
                  log_text("detail", loss->detail));
    }
}

static void on_down(void *arg, const struct mqtt_loss *loss)
{
    struct sink_mqtt *sink = arg;
    sink->connection = NULL;
    sink->is_up = false;
    if (sink->on_closed != NULL) {
        mqtt_post_close(sink->post, on_post_closed, sink);
        return;
    }
    note_loss(sink, loss);
    mqtt_post_give_up(sink->post, loss->detail);
    plan_next_attempt(sink, loss->is_login_refused);
}

static void connect_broker(struct sink_mqtt *sink)
{
    const struct mqtt_connection_events events = {
        .arg = sink, .on_up = on_up, .on_acknowledged = on_acknowledged, .on_down = on_down};
    sink->connection = mqtt_connection_open(sink->retry_timer.loop, sink->config, &events);
}

/* What comes while the connection is being made waits for its outcome: at a start, and for
 * `orderwatch test`, a moment later everything is well. */
static void forward(struct sink_mqtt *sink)
{
    if (sink->is_up) {
        mqtt_post_flush(sink->post, sink->connection);
    } else if (sink->connection == NULL) {
        mqtt_post_give_up(sink->post, sink->loss.detail);
    }
}

static void sink_mqtt_send(void *self, const struct delivery *delivery, send_done_fn *on_done,
                           void *arg)
{
    struct sink_mqtt *sink = self;
    CHECK(sink->on_closed == NULL && delivery->event_count == 1);
    mqtt_post_add_event(sink->post, &delivery->events[0], on_done, arg);
    forward(sink);
}

static void sink_mqtt_publish(void *self, const struct retained *retained, send_done_fn *on_done,
                              void *arg)
{
    struct sink_mqtt *sink = self;
    CHECK(sink->on_closed == NULL);
    mqtt_post_add_retained(sink->post, retained, on_done, arg);
    forward(sink);
}

static void sink_mqtt_listen(void *self, const struct sink_listener *listener)
{
    struct sink_mqtt *sink = self;
    sink->listener = *listener;
}

static void sink_mqtt_close(void *self, closed_fn *on_closed, void *arg)
{
    struct sink_mqtt *sink = self;
    CHECK(sink->on_closed == NULL);
    sink->on_closed = on_closed;
    sink->closed_arg = arg;
    if (sink->connection != NULL) {
        mqtt_connection_close(sink->connection);
    } else {
        mqtt_post_close(sink->post, on_post_closed, sink);
    }
}

static const struct sink_ops ops_with_state = {
    .kind = "mqtt",
    .send = sink_mqtt_send,
    .publish = sink_mqtt_publish,
    .listen = sink_mqtt_listen,
    .close = sink_mqtt_close,
};

static const struct sink_ops ops_without_state = {
    .kind = "mqtt",
    .send = sink_mqtt_send,
    .listen = sink_mqtt_listen,
    .close = sink_mqtt_close,
};

enum status sink_mqtt_open(const struct sink_config *config,
                           const struct sink_environment *environment, struct sink_port *out,
                           struct failure *why)
{
    struct random random;
    int error = uv_random(NULL, NULL, &random, sizeof random, 0, NULL);
    if (error != 0 || mosquitto_lib_init() != MOSQ_ERR_SUCCESS) {
        return fail(why, STATUS_UNAVAILABLE, "sink %s: no randomness from the system",
                    config->name);
    }
    struct sink_mqtt *sink = alloc(sizeof *sink);
    sink->config = config;
    sink->random = random;
    sink->post = mqtt_post_create(environment->uv, config);
    CHECK(uv_timer_init(environment->uv, &sink->retry_timer) == 0);
    sink->retry_timer.data = sink;
    connect_broker(sink);
    *out = (struct sink_port){.self = sink,
                              .ops = config->mqtt.has_state ? &ops_with_state : &ops_without_state};
    return STATUS_OK;
}
