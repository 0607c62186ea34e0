#include "edge/http_server.h"

#include "core/log.h"

#include "http_answer.h"
#include "http_query.h"
#include "http_visitors.h"
#include "listen_socket.h"

#include <uv.h>

#include <microhttpd.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CLIENT_COUNT_MAX 250u
#define CLIENT_MEMORY_BYTES ((size_t)16 * 1024) /* request line and headers */
#define CLIENT_TIMEOUT_S 10u
#define BODY_BYTES_MAX 65536
#define BODY_BYTES_READ_MAX ((size_t)1 << 20) /* of one whose size is not announced */
#define STREAM_BLOCK_BYTES 8192

struct http_server {
    struct MHD_Daemon *daemon;
    uv_poll_t poll;
    uv_timer_t timer;
    http_handler_fn *handler;
    void *arg;
    char *listen;
    struct http_exchange *exchanges; /* all that the library knows */
    struct http_visitors *visitors;
    bool is_running, must_run_again, is_closing;
    size_t handles_open;
    http_closed_fn *on_closed;
    void *on_closed_arg;
};

enum exchange_state {
    EXCHANGE_RECEIVING,
    EXCHANGE_ASKING,  /* the handler is being called */
    EXCHANGE_WAITING, /* suspended until the handler answers */
    EXCHANGE_ANSWERED,
    EXCHANGE_STREAMING,
    EXCHANGE_CUT_OFF, /* the server closes */
};

struct http_exchange {
    struct http_server *server; /* NULL: nobody is there any more */
    struct MHD_Connection *connection;
    struct visitor *visitor;
    struct http_exchange *previous, *next;
    enum exchange_state state;
    struct text received; /* of the body, as far as one may have */
    size_t received_bytes;
    bool is_owed; /* the handler has not answered */
    struct MHD_Response *response;
    unsigned int code;
    struct text pushed; /* of a stream; the first of them are taken */
    size_t taken;
    bool is_asleep; /* a stream whose connection waits for a push */
    http_gone_fn *on_gone;
    void *on_gone_arg;
};

/* --- the loop --------------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer);

static bool is_full(const struct http_server *server)
{
    return MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)
               ->num_connections >= CLIENT_COUNT_MAX;
}

/* The library must never be entered from inside its own callbacks. */
static void run(struct http_server *server)
{
    CHECK(!server->is_running);
    server->is_running = true;
    bool was_full = is_full(server);
    server->must_run_again = false;
    (void)MHD_run(server->daemon);
    server->is_running = false;
    if (was_full && !is_full(server)) {
        server->must_run_again = true; /* only at its beginning does it listen again */
    }
    MHD_UNSIGNED_LONG_LONG wait_ms = 0;
    if (server->must_run_again) {
        (void)uv_timer_start(&server->timer, on_timer, 0, 0);
    } else if (MHD_get_timeout(server->daemon, &wait_ms) == MHD_YES) {
        (void)uv_timer_start(&server->timer, on_timer, wait_ms > 0 ? wait_ms : 1, 0);
    } else {
        (void)uv_timer_stop(&server->timer);
    }
}

static void on_timer(uv_timer_t *timer)
{
    run(timer->data);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    run(poll->data);
}

static void run_soon(struct http_server *server)
{
    if (server->is_running) {
        server->must_run_again = true;
    } else if (!server->is_closing) {
        (void)uv_timer_start(&server->timer, on_timer, 0, 0);
    }
}

/* --- exchanges -------------------------------------------------------------------------------- */

static struct http_exchange *exchange_create(struct http_server *server,
                                             struct MHD_Connection *connection)
{
    struct http_exchange *exchange = alloc(sizeof *exchange);
    exchange->server = server;
    exchange->connection = connection;
    exchange->visitor =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    text_init(&exchange->received, BODY_BYTES_MAX);
    text_init(&exchange->pushed, STREAM_BYTES_MAX);
    exchange->next = server->exchanges;
    if (exchange->next != NULL) {
        exchange->next->previous = exchange;
    }
    server->exchanges = exchange;
    return exchange;
}

