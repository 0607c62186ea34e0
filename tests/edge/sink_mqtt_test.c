/* The MQTT sink against a real mosquitto: what arrives, and what is said of each end. */
#include "core/secret.h"
#include "edge/sinks.h"
#include "tests/support/http_peer.h"
#include "tests/support/mqtt_broker.h"

#include <uv.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define WAIT_MS 60000
#define EVENT_ID "7f9c0e2ab14d5e6f8a90b1c2d3e4f506"
#define BODY                                                                                       \
    "{\"specversion\":\"1.0\",\"id\":\"" EVENT_ID "\",\"source\":\"urn:orderwatch:orange\","       \
    "\"type\":\"orderwatch.order.created\",\"subject\":\"orders/12%2F3\",\"data\":{}}"
#define ANONYMOUS "allow_anonymous true\n"

struct outcome {
    int done_count;
    struct send_result result;
    char detail[512];
};

struct fixture {
    uv_loop_t uv;
    uv_timer_t guard;
    struct sink_config config;
    struct sink_port sink;
    int up_count, lost_count;
    bool is_closed, is_open, is_late;
};

static void on_done(void *arg, const struct send_result *result)
{
    struct outcome *outcome = arg;
    outcome->done_count++;
    outcome->result = *result;
    (void)snprintf(outcome->detail, sizeof outcome->detail, "%s", result->detail);
}

static void on_closed(void *arg)
{
    *(bool *)arg = true;
}

static void on_available(void *arg)
{
    ((struct fixture *)arg)->up_count++;
}

static void on_state_lost(void *arg)
{
    ((struct fixture *)arg)->lost_count++;
}

static void on_guard(uv_timer_t *guard)
{
    ((struct fixture *)guard->data)->is_late = true;
}

/* Runs the loop until *number reaches target. */
static void run_until(struct fixture *fixture, const int *number, int target)
{
    fixture->is_late = false;
    assert_int_equal(0, uv_timer_start(&fixture->guard, on_guard, WAIT_MS, 0));
    while (*number < target) {
        (void)uv_run(&fixture->uv, UV_RUN_NOWAIT);
        assert_false(fixture->is_late);
        (void)poll(NULL, 0, 1);
    }
    assert_int_equal(target, *number);
}

static int setup(void **state)
{
    struct fixture *fixture = alloc(sizeof *fixture);
    assert_int_equal(0, uv_loop_init(&fixture->uv));
    assert_int_equal(0, uv_timer_init(&fixture->uv, &fixture->guard));
    fixture->guard.data = fixture;
    fixture->config = (struct sink_config){
        .name = "noc",
        .kind = SINK_MQTT,
        .in_flight_max = 20,
        .mqtt = {.brokers = {{.host = "localhost"}},
                 .broker_count = 1,
                 .return_after_ms = 1000,
                 .protocol = 5,
                 .client_id = "orderwatch",
                 .prefix = "orderwatch",
                 .has_state = true},
    };
    *state = fixture;
    return 0;
}

static void open_sink(struct fixture *fixture, uint16_t port)
{
    struct sink_environment environment = {.uv = &fixture->uv, .version = "9.9.9"};
    const struct sink_listener listener = {
        .arg = fixture, .on_available = on_available, .on_state_lost = on_state_lost};
    fixture->config.mqtt.brokers[0].port = port;
    fixture->up_count = 0;
    fixture->lost_count = 0;
    assert_int_equal(STATUS_OK,
                     sink_mqtt_open(&fixture->config, &environment, &fixture->sink, NULL));
    fixture->sink.ops->listen(fixture->sink.self, &listener);
    fixture->is_open = true;
}

static void close_sink(struct fixture *fixture)
{
    fixture->is_closed = false;
    uint64_t start_ms = uv_hrtime() / 1000000;
    fixture->sink.ops->close(fixture->sink.self, on_closed, &fixture->is_closed);
    while (!fixture->is_closed) {
        (void)uv_run(&fixture->uv, UV_RUN_NOWAIT);
        assert_true(uv_hrtime() / 1000000 - start_ms < 20000);
        (void)poll(NULL, 0, 1);
    }
    fixture->is_open = false;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    if (fixture->is_open) {
        close_sink(fixture);
    }
    uv_close((uv_handle_t *)&fixture->guard, NULL);
    (void)uv_run(&fixture->uv, UV_RUN_DEFAULT);
    assert_int_equal(0, uv_loop_close(&fixture->uv));
    free(fixture);
    return 0;
}

