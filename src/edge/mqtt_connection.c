#include "mqtt_connection.h"

#include "core/log.h"
#include "errand.h"
#include "mqtt_marker.h"
#include "mqtt_notes.h"
#include "mqtt_properties.h"
#include "mqtt_reason.h"
#include "mqtt_result.h"
#include "mqtt_setup.h"

#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <uv.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS 250
#define TICK_UP_MS 2000 /* the library's keep-alive needs no more, and each tick wakes the loop */
#define LOOK_MS_MAX 1000
#define LOOK_UP_MS_MAX 20000
#define GREETING_MS_MAX 10000 /* until CONNACK, and again until the announcement is taken */
#define FAREWELL_MS_MAX 1000
#define KEEPALIVE_SECONDS 20

enum step {
    STEP_LOOK_UP,  /* the errand has the client */
    STEP_GREET,    /* until CONNACK */
    STEP_LOOK,     /* subscribed to our own marker: what the broker retains comes soon or never */
    STEP_ANNOUNCE, /* "online" sent, until its PUBACK */
    STEP_UP,
    STEP_FAREWELL, /* "offline" sent, until its PUBACK */
    STEP_GONE,     /* the handles are closing */
};

struct mqtt_connection {
    const struct sink_config *config;
    const struct mqtt_broker *broker;
    struct mqtt_connection_events events;
    struct errand *look_up; /* NULL: it is over */
    char *host;             /* its own: it may outlive the broker's */
    uint16_t port;
    uv_timer_t timer;
    uv_poll_t poll;
    bool has_poll;
    int watched_events, handle_count; /* by poll; of both */
    struct mosquitto *client;
    struct mqtt_marker marker;
    enum step step;
    uint64_t step_deadline_ms;
    bool is_closing, was_up;
    bool is_busy; /* in the library, or telling the owner: not the moment to end */
    int connect_code, connect_errno; /* of the look-up */
    struct mqtt_notes noted;
    int step_mid; /* of the announcement */
    struct failure loss;
    bool is_login_refused;
};

static bool is_late(const struct mqtt_connection *connection)
{
    return uv_now(connection->timer.loop) >= connection->step_deadline_ms;
}

/* The end: everything of this life is released, then the owner is told. A look-up under way is left
 * behind, and what it works with. */

static void drop(void *job)
{
    struct mqtt_connection *connection = job;
    mosquitto_destroy(connection->client);
    free(connection->host);
    free(connection);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct mqtt_connection *connection = handle->data;
    if (--connection->handle_count != 0) {
        return;
    }
    const struct mqtt_loss loss = {
        .was_up = connection->was_up,
        .was_logged_in = connection->noted.has_connack && connection->noted.connack_code == 0,
        .is_login_refused = connection->is_login_refused,
        .is_taken_over = connection->noted.disconnect_code == MQTT_RC_SESSION_TAKEN_OVER,
        .reason = connection->noted.disconnect_code,
        .detail = connection->loss.detail};
    connection->events.on_down(connection->events.arg, &loss);
    mqtt_marker_fini(&connection->marker);
    if (connection->look_up != NULL) {
        errand_leave(connection->look_up);
    } else {
        drop(connection);
    }
}

static void end(struct mqtt_connection *connection)
{
    CHECK(connection->step != STEP_GONE);
    connection->step = STEP_GONE;
    /* Before the client: the library closes the descriptor that is watched. */
    if (connection->has_poll) {
        (void)uv_poll_stop(&connection->poll);
        uv_close((uv_handle_t *)&connection->poll, on_handle_closed);
    }
    uv_close((uv_handle_t *)&connection->timer, on_handle_closed);
    if (connection->look_up == NULL) {
        mosquitto_destroy(connection->client);
        connection->client = NULL;
    }
}

static void lose(struct mqtt_connection *connection, int library_code, int error)
{
    struct text reason;
    text_init(&reason, 4096);
    mqtt_notes_add_words(&connection->noted, library_code, error, &reason);
    connection->is_login_refused =
        connection->noted.has_connack && mqtt_reason_is_credential(connection->noted.connack_code);
    mqtt_notes_add_remedy(&connection->noted, connection->broker, &reason);
    (void)fail(&connection->loss, STATUS_UNAVAILABLE, "broker %s:%u: %s", connection->broker->host,
               connection->broker->port, text_cstr(&reason));
    text_fini(&reason);
    end(connection);
}

static void lose_by_silence(struct mqtt_connection *connection, const char *what, int ms_max,
                            const char *suspect)
{
    (void)fail(&connection->loss, STATUS_UNAVAILABLE,
               "broker %s:%u: %s within %d s; check broker and %s", connection->broker->host,
               connection->broker->port, what, ms_max / 1000, suspect);
    end(connection);
}

