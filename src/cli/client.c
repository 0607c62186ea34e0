#include "cli/client.h"

#include "cli/words.h"

#include "core/log.h"
#include "core/secret.h"
#include "daemon.h"
#include "edge/config_file.h"

#include <curl/curl.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_BYTES_MAX ((size_t)128 << 20)
#define URL_BYTES_MAX 16384
#define TIMEOUT_MS 60000L
#define CONNECT_TIMEOUT_MS 5000L

struct client {
    const char *command;
    struct http_address address;
    CURL *handle;
    long timeout_ms; /* 0: none */
    const struct words_renamed *renamed;
};

static void tell_problems(struct problem_list *problems)
{
    for (const struct problem *problem = problems->first; problem != NULL;
         problem = problem->next) {
        (void)fprintf(stderr, "%s\n", problem->line_text);
    }
}

struct client *client_open(const struct options *options, int *exit_code)
{
    struct client *client = alloc(sizeof *client);
    client->command = options->command;
    client->timeout_ms = TIMEOUT_MS;
    struct problem_list problems = {0};
    enum status status = config_file_address(options->config_path, &problems, &client->address);
    tell_problems(&problems);
    problem_list_clear(&problems);
    *exit_code = EXIT_CODE_OK;
    if (status != STATUS_OK) {
        *exit_code = EXIT_CODE_CONFIG;
    } else if (client->address.listen == NULL) {
        (void)fprintf(stderr,
                      "orderwatch: %s: http.listen is off in %s; set it to ask the daemon\n",
                      options->command, options->config_path);
        *exit_code = EXIT_CODE_UNAVAILABLE;
    } else if ((client->handle = curl_easy_init()) == NULL) {
        (void)fprintf(stderr, "orderwatch: %s: libcurl does not start\n", options->command);
        *exit_code = EXIT_CODE_INTERNAL;
    }
    if (*exit_code != EXIT_CODE_OK) {
        client_close(client);
        return NULL;
    }
    return client;
}

void client_close(struct client *client)
{
    if (client == NULL) {
        return;
    }
    if (client->handle != NULL) {
        curl_easy_cleanup(client->handle);
    }
    http_address_fini(&client->address);
    free(client);
}

void client_rename(struct client *client, const struct words_renamed *own)
{
    client->renamed = own;
}

void client_be_patient(struct client *client)
{
    client->timeout_ms = 0;
}

/* --- one transfer ----------------------------------------------------------------------------- */

static const char *unix_path(const struct client *client)
{
    return strncmp(client->address.listen, "unix:", 5) == 0 ? client->address.listen + 5 : NULL;
}

/* An address that means every address of this machine is asked at loopback. */
static void add_authority(const struct client *client, struct text *url)
{
    static const struct {
        const char *any, *loopback;
    } wildcards[] = {{"0.0.0.0:", "127.0.0.1:"}, {"[::]:", "[::1]:"}};
    const char *listen = client->address.listen;
    for (size_t i = 0; i < ARRAY_COUNT(wildcards); i++) {
        size_t size = strlen(wildcards[i].any);
        if (strncmp(listen, wildcards[i].any, size) == 0) {
            text_addf(url, "%s%s", wildcards[i].loopback, listen + size);
            return;
        }
    }
    text_add_text(url, unix_path(client) != NULL ? "localhost" : listen);
}

static struct curl_slist *add_header(struct curl_slist *headers, const char *line)
{
    struct curl_slist *longer = curl_slist_append(headers, line);
    CHECK(longer != NULL);
    return longer;
}

static struct curl_slist *headers_of(const struct client *client, const char *last_event_id)
{
    struct curl_slist *headers = add_header(NULL, "X-Orderwatch: 1");
    headers = add_header(headers, "Content-Type: application/json");
    struct text line;
    text_init(&line, URL_BYTES_MAX);
    if (client->address.token != NULL) {
        text_add_text(&line, "Authorization: Bearer ");
        text_add(&line, secret_reveal(client->address.token));
        headers = add_header(headers, text_cstr(&line));
        explicit_bzero(line.data, line.capacity);
    }
    if (last_event_id != NULL && last_event_id[0] != '\0') {
        text_clear(&line);
        text_addf(&line, "Last-Event-ID: %s", last_event_id);
        headers = add_header(headers, text_cstr(&line));
    }
    text_fini(&line);
    return headers;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): libcurl decides what it hands over */