static void exchange_destroy(struct http_exchange *exchange)
{
    if (exchange->response != NULL) {
        MHD_destroy_response(exchange->response);
    }
    text_fini(&exchange->received);
    text_fini(&exchange->pushed);
    free(exchange);
}

/* The library is done with it. Who still owes the answer frees it. */
static void exchange_leave(struct http_exchange *exchange)
{
    struct http_server *server = exchange->server;
    if (exchange->previous != NULL) {
        exchange->previous->next = exchange->next;
    } else {
        server->exchanges = exchange->next;
    }
    if (exchange->next != NULL) {
        exchange->next->previous = exchange->previous;
    }
    visitor_sends(exchange->visitor);
    exchange->server = NULL;
    exchange->connection = NULL;
    exchange->visitor = NULL;
    if (exchange->state == EXCHANGE_STREAMING) {
        exchange->on_gone(exchange->on_gone_arg);
    }
    if (!exchange->is_owed) {
        exchange_destroy(exchange);
    }
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode code)
{
    (void)arg;
    (void)connection;
    (void)code;
    if (*context != NULL) {
        exchange_leave(*context);
        *context = NULL;
    }
}

/* --- answers ---------------------------------------------------------------------------------- */

static void wake(struct http_exchange *exchange)
{
    if (exchange->state == EXCHANGE_WAITING) {
        MHD_resume_connection(exchange->connection);
        run_soon(exchange->server);
    }
}

static void answer(struct http_exchange *exchange, const struct http_answer *given)
{
    CHECK(exchange->is_owed);
    exchange->is_owed = false;
    if (exchange->server == NULL) {
        exchange_destroy(exchange);
        return;
    }
    if (http_visitors_have_room(exchange->server->visitors, given->body.size)) {
        exchange->response = http_answer_response(given);
        exchange->code = (unsigned int)given->code;
        visitor_reads(exchange->visitor, given->body.size);
    } else {
        exchange->code = MHD_HTTP_SERVICE_UNAVAILABLE;
        exchange->response = http_answer_problem(
            MHD_HTTP_SERVICE_UNAVAILABLE, "Service Unavailable",
            "too many answers wait for clients that do not read them; try again");
        visitor_reads(exchange->visitor, 0);
    }
    wake(exchange);
}

/* --- streams ---------------------------------------------------------------------------------- */

static size_t unread(const struct http_exchange *exchange)
{
    return exchange->pushed.size - exchange->taken;
}

static ssize_t on_read(void *arg, uint64_t position, char *out, size_t size_max)
{
    struct http_exchange *exchange = arg;
    (void)position;
    if (exchange->state != EXCHANGE_STREAMING) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    if (exchange->pushed.status != STATUS_OK) {
        return MHD_CONTENT_READER_END_WITH_ERROR; /* a gap would be worse: the client comes back */
    }
    size_t size = unread(exchange) < size_max ? unread(exchange) : size_max;
    if (size == 0) {
        exchange->is_asleep = true;
        MHD_suspend_connection(exchange->connection);
        return 0;
    }
    memcpy(out, exchange->pushed.data + exchange->taken, size);
    exchange->taken += size;
    if (exchange->taken == exchange->pushed.size) {
        text_clear(&exchange->pushed);
        exchange->taken = 0;
    }
    return (ssize_t)size;
}

static void stream(struct http_exchange *exchange, http_gone_fn *on_gone, void *arg)
{
    CHECK(exchange->is_owed && exchange->server != NULL);
    exchange->is_owed = false;
    exchange->on_gone = on_gone;
    exchange->on_gone_arg = arg;
    exchange->response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK_BYTES,
                                                           on_read, exchange, NULL);
    CHECK(exchange->response != NULL);
    exchange->code = MHD_HTTP_OK;
    const struct http_answer head = {.content_type = "text/event-stream; charset=utf-8"};
    http_answer_add_headers(exchange->response, &head);
    wake(exchange);
    exchange->state = EXCHANGE_STREAMING;
}

