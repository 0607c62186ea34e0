#include "edge/loop.h"
#include "edge/sinks.h"
#include "mqtt_connection.h"
#include "mqtt_post.h"
#include "mqtt_rota.h"

#include "core/log.h"

#include <mosquitto.h>
#include <uv.h>

#include <stdlib.h>

/* A connection, and whose turn it was. */
struct line {
    struct sink_mqtt *sink;
    struct mqtt_connection *connection; /* NULL: none */
    const struct mqtt_broker *broker;
    bool is_up, is_state_lost;
    bool is_leaving; /* it says goodbye: nothing is expected of it */
};

struct sink_mqtt {
    const struct sink_config *config;
    uv_timer_t retry_timer;
    uv_timer_t return_timer;   /* to look for the first broker, while another one is used */
    uv_timer_t patience_timer; /* until what is suspected may be sent */
    struct line lines[2];      /* the one in use, and the one that may come after it */
    struct line *line, *other; /* they change places when all that was sent is answered */
    size_t handle_count;
    struct mqtt_rota rota;
    struct mqtt_post *post;
    struct failure loss; /* the latest */
    struct sink_listener listener;
    closed_fn *on_closed; /* NULL: open */
    void *closed_arg;
};

static void connect_broker(struct sink_mqtt *sink);

static int64_t now_mono_ms(const struct sink_mqtt *sink)
{
    return loop_instant(sink->retry_timer.loop).mono_ms;
}

/* --- the end ---------------------------------------------------------------------------------- */

static void on_timer_closed(uv_handle_t *handle)
{
    struct sink_mqtt *sink = handle->data;
    if (--sink->handle_count != 0) {
        return;
    }
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
    uv_close((uv_handle_t *)&sink->return_timer, on_timer_closed);
    uv_close((uv_handle_t *)&sink->patience_timer, on_timer_closed);
}

static void close_when_alone(struct sink_mqtt *sink)
{
    if (sink->line->connection == NULL && sink->other->connection == NULL) {
        mqtt_post_close(sink->post, on_post_closed, sink);
    }
}

/* --- which broker ----------------------------------------------------------------------------- */

static void on_retry_timer(uv_timer_t *timer)
{
    connect_broker(timer->data);
}

static void on_return_timer(uv_timer_t *timer);

/* While another broker is used, the first one is looked for. */
static void plan_return(struct sink_mqtt *sink)
{
    const struct mqtt_config *mqtt = &sink->config->mqtt;
    if (sink->line->broker != &mqtt->brokers[0] && sink->on_closed == NULL) {
        CHECK(uv_timer_start(&sink->return_timer, on_return_timer, (uint64_t)mqtt->return_after_ms,
                             0) == 0);
    }
}

static void on_patience_timer(uv_timer_t *timer);

static void flush(struct sink_mqtt *sink)
{
    int64_t wait_ms = mqtt_post_flush(sink->post, sink->line->connection);
    if (wait_ms != 0) {
        CHECK(uv_timer_start(&sink->patience_timer, on_patience_timer, (uint64_t)wait_ms, 0) == 0);
    }
}

static void begin_using(struct sink_mqtt *sink)
{
    const struct sink_listener *listener = &sink->listener;
    struct text url;
    text_init(&url, 1024);
    mqtt_broker_add(sink->line->broker, &url);
    LOG_INFO("mqtt_connected", log_text("sink", sink->config->name),
             log_text("broker", text_cstr(&url)));
    text_fini(&url);
    mqtt_rota_up(&sink->rota, now_mono_ms(sink));
    mqtt_post_begin(sink->post);
    if (sink->line->is_state_lost && sink->config->mqtt.has_state) {
        LOG_INFO("mqtt_state_lost", log_text("sink", sink->config->name));
        if (listener->on_state_lost != NULL) {
            listener->on_state_lost(listener->arg);
        }
    }
    flush(sink);
    if (listener->on_available != NULL) {
        listener->on_available(listener->arg);
    }
    plan_return(sink);
}

