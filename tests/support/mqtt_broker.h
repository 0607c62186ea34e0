/* A real mosquitto as a child process of a test, and a subscriber that prints what it sees. */
#ifndef TESTS_SUPPORT_MQTT_BROKER_H
#define TESTS_SUPPORT_MQTT_BROKER_H

#include "tests/support/process.h"

#include <sys/stat.h>

struct mqtt_server {
    struct process *process;
    uint16_t port;
    char file[128];
};

static inline void mqtt_broker_run(struct mqtt_server *broker)
{
    const char *const arguments[] = {"mosquitto", "-c", broker->file, NULL};
    broker->process = process_start(arguments);
    process_await_port(broker->port);
}

/* settings: further lines of mosquitto.conf for the one listener. */
static inline struct mqtt_server mqtt_broker_start(const char *settings)
{
    struct mqtt_server broker = {.port = process_free_port()};
    (void)mkdir("build", 0777);
    (void)mkdir("build/tests", 0777);
    (void)snprintf(broker.file, sizeof broker.file, "build/tests/mosquitto-%u.conf", broker.port);
    FILE *file = fopen(broker.file, "w");
    CHECK(file != NULL);
    /* It would drop root, and then not read what lies here. */
    (void)fprintf(file, "user root\npersistence false\nlog_type error\nlistener %u 127.0.0.1\n%s",
                  broker.port, settings);
    CHECK(fclose(file) == 0);
    mqtt_broker_run(&broker);
    return broker;
}

static inline void mqtt_broker_kill(struct mqtt_server *broker)
{
    process_stop(broker->process);
    broker->process = NULL;
}

static inline void mqtt_broker_stop(struct mqtt_server *broker)
{
    if (broker->process != NULL) {
        mqtt_broker_kill(broker);
    }
    (void)unlink(broker->file);
}

/* One line a message: TOPIC retained=R qos=Q type=CONTENT-TYPE [USER PROPERTIES] PAYLOAD */
static inline struct process *mqtt_subscriber_start(const struct mqtt_server *broker)
{
    char port[8];
    (void)snprintf(port, sizeof port, "%u", broker->port);
    const char *const arguments[] = {"stdbuf",
                                     "-oL",
                                     "mosquitto_sub",
                                     "-d",
                                     "-V",
                                     "5",
                                     "-h",
                                     "127.0.0.1",
                                     "-p",
                                     port,
                                     "-q",
                                     "1",
                                     "-t",
                                     "#",
                                     "-F",
                                     "%t retained=%r qos=%q type=%C [%P] %p",
                                     NULL};
    struct process *subscriber = process_start(arguments);
    free(process_await(subscriber, "Subscribed"));
    return subscriber;
}

#endif
