/* The peer that the MQTT deliveries are measured against: a bare libmosquitto publisher, QoS 1,
 * window 20, nothing durable. Prints acknowledged messages a second. */
#include <mosquitto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct publisher {
    int total, sent, acknowledged;
    char *payload;
    int payload_size;
    double started_s;
};

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void publish_next(struct mosquitto *client, struct publisher *publisher)
{
    if (publisher->sent < publisher->total) {
        publisher->sent++;
        (void)mosquitto_publish(client, NULL, "bench/event", publisher->payload_size,
                                publisher->payload, 1, false);
    }
}

static void on_connect(struct mosquitto *client, void *arg, int code)
{
    struct publisher *publisher = arg;
    (void)code;
    publisher->started_s = now_s();
    for (int i = 0; i < 20; i++) {
        publish_next(client, publisher);
    }
}

static void on_publish(struct mosquitto *client, void *arg, int id)
{
    struct publisher *publisher = arg;
    (void)id;
    publisher->acknowledged++;
    publish_next(client, publisher);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        (void)fputs("usage: mqtt_publisher PORT COUNT BYTES\n", stderr);
        return 2;
    }
    struct publisher publisher = {.total = (int)strtol(argv[2], NULL, 10),
                                  .payload_size = (int)strtol(argv[3], NULL, 10)};
    publisher.payload = malloc((size_t)publisher.payload_size);
    if (publisher.payload == NULL) {
        return 70;
    }
    memset(publisher.payload, 'x', (size_t)publisher.payload_size);
    (void)mosquitto_lib_init();
    struct mosquitto *client = mosquitto_new("bench-publisher", true, &publisher);
    mosquitto_connect_callback_set(client, on_connect);
    mosquitto_publish_callback_set(client, on_publish);
    (void)mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1);
    if (mosquitto_connect(client, "127.0.0.1", (int)strtol(argv[1], NULL, 10), 60) != 0) {
        return 69;
    }
    while (publisher.acknowledged < publisher.total) {
        if (mosquitto_loop(client, 100, 1) != 0) {
            return 69;
        }
    }
    (void)printf("%.0f\n", publisher.total / (now_s() - publisher.started_s));
    mosquitto_destroy(client);
    (void)mosquitto_lib_cleanup();
    free(publisher.payload);
    return 0;
}