static void close_line(struct line *line)
{
    line->is_up = false;
    if (line->connection != NULL && !line->is_leaving) {
        line->is_leaving = true;
        mqtt_connection_close(line->connection);
    }
}

static void change_places(struct sink_mqtt *sink)
{
    struct line *before = sink->line;
    sink->line = sink->other;
    sink->other = before;
    sink->rota.index = 0;
    close_line(before);
    if (sink->line->is_up) {
        begin_using(sink);
    }
}

/* Nothing new leaves by the old broker any more; what it has not answered yet is waited for. */
static bool is_moving(const struct sink_mqtt *sink)
{
    return sink->other->is_up;
}

static void move_when_quiet(struct sink_mqtt *sink)
{
    if (is_moving(sink) && mqtt_post_is_quiet(sink->post)) {
        change_places(sink);
    }
}

/* --- what connections tell -------------------------------------------------------------------- */

static void on_up(void *arg, bool is_state_lost)
{
    struct line *line = arg;
    struct sink_mqtt *sink = line->sink;
    line->is_up = true;
    line->is_state_lost = is_state_lost;
    if (line == sink->line) {
        begin_using(sink);
    } else if (sink->on_closed == NULL) {
        move_when_quiet(sink);
    }
}

static void on_acknowledged(void *arg, int message_id, int code, const char *words)
{
    struct line *line = arg;
    struct sink_mqtt *sink = line->sink;
    if (line != sink->line) {
        return; /* of its own announcements */
    }
    mqtt_post_acknowledge(sink->post, message_id, code, words);
    if (is_moving(sink)) {
        move_when_quiet(sink);
    } else if (line->is_up) {
        flush(sink);
    }
}

/* A degraded state is told when it is entered, not at each attempt. */
static void note_loss(struct sink_mqtt *sink, const struct mqtt_loss *loss)
{
    (void)fail(&sink->loss, STATUS_UNAVAILABLE, "%s%s", loss->detail,
               sink->rota.is_contended && !loss->is_taken_over
                   ? ", soon after each login: another client may use this client_id"
                   : "");
    if (sink->rota.is_contended) {
        LOG_ERROR("mqtt_taken_over", log_text("sink", sink->config->name),
                  log_text("client_id", sink->config->mqtt.client_id),
                  log_text("detail", sink->loss.detail));
    } else if (sink->rota.loss_count == 1) {
        LOG_WARN("mqtt_disconnected", log_text("sink", sink->config->name),
                 log_text("detail", loss->detail));
    } else {
        LOG_DEBUG("mqtt_attempt_failed", log_text("sink", sink->config->name),
                  log_text("detail", loss->detail));
    }
}

static void on_down(void *arg, const struct mqtt_loss *loss)
{
    struct line *line = arg;
    struct sink_mqtt *sink = line->sink;
    line->connection = NULL;
    line->is_up = false;
    if (sink->on_closed != NULL) {
        close_when_alone(sink);
        return;
    }
    bool was_leaving = line->is_leaving;
    line->is_leaving = false;
    if (line != sink->line) {
        if (!was_leaving) {
            plan_return(sink); /* the first broker is not back yet */
        }
        return;
    }
    struct mqtt_loss judged = *loss;
    judged.is_by_message = mqtt_post_suspect(sink->post, loss);
    int64_t wait_ms = mqtt_rota_down(&sink->rota, &judged, now_mono_ms(sink));
    note_loss(sink, loss);
    mqtt_post_give_up(sink->post, sink->loss.detail);
    (void)uv_timer_stop(&sink->return_timer);
    if (sink->other->connection != NULL && !sink->other->is_leaving) {
        change_places(sink); /* to the first broker, which was on its way */
        return;
    }
    CHECK(uv_timer_start(&sink->retry_timer, on_retry_timer, (uint64_t)wait_ms, 0) == 0);
}