static void push(struct http_exchange *exchange, struct span bytes)
{
    CHECK(exchange->state == EXCHANGE_STREAMING);
    text_add(&exchange->pushed, bytes);
    if (exchange->is_asleep) {
        exchange->is_asleep = false;
        MHD_resume_connection(exchange->connection);
        run_soon(exchange->server);
    }
}

/* The library cannot stop while a connection is suspended. */
static void cut_off(struct http_exchange *exchange)
{
    bool is_suspended = exchange->state == EXCHANGE_WAITING || exchange->is_asleep;
    if (exchange->state == EXCHANGE_STREAMING) {
        exchange->on_gone(exchange->on_gone_arg);
    }
    exchange->state = EXCHANGE_CUT_OFF;
    exchange->is_asleep = false;
    if (is_suspended) {
        MHD_resume_connection(exchange->connection);
        run_soon(exchange->server);
    }
}

/* --- requests --------------------------------------------------------------------------------- */

static void ask(struct http_exchange *exchange, const char *path, const char *method)
{
    struct http_parameter parameters[PARAMETER_COUNT_MAX];
    struct http_query query = {.method = strcmp(method, "HEAD") == 0 ? "GET" : method,
                               .path = path,
                               .parameters = parameters,
                               .body = text_span(&exchange->received)};
    http_query_read(exchange->connection, parameters, &query);
    exchange->state = EXCHANGE_ASKING;
    exchange->is_owed = true;
    visitor_waits(exchange->visitor);
    exchange->server->handler(exchange->server->arg, exchange, &query);
}

static enum MHD_Result send_response(struct http_exchange *exchange)
{
    if (exchange->state != EXCHANGE_STREAMING) {
        exchange->state = EXCHANGE_ANSWERED;
    }
    return MHD_queue_response(exchange->connection, exchange->code, exchange->response);
}

static enum MHD_Result refuse_body(struct http_exchange *exchange)
{
    exchange->response = http_answer_problem(MHD_HTTP_CONTENT_TOO_LARGE, "Content Too Large",
                                             "a body may have 65536 bytes");
    exchange->code = MHD_HTTP_CONTENT_TOO_LARGE;
    (void)MHD_add_response_header(exchange->response, MHD_HTTP_HEADER_CONNECTION, "close");
    return send_response(exchange);
}

/* Headers are there, the body is not: one that is announced too large is not even read. */
static enum MHD_Result begin(struct http_exchange *exchange)
{
    bool is_large = http_query_body_size(exchange->connection) > BODY_BYTES_MAX;
    return is_large ? refuse_body(exchange) : MHD_YES;
}

/* The library takes an answer before a body or after it: one without an end is cut off. */
static enum MHD_Result receive(struct http_exchange *exchange, struct span part)
{
    exchange->received_bytes += part.size;
    text_add(&exchange->received, part);
    return exchange->received_bytes <= BODY_BYTES_READ_MAX ? MHD_YES : MHD_NO;
}

/* NOLINTNEXTLINE(readability-function-size): the library decides what it hands over */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **context)
{
    struct http_server *server = arg;
    struct http_exchange *exchange = *context;
    (void)version;
    if (exchange == NULL) {
        *context = exchange_create(server, connection);
        return begin(*context);
    }
    if (*upload_size != 0) {
        struct span part = {.data = upload, .size = *upload_size};
        *upload_size = 0;
        return receive(exchange, part);
    }
    if (exchange->state == EXCHANGE_RECEIVING) {
        if (exchange->received.status != STATUS_OK) {
            return refuse_body(exchange);
        }
        ask(exchange, url, method);
    }
    if (exchange->response != NULL) {
        return send_response(exchange);
    }
    if (exchange->state == EXCHANGE_CUT_OFF) {
        return MHD_NO;
    }
    exchange->state = EXCHANGE_WAITING;
    MHD_suspend_connection(connection);
    return MHD_YES;
}