/* What the library calls: it notes, and advance() acts when the library has returned. */

static void on_connack(struct mosquitto *client, void *arg, int code, int flags,
                       const mosquitto_property *properties)
{
    struct mqtt_connection *connection = arg;
    (void)client;
    (void)flags;
    mqtt_notes_connack(&connection->noted, code, properties);
}

static void on_disconnect(struct mosquitto *client, void *arg, int code,
                          const mosquitto_property *properties)
{
    struct mqtt_connection *connection = arg;
    (void)client;
    mqtt_notes_disconnect(&connection->noted, code, properties);
}

static void on_suback(struct mosquitto *client, void *arg, int mid, int count, const int *granted)
{
    struct mqtt_connection *connection = arg;
    (void)client;
    (void)mid;
    if (count > 0 && mqtt_reason_is_refusal(granted[0])) {
        LOG_WARN("mqtt_marker_unreadable", log_text("sink", connection->config->name),
                 log_text("topic", text_cstr(&connection->marker.status_topic)));
    }
}

static void on_message(struct mosquitto *client, void *arg, const struct mosquitto_message *message)
{
    struct mqtt_connection *connection = arg;
    (void)client;
    if (message->retain && connection->step == STEP_LOOK) {
        mqtt_marker_note(
            &connection->marker, message->topic,
            (struct span){.data = message->payload, .size = (size_t)message->payloadlen});
    }
}

static void tell_answer(struct mqtt_connection *connection, int message_id, int code,
                        const mosquitto_property *properties)
{
    struct text words;
    text_init(&words, 2048);
    mqtt_notes_add_puback(code, properties, &words);
    connection->events.on_acknowledged(connection->events.arg, message_id, code, text_cstr(&words));
    text_fini(&words);
}

static void on_puback(struct mosquitto *client, void *arg, int mid, int code,
                      const mosquitto_property *properties)
{
    struct mqtt_connection *connection = arg;
    (void)client;
    bool is_own = connection->step == STEP_ANNOUNCE || connection->step == STEP_FAREWELL;
    if (!is_own || mid != connection->step_mid) {
        tell_answer(connection, mid, code, properties);
        return;
    }
    connection->noted.is_announced = true;
    if (mqtt_reason_is_refusal(code)) {
        LOG_WARN("mqtt_status_refused", log_text("sink", connection->config->name),
                 log_text("detail", mqtt_reason_words(code)));
    }
}

static void on_log(struct mosquitto *client, void *arg, int level, const char *line)
{
    struct mqtt_connection *connection = arg;
    (void)client;
    mqtt_notes_log(&connection->noted, level, line);
}

/* The socket. libuv asks the kernel each time it is told: it is told what is new. */

static void on_socket(uv_poll_t *poll, int status, int events);

static void watch(struct mqtt_connection *connection)
{
    int events = UV_READABLE | (mosquitto_want_write(connection->client) ? UV_WRITABLE : 0);
    if (events != connection->watched_events) {
        CHECK(uv_poll_start(&connection->poll, events, on_socket) == 0);
        connection->watched_events = events;
    }
}

static void on_tick(uv_timer_t *timer);

static void set_step(struct mqtt_connection *connection, enum step step, uint64_t ms_max)
{
    uint64_t tick_ms = step == STEP_UP ? TICK_UP_MS : TICK_MS;
    connection->step = step;
    connection->step_deadline_ms = uv_now(connection->timer.loop) + ms_max;
    CHECK(uv_timer_start(&connection->timer, on_tick, tick_ms, tick_ms) == 0);
}

static int announce(struct mqtt_connection *connection, const char *state)
{
    connection->noted.is_announced = false;
    return mqtt_marker_announce(&connection->marker, connection->client, state,
                                &connection->step_mid);
}

/* The marker was looked at for long enough, or all of it is there. */
static int settle_marker(struct mqtt_connection *connection)
{
    int result = mqtt_marker_unsubscribe(&connection->marker, connection->client);
    if (result == MOSQ_ERR_SUCCESS && !mqtt_marker_is_kept(&connection->marker)) {
        result = mqtt_marker_clear(&connection->marker, connection->client);
    }
    if (result == MOSQ_ERR_SUCCESS) {
        set_step(connection, STEP_ANNOUNCE, GREETING_MS_MAX);
        result = announce(connection, "online");
    }
    return result;
}