static void send_event(struct fixture *fixture, const char *order_id, struct span json,
                       struct outcome *outcome)
{
    const struct event event = {.id = EVENT_ID,
                                .type = EVENT_ORDER_CREATED,
                                .severity = SEVERITY_NOTICE,
                                .source_name = "orange",
                                .order_id = order_id,
                                .appointment_id = "",
                                .sequence = 1,
                                .json = json};
    const struct delivery delivery = {.id = 1,
                                      .last_id = 1,
                                      .sink_name = "noc",
                                      .progress = "",
                                      .events = &event,
                                      .event_count = 1,
                                      .event_total = 1};
    *outcome = (struct outcome){0};
    fixture->sink.ops->send(fixture->sink.self, &delivery, on_done, outcome);
    assert_int_equal(0, outcome->done_count);
}

static struct outcome deliver(struct fixture *fixture, const char *order_id)
{
    struct outcome outcome;
    send_event(fixture, order_id, span_of(BODY), &outcome);
    run_until(fixture, &outcome.done_count, 1);
    return outcome;
}

static struct outcome retain(struct fixture *fixture, const struct retained *retained)
{
    struct outcome outcome = {0};
    fixture->sink.ops->publish(fixture->sink.self, retained, on_done, &outcome);
    assert_int_equal(0, outcome.done_count);
    run_until(fixture, &outcome.done_count, 1);
    return outcome;
}

static const struct retained source_status = {
    .kind = RETAINED_SOURCE, .source_name = "orange", .payload = {"{\"state\":\"ok\"}", 14}};

static void await_line(struct process *subscriber, const char *line)
{
    free(process_await(subscriber, line));
}

static void an_event_arrives_as_the_contract_says(void **state)
{
    struct fixture *fixture = *state;
    struct mqtt_server broker = mqtt_broker_start(ANONYMOUS);
    struct process *subscriber = mqtt_subscriber_start(&broker);
    open_sink(fixture, broker.port);
    /* Before the connection is there: it waits for it. */
    struct outcome outcome = deliver(fixture, "12/3+#");
    assert_int_equal(SEND_ACCEPTED, outcome.result.outcome);
    assert_true(outcome.result.at.wall_ms > 0);
    await_line(subscriber, "orderwatch/status retained=0 qos=1 type= [] online");
    await_line(subscriber,
               "orderwatch/orange/event/notice/order.created/12%2F3%2B%23 retained=0 qos=1 "
               "type=application/cloudevents+json; charset=utf-8 [id:" EVENT_ID
               " type:orderwatch.order.created severity:notice subject:orders/12%2F3] " BODY);
    close_sink(fixture);
    await_line(subscriber, "orderwatch/status retained=0 qos=1 type= [] offline");
    process_stop(subscriber);
    mqtt_broker_stop(&broker);
}

static void state_is_retained_until_it_is_taken_away(void **state)
{
    struct fixture *fixture = *state;
    struct mqtt_server broker = mqtt_broker_start(ANONYMOUS);
    open_sink(fixture, broker.port);
    run_until(fixture, &fixture->up_count, 1);
    assert_int_equal(1, fixture->lost_count);
    struct retained order = {.kind = RETAINED_ORDER,
                             .source_name = "orange",
                             .order_id = "a/b",
                             .payload = span_of("{\"id\":\"a/b\"}")};
    const struct retained appointment = {.kind = RETAINED_APPOINTMENT,
                                         .source_name = "orange",
                                         .order_id = "a/b",
                                         .appointment_id = "$1",
                                         .payload = span_of("{}")};
    assert_int_equal(SEND_ACCEPTED, retain(fixture, &order).result.outcome);
    assert_int_equal(SEND_ACCEPTED, retain(fixture, &appointment).result.outcome);
    assert_int_equal(SEND_ACCEPTED, retain(fixture, &source_status).result.outcome);
    order.payload = (struct span){0};
    assert_int_equal(SEND_ACCEPTED, retain(fixture, &order).result.outcome);
    struct process *subscriber = mqtt_subscriber_start(&broker);
    /* In the order of topics or not: the broker chooses. */
    bool has_appointment = false;
    bool has_source = false;
    while (!has_appointment || !has_source) {
        char *line = process_await(subscriber, "retained=1");
        assert_null(strstr(line, "a%2Fb/state"));
        has_appointment = has_appointment || strstr(line, "orderwatch/orange/orders/a%2Fb/"
                                                          "appointments/%241/state") != NULL;
        has_source = has_source || strstr(line, "orderwatch/orange/status retained=1 qos=1 type= []"
                                                " {\"state\":\"ok\"}") != NULL;
        free(line);
    }
    process_stop(subscriber);
    mqtt_broker_stop(&broker);
}

