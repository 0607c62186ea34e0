#include "mqtt_connection.h"

#include "core/log.h"
#include "core/random.h"
#include "core/retry.h"
#include "core/utf8.h"
#include "mqtt_properties.h"
#include "mqtt_reason.h"
#include "mqtt_setup.h"
#include "mqtt_topic.h"

#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <uv.h>

#include <stdlib.h>
#include <string.h>

#define KEEPALIVE_S 20
#define CONNACK_MS 10000
#define UPKEEP_MS 1000
#define LEAVE_MS 1000
#define TOPIC_BYTES_MAX 65535

enum connection_state {
    CONNECTION_WAITING,    /* for the time of the next attempt */
    CONNECTION_CONNECTING, /* the worker looks the name up and starts the connection */
    CONNECTION_GREETING,   /* until CONNACK */
    CONNECTION_UP,
    CONNECTION_LEAVING, /* "offline" was published; until its answer */
    CONNECTION_CLOSED,
};

struct mqtt_connection {
    const char *sink_name;
    const struct mqtt_config *config;
    uv_loop_t *uv;
    struct mqtt_events events;
    enum connection_state state;
    struct mosquitto *client;
    uv_poll_t *poll; /* NULL while there is no socket to watch */
    uv_timer_t timer;
    uv_work_t work;
    int work_result;
    struct random random;
    uint32_t attempt_count;
    bool is_lost; /* found inside a callback of the library; acted upon after it returned */
    bool is_credential_refused;
    bool saw_marker, has_kept_state;
    int farewell_id;
    int64_t due_mono_ms;                   /* CONNACK deadline, next attempt or end of leaving */
    struct text status_topic, kept_topics; /* P/status, P/+/status */
    char library_words[256]; /* the library's last complaint: the only place of a TLS reason */
    char detail[320];
    closed_fn *on_closed;
    void *on_closed_arg;
};

static int64_t mono_ms(void)
{
    return (int64_t)(uv_hrtime() / 1000000);
}

static const struct retry_policy reconnect_policy = {.first_ms = 1000, .cap_ms = 30000};
static const struct retry_policy refused_policy = {.first_ms = 30000, .cap_ms = 300000};

static void arm(struct mqtt_connection *connection, int64_t wait_ms);
static void step(struct mqtt_connection *connection);

/* --- the socket ------------------------------------------------------------------------------- */

static void on_poll_closed(uv_handle_t *handle)
{
    free(handle);
}

static void unwatch(struct mqtt_connection *connection)
{
    if (connection->poll != NULL) {
        (void)uv_poll_stop(connection->poll);
        uv_close((uv_handle_t *)connection->poll, on_poll_closed);
        connection->poll = NULL;
    }
}

static void on_socket(uv_poll_t *poll, int status, int events);

static void watch(struct mqtt_connection *connection)
{
    if (connection->poll == NULL || connection->client == NULL) {
        return;
    }
    int wanted = UV_READABLE | (mosquitto_want_write(connection->client) ? UV_WRITABLE : 0);
    (void)uv_poll_start(connection->poll, wanted, on_socket);
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
    struct mqtt_connection *connection = poll->data;
    int result = MOSQ_ERR_SUCCESS;
    if (status < 0 || (events & UV_READABLE) != 0) {
        result = mosquitto_loop_read(connection->client, 1);
    }
    if (result == MOSQ_ERR_SUCCESS && (events & UV_WRITABLE) != 0) {
        result = mosquitto_loop_write(connection->client, 1);
    }
    if (result != MOSQ_ERR_SUCCESS) {
        connection->is_lost = true;
    }
    step(connection);
    watch(connection);
}

/* --- losing ----------------------------------------------------------------------------------- */

static void describe(struct mqtt_connection *connection, const char *words)
{
    struct text line;
    text_init(&line, sizeof connection->detail - 1);
    text_addf(&line, "%s:%u: ", connection->config->host, connection->config->port);
    text_add_text(&line, words);
    if (connection->library_words[0] != '\0') {
        text_add_text(&line, "; ");
        utf8_add_clean_line(&line, span_of(connection->library_words), 200);
    }
    memset(connection->detail, 0, sizeof connection->detail);
    memcpy(connection->detail, text_cstr(&line), line.size);
    text_fini(&line);
}

static void drop_client(struct mqtt_connection *connection)
{
    unwatch(connection);
    if (connection->client != NULL) {
        mosquitto_destroy(connection->client);
        connection->client = NULL;
    }
}