static void open_line(struct sink_mqtt *sink, struct line *line, size_t broker_index)
{
    const struct mqtt_connection_events events = {
        .arg = line, .on_up = on_up, .on_acknowledged = on_acknowledged, .on_down = on_down};
    line->broker = &sink->config->mqtt.brokers[broker_index];
    line->connection =
        mqtt_connection_open(sink->retry_timer.loop, sink->config, line->broker, &events);
}

static void connect_broker(struct sink_mqtt *sink)
{
    open_line(sink, sink->line, sink->rota.index);
}

static void on_return_timer(uv_timer_t *timer)
{
    struct sink_mqtt *sink = timer->data;
    if (sink->other->connection == NULL) {
        open_line(sink, sink->other, 0);
    }
}

/* What comes while the connection is being made waits for its outcome: at a start, and for
 * `orderwatch test`, a moment later everything is well. */
static void forward(struct sink_mqtt *sink)
{
    if (is_moving(sink)) {
        return;
    }
    if (sink->line->is_up) {
        flush(sink);
    } else if (sink->line->connection == NULL) {
        mqtt_post_give_up(sink->post, sink->loss.detail);
    }
}

static void on_patience_timer(uv_timer_t *timer)
{
    forward(timer->data);
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
    connect_broker(sink);
}

/* For those who look at the status: which broker, and what they cannot see. */
static void sink_mqtt_describe(void *self, struct text *out)
{
    const struct sink_mqtt *sink = self;
    const struct mqtt_config *mqtt = &sink->config->mqtt;
    const struct line *line = sink->line;
    if (line->is_up) {
        text_add_text(out, "connected to ");
        mqtt_broker_add(line->broker, out);
        if (mqtt->broker_count > 1) {
            text_addf(out, " (%zu of %zu)", (size_t)(line->broker - mqtt->brokers) + 1,
                      mqtt->broker_count);
        }
    } else {
        text_addf(out, "not connected: %s",
                  sink->loss.detail[0] != '\0' ? sink->loss.detail : "connecting");
    }
    mqtt_post_describe(sink->post, out);
    if (mqtt->protocol != 5) {
        text_add_text(out, "; with protocol 3.1.1 the broker cannot say that it refused a message");
        text_add_text(
            out, mqtt->message_bytes_max == 0 ? " (message_limit is for what is too large)" : "");
    }
}

static void sink_mqtt_close(void *self, closed_fn *on_closed, void *arg)
{
    struct sink_mqtt *sink = self;
    CHECK(sink->on_closed == NULL);
    sink->on_closed = on_closed;
    sink->closed_arg = arg;
    (void)uv_timer_stop(&sink->retry_timer);
    (void)uv_timer_stop(&sink->return_timer);
    (void)uv_timer_stop(&sink->patience_timer);
    if (sink->line->connection == NULL && sink->other->connection == NULL) {
        mqtt_post_close(sink->post, on_post_closed, sink);
        return;
    }
    close_line(sink->line);
    close_line(sink->other);
}

static const struct sink_ops mqtt_ops = {
    .kind = "mqtt",
    .send = sink_mqtt_send,
    .publish = sink_mqtt_publish,
    .listen = sink_mqtt_listen,
    .describe = sink_mqtt_describe,
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
    sink->rota = (struct mqtt_rota){.broker_count = config->mqtt.broker_count, .random = random};
    sink->post = mqtt_post_create(environment->uv, config);
    sink->line = &sink->lines[0];
    sink->other = &sink->lines[1];
    sink->lines[0].sink = sink;
    sink->lines[1].sink = sink;
    CHECK(uv_timer_init(environment->uv, &sink->retry_timer) == 0);
    CHECK(uv_timer_init(environment->uv, &sink->return_timer) == 0);
    CHECK(uv_timer_init(environment->uv, &sink->patience_timer) == 0);
    sink->retry_timer.data = sink;
    sink->return_timer.data = sink;
    sink->patience_timer.data = sink;
    sink->handle_count = 3;
    (void)fail(&sink->loss, STATUS_UNAVAILABLE, "nobody listens yet");
    *out = (struct sink_port){.self = sink, .ops = &mqtt_ops};
    return STATUS_OK;
}