static void a_broker_that_kept_our_state_is_not_filled_again(void **state)
{
    struct fixture *fixture = *state;
    struct mqtt_server broker = mqtt_broker_start(ANONYMOUS);
    open_sink(fixture, broker.port);
    run_until(fixture, &fixture->up_count, 1);
    assert_int_equal(1, fixture->lost_count);
    close_sink(fixture);
    /* Nothing was filled in: the loss is found again, as after a crash. */
    open_sink(fixture, broker.port);
    run_until(fixture, &fixture->up_count, 1);
    assert_int_equal(1, fixture->lost_count);
    assert_int_equal(SEND_ACCEPTED, retain(fixture, &source_status).result.outcome);
    close_sink(fixture);
    open_sink(fixture, broker.port);
    run_until(fixture, &fixture->up_count, 1);
    assert_int_equal(0, fixture->lost_count);
    mqtt_broker_stop(&broker);
}

static void publish_as_another(const struct mqtt_server *broker, const char *id, const char *topic,
                               const char *payload)
{
    char port[8];
    (void)snprintf(port, sizeof port, "%u", broker->port);
    process_run((const char *const[]){"mosquitto_pub", "-i", id, "-p", port, "-q", "1", "-r", "-t",
                                      topic, "-m", payload, NULL});
}

static void a_broker_that_went_back_to_an_older_memory_is_filled_again(void **state)
{
    struct fixture *fixture = *state;
    struct mqtt_server broker = mqtt_broker_start(ANONYMOUS);
    publish_as_another(&broker, "memory", "orderwatch/status", "online");
    publish_as_another(&broker, "memory", "orderwatch/orange/status", "{}");
    open_sink(fixture, broker.port);
    run_until(fixture, &fixture->up_count, 1);
    assert_int_equal(1, fixture->lost_count);
    close_sink(fixture);
    /* As if it had crashed before the refill: found again. */
    open_sink(fixture, broker.port);
    run_until(fixture, &fixture->up_count, 1);
    assert_int_equal(1, fixture->lost_count);
    mqtt_broker_stop(&broker);
}

static void a_killed_broker_loses_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct mqtt_server broker = mqtt_broker_start(ANONYMOUS);
    open_sink(fixture, broker.port);
    run_until(fixture, &fixture->up_count, 1);
    mqtt_broker_kill(&broker);
    struct outcome outcome = deliver(fixture, "1");
    assert_int_equal(SEND_OFFLINE, outcome.result.outcome);
    assert_true(outcome.detail[0] != '\0');
    mqtt_broker_run(&broker);
    run_until(fixture, &fixture->up_count, 2);
    assert_int_equal(2, fixture->lost_count); /* it has no persistence */
    assert_int_equal(SEND_ACCEPTED, deliver(fixture, "1").result.outcome);
    mqtt_broker_stop(&broker);
}

static void many_sends_have_one_end_each(void **state)
{
    struct fixture *fixture = *state;
    static struct outcome outcomes[200];
    struct mqtt_server broker = mqtt_broker_start(ANONYMOUS);
    open_sink(fixture, broker.port);
    for (size_t i = 0; i < ARRAY_COUNT(outcomes); i++) {
        send_event(fixture, "1", span_of(BODY), &outcomes[i]);
    }
    for (size_t i = 0; i < ARRAY_COUNT(outcomes); i++) {
        run_until(fixture, &outcomes[i].done_count, 1);
        assert_int_equal(SEND_ACCEPTED, outcomes[i].result.outcome);
    }
    mqtt_broker_stop(&broker);
}