static void go_up(struct mqtt_connection *connection)
{
    bool has_state = connection->config->mqtt.has_state;
    set_step(connection, STEP_UP, 0);
    connection->was_up = true;
    connection->events.on_up(connection->events.arg,
                             has_state && !mqtt_marker_is_kept(&connection->marker));
}

/* After the login. */
static int begin(struct mqtt_connection *connection)
{
    if (!connection->config->mqtt.has_state) {
        set_step(connection, STEP_ANNOUNCE, GREETING_MS_MAX);
        return announce(connection, "online");
    }
    set_step(connection, STEP_LOOK, LOOK_MS_MAX);
    return mqtt_marker_subscribe(&connection->marker, connection->client);
}

/* Takes the step that what was noted allows. */
static int advance(struct mqtt_connection *connection)
{
    int code = MOSQ_ERR_SUCCESS;
    switch (connection->step) {
    case STEP_GREET:
        if (connection->noted.has_connack && connection->noted.connack_code == 0) {
            code = begin(connection);
        }
        break;
    case STEP_LOOK:
        if (mqtt_marker_is_kept(&connection->marker) || is_late(connection)) {
            code = settle_marker(connection);
        }
        break;
    case STEP_ANNOUNCE:
        if (connection->noted.is_announced) {
            go_up(connection);
        }
        break;
    case STEP_UP:
        if (connection->is_closing) {
            set_step(connection, STEP_FAREWELL, FAREWELL_MS_MAX);
            code = announce(connection, "offline");
        }
        break;
    case STEP_LOOK_UP:
    case STEP_FAREWELL:
    case STEP_GONE:
        break;
    }
    return code;
}

static void leave(struct mqtt_connection *connection)
{
    if (connection->look_up == NULL) {
        (void)mosquitto_disconnect(connection->client);
    }
    (void)fail(&connection->loss, STATUS_UNAVAILABLE, "the sink was closed");
    end(connection);
}

/* After each time that the library has worked: code is what it said. */
static void go_on(struct mqtt_connection *connection, int code)
{
    int error = errno;
    connection->is_busy = true;
    if (code == MOSQ_ERR_SUCCESS) {
        code = advance(connection);
        error = errno;
    }
    connection->is_busy = false;
    bool is_farewell_over = connection->step == STEP_FAREWELL && connection->noted.is_announced;
    if (code != MOSQ_ERR_SUCCESS) {
        lose(connection, code, error);
    } else if (is_farewell_over || (connection->is_closing && connection->step < STEP_UP)) {
        leave(connection);
    } else if (mosquitto_socket(connection->client) < 0) {
        lose(connection, MOSQ_ERR_CONN_LOST, 0);
    } else {
        watch(connection);
    }
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
    struct mqtt_connection *connection = poll->data;
    /* libuv shows EPOLLERR as an error and watches no more. */
    int error = status < 0 || connection->step == STEP_GREET
                    ? mqtt_result_pending_error(mosquitto_socket(connection->client))
                    : 0;
    if (status < 0 || error != 0) {
        lose(connection, error != 0 ? MOSQ_ERR_ERRNO : MOSQ_ERR_CONN_LOST, error);
        return;
    }
    int code = MOSQ_ERR_SUCCESS;
    connection->is_busy = true;
    if ((events & UV_READABLE) != 0) {
        code = mosquitto_loop_read(connection->client, 1);
    }
    if (code == MOSQ_ERR_SUCCESS && (events & UV_WRITABLE) != 0) {
        code = mosquitto_loop_write(connection->client, 1);
    }
    go_on(connection, code);
}

static void on_tick(uv_timer_t *timer)
{
    struct mqtt_connection *connection = timer->data;
    if (connection->step == STEP_FAREWELL && is_late(connection)) {
        leave(connection);
    } else if (connection->step == STEP_GREET && is_late(connection)) {
        lose_by_silence(connection, "no answer to the login", GREETING_MS_MAX, "firewalls");
    } else if (connection->step == STEP_ANNOUNCE && is_late(connection)) {
        lose_by_silence(connection, "no answer after the login", GREETING_MS_MAX, "firewalls");
    } else if (connection->step == STEP_LOOK_UP && is_late(connection)) {
        lose_by_silence(connection, "its name was not looked up", LOOK_UP_MS_MAX, "name servers");
    } else if (connection->step != STEP_LOOK_UP) {
        connection->is_busy = true;
        go_on(connection, mosquitto_loop_misc(connection->client));
    }
}

/* The beginning: the look-up of the name blocks. Until on_looked_up the client, the notes and
 * connect_… are the errand's. */

