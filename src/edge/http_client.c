#include "edge/http_client.h"

#include "edge/loop.h"
#include "http_transfer.h"
#include "smtps.h"

#include <curl/curl.h>
#include <uv.h>

#include <stdlib.h>

#define KEPT_CONNECTIONS_MAX 64L
#define SOON_NS_MAX UINT64_C(1000000)

struct http_client {
    uv_loop_t *uv;
    CURLM *multi;
    uv_timer_t curl_timer;  /* libcurl's own deadlines */
    uv_prepare_t prepare;   /* goes on at once where libcurl wants to */
    uv_idle_t curl_soon;    /* active: it wants to, and the loop must not sleep */
    uv_idle_t portion_soon; /* the next portion of a large body */
    uv_timer_t end_timer;   /* what ended within a call of ours is told from the loop */
    struct http_transfer_list running, ended;
    uint64_t told_count;
    struct smtps *smtps;
    size_t handle_count; /* open libuv handles */
    bool is_closing, is_emptied;
    closed_fn *on_closed;
    void *closed_arg;
};

/* One watched socket of libcurl. */
struct watch {
    uv_poll_t poll;
    struct http_client *client;
    curl_socket_t socket;
};

static void finish_close(struct http_client *client)
{
    if (client->handle_count == 0) {
        client->on_closed(client->closed_arg);
        free(client);
    }
}

static void on_watch_closed(uv_handle_t *handle)
{
    struct watch *watch = handle->data;
    struct http_client *client = watch->client;
    free(watch);
    client->handle_count--;
    if (client->is_emptied) {
        finish_close(client);
    }
}

static void on_own_closed(uv_handle_t *handle)
{
    struct http_client *client = handle->data;
    client->handle_count--;
    finish_close(client);
}

static void on_smtps_closed(void *arg)
{
    struct http_client *client = arg;
    client->handle_count--;
    finish_close(client);
}

/* Everything has been told: libcurl closes its connections, and then the handles go. */
static void empty(struct http_client *client)
{
    client->is_emptied = true;
    CHECK(curl_multi_cleanup(client->multi) == CURLM_OK);
    client->multi = NULL;
    uv_close((uv_handle_t *)&client->curl_timer, on_own_closed);
    uv_close((uv_handle_t *)&client->prepare, on_own_closed);
    uv_close((uv_handle_t *)&client->curl_soon, on_own_closed);
    uv_close((uv_handle_t *)&client->portion_soon, on_own_closed);
    uv_close((uv_handle_t *)&client->end_timer, on_own_closed);
    smtps_close(client->smtps, on_smtps_closed, client);
}

static void tell_ends(struct http_client *client)
{
    struct http_transfer *transfer;
    while ((transfer = client->ended.first) != NULL) {
        http_transfer_list_remove(&client->ended, transfer);
        client->told_count++;
        http_transfer_end(transfer, loop_instant(client->uv));
    }
    if (client->is_closing && !client->is_emptied) {
        empty(client);
    }
}

static void on_end_timer(uv_timer_t *timer)
{
    tell_ends(timer->data);
}

static void end_later(struct http_client *client, struct http_transfer *transfer)
{
    http_transfer_list_add(&client->ended, transfer);
    CHECK(uv_timer_start(&client->end_timer, on_end_timer, 0, 0) == 0);
}

static void drive(struct http_client *client, struct http_transfer *transfer)
{
    void *easy = http_transfer_easy(transfer);
    if (easy == NULL || client->is_closing) {
        if (easy != NULL) {
            http_transfer_cancel(transfer);
        }
        end_later(client, transfer);
        return;
    }
    CURLMcode code = curl_multi_add_handle(client->multi, easy);
    if (code != CURLM_OK) {
        http_transfer_set_code(transfer, CURLE_FAILED_INIT);
        end_later(client, transfer);
        return;
    }
    http_transfer_list_add(&client->running, transfer);
}

static void take_from_multi(struct http_client *client, struct http_transfer *transfer)
{
    CHECK(curl_multi_remove_handle(client->multi, http_transfer_easy(transfer)) == CURLM_OK);
    http_transfer_list_remove(&client->running, transfer);
}

/* Collects all that ended before anyone is told: a done may start something new. */
static void collect_ends(struct http_client *client)
{
    const CURLMsg *message;
    int rest;
    while ((message = curl_multi_info_read(client->multi, &rest)) != NULL) {
        struct http_transfer *transfer = NULL;
        CHECK(message->msg == CURLMSG_DONE);
        CURLcode code = message->data.result;
        CHECK(curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer) == CURLE_OK);
        take_from_multi(client, transfer);
        http_transfer_set_code(transfer, (int)code);
        if (http_transfer_restart(transfer, loop_instant(client->uv).mono_ms)) {
            drive(client, transfer);
        } else {
            http_transfer_list_add(&client->ended, transfer);
        }
    }
    tell_ends(client);
}