static size_t on_answer_bytes(char *bytes, size_t size, size_t count, void *arg)
{
    struct text *answer = arg;
    text_add(answer, (struct span){.data = bytes, .size = size * count});
    return answer->status == STATUS_OK ? size * count : 0;
}

bool client_is_read(void)
{
    struct pollfd output = {.fd = STDOUT_FILENO};
    bool has_reader = poll(&output, 1, 0) != 1 || (output.revents & (POLLERR | POLLHUP)) == 0;
    return has_reader && ferror(stdout) == 0;
}

/* libcurl asks once a second at least. Any other value than 0 ends the transfer. */
static int on_progress(void *arg, curl_off_t to_come, curl_off_t came, curl_off_t to_go,
                       curl_off_t gone)
{
    (void)arg, (void)to_come, (void)came, (void)to_go, (void)gone;
    return client_is_read() ? 0 : 1;
}

typedef size_t write_fn(char *bytes, size_t size, size_t count, void *arg);

static CURLcode transfer(struct client *client, const char *path, const char *body,
                         struct curl_slist *headers, write_fn *on_bytes, void *arg)
{
    CURL *handle = client->handle;
    struct text url;
    text_init(&url, URL_BYTES_MAX);
    text_add_text(&url, "http://");
    add_authority(client, &url);
    text_add_text(&url, path);
    curl_easy_reset(handle);
    (void)curl_easy_setopt(handle, CURLOPT_URL, text_cstr(&url));
    (void)curl_easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L); /* an id may be ".." */
    (void)curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http");
    (void)curl_easy_setopt(handle, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
    (void)curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_bytes);
    (void)curl_easy_setopt(handle, CURLOPT_WRITEDATA, arg);
    if (unix_path(client) != NULL) {
        (void)curl_easy_setopt(handle, CURLOPT_UNIX_SOCKET_PATH, unix_path(client));
    }
    if (body != NULL) {
        (void)curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body);
    }
    if (on_bytes == on_answer_bytes) {
        (void)curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, client->timeout_ms);
    } else {
        (void)curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, on_progress);
        (void)curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    }
    CURLcode code = curl_easy_perform(handle);
    text_fini(&url);
    return code;
}

static int refuse_transfer(const struct client *client, CURLcode code)
{
    bool is_absent = code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST;
    (void)fprintf(stderr,
                  "orderwatch: %s: %s at %s: %s; is `orderwatch run` at work with this "
                  "configuration (-c FILE)?\n",
                  client->command, is_absent ? "no daemon answers" : "the daemon broke off",
                  client->address.listen, curl_easy_strerror(code));
    return EXIT_CODE_UNAVAILABLE;
}

/* --- answers ---------------------------------------------------------------------------------- */

static int exit_code_of(long http_code)
{
    switch (http_code) {
    case 400:
        return EXIT_CODE_USAGE;
    case 404:
    case 409:
        return EXIT_CODE_NEGATIVE;
    default:
        return EXIT_CODE_UNAVAILABLE;
    }
}

void client_add_problem(const struct client *client, struct text *line, long http_code,
                        const struct text *answer)
{
    struct json *problem = NULL;
    const char *detail = NULL;
    if (json_parse(text_span(answer), &problem, NULL) == STATUS_OK) {
        detail = json_member_text(problem, "detail");
    }
    if (http_code == 401) {
        text_add_text(line, "the daemon has another http.token than this configuration; name the "
                            "one it runs with by -c FILE, or let it read this one (SIGHUP)");
    } else if (detail != NULL) {
        words_add(line, detail, client->renamed);
    } else {
        text_addf(line, "the daemon refuses without a reason (HTTP %ld)", http_code);
    }
    json_destroy(problem);
}

int client_tell_problem(const struct client *client, long http_code, const struct text *answer)
{
    struct text line;
    text_init(&line, 4096);
    client_add_problem(client, &line, http_code, answer);
    (void)fprintf(stderr, "orderwatch: %s: %s\n", client->command, text_cstr(&line));
    text_fini(&line);
    return exit_code_of(http_code);
}

