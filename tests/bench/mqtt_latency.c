/* latency.h at a subscriber of an MQTT broker, against a bare libmosquitto publisher: QoS 1, and
 * the way through the broker for both. */
#include "tests/bench/support/latency.h"

#include <mosquitto.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct latency latency;
static struct mqtt_broker broker = {.host = "127.0.0.1"};

static struct mosquitto *connected(const char *client_id)
{
    struct mosquitto *client = mosquitto_new(client_id, true, &latency);
    CHECK(client != NULL);
    (void)mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1);
    CHECK(mosquitto_connect(client, broker.host, broker.port, 60) == MOSQ_ERR_SUCCESS);
    return client;
}

static void turn(struct mosquitto *client)
{
    /* The other thread may hear it later than this one its acknowledgement: no long sleep. */
    CHECK(mosquitto_loop(client, 1, 1) == MOSQ_ERR_SUCCESS);
}

/* --- the receiver: a thread that notes when a message comes ----------------------------------- */

static atomic_bool is_subscribed;

static void on_subscribe(struct mosquitto *client, void *arg, int id, int count, const int *granted)
{
    (void)client, (void)arg, (void)id, (void)count, (void)granted;
    atomic_store(&is_subscribed, true);
}

static void on_message(struct mosquitto *client, void *arg, const struct mosquitto_message *message)
{
    (void)client, (void)arg, (void)message;
    atomic_store(&latency.heard_ns, latency_now_ns());
}

static void *hear(void *arg)
{
    for (struct mosquitto *client = arg;;) {
        turn(client);
    }
    return NULL;
}

static void receiver_start(void)
{
    struct mosquitto *client = connected("bench-subscriber");
    mosquitto_subscribe_callback_set(client, on_subscribe);
    mosquitto_message_callback_set(client, on_message);
    CHECK(mosquitto_subscribe(client, NULL, "#", 1) == MOSQ_ERR_SUCCESS);
    while (!atomic_load(&is_subscribed)) {
        turn(client);
    }
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, hear, client) == 0);
}

/* --- bare ------------------------------------------------------------------------------------- */

static size_t acknowledged;

static void on_publish(struct mosquitto *client, void *arg, int id)
{
    (void)client, (void)arg, (void)id;
    acknowledged++;
}

static void measure_bare(struct latency *own)
{
    char *body = malloc(own->body_size);
    CHECK(body != NULL);
    memset(body, 'x', own->body_size);
    struct mosquitto *client = connected("bench-publisher");
    mosquitto_publish_callback_set(client, on_publish);
    for (size_t i = 0; i < own->count; i++) {
        int64_t start_ns = latency_now_ns();
        CHECK(mosquitto_publish(client, NULL, "bench/event", (int)own->body_size, body, 1, false) ==
              MOSQ_ERR_SUCCESS);
        while (acknowledged <= i || atomic_load(&own->heard_ns) < start_ns) {
            turn(client);
        }
        own->bare_ns[i] = atomic_load(&own->heard_ns) - start_ns;
    }
    mosquitto_destroy(client);
    free(body);
}

int main(int argc, char **argv)
{
    broker.port = argc == 4 ? (uint16_t)strtoul(argv[2], NULL, 10) : 0;
    latency.count = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
    if (broker.port == 0 || latency.count == 0 || latency.count > LATENCY_COUNT_MAX) {
        (void)fputs("usage: mqtt_latency FOLDER PORT COUNT\n", stderr);
        return 2;
    }
    (void)mosquitto_lib_init();
    receiver_start();
    struct sink_config sink = {.name = "noc",
                               .kind = SINK_MQTT,
                               .in_flight_max = 20,
                               .retry = {.first_ms = 5000, .cap_ms = HOUR_MS, .give_up_ms = DAY_MS},
                               .failing_after_ms = MINUTE_MS,
                               .mqtt = {.brokers = {broker},
                                        .broker_count = 1,
                                        .protocol = 5,
                                        .client_id = "bench-orderwatch",
                                        .prefix = "orderwatch"}};
    latency_measure(&latency, argv[1], &sink, sink_mqtt_open, measure_bare);
}