/* Ends the client, tells who waits, and plans the next attempt. */
static void lose(struct mqtt_connection *connection, const char *words)
{
    bool was_up = connection->state == CONNECTION_UP;
    if (connection->detail[0] == '\0' || was_up) {
        describe(connection, words);
    }
    if (was_up || connection->attempt_count == 1) {
        LOG_WARN("mqtt_disconnected", log_text("sink", connection->sink_name),
                 log_text("detail", connection->detail));
    }
    drop_client(connection);
    connection->is_lost = false;
    connection->state = CONNECTION_WAITING;
    const struct retry_policy *policy =
        connection->is_credential_refused ? &refused_policy : &reconnect_policy;
    if (was_up) {
        connection->attempt_count = 0;
    }
    int64_t wait_ms = retry_delay_ms(policy, connection->attempt_count + 1, 0, &connection->random);
    connection->due_mono_ms = mono_ms() + wait_ms;
    arm(connection, wait_ms);
    connection->events.on_down(connection->events.arg, connection->detail);
}

/* --- what the library tells ------------------------------------------------------------------- */

static void on_log(struct mosquitto *client, void *arg, int level, const char *words)
{
    (void)client;
    struct mqtt_connection *connection = arg;
    if ((level & (MOSQ_LOG_ERR | MOSQ_LOG_WARNING)) != 0) {
        memset(connection->library_words, 0, sizeof connection->library_words);
        memcpy(connection->library_words, words,
               strnlen(words, sizeof connection->library_words - 1));
    }
}

static int publish_status(struct mqtt_connection *connection, const char *word)
{
    int message_id = 0;
    (void)mosquitto_publish_v5(connection->client, &message_id,
                               text_cstr(&connection->status_topic), (int)strlen(word), word, 1,
                               true, NULL);
    return message_id;
}

/* The broker answers in order: what it kept of the sources' status comes first, marked as retained,
 * and then our own "online" as a fresh message. If the fresh one comes first, it kept nothing. The
 * sources' status is what the mirror publishes last when all is to be published again: until then a
 * loss is found again, by whichever process. */
static void ask_for_marker(struct mqtt_connection *connection)
{
    connection->has_kept_state = false;
    connection->saw_marker = !connection->config->has_state;
    if (connection->config->has_state) {
        (void)mosquitto_subscribe(connection->client, NULL, text_cstr(&connection->kept_topics), 1);
        (void)mosquitto_subscribe(connection->client, NULL, text_cstr(&connection->status_topic),
                                  1);
    }
    (void)publish_status(connection, "online");
}

static void on_connect(struct mosquitto *client, void *arg, int code, int flags,
                       const mosquitto_property *properties)
{
    (void)client;
    (void)flags;
    (void)properties;
    struct mqtt_connection *connection = arg;
    if (code != 0) {
        connection->is_credential_refused = mqtt_reason_is_credential(code);
        connection->library_words[0] = '\0';
        struct text words;
        text_init(&words, 256);
        text_addf(&words, "the broker refuses the connection: %s (0x%02x)", mqtt_reason_words(code),
                  (unsigned)code);
        describe(connection, text_cstr(&words));
        text_fini(&words);
        connection->is_lost = true;
        return;
    }
    connection->is_credential_refused = false;
    connection->attempt_count = 0;
    connection->detail[0] = '\0';
    connection->library_words[0] = '\0';
    connection->state = CONNECTION_UP;
    LOG_INFO("mqtt_connected", log_text("sink", connection->sink_name),
             log_text("host", connection->config->host));
    ask_for_marker(connection);
    arm(connection, UPKEEP_MS);
    connection->events.on_up(connection->events.arg);
}

static void on_message(struct mosquitto *client, void *arg, const struct mosquitto_message *message,
                       const mosquitto_property *properties)
{
    (void)properties;
    struct mqtt_connection *connection = arg;
    if (connection->saw_marker) {
        return;
    }
    if (strcmp(message->topic, text_cstr(&connection->status_topic)) != 0) {
        connection->has_kept_state |= message->retain;
        return;
    }
    if (message->retain) {
        return; /* "offline", said by our last will */
    }
    connection->saw_marker = true;
    (void)mosquitto_unsubscribe(client, NULL, text_cstr(&connection->kept_topics));
    (void)mosquitto_unsubscribe(client, NULL, text_cstr(&connection->status_topic));
    if (!connection->has_kept_state) {
        LOG_INFO("mqtt_state_lost", log_text("sink", connection->sink_name));
        connection->events.on_state_lost(connection->events.arg);
    }
}

static void on_publish(struct mosquitto *client, void *arg, int message_id, int code,
                       const mosquitto_property *properties)
{
    (void)client;
    (void)properties;
    struct mqtt_connection *connection = arg;
    if (connection->state == CONNECTION_LEAVING && message_id == connection->farewell_id) {
        connection->due_mono_ms = 0;
        return;
    }
    connection->events.on_acknowledged(connection->events.arg, message_id, code);
}