static void go_on(struct http_client *client, struct http_transfer *transfer)
{
    int code = http_transfer_go_on(transfer);
    if (code != CURLE_OK) {
        take_from_multi(client, transfer);
        http_transfer_set_code(transfer, code);
        http_transfer_list_add(&client->ended, transfer);
    }
}

static void on_portion_soon(uv_idle_t *idle)
{
    struct http_client *client = idle->data;
    struct http_transfer *next;
    CHECK(uv_idle_stop(idle) == 0);
    for (struct http_transfer *each = client->running.first; each != NULL; each = next) {
        next = http_transfer_next(each);
        if (http_transfer_is_paused(each)) {
            go_on(client, each);
        }
    }
    tell_ends(client);
}

static void act(struct http_client *client, curl_socket_t socket, int flags)
{
    int running;
    CHECK(curl_multi_socket_action(client->multi, socket, flags, &running) == CURLM_OK);
    for (struct http_transfer *each = client->running.first; each != NULL;
         each = http_transfer_next(each)) {
        if (http_transfer_is_paused(each)) {
            CHECK(uv_idle_start(&client->portion_soon, on_portion_soon) == 0);
        }
    }
    collect_ends(client);
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = poll->data;
    int flags = 0;
    if (status < 0) {
        /* libuv reports EPOLLERR so. As an error of select() it would end the transfer; as plain
         * readiness libcurl finds out itself what is wrong, and may try a new connection. */
        flags = CURL_CSELECT_IN | CURL_CSELECT_OUT;
    } else {
        flags |= (events & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0;
        flags |= (events & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0;
    }
    act(watch->client, watch->socket, flags);
}

static void on_curl_timer(uv_timer_t *timer)
{
    act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static void on_idle(uv_idle_t *idle)
{
    (void)idle; /* its only task is to keep the loop awake */
}

/* The steps of a new transfer are quick and follow one another without a look at the sockets: a
 * GOAWAY that is read between them fails the request, where libcurl 7.88 would have chosen another
 * connection. A portion of a body is not quick, and ends the turn. The loop's own turn comes before
 * this one, so that what it starts leaves before the loop looks at anything else. What ends here is
 * for that turn to go on with: the loop must not sleep before it. */
static void on_prepare(uv_prepare_t *prepare)
{
    struct http_client *client = prepare->data;
    uint64_t told_count = client->told_count;
    uint64_t end_ns = 0;
    while (uv_is_active((uv_handle_t *)&client->curl_soon) &&
           (end_ns == 0 || uv_hrtime() < end_ns)) {
        end_ns = end_ns != 0 ? end_ns : uv_hrtime() + SOON_NS_MAX;
        CHECK(uv_idle_stop(&client->curl_soon) == 0);
        act(client, CURL_SOCKET_TIMEOUT, 0);
    }
    if (client->told_count != told_count && !client->is_closing) {
        CHECK(uv_idle_start(&client->curl_soon, on_idle) == 0);
    }
}

static struct watch *watch_create(struct http_client *client, curl_socket_t socket)
{
    struct watch *watch = alloc(sizeof *watch);
    watch->client = client;
    watch->socket = socket;
    CHECK(uv_poll_init_socket(client->uv, &watch->poll, socket) == 0);
    watch->poll.data = watch;
    client->handle_count++;
    CHECK(curl_multi_assign(client->multi, socket, watch) == CURLM_OK);
    return watch;
}

static void watch_close(struct watch *watch)
{
    CHECK(uv_poll_stop(&watch->poll) == 0);
    uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
}

static int on_curl_wants_socket(CURL *easy, curl_socket_t socket, int what, void *arg,
                                void *socket_arg)
{
    struct http_client *client = arg;
    struct watch *watch = socket_arg;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watch != NULL) {
            (void)curl_multi_assign(client->multi, socket, NULL);
            watch_close(watch);
        }
        return 0;
    }
    if (watch == NULL) {
        watch = watch_create(client, socket);
    }
    int events = 0;
    events |= what != CURL_POLL_OUT ? UV_READABLE : 0;
    events |= what != CURL_POLL_IN ? UV_WRITABLE : 0;
    CHECK(uv_poll_start(&watch->poll, events, on_socket) == 0);
    return 0;
}

static int on_curl_wants_timer(CURLM *multi, long timeout_ms, void *arg)
{
    struct http_client *client = arg;
    (void)multi;
    CHECK(uv_idle_stop(&client->curl_soon) == 0);
    CHECK(uv_timer_stop(&client->curl_timer) == 0);
    if (timeout_ms == 0) {
        /* It asks so after each portion of a body. A timer of 0 ms would run again and again within
         * one turn of the loop until the whole body is there: everything else would wait. */
        CHECK(uv_idle_start(&client->curl_soon, on_idle) == 0);
    }
    if (timeout_ms <= 0) {
        return 0;
    }
    CHECK(uv_timer_start(&client->curl_timer, on_curl_timer, (uint64_t)timeout_ms, 0) == 0);
    return 0;
}

static void init_timer(struct http_client *client, uv_timer_t *timer)
{
    CHECK(uv_timer_init(client->uv, timer) == 0);
    timer->data = client;
    client->handle_count++;
}

static void init_idle(struct http_client *client, uv_idle_t *idle)
{
    CHECK(uv_idle_init(client->uv, idle) == 0);
    idle->data = client;
    client->handle_count++;
}

static void set_multi_options(struct http_client *client)
{
    CURLM *multi = client->multi;
    CHECK(curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_curl_wants_socket) == CURLM_OK);
    CHECK(curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, client) == CURLM_OK);
    CHECK(curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_curl_wants_timer) == CURLM_OK);
    CHECK(curl_multi_setopt(multi, CURLMOPT_TIMERDATA, client) == CURLM_OK);
    CHECK(curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, KEPT_CONNECTIONS_MAX) == CURLM_OK);
}

