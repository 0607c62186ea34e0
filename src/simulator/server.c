#include "simulator/server.h"

#include "api.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <microhttpd.h>

#define BODY_BYTES_MAX (16u << 20)
#define HANG_MS 600000

/* A connection that waits for its time: the next slow byte, or the end of a hang. */
struct sleeper {
    struct sleeper *next;
    struct MHD_Connection *connection;
    int64_t until_mono_ms;
};

struct server {
    struct MHD_Daemon *daemon;
    uint16_t port;
    struct api api;
    struct instant now;
    struct sleeper *sleepers;
    bool is_verbose;
};

struct exchange {
    struct server *server;
    struct text body;
    bool has_hung;
};

/* A body that goes out in an odd way: byte by byte, or not to its end. */
struct odd_body {
    struct server *server;
    struct MHD_Connection *connection;
    char *bytes;
    size_t size, sent, stop_at;
    bool is_slow;
    int64_t next_mono_ms;
};

static void sleep_until(struct server *server, struct MHD_Connection *connection,
                        int64_t until_mono_ms)
{
    struct sleeper *sleeper = alloc(sizeof *sleeper);
    *sleeper = (struct sleeper){
        .next = server->sleepers, .connection = connection, .until_mono_ms = until_mono_ms};
    server->sleepers = sleeper;
    MHD_suspend_connection(connection);
}

static void wake(struct server *server, bool wakes_all)
{
    for (struct sleeper **link = &server->sleepers; *link != NULL;) {
        struct sleeper *sleeper = *link;
        if (!wakes_all && sleeper->until_mono_ms > server->now.mono_ms) {
            link = &sleeper->next;
            continue;
        }
        *link = sleeper->next;
        MHD_resume_connection(sleeper->connection);
        free(sleeper);
    }
}

static ssize_t read_odd(void *arg, uint64_t position, char *out, size_t size_max)
{
    struct odd_body *body = arg;
    (void)position;
    if (body->sent >= body->stop_at) {
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    if (body->is_slow && body->server->now.mono_ms < body->next_mono_ms) {
        sleep_until(body->server, body->connection, body->next_mono_ms);
        return 0;
    }
    size_t part = body->is_slow ? 1 : body->stop_at - body->sent;
    part = part < size_max ? part : size_max;
    memcpy(out, body->bytes + body->sent, part);
    body->sent += part;
    body->next_mono_ms = body->server->now.mono_ms + 1000;
    return (ssize_t)part;
}

static void free_odd(void *arg)
{
    struct odd_body *body = arg;
    free(body->bytes);
    free(body);
}

static struct MHD_Response *odd_response(struct server *server, struct MHD_Connection *connection,
                                         struct reply *reply, enum fault_kind kind)
{
    struct odd_body *body = alloc(sizeof *body);
    body->server = server;
    body->connection = connection;
    body->size = reply->body.size;
    body->bytes = text_take(&reply->body);
    body->is_slow = kind == FAULT_SLOW;
    body->stop_at = kind == FAULT_TRUNCATED ? body->size / 2 : body->size;
    return MHD_create_response_from_callback(body->size, 4096, read_odd, body, free_odd);
}

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    if (value != NULL && value[0] != '\0') {
        (void)MHD_add_response_header(response, name, value);
    }
}

static void add_count(struct MHD_Response *response, const char *name, int64_t count)
{
    char digits[24];
    (void)snprintf(digits, sizeof digits, "%lld", (long long)count);
    add_header(response, name, count >= 0 ? digits : NULL);
}