static void what_is_over_the_limit_that_was_told_is_not_sent(void **state)
{
    struct fixture *fixture = *state;
    struct mqtt_server broker = mqtt_broker_start(ANONYMOUS);
    fixture->config.mqtt.protocol = 4;
    fixture->config.mqtt.message_bytes_max = strlen(BODY);
    open_sink(fixture, broker.port);
    assert_int_equal(SEND_ACCEPTED, deliver(fixture, "1").result.outcome);
    close_sink(fixture);
    fixture->config.mqtt.message_bytes_max = strlen(BODY) - 1;
    open_sink(fixture, broker.port);
    struct outcome outcome = deliver(fixture, "1");
    assert_int_equal(SEND_REJECTED, outcome.result.outcome);
    assert_non_null(strstr(outcome.detail, "more than message_limit"));
    close_sink(fixture);
    mqtt_broker_stop(&broker);
}

static void nobody_there_is_offline_with_the_reason(void **state)
{
    struct fixture *fixture = *state;
    open_sink(fixture, process_free_port());
    struct outcome outcome = deliver(fixture, "1");
    assert_int_equal(SEND_OFFLINE, outcome.result.outcome);
    assert_non_null(
        strstr(outcome.detail, "Connection refused; check broker, and that it listens"));
    close_sink(fixture);
    fixture->config.mqtt.brokers[0].host = "name.invalid";
    open_sink(fixture, 1883);
    outcome = deliver(fixture, "1");
    assert_int_equal(SEND_OFFLINE, outcome.result.outcome);
    assert_non_null(strstr(outcome.detail, "cannot be resolved; check broker"));
}

static void a_broker_that_says_nothing_is_given_up(void **state)
{
    struct fixture *fixture = *state;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    assert_int_equal(0, bind(fd, (struct sockaddr *)&address, size));
    assert_int_equal(0, listen(fd, 8));
    assert_int_equal(0, getsockname(fd, (struct sockaddr *)&address, &size));
    fixture->config.mqtt.brokers[0].host = "127.0.0.1";
    open_sink(fixture, ntohs(address.sin_port));
    struct outcome outcome = deliver(fixture, "1");
    assert_int_equal(SEND_OFFLINE, outcome.result.outcome);
    assert_non_null(strstr(outcome.detail, "no answer to the login"));
    close_sink(fixture);
    open_sink(fixture, ntohs(address.sin_port));
    send_event(fixture, "1", span_of(BODY), &outcome);
    close_sink(fixture);
    assert_int_equal(1, outcome.done_count);
    assert_int_equal(SEND_OFFLINE, outcome.result.outcome);
    (void)close(fd);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(0, fclose(file));
}

static struct mqtt_server start_guarded_broker(void)
{
    const char *const make_password[] = {
        "mosquitto_passwd", "-b", "-c", "build/tests/mqtt.passwords", "watch", "s3cret", NULL};
    process_run((const char *const[]){"mkdir", "-p", "build/tests", NULL});
    process_run(make_password);
    write_file("build/tests/mqtt.acl", "user watch\ntopic readwrite orderwatch/status\n"
                                       "topic write orderwatch/orange/event/+/+/allowed\n");
    return mqtt_broker_start("password_file build/tests/mqtt.passwords\n"
                             "acl_file build/tests/mqtt.acl\n");
}

static void a_refused_login_is_told_in_words(void **state)
{
    struct fixture *fixture = *state;
    struct mqtt_server broker = start_guarded_broker();
    struct secret *wrong = secret_create(span_of("guess"));
    static const int protocols[] = {5, 4};
    fixture->config.mqtt.username = "watch";
    fixture->config.mqtt.password = wrong;
    for (size_t i = 0; i < ARRAY_COUNT(protocols); i++) {
        fixture->config.mqtt.protocol = protocols[i];
        open_sink(fixture, broker.port);
        struct outcome outcome = deliver(fixture, "allowed");
        assert_int_equal(SEND_OFFLINE, outcome.result.outcome);
        assert_non_null(strstr(outcome.detail, "not authorised"));
        const char *remedy = strstr(outcome.detail, "; check ");
        assert_non_null(remedy);
        assert_null(strstr(remedy + 3, "check "));
        assert_non_null(strstr(remedy, "password_file"));
        assert_null(strstr(outcome.detail, "guess"));
        assert_int_equal(0, fixture->up_count);
        close_sink(fixture);
    }
    secret_destroy(wrong);
    mqtt_broker_stop(&broker);
}

