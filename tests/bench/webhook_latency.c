/* How long it takes from a commit to the first byte at a webhook's receiver, by the dispatcher, the
 * store and the sink as they are; and the same bytes by a bare libcurl post on a kept connection.
 * One event at a time. Prints the 99th percentiles and the medians in microseconds: ours, bare. */
#include "core/arena.h"
#include "core/dispatcher.h"
#include "core/event_sample.h"
#include "core/secret.h"
#include "edge/http_client.h"
#include "edge/loop.h"
#include "edge/sinks.h"
#include "edge/store.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define COUNT_MAX 10000
#define CLIENTS_MAX 16

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* --- the receiver: a thread that notes when a request begins ---------------------------------- */

struct receiver {
    int listener;
    uint16_t port;
    _Atomic int64_t first_ns;
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
        atomic_store(&receiver->first_ns, now_ns());
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
    CHECK(pthread_create(&thread, NULL, serve, receiver) == 0);
}

struct bench {
    struct receiver receiver;
    char url[64];
    struct loop *loop;
    struct store_port store;
    struct dispatcher *dispatcher;
    struct arena *arena;
    size_t body_size, count, committed;
    bool is_committing;
    int64_t committed_ns;
    int64_t ours_ns[COUNT_MAX], bare_ns[COUNT_MAX];
};

/* --- bare ------------------------------------------------------------------------------------- */

static size_t ignore(char *data, size_t size, size_t count, void *arg)
{
    (void)data;
    (void)arg;
    return size * count;
}

static void measure_bare(struct bench *bench)
{
    char *body = malloc(bench->body_size + 1);
    CHECK(body != NULL);
    memset(body, 'x', bench->body_size);
    body[bench->body_size] = '\0';
    CURL *easy = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    (void)curl_easy_setopt(easy, CURLOPT_URL, bench->url);
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore);
    for (size_t i = 0; i < bench->count; i++) {
        int64_t start_ns = now_ns();
        CHECK(curl_easy_perform(easy) == CURLE_OK);
        bench->bare_ns[i] = atomic_load(&bench->receiver.first_ns) - start_ns;
    }
    curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
    free(body);
}

static int compare(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static double percentile_us(int64_t *times, size_t count, size_t percent)
{
    qsort(times, count, sizeof times[0], compare);
    return (double)times[(count - 1) * percent / 100] / 1000;
}

/* What is open stays open: the process ends here. */
static _Noreturn void finish(struct bench *bench)
{
    measure_bare(bench);
    (void)printf("%.0f %.0f %.0f %.0f\n", percentile_us(bench->ours_ns, bench->count, 99),
                 percentile_us(bench->bare_ns, bench->count, 99),
                 percentile_us(bench->ours_ns, bench->count, 50),
                 percentile_us(bench->bare_ns, bench->count, 50));
    (void)fflush(stdout);
    _exit(0);
}

/* --- ours ------------------------------------------------------------------------------------- */

static void on_committed(void *arg, enum status status, const char *detail)
{
    struct bench *bench = arg;
    (void)detail;
    CHECK(status == STATUS_OK);
    bench->committed_ns = now_ns();
    bench->is_committing = false;
    bench->committed++;
    dispatcher_expect_news(bench->dispatcher);
}

static void commit_one(struct bench *bench, struct instant now)
{
    arena_reset(bench->arena);
    struct event event;
    event_sample(EVENT_ORDER_UPDATED, bench->arena, &event);
    (void)snprintf(event.id, sizeof event.id, "%032zx", bench->committed);
    event.order_id = arena_format(bench->arena, "%zu", bench->committed);
    event.sequence = 1;
    bench->body_size = event.json.size;
    struct planned_delivery plan = {
        .sink_name = "tickets", .lane = event.order_id, .due_wall_ms = now.wall_ms};
    struct new_event news = {.event = event, .deliveries = &plan, .delivery_count = 1};
    struct commit commit = {.events = &news, .event_count = 1};
    bench->is_committing = true;
    bench->store.commit(bench->store.self, &commit, on_committed, bench);
}

static int64_t on_turn(void *arg, struct instant now)
{
    struct bench *bench = arg;
    int64_t next = dispatcher_turn(bench->dispatcher, now);
    uint64_t delivered = dispatcher_status(bench->dispatcher, 0).delivered;
    if (bench->is_committing || delivered != bench->committed) {
        return next;
    }
    if (delivered != 0) {
        bench->ours_ns[delivered - 1] =
            atomic_load(&bench->receiver.first_ns) - bench->committed_ns;
    }
    if (delivered == bench->count) {
        finish(bench);
    }
    commit_one(bench, now);
    return next;
}

static void ignore_signal(void *arg)
{
    (void)arg;
}

static void measure_ours(struct bench *bench, const char *folder)
{
    struct sink_config sink = {.name = "tickets",
                               .kind = SINK_WEBHOOK,
                               .in_flight_max = 4,
                               .retry = {.first_ms = 5000, .cap_ms = HOUR_MS, .give_up_ms = DAY_MS},
                               .failing_after_ms = MINUTE_MS,
                               .webhook = {.url = bench->url,
                                           .format = "cloudevents",
                                           .timeout_ms = 20000,
                                           .allow_private = true}};
    sink.webhook.secret = secret_create(span_of("whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"));
    struct config config = {.sinks = &sink, .sink_count = 1};
    const struct config *in_force = &config;
    struct failure why;
    struct http_client *http = NULL;
    struct store *store = NULL;
    struct sink_port port;
    char path[512];
    (void)snprintf(path, sizeof path, "%s/latency.db", folder);
    CHECK(loop_create(&bench->loop, &why) == STATUS_OK);
    struct store_options options = {.uv = loop_uv(bench->loop), .path = path};
    CHECK(http_client_create(loop_uv(bench->loop), &http, &why) == STATUS_OK);
    CHECK(store_open(&options, &store, &why) == STATUS_OK);
    bench->store = store_port(store);
    struct sink_environment environment = {
        .uv = loop_uv(bench->loop), .http = http, .config = &in_force, .version = "bench"};
    CHECK(sink_webhook_open(&sink, &environment, &port, &why) == STATUS_OK);
    struct dispatcher_options dispatch = {
        .config = &config, .sinks = &port, .store = bench->store, .seed = 1};
    bench->dispatcher = dispatcher_create(&dispatch);
    bench->arena = arena_create();
    struct loop_events events = {.on_turn = on_turn,
                                 .on_terminate = ignore_signal,
                                 .on_reload = ignore_signal,
                                 .arg = bench};
    /* Runs until the last one is measured, which is the end of the process. */
    loop_run(bench->loop, &events);
}

int main(int argc, char **argv)
{
    static struct bench bench;
    bench.count = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
    if (bench.count == 0 || bench.count > COUNT_MAX) {
        (void)fputs("usage: webhook_latency FOLDER COUNT\n", stderr);
        return 2;
    }
    receiver_start(&bench.receiver);
    (void)snprintf(bench.url, sizeof bench.url, "http://127.0.0.1:%u/", bench.receiver.port);
    measure_ours(&bench, argv[1]);
    return 70;
}