long client_try(struct client *client, const char *path, const char *body, struct text *answer,
                int *exit_code)
{
    struct curl_slist *headers = headers_of(client, NULL);
    text_clear(answer);
    CURLcode code = transfer(client, path, body, headers, on_answer_bytes, answer);
    curl_slist_free_all(headers);
    if (code != CURLE_OK) {
        *exit_code = refuse_transfer(client, code);
        return 0;
    }
    long http_code = 0;
    (void)curl_easy_getinfo(client->handle, CURLINFO_RESPONSE_CODE, &http_code);
    return http_code;
}

static void add_order_path(struct text *path, struct span source, const char *order_id)
{
    text_init(path, URL_BYTES_MAX);
    text_add_text(path, "/api/v1/order?source=");
    text_add_percent(path, source);
    client_add_parameter(path, "id", order_id);
}

long client_try_order(struct client *client, struct span source, const char *order_id,
                      struct text *answer, int *exit_code)
{
    struct text path;
    add_order_path(&path, source, order_id);
    long http_code = client_try(client, text_cstr(&path), NULL, answer, exit_code);
    text_fini(&path);
    return http_code;
}

bool client_ask(struct client *client, const char *path, const char *body, struct text *answer,
                int *exit_code)
{
    long http_code = client_try(client, path, body, answer, exit_code);
    bool is_good = http_code >= 200 && http_code <= 299;
    if (http_code != 0 && !is_good) {
        *exit_code = client_tell_problem(client, http_code, answer);
    }
    return is_good;
}

bool client_ask_order(struct client *client, struct span source, const char *order_id,
                      struct text *answer, int *exit_code)
{
    struct text path;
    add_order_path(&path, source, order_id);
    bool is_good = client_ask(client, text_cstr(&path), NULL, answer, exit_code);
    text_fini(&path);
    return is_good;
}

struct json *client_ask_json(struct client *client, const char *path, const char *body,
                             int *exit_code)
{
    struct text answer;
    text_init(&answer, ANSWER_BYTES_MAX);
    struct json *json = NULL;
    struct failure why;
    if (client_ask(client, path, body, &answer, exit_code) &&
        json_parse(text_span(&answer), &json, &why) != STATUS_OK) {
        (void)fprintf(stderr, "orderwatch: %s: the daemon's answer is not understood: %s\n",
                      client->command, why.detail);
        *exit_code = EXIT_CODE_UNAVAILABLE;
    }
    text_fini(&answer);
    return json;
}

/* --- streams ---------------------------------------------------------------------------------- */

struct follower {
    struct text line;
    client_line_fn *on_line;
    void *arg;
};

/* NOLINTNEXTLINE(readability-non-const-parameter): as above */
static size_t on_stream_bytes(char *bytes, size_t size, size_t count, void *arg)
{
    struct follower *follower = arg;
    for (size_t i = 0; i < size * count; i++) {
        if (bytes[i] == '\n') {
            follower->on_line(follower->arg, text_span(&follower->line));
            text_clear(&follower->line);
        } else {
            text_add_char(&follower->line, bytes[i]);
        }
    }
    return size * count;
}

long client_follow(struct client *client, const char *path, const char *last_event_id,
                   client_line_fn *on_line, void *arg)
{
    struct follower follower = {.on_line = on_line, .arg = arg};
    text_init(&follower.line, ANSWER_BYTES_MAX);
    struct curl_slist *headers = headers_of(client, last_event_id);
    (void)transfer(client, path, NULL, headers, on_stream_bytes, &follower);
    curl_slist_free_all(headers);
    text_fini(&follower.line);
    long http_code = 0;
    (void)curl_easy_getinfo(client->handle, CURLINFO_RESPONSE_CODE, &http_code);
    return http_code;
}

void client_add_parameter(struct text *path, const char *name, const char *value)
{
    if (value != NULL) {
        bool is_first = strchr(text_cstr(path), '?') == NULL;
        text_addf(path, "%c%s=", is_first ? '?' : '&', name);
        text_add_percent(path, span_of(value));
    }
}

void client_print(const struct text *answer)
{
    (void)printf("%s\n", text_cstr(answer));
}