enum status http_client_create(struct uv_loop_s *uv, struct http_client **out, struct failure *why)
{
    CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (code != CURLE_OK) {
        return fail(why, STATUS_UNAVAILABLE, "libcurl does not start: %s",
                    curl_easy_strerror(code));
    }
    CURLM *multi = curl_multi_init();
    if (multi == NULL) {
        return fail(why, STATUS_UNAVAILABLE,
                    "libcurl does not start; check the limit of open files (ulimit -n)");
    }
    struct http_client *client = alloc(sizeof *client);
    client->uv = uv;
    client->multi = multi;
    init_timer(client, &client->curl_timer);
    CHECK(uv_prepare_init(uv, &client->prepare) == 0);
    client->prepare.data = client;
    client->handle_count++;
    CHECK(uv_prepare_start(&client->prepare, on_prepare) == 0);
    init_idle(client, &client->curl_soon);
    init_idle(client, &client->portion_soon);
    init_timer(client, &client->end_timer);
    client->smtps = smtps_create(uv);
    client->handle_count++;
    set_multi_options(client);
    *out = client;
    return STATUS_OK;
}

static void start(void *self, const struct http_request *request, http_done_fn *on_done, void *arg)
{
    struct http_client *client = self;
    CHECK(!client->is_emptied);
    int64_t now_mono_ms = loop_instant(client->uv).mono_ms;
    drive(client, http_transfer_create(request, on_done, arg, now_mono_ms));
}

/* arg NULL with is_all: every transfer. */
static void cancel(struct http_client *client, const void *arg, bool is_all)
{
    struct http_transfer *next;
    for (struct http_transfer *each = client->running.first; each != NULL; each = next) {
        next = http_transfer_next(each);
        if (is_all || http_transfer_arg(each) == arg) {
            take_from_multi(client, each);
            http_transfer_cancel(each);
            end_later(client, each);
        }
    }
}

static void cancel_all(void *self, void *arg)
{
    cancel(self, arg, false);
}

struct http_port http_client_port(struct http_client *client)
{
    return (struct http_port){.self = client, .start = start, .cancel_all = cancel_all};
}

void http_client_send_mail(struct http_client *client, const struct smtps_request *request,
                           smtps_done_fn *on_done, void *arg)
{
    smtps_send(client->smtps, request, on_done, arg);
}

void http_client_cancel_mail(struct http_client *client, void *arg)
{
    smtps_cancel(client->smtps, arg);
}

void http_client_close(struct http_client *client, closed_fn *on_closed, void *arg)
{
    CHECK(!client->is_closing);
    client->is_closing = true;
    client->on_closed = on_closed;
    client->closed_arg = arg;
    cancel(client, NULL, true);
    CHECK(uv_timer_start(&client->end_timer, on_end_timer, 0, 0) == 0);
}