static void a_denied_topic_is_rejected_where_the_protocol_can_say_so(void **state)
{
    struct fixture *fixture = *state;
    struct mqtt_server broker = start_guarded_broker();
    struct secret *password = secret_create(span_of("s3cret"));
    fixture->config.mqtt.username = "watch";
    fixture->config.mqtt.password = password;
    open_sink(fixture, broker.port);
    assert_int_equal(SEND_ACCEPTED, deliver(fixture, "allowed").result.outcome);
    struct outcome outcome = deliver(fixture, "denied");
    assert_int_equal(SEND_REJECTED, outcome.result.outcome);
    assert_non_null(strstr(outcome.detail, "0x87"));
    close_sink(fixture);
    fixture->config.mqtt.protocol = 4;
    open_sink(fixture, broker.port);
    assert_int_equal(SEND_ACCEPTED, deliver(fixture, "allowed").result.outcome);
    /* 3.1.1 has no way to refuse a message. */
    assert_int_equal(SEND_ACCEPTED, deliver(fixture, "denied").result.outcome);
    close_sink(fixture);
    secret_destroy(password);
    mqtt_broker_stop(&broker);
}

static void a_message_larger_than_the_broker_takes_is_rejected(void **state)
{
    struct fixture *fixture = *state;
    struct mqtt_server broker = mqtt_broker_start(ANONYMOUS "max_packet_size 2000\n");
    open_sink(fixture, broker.port);
    char large[4000];
    memset(large, 'x', sizeof large);
    struct outcome outcome;
    send_event(fixture, "1", (struct span){.data = large, .size = sizeof large}, &outcome);
    run_until(fixture, &outcome.done_count, 1);
    assert_int_equal(SEND_REJECTED, outcome.result.outcome);
    assert_non_null(strstr(outcome.detail, "larger"));
    assert_int_equal(SEND_ACCEPTED, deliver(fixture, "1").result.outcome);
    mqtt_broker_stop(&broker);
}

static void another_client_of_our_name_is_noticed_and_the_will_is_told(void **state)
{
    struct fixture *fixture = *state;
    struct mqtt_server broker = mqtt_broker_start(ANONYMOUS);
    struct process *subscriber = mqtt_subscriber_start(&broker);
    open_sink(fixture, broker.port);
    run_until(fixture, &fixture->up_count, 1);
    await_line(subscriber, "orderwatch/status retained=0 qos=1 type= [] online");
    assert_int_equal(SEND_ACCEPTED, retain(fixture, &source_status).result.outcome);
    publish_as_another(&broker, "orderwatch", "x", "y");
    struct outcome outcome;
    do { /* until the loss is seen, what is sent arrives or ends as offline */
        outcome = deliver(fixture, "1");
    } while (outcome.result.outcome == SEND_ACCEPTED && fixture->up_count == 1);
    run_until(fixture, &fixture->up_count, 2);
    assert_int_equal(1, fixture->lost_count); /* only the first time: the broker kept it all */
    await_line(subscriber, "orderwatch/status retained=0 qos=1 type= [] offline");
    await_line(subscriber, "orderwatch/status retained=0 qos=1 type= [] online");
    process_stop(subscriber);
    mqtt_broker_stop(&broker);
}

static struct mqtt_server start_tls_broker(const char *certificate, const char *more)
{
    char settings[1024];
    (void)snprintf(settings, sizeof settings,
                   ANONYMOUS "cafile " CERTIFICATES "/ca.pem\ncertfile " CERTIFICATES
                             "/%s.pem\nkeyfile " CERTIFICATES "/%s.key\n%s",
                   certificate, certificate, more);
    return mqtt_broker_start(settings);
}