static enum MHD_Result on_arrival(void *arg, const struct sockaddr *address, socklen_t size)
{
    const struct http_server *server = arg;
    (void)size;
    return http_visitors_admit(server->visitors, address) ? MHD_YES : MHD_NO;
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    const struct http_server *server = arg;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        int socket_fd =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        const struct sockaddr *address =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
        *context = visitor_create(server->visitors, socket_fd, address);
    } else {
        visitor_destroy(*context);
    }
}

/* The library tells of each bad request; a client must not fill the log with them. */
PRINTF_LIKE(2, 0) static void on_library_log(void *arg, const char *format, va_list arguments)
{
    (void)arg;
    char line[200];
    (void)vsnprintf(line, sizeof line, format, arguments);
    line[strcspn(line, "\n")] = '\0';
    LOG_DEBUG("http_server", log_text("says", line));
}

/* --- life ------------------------------------------------------------------------------------- */

static void watch(struct http_server *server, uv_loop_t *uv)
{
    int epoll_fd = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    CHECK(uv_poll_init(uv, &server->poll, epoll_fd) == 0);
    CHECK(uv_timer_init(uv, &server->timer) == 0);
    server->poll.data = server;
    server->timer.data = server;
    server->visitors = http_visitors_create(uv);
    server->handles_open = 3;
    CHECK(uv_poll_start(&server->poll, UV_READABLE, on_readable) == 0);
    run(server);
}

enum status http_server_open(const struct http_server_options *options, struct http_server **out,
                             struct failure *why)
{
    int socket_fd = -1;
    enum status status = listen_socket_open(options->listen, &socket_fd, why);
    if (status != STATUS_OK) {
        return status;
    }
    struct http_server *server = alloc(sizeof *server);
    server->handler = options->handler;
    server->arg = options->arg;
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_ERROR_LOG, 0, on_arrival,
        server, on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_library_log, NULL,
        MHD_OPTION_LISTEN_SOCKET, socket_fd, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_CONNECTION_LIMIT,
        CLIENT_COUNT_MAX, MHD_OPTION_CONNECTION_TIMEOUT, CLIENT_TIMEOUT_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, CLIENT_MEMORY_BYTES, MHD_OPTION_END);
    if (server->daemon == NULL) {
        (void)close(socket_fd);
        free(server);
        return fail(why, STATUS_UNAVAILABLE,
                    "http.listen %s: the server does not start; check the limit of open files",
                    options->listen);
    }
    server->listen = alloc_text(options->listen);
    watch(server, options->uv);
    *out = server;
    return STATUS_OK;
}

static void on_part_closed(void *arg)
{
    struct http_server *server = arg;
    if (--server->handles_open != 0) {
        return;
    }
    http_closed_fn *on_closed = server->on_closed;
    arg = server->on_closed_arg;
    free(server->listen);
    free(server);
    on_closed(arg);
}

static void on_handle_closed(uv_handle_t *handle)
{
    on_part_closed(handle->data);
}

static void cut_off_all(struct http_server *server)
{
    for (struct http_exchange *exchange = server->exchanges; exchange != NULL;
         exchange = exchange->next) {
        cut_off(exchange);
    }
}

void http_server_close(struct http_server *server, http_closed_fn *on_closed, void *arg)
{
    CHECK(!server->is_running && !server->is_closing);
    server->is_closing = true;
    server->on_closed = on_closed;
    server->on_closed_arg = arg;
    cut_off_all(server);
    (void)MHD_run(server->daemon);
    (void)MHD_run(server->daemon);
    uv_close((uv_handle_t *)&server->poll, on_handle_closed);
    uv_close((uv_handle_t *)&server->timer, on_handle_closed);
    http_visitors_close(server->visitors, on_part_closed, server);
    listen_socket_remove(server->listen);
    MHD_stop_daemon(server->daemon);
    CHECK(server->exchanges == NULL);
}

struct responder_port http_server_responder(void)
{
    return (struct responder_port){
        .answer = answer, .stream = stream, .push = push, .unread = unread, .end = cut_off};
}
