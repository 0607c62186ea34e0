/* The peer that webhook deliveries are measured against: a bare libcurl multi that posts the same
 * bytes to the same server with as many on their way, and keeps nothing. Prints answers a second.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ON_THEIR_WAY_MAX 100

struct poster {
    CURLM *multi;
    CURL *easy[ON_THEIR_WAY_MAX];
    long total, started, answered, refused;
};

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the type is libcurl's */
static size_t ignore(char *data, size_t size, size_t count, void *arg)
{
    (void)data;
    (void)arg;
    return size * count;
}

static CURL *prepare(const char *url, const char *body, struct curl_slist *headers)
{
    CURL *easy = curl_easy_init();
    (void)curl_easy_setopt(easy, CURLOPT_URL, url);
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore);
    return easy;
}

static void start(struct poster *poster, CURL *easy)
{
    if (poster->started < poster->total) {
        poster->started++;
        (void)curl_multi_add_handle(poster->multi, easy);
    }
}

static void take_answers(struct poster *poster)
{
    const CURLMsg *message = NULL;
    int rest = 0;
    while ((message = curl_multi_info_read(poster->multi, &rest)) != NULL) {
        CURL *easy = message->easy_handle;
        poster->answered++;
        poster->refused += message->data.result != CURLE_OK;
        (void)curl_multi_remove_handle(poster->multi, easy);
        start(poster, easy);
    }
}

static char *make_body(size_t size)
{
    char *body = malloc(size + 1);
    if (body != NULL) {
        memset(body, 'x', size);
        body[size] = '\0';
    }
    return body;
}

static void run(struct poster *poster)
{
    int running = 0;
    while (poster->answered < poster->total) {
        (void)curl_multi_perform(poster->multi, &running);
        take_answers(poster);
        (void)curl_multi_poll(poster->multi, NULL, 0, 100, NULL);
    }
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        (void)fputs("usage: webhook_poster URL COUNT BYTES ON_THEIR_WAY\n", stderr);
        return 2;
    }
    struct poster poster = {.total = strtol(argv[2], NULL, 10)};
    long window = strtol(argv[4], NULL, 10);
    char *body = make_body((size_t)strtol(argv[3], NULL, 10));
    if (body == NULL || window < 1 || window > ON_THEIR_WAY_MAX ||
        curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return 70;
    }
    poster.multi = curl_multi_init();
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Expect:");
    double started_s = now_s();
    for (long i = 0; i < window; i++) {
        poster.easy[i] = prepare(argv[1], body, headers);
        start(&poster, poster.easy[i]);
    }
    run(&poster);
    (void)printf("%.0f\n", (double)poster.answered / (now_s() - started_s));
    for (long i = 0; i < window; i++) {
        (void)curl_multi_remove_handle(poster.multi, poster.easy[i]);
        curl_easy_cleanup(poster.easy[i]);
    }
    (void)curl_multi_cleanup(poster.multi);
    curl_slist_free_all(headers);
    curl_global_cleanup();
    free(body);
    return poster.refused == 0 ? 0 : 1;
}
