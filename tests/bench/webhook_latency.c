/* latency.h at a webhook's receiver, against a bare libcurl post on a kept connection. */
#include "core/secret.h"
#include "tests/bench/support/latency.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS_MAX 16

/* --- the receiver: a thread that notes when a request begins ---------------------------------- */

struct receiver {
    int listener;
    uint16_t port;
    char url[64];
    struct latency *latency;
};

struct client {
    char input[1 << 18];
    size_t size;
};

static bool is_whole(const struct client *client)
{
    static const char name[] = "content-length:";
    const char *end = memmem(client->input, client->size, "\r\n\r\n", 4);
    if (end == NULL) {
        return false;
    }
    size_t body = 0;
    for (const char *line = client->input; line < end; line = strchr(line, '\n') + 1) {
        if (strncasecmp(line, name, sizeof name - 1) == 0) {
            body = strtoul(line + sizeof name - 1, NULL, 10);
        }
    }
    return client->size >= (size_t)(end + 4 - client->input) + body;
}

static bool hear(struct receiver *receiver, int fd, struct client *client)
{
    ssize_t got = read(fd, client->input + client->size, sizeof client->input - 1 - client->size);
    if (got <= 0) {
        return false;
    }
    if (client->size == 0) {
        atomic_store(&receiver->latency->heard_ns, latency_now_ns());
    }
    client->size += (size_t)got;
    client->input[client->size] = '\0';
    if (is_whole(client)) {
        static const char answer[] = "HTTP/1.1 204 No Content\r\n\r\n";
        client->size = 0;
        return write(fd, answer, sizeof answer - 1) == (ssize_t)sizeof answer - 1;
    }
    return true;
}

static void *serve(void *arg)
{
    struct receiver *receiver = arg;
    static struct client clients[CLIENTS_MAX];
    struct pollfd fds[CLIENTS_MAX] = {{.fd = receiver->listener, .events = POLLIN}};
    nfds_t count = 1;
    for (;;) {
        CHECK(poll(fds, count, -1) > 0);
        for (nfds_t i = 1; i < count; i++) {
            if (fds[i].revents != 0 && !hear(receiver, fds[i].fd, &clients[i])) {
                (void)close(fds[i].fd);
                fds[i].fd = -1;
            }
        }
        if (fds[0].revents != 0) {
            CHECK(count < CLIENTS_MAX);
            fds[count++] =
                (struct pollfd){.fd = accept(receiver->listener, NULL, NULL), .events = POLLIN};
        }
    }
    return NULL;
}

static void receiver_start(struct receiver *receiver)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    pthread_t thread;
    receiver->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(bind(receiver->listener, (struct sockaddr *)&address, size) == 0 &&
          listen(receiver->listener, 16) == 0 &&
          getsockname(receiver->listener, (struct sockaddr *)&address, &size) == 0);
    receiver->port = ntohs(address.sin_port);
    (void)snprintf(receiver->url, sizeof receiver->url, "http://127.0.0.1:%u/", receiver->port);
    CHECK(pthread_create(&thread, NULL, serve, receiver) == 0);
}

static struct latency latency;
static struct receiver receiver = {.latency = &latency};

/* --- bare ------------------------------------------------------------------------------------- */

/* NOLINTNEXTLINE(readability-non-const-parameter): the type is libcurl's */
static size_t ignore(char *data, size_t size, size_t count, void *arg)
{
    (void)data;
    (void)arg;
    return size * count;
}

static void measure_bare(struct latency *own)
{
    char *body = malloc(own->body_size + 1);
    CHECK(body != NULL);
    memset(body, 'x', own->body_size);
    body[own->body_size] = '\0';
    CURL *easy = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    (void)curl_easy_setopt(easy, CURLOPT_URL, receiver.url);
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore);
    for (size_t i = 0; i < own->count; i++) {
        int64_t start_ns = latency_now_ns();
        CHECK(curl_easy_perform(easy) == CURLE_OK);
        own->bare_ns[i] = atomic_load(&own->heard_ns) - start_ns;
    }
    curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
    free(body);
}

int main(int argc, char **argv)
{
    latency.count = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
    if (latency.count == 0 || latency.count > LATENCY_COUNT_MAX) {
        (void)fputs("usage: webhook_latency FOLDER COUNT\n", stderr);
        return 2;
    }
    receiver_start(&receiver);
    struct sink_config sink = {.name = "tickets",
                               .kind = SINK_WEBHOOK,
                               .in_flight_max = 4,
                               .retry = {.first_ms = 5000, .cap_ms = HOUR_MS, .give_up_ms = DAY_MS},
                               .failing_after_ms = MINUTE_MS,
                               .webhook = {.url = receiver.url,
                                           .format = "cloudevents",
                                           .timeout_ms = 20000,
                                           .allow_private = true}};
    sink.webhook.secret = secret_create(span_of("whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"));
    latency_measure(&latency, argv[1], &sink, sink_webhook_open, measure_bare);
}