static void on_disconnect(struct mosquitto *client, void *arg, int code,
                          const mosquitto_property *properties)
{
    (void)client;
    (void)properties;
    struct mqtt_connection *connection = arg;
    if (connection->state == CONNECTION_UP && mqtt_reason_is_refusal(code)) {
        struct text words;
        text_init(&words, 256);
        text_addf(&words, "the broker ended the connection: %s (0x%02x)", mqtt_reason_words(code),
                  (unsigned)code);
        connection->library_words[0] = '\0';
        memcpy(connection->library_words, text_cstr(&words), words.size + 1);
        text_fini(&words);
    }
    connection->is_lost = true;
}

/* --- connecting ------------------------------------------------------------------------------- */

static void set_callbacks(struct mosquitto *client)
{
    mosquitto_log_callback_set(client, on_log);
    mosquitto_connect_v5_callback_set(client, on_connect);
    mosquitto_message_v5_callback_set(client, on_message);
    mosquitto_publish_v5_callback_set(client, on_publish);
    mosquitto_disconnect_v5_callback_set(client, on_disconnect);
}

/* On a worker: the name look-up blocks. It touches the client and the result, nothing else. */
static void connect_on_worker(uv_work_t *work)
{
    struct mqtt_connection *connection = work->data;
    connection->work_result = mosquitto_connect_async(connection->client, connection->config->host,
                                                      connection->config->port, KEEPALIVE_S);
}

static void finish_closing(struct mqtt_connection *connection);

static void on_worked(uv_work_t *work, int status)
{
    struct mqtt_connection *connection = work->data;
    if (connection->on_closed != NULL) {
        finish_closing(connection);
        return;
    }
    if (status != 0 || connection->work_result != MOSQ_ERR_SUCCESS) {
        connection->detail[0] = '\0';
        lose(connection, mosquitto_strerror(connection->work_result));
        return;
    }
    connection->poll = alloc(sizeof *connection->poll);
    if (uv_poll_init(connection->uv, connection->poll, mosquitto_socket(connection->client)) != 0) {
        free(connection->poll);
        connection->poll = NULL;
        lose(connection, "no connection");
        return;
    }
    connection->poll->data = connection;
    connection->state = CONNECTION_GREETING;
    connection->due_mono_ms = mono_ms() + CONNACK_MS;
    arm(connection, CONNACK_MS);
    (void)uv_poll_start(connection->poll, UV_READABLE | UV_WRITABLE, on_socket);
}

static void begin(struct mqtt_connection *connection)
{
    connection->attempt_count++;
    connection->library_words[0] = '\0';
    connection->detail[0] = '\0';
    connection->client = mosquitto_new(connection->config->client_id, true, connection);
    if (connection->client != NULL) {
        set_callbacks(connection->client);
    }
    if (connection->client == NULL ||
        !mqtt_setup(connection->client, connection->config, text_cstr(&connection->status_topic))) {
        lose(connection, "the client cannot be set up; are the TLS files readable?");
        return;
    }
    connection->state = CONNECTION_CONNECTING;
    connection->work.data = connection;
    CHECK(uv_queue_work(connection->uv, &connection->work, connect_on_worker, on_worked) == 0);
}

/* --- time ------------------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer)
{
    struct mqtt_connection *connection = timer->data;
    if (connection->client != NULL && connection->state != CONNECTION_CONNECTING &&
        mosquitto_loop_misc(connection->client) != MOSQ_ERR_SUCCESS) {
        connection->is_lost = true;
    }
    step(connection);
    watch(connection);
}

static void arm(struct mqtt_connection *connection, int64_t wait_ms)
{
    CHECK(uv_timer_start(&connection->timer, on_timer, (uint64_t)(wait_ms > 0 ? wait_ms : 0), 0) ==
          0);
}

/* The only place where a state ends because of time or loss. */
static void step(struct mqtt_connection *connection)
{
    int64_t left_ms = connection->due_mono_ms - mono_ms();
    switch (connection->state) {
    case CONNECTION_WAITING:
        if (left_ms <= 0) {
            begin(connection);
        } else {
            arm(connection, left_ms);
        }
        return;
    case CONNECTION_CONNECTING:
    case CONNECTION_CLOSED:
        return;
    case CONNECTION_GREETING:
        if (connection->is_lost || left_ms <= 0) {
            lose(connection, left_ms <= 0 ? "the broker does not answer" : "connection failed");
        } else {
            arm(connection, left_ms);
        }
        return;
    case CONNECTION_UP:
        if (connection->is_lost) {
            lose(connection, "connection lost");
        } else {
            arm(connection, UPKEEP_MS);
        }
        return;
    case CONNECTION_LEAVING:
        if (connection->is_lost || left_ms <= 0) {
            finish_closing(connection);
        }
        return;
    }
}