static void tls_works_with_a_private_ca_and_a_client_certificate(void **state)
{
    struct fixture *fixture = *state;
    struct mqtt_server broker = start_tls_broker("server", "require_certificate true\n");
    fixture->config.mqtt.brokers[0].is_tls = true;
    fixture->config.mqtt.tls.ca_file = CERTIFICATES "/ca.pem";
    open_sink(fixture, broker.port);
    assert_int_equal(SEND_OFFLINE, deliver(fixture, "1").result.outcome);
    close_sink(fixture);
    fixture->config.mqtt.tls.cert_file = CERTIFICATES "/client.pem";
    fixture->config.mqtt.tls.key_file = CERTIFICATES "/client.key";
    open_sink(fixture, broker.port);
    assert_int_equal(SEND_ACCEPTED, deliver(fixture, "1").result.outcome);
    close_sink(fixture);
    mqtt_broker_stop(&broker);
}

static void a_broker_that_proves_nothing_gets_nothing(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *certificate, *ca_file, *words;
    } cases[] = {
        {"server", NULL, "certificate verify failed"},
        {"expired", CERTIFICATES "/ca.pem", "certificate verify failed"},
        {"stranger", CERTIFICATES "/ca.pem", "certificate verify failed"},
        {"other", CERTIFICATES "/ca.pem", "host name verification failed"},
        {"server", CERTIFICATES "/missing.pem", "tls files"},
    };
    fixture->config.mqtt.brokers[0].is_tls = true;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct mqtt_server broker = start_tls_broker(cases[i].certificate, "");
        fixture->config.mqtt.tls.ca_file = cases[i].ca_file;
        open_sink(fixture, broker.port);
        struct outcome outcome = deliver(fixture, "1");
        assert_int_equal(SEND_OFFLINE, outcome.result.outcome);
        if (strstr(outcome.detail, cases[i].words) == NULL) {
            fail_msg("case %zu: %s", i, outcome.detail);
        }
        close_sink(fixture);
        mqtt_broker_stop(&broker);
    }
}

static void await_description(struct fixture *fixture, const char *words)
{
    struct text text;
    text_init(&text, 4096);
    uint64_t start_ms = uv_hrtime() / 1000000;
    while (strstr(text_cstr(&text), words) == NULL) {
        (void)uv_run(&fixture->uv, UV_RUN_NOWAIT);
        text_clear(&text);
        fixture->sink.ops->describe(fixture->sink.self, &text);
        if (uv_hrtime() / 1000000 - start_ms >= WAIT_MS) {
            fail_msg("%s: %s", words, text_cstr(&text));
        }
        (void)poll(NULL, 0, 1);
    }
    text_fini(&text);
}

static void the_next_broker_is_used_until_the_first_is_back(void **state)
{
    struct fixture *fixture = *state;
    struct mqtt_server first = mqtt_broker_start(ANONYMOUS);
    struct mqtt_server second = mqtt_broker_start(ANONYMOUS);
    fixture->config.mqtt.brokers[1] =
        (struct mqtt_broker){.host = "127.0.0.1", .port = second.port};
    fixture->config.mqtt.broker_count = 2;
    open_sink(fixture, first.port);
    await_description(fixture, "(1 of 2)");
    assert_int_equal(1, fixture->lost_count);
    assert_int_equal(SEND_ACCEPTED, retain(fixture, &source_status).result.outcome);

    mqtt_broker_kill(&first);
    await_description(fixture, "(2 of 2)");
    assert_int_equal(2, fixture->lost_count); /* it lacks the state: it is filled */
    assert_int_equal(SEND_ACCEPTED, deliver(fixture, "1").result.outcome);

    mqtt_broker_run(&first);
    static struct outcome outcomes[50];
    for (size_t i = 0; i < ARRAY_COUNT(outcomes); i++) { /* none gets lost on the way */
        send_event(fixture, "1", span_of(BODY), &outcomes[i]);
    }
    await_description(fixture, "(1 of 2)");
    assert_int_equal(3, fixture->lost_count); /* it came back without its memory */
    for (size_t i = 0; i < ARRAY_COUNT(outcomes); i++) {
        run_until(fixture, &outcomes[i].done_count, 1);
        assert_int_equal(SEND_ACCEPTED, outcomes[i].result.outcome);
    }
    assert_int_equal(SEND_ACCEPTED, deliver(fixture, "1").result.outcome);
    close_sink(fixture);
    mqtt_broker_stop(&first);
    mqtt_broker_stop(&second);
}