static enum MHD_Result queue(struct MHD_Connection *connection, struct MHD_Response *response,
                             const struct reply *reply, uint64_t request_number)
{
    char request_id[48];
    (void)snprintf(request_id, sizeof request_id, "sim-%llu", (unsigned long long)request_number);
    add_header(response, "X-OAPI-Request-Id", request_id);
    add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type);
    add_header(response, MHD_HTTP_HEADER_CONTENT_ENCODING, reply->content_encoding);
    add_header(response, MHD_HTTP_HEADER_RETRY_AFTER, reply->retry_after);
    add_header(response, MHD_HTTP_HEADER_LOCATION, reply->location);
    add_header(response, MHD_HTTP_HEADER_ETAG, reply->etag);
    add_count(response, "X-Result-Count", reply->result_count);
    add_count(response, "X-Total-Count", reply->total_count);
    enum MHD_Result result =
        MHD_queue_response(connection, (unsigned int)reply->http_code, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result answer(struct exchange *exchange, struct MHD_Connection *connection,
                              const char *url, const char *method)
{
    struct server *server = exchange->server;
    const struct api_request request = {
        .method = method,
        .path = url,
        .authorization = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Authorization"),
        .api_key = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
                                               server->api.scenario->access.api_key_header),
        .if_none_match = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "If-None-Match"),
        .offset = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "offset"),
        .limit = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "limit"),
        .status = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "status"),
        .body = text_span(&exchange->body),
        .now = server->now,
    };
    struct reply reply;
    reply_init(&reply);
    const struct fault *fault = api_answer(&server->api, &request, &reply);
    if (server->is_verbose) {
        (void)printf("         %s %s %d%s%s\n", method, url, reply.http_code,
                     fault != NULL ? " " : "", fault != NULL ? fault_kind_name(fault->kind) : "");
    }
    enum MHD_Result result = MHD_NO;
    if (fault != NULL && fault->kind == FAULT_HANG) {
        exchange->has_hung = true;
        sleep_until(server, connection, server->now.mono_ms + HANG_MS);
        result = MHD_YES;
    } else if (fault == NULL || fault->kind != FAULT_DROP) {
        bool is_odd =
            fault != NULL && (fault->kind == FAULT_SLOW || fault->kind == FAULT_TRUNCATED);
        struct MHD_Response *response =
            is_odd ? odd_response(server, connection, &reply, fault->kind)
                   : MHD_create_response_from_buffer(reply.body.size, reply.body.data,
                                                     MHD_RESPMEM_MUST_COPY);
        CHECK(response != NULL);
        result = queue(connection, response, &reply, server->api.recent_next);
    }
    reply_fini(&reply);
    return result;
}

/* NOLINTNEXTLINE(readability-function-size): the parameters are libmicrohttpd's */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **context)
{
    (void)version;
    struct exchange *exchange = *context;
    if (exchange == NULL) {
        exchange = alloc(sizeof *exchange);
        exchange->server = arg;
        text_init(&exchange->body, BODY_BYTES_MAX);
        *context = exchange;
        return MHD_YES;
    }
    if (exchange->has_hung) {
        return MHD_NO;
    }
    if (*upload_size != 0) {
        text_add(&exchange->body, (struct span){.data = upload, .size = *upload_size});
        *upload_size = 0;
        return MHD_YES;
    }
    return answer(exchange, connection, url, method);
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode code)
{
    (void)arg;
    (void)connection;
    (void)code;
    struct exchange *exchange = *context;
    if (exchange != NULL) {
        text_fini(&exchange->body);
        free(exchange);
        *context = NULL;
    }
}

enum status server_start(const struct server_options *options, struct server **out,
                         struct failure *why)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(options->port)};
    if (inet_pton(AF_INET, options->host, &address.sin_addr) != 1) {
        return fail(why, STATUS_INVALID, "--listen %s: not an IPv4 address; 127.0.0.1:0",
                    options->host);
    }
    struct server *server = alloc(sizeof *server);
    server->is_verbose = options->is_verbose;
    api_init(&server->api, options->scenario, options->stage);
    unsigned int flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC |
                         (options->key_pem != NULL ? MHD_USE_TLS : 0U);
    struct MHD_OptionItem tls[] = {{MHD_OPTION_HTTPS_MEM_CERT, 0, options->certificate_pem},
                                   {MHD_OPTION_HTTPS_MEM_KEY, 0, options->key_pem},
                                   {MHD_OPTION_END, 0, NULL}};
    server->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, server, MHD_OPTION_SOCK_ADDR, &address,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_CONNECTION_LIMIT, 200U,
        MHD_OPTION_ARRAY, options->key_pem != NULL ? tls : &tls[2], MHD_OPTION_END);
    if (server->daemon == NULL) {
        api_fini(&server->api);
        free(server);
        return fail(why, STATUS_UNAVAILABLE,
                    "cannot listen on %s:%u; is the port taken, or the certificate no PEM?",
                    options->host, options->port);
    }
    server->port = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    *out = server;
    return STATUS_OK;
}

uint16_t server_port(const struct server *server)
{
    return server->port;
}

bool server_gave_baseline(const struct server *server)
{
    return server->api.gave_baseline;
}

void server_run(struct server *server, struct instant now, int64_t wait_ms)
{
    server->now = now;
    wake(server, false);
    for (const struct sleeper *sleeper = server->sleepers; sleeper != NULL;
         sleeper = sleeper->next) {
        if (sleeper->until_mono_ms - now.mono_ms < wait_ms) {
            wait_ms = sleeper->until_mono_ms - now.mono_ms;
        }
    }
    (void)MHD_run_wait(server->daemon, (int32_t)(wait_ms > 0 ? wait_ms : 0));
    (void)fflush(stdout);
}

void server_stop(struct server *server)
{
    if (server == NULL) {
        return;
    }
    wake(server, true);
    (void)MHD_run_wait(server->daemon, 0);
    wake(server, true);
    MHD_stop_daemon(server->daemon);
    api_fini(&server->api);
    free(server);
}