/* --- from outside ----------------------------------------------------------------------------- */

struct mqtt_connection *mqtt_connection_create(const char *sink_name,
                                               const struct mqtt_config *config,
                                               struct uv_loop_s *uv,
                                               const struct mqtt_events *events)
{
    struct mqtt_connection *connection = alloc(sizeof *connection);
    connection->sink_name = sink_name;
    connection->config = config;
    connection->uv = uv;
    connection->events = *events;
    (void)mosquitto_lib_init();
    (void)uv_random(NULL, NULL, &connection->random.state, sizeof connection->random.state, 0,
                    NULL);
    text_init(&connection->status_topic, TOPIC_BYTES_MAX);
    mqtt_topic_status(config->prefix, &connection->status_topic);
    text_init(&connection->kept_topics, TOPIC_BYTES_MAX);
    text_addf(&connection->kept_topics, "%s/+/status", config->prefix);
    CHECK(uv_timer_init(uv, &connection->timer) == 0);
    connection->timer.data = connection;
    connection->due_mono_ms = mono_ms();
    arm(connection, 0);
    return connection;
}

bool mqtt_connection_is_up(const struct mqtt_connection *connection)
{
    return connection->state == CONNECTION_UP && !connection->is_lost;
}

bool mqtt_connection_is_trying(const struct mqtt_connection *connection)
{
    return connection->state == CONNECTION_CONNECTING || connection->state == CONNECTION_GREETING ||
           (connection->state == CONNECTION_WAITING && connection->attempt_count == 0 &&
            connection->detail[0] == '\0');
}

const char *mqtt_connection_detail(const struct mqtt_connection *connection)
{
    return connection->detail[0] != '\0' ? connection->detail : "not connected yet";
}

enum status mqtt_connection_publish(struct mqtt_connection *connection,
                                    const struct mqtt_message *message, int *message_id,
                                    struct failure *why)
{
    CHECK(mqtt_connection_is_up(connection));
    mosquitto_property *properties =
        connection->config->protocol == 4 ? NULL : mqtt_properties_of(message->event);
    int result = mosquitto_publish_v5(connection->client, message_id, message->topic,
                                      (int)message->payload.size, message->payload.data, 1,
                                      message->is_retained, properties);
    mosquitto_property_free_all(&properties);
    if (result == MOSQ_ERR_OVERSIZE_PACKET || result == MOSQ_ERR_PAYLOAD_SIZE ||
        result == MOSQ_ERR_INVAL || result == MOSQ_ERR_MALFORMED_UTF8) {
        return fail(why, STATUS_TOO_LARGE, "a message of %zu bytes is not for this broker: %s",
                    message->payload.size, mosquitto_strerror(result));
    }
    if (result != MOSQ_ERR_SUCCESS) {
        /* Whether it left is unknown: the loss that follows ends it as "offline", to be tried
         * again. */
        connection->is_lost = true;
        arm(connection, 0);
        return STATUS_OK;
    }
    watch(connection);
    return STATUS_OK;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct mqtt_connection *connection = handle->data;
    closed_fn *on_closed = connection->on_closed;
    void *arg = connection->on_closed_arg;
    text_fini(&connection->status_topic);
    text_fini(&connection->kept_topics);
    (void)mosquitto_lib_cleanup();
    free(connection);
    on_closed(arg);
}

static void finish_closing(struct mqtt_connection *connection)
{
    if (connection->client != NULL && connection->state == CONNECTION_LEAVING) {
        (void)mosquitto_disconnect(connection->client);
    }
    connection->state = CONNECTION_CLOSED;
    drop_client(connection);
    uv_close((uv_handle_t *)&connection->timer, on_timer_closed);
}

void mqtt_connection_close(struct mqtt_connection *connection, closed_fn *on_closed, void *arg)
{
    connection->on_closed = on_closed;
    connection->on_closed_arg = arg;
    if (mqtt_connection_is_up(connection)) {
        connection->state = CONNECTION_LEAVING;
        connection->due_mono_ms = mono_ms() + LEAVE_MS;
        connection->farewell_id = publish_status(connection, "offline");
        watch(connection);
        arm(connection, LEAVE_MS);
    } else if (connection->state != CONNECTION_CONNECTING) {
        finish_closing(connection);
    }
    /* While connecting, the worker owns the client: on_worked goes on. */
}