static void a_lost_second_broker_is_followed_by_the_first(void **state)
{
    struct fixture *fixture = *state;
    struct mqtt_server first = mqtt_broker_start(ANONYMOUS);
    struct mqtt_server second = mqtt_broker_start(ANONYMOUS);
    fixture->config.mqtt.brokers[1] =
        (struct mqtt_broker){.host = "127.0.0.1", .port = second.port};
    fixture->config.mqtt.broker_count = 2;
    fixture->config.mqtt.return_after_ms = 3600000;
    mqtt_broker_kill(&first);
    open_sink(fixture, first.port);
    await_description(fixture, "(2 of 2)");
    mqtt_broker_run(&first);
    mqtt_broker_kill(&second);
    await_description(fixture, "(1 of 2)");
    assert_int_equal(SEND_ACCEPTED, deliver(fixture, "1").result.outcome);
    close_sink(fixture);
    mqtt_broker_stop(&first);
    mqtt_broker_stop(&second);
}

static void events_expire_at_the_broker_if_that_is_wanted(void **state)
{
    struct fixture *fixture = *state;
    struct mqtt_server broker = mqtt_broker_start(ANONYMOUS);
    char port[8];
    (void)snprintf(port, sizeof port, "%u", broker.port);
    struct process *subscriber = process_start(
        (const char *const[]){"stdbuf", "-oL", "mosquitto_sub", "-d", "-V", "5", "-p", port, "-q",
                              "1", "-t", "orderwatch/#", "-F", "%t expires=%E", NULL});
    free(process_await(subscriber, "Subscribed"));
    fixture->config.mqtt.expiry_ms = 3600000;
    open_sink(fixture, broker.port);
    assert_int_equal(SEND_ACCEPTED, deliver(fixture, "1").result.outcome);
    await_line(subscriber, "orderwatch/orange/event/notice/order.created/1 expires=3600");
    process_stop(subscriber);
    mqtt_broker_stop(&broker);
}

static void the_status_says_what_the_old_protocol_cannot(void **state)
{
    struct fixture *fixture = *state;
    struct mqtt_server broker = mqtt_broker_start(ANONYMOUS);
    fixture->config.mqtt.protocol = 4;
    open_sink(fixture, broker.port);
    await_description(fixture, "cannot say that it refused");
    mqtt_broker_stop(&broker);
}

static int make_certificates(void **state)
{
    (void)state;
    http_peer_make_certificates();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_event_arrives_as_the_contract_says),
        TEST(state_is_retained_until_it_is_taken_away),
        TEST(a_broker_that_kept_our_state_is_not_filled_again),
        TEST(a_broker_that_went_back_to_an_older_memory_is_filled_again),
        TEST(a_killed_broker_loses_nothing),
        TEST(many_sends_have_one_end_each),
        TEST(nobody_there_is_offline_with_the_reason),
        TEST(what_is_over_the_limit_that_was_told_is_not_sent),
        TEST(a_broker_that_says_nothing_is_given_up),
        TEST(a_refused_login_is_told_in_words),
        TEST(a_denied_topic_is_rejected_where_the_protocol_can_say_so),
        TEST(a_message_larger_than_the_broker_takes_is_rejected),
        TEST(another_client_of_our_name_is_noticed_and_the_will_is_told),
        TEST(tls_works_with_a_private_ca_and_a_client_certificate),
        TEST(a_broker_that_proves_nothing_gets_nothing),
        TEST(the_next_broker_is_used_until_the_first_is_back),
        TEST(a_lost_second_broker_is_followed_by_the_first),
        TEST(events_expire_at_the_broker_if_that_is_wanted),
        TEST(the_status_says_what_the_old_protocol_cannot),
    };
    return cmocka_run_group_tests(tests, make_certificates, NULL);
}