static void look_up(void *job)
{
    struct mqtt_connection *connection = job;
    connection->connect_code = mosquitto_connect_async(connection->client, connection->host,
                                                       connection->port, KEEPALIVE_SECONDS);
    connection->connect_errno = errno;
}

static void on_looked_up(void *job)
{
    struct mqtt_connection *connection = job;
    connection->look_up = NULL;
    if (connection->step == STEP_GONE) {
        return; /* closed meanwhile; its handle has not yet */
    }
    int socket = mosquitto_socket(connection->client);
    if (connection->connect_code != MOSQ_ERR_SUCCESS || socket < 0) {
        bool has_code = connection->connect_code != MOSQ_ERR_SUCCESS;
        lose(connection, has_code ? connection->connect_code : MOSQ_ERR_NO_CONN,
             connection->connect_errno);
        return;
    }
    mqtt_setup_socket(socket);
    CHECK(uv_poll_init(connection->timer.loop, &connection->poll, socket) == 0);
    connection->poll.data = connection;
    connection->has_poll = true;
    connection->handle_count++;
    set_step(connection, STEP_GREET, GREETING_MS_MAX);
    watch(connection);
}

static void set_callbacks(struct mosquitto *client)
{
    mosquitto_connect_v5_callback_set(client, on_connack);
    mosquitto_disconnect_v5_callback_set(client, on_disconnect);
    mosquitto_subscribe_callback_set(client, on_suback);
    mosquitto_publish_v5_callback_set(client, on_puback);
    mosquitto_message_callback_set(client, on_message);
    mosquitto_log_callback_set(client, on_log);
}

struct mqtt_connection *mqtt_connection_open(struct uv_loop_s *uv, const struct sink_config *config,
                                             const struct mqtt_broker *broker,
                                             const struct mqtt_connection_events *events)
{
    struct mqtt_connection *connection = alloc(sizeof *connection);
    connection->config = config;
    connection->broker = broker;
    connection->host = alloc_text(broker->host);
    connection->port = broker->port;
    connection->events = *events;
    mqtt_marker_init(&connection->marker, config->mqtt.prefix);
    CHECK(uv_timer_init(uv, &connection->timer) == 0);
    connection->timer.data = connection;
    connection->handle_count = 1;
    connection->client = mosquitto_new(config->mqtt.client_id, true, connection);
    CHECK(connection->client != NULL);
    set_callbacks(connection->client);
    if (!mqtt_setup(connection->client, &config->mqtt, broker,
                    text_cstr(&connection->marker.status_topic))) {
        (void)fail(&connection->loss, STATUS_INVALID,
                   "the client cannot be set up; check the tls files, username and prefix");
        end(connection);
        return connection;
    }
    static const struct errand_steps steps = {
        .work = look_up, .on_done = on_looked_up, .drop = drop};
    set_step(connection, STEP_LOOK_UP, LOOK_UP_MS_MAX);
    connection->look_up = errand_start(uv, &steps, connection);
    if (connection->look_up == NULL) {
        (void)fail(&connection->loss, STATUS_UNAVAILABLE,
                   "no thread for the look-up of the broker; check the limit of tasks");
        end(connection);
    }
    return connection;
}

enum status mqtt_connection_publish(struct mqtt_connection *connection,
                                    const struct mqtt_message *message, int *out_message_id,
                                    struct failure *why)
{
    CHECK(connection->step == STEP_UP || connection->step == STEP_GONE);
    if (connection->step == STEP_GONE) {
        return fail(why, STATUS_UNAVAILABLE, "%s", connection->loss.detail);
    }
    mosquitto_property *properties = NULL;
    if (connection->config->mqtt.protocol == 5) {
        properties = mqtt_properties_of(message->event, connection->config->mqtt.expiry_ms);
    }
    int result = mosquitto_publish_v5(connection->client, out_message_id, message->topic,
                                      (int)message->payload.size, message->payload.data, 1,
                                      message->is_retained, properties);
    mosquitto_property_free_all(&properties);
    if (mosquitto_socket(connection->client) >= 0) {
        watch(connection);
    } else {
        /* The library has closed it; the tick will find out. The number may be another's now. */
        (void)uv_poll_stop(&connection->poll);
        connection->watched_events = 0;
    }
    return mqtt_result_of_publish(result, why);
}

void mqtt_connection_close(struct mqtt_connection *connection)
{
    CHECK(!connection->is_closing);
    connection->is_closing = true;
    if (connection->step == STEP_LOOK_UP) {
        leave(connection);
    } else if (connection->step != STEP_GONE && !connection->is_busy) {
        go_on(connection, MOSQ_ERR_SUCCESS);
    }
}
