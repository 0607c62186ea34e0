#include "tests/sim/sim_api_internal.h"

#include "core/date.h"
#include "core/hash.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct transfer {
    struct transfer *next;
    struct sim_api_port *port;
    char *url;
    char *authorization, *condition;
    bool is_post, is_cancelled;
    http_done_fn *on_done;
    void *arg;
};

void sim_api_init(struct sim_api *api, struct sim *sim, struct sim_upstream *upstream,
                  const struct source_config *source)
{
    *api = (struct sim_api){.sim = sim,
                            .upstream = upstream,
                            .source = source,
                            .answer_ms_max = 300,
                            .has_validators = sim->seed % 2 == 0};
}

void sim_api_fini(struct sim_api *api)
{
    free(api->request_mono_ms);
}

void sim_answer_code(struct answer *answer, int code, const char *body)
{
    answer->response.http_code = code;
    text_clear(&answer->body);
    text_add_text(&answer->body, body);
}

/* --- what is asked of whoever calls ----------------------------------------------------------- */

static void expect_budget(const struct sim_api *api, uint32_t limit, int64_t since_mono_ms)
{
    const struct rate *budget = &api->source->budget;
    if (api->request_count <= limit) {
        return;
    }
    /* To the millisecond: the ends of a window are inside. */
    int64_t first = api->request_mono_ms[api->request_count - 1 - limit];
    int64_t now = api->sim->now.mono_ms;
    if (first >= since_mono_ms && now - first <= budget->window_ms) {
        sim_violation(api->sim, "%" PRIu32 " requests in %" PRId64 " ms, the budget is %" PRIu32,
                      limit + 1, now - first, limit);
    }
}

static void count_request(struct sim_api *api)
{
    if (api->request_count == api->request_capacity) {
        api->request_capacity = api->request_capacity * 2 + 256;
        api->request_mono_ms =
            alloc_resize(api->request_mono_ms, api->request_capacity, sizeof(int64_t));
    }
    api->request_mono_ms[api->request_count++] = api->sim->now.mono_ms;
    expect_budget(api, api->source->budget.count, 0);
}

/* Until some of it comes back. */
static void expect_learned(const struct sim_api_port *port)
{
    int64_t age_ms = port->api->sim->now.mono_ms - port->throttled_mono_ms;
    if (port->throttled_mono_ms != 0 && age_ms < HOUR_MS) {
        expect_budget(port->api, port->limit, port->throttled_mono_ms + 1);
    }
}

static void expect_manners(const struct sim_api_port *port, bool is_post)
{
    const struct sim_api *api = port->api;
    int64_t now = api->sim->now.mono_ms;
    if (now < port->not_before_mono_ms) {
        sim_violation(api->sim, "asked %" PRId64 " ms before the time that Retry-After gave",
                      port->not_before_mono_ms - now);
    }
    if (now < port->refused_until_mono_ms && !api->is_store_failing) {
        sim_violation(api->sim, "asked %" PRId64 " ms before it may, after a refusal",
                      port->refused_until_mono_ms - now);
    }
    if (is_post && now < port->token_fresh_until_mono_ms) {
        sim_violation(api->sim, "asked for a token while the last one is good for %" PRId64 " ms",
                      port->token_fresh_until_mono_ms - now);
    }
}

/* --- transfers ----------------------------------------------------------------------------- */

static bool is_authorized(const struct sim_api *api, const char *authorization)
{
    char expected[40];
    (void)snprintf(expected, sizeof expected, "Bearer T%" PRId64, api->token_number);
    return text_equal(authorization, expected) &&
           api->sim->now.mono_ms < api->token_expires_mono_ms;
}

/* The page as it stands, if it is another than the one that was named. */
static void answer_condition(const struct transfer *transfer, struct answer *answer)
{
    (void)snprintf(answer->etag, sizeof answer->etag, "\"%016" PRIx64 "\"",
                   hash64(text_span(&answer->body)));
    answer->response.etag = answer->etag;
    if (text_equal(transfer->condition, answer->etag)) {
        transfer->port->api->unchanged_count++;
        sim_answer_code(answer, 304, "");
    }
}

static bool is_in_maintenance(const struct sim_api *api)
{
    for (size_t i = 0; i < api->source->maintenance_count && !api->is_steady; i++) {
        const struct window *window = &api->source->maintenance[i];
        if (api->sim->now.wall_ms >= window->from_wall_ms &&
            api->sim->now.wall_ms < window->to_wall_ms) {
            return true;
        }
    }
    return false;
}

static void answer_get(struct sim_api_port *port, const struct transfer *transfer,
                       struct answer *answer)
{
    struct sim_api *api = port->api;
    const char *path = transfer->url + strlen(SIM_BASE_URL);
    if (is_in_maintenance(api) && sim_chance(api->sim, 900)) {
        sim_answer_code(answer, 503, "{\"code\":5,\"message\":\"Maintenance\"}");
        return;
    }
    if (!is_authorized(api, transfer->authorization)) {
        port->token_fresh_until_mono_ms = 0;
        sim_answer_code(answer, 401, "{\"code\":42,\"message\":\"Expired credentials\"}");
        return;
    }
    if (strncmp(path, "/orders?", 8) == 0) {
        sim_answer_list(api, path, false, answer);
    } else if (strncmp(path, "/appointments?", 14) == 0) {
        sim_answer_list(api, path, true, answer);
    } else if (strncmp(path, "/orders/", 8) == 0) {
        sim_answer_detail(api, path + 8, answer);
    } else {
        sim_violation(api->sim, "an unexpected address: %s", transfer->url);
    }
    if (api->has_validators && answer->response.http_code == 200) {
        answer_condition(transfer, answer);
    }
    if (sim_chance(api->sim, api->fault_permille)) {
        sim_spoil(port, strncmp(path, "/orders/", 8) != 0, answer);
        bool is_401 = answer->response.status == STATUS_OK && answer->response.http_code == 401;
        port->token_fresh_until_mono_ms = is_401 ? 0 : port->token_fresh_until_mono_ms;
    }
}

static void forget_under_way(struct transfer *transfer)
{
    struct transfer **place = &transfer->port->under_way;
    while (*place != transfer) {
        place = &(*place)->next;
    }
    *place = transfer->next;
}

static void on_answer(void *self, bool is_alive)
{
    struct transfer *transfer = self;
    struct sim_api *api = transfer->port->api;
    struct answer answer = {.response = {.at = api->sim->now,
                                         .status = STATUS_OK,
                                         .http_code = 200,
                                         .body = &answer.body,
                                         .content_type = "application/json",
                                         .request_id = "req-1",
                                         .detail = ""}};
    text_init(&answer.body, 1u << 20);
    forget_under_way(transfer);
    if (!is_alive || transfer->is_cancelled || api->is_down) {
        answer.response.status = STATUS_UNAVAILABLE;
        answer.response.is_connect_failure = api->is_down;
        answer.response.detail = "no answer";
    } else if (transfer->is_post) {
        sim_answer_token(transfer->port, &answer);
    } else {
        answer_get(transfer->port, transfer, &answer);
    }
    if (is_alive) {
        sim_trace(api->sim, "api: %s gives %d", transfer->url, answer.response.http_code);
    }
    transfer->on_done(transfer->arg, &answer.response);
    text_fini(&answer.body);
    free(transfer->url);
    free(transfer->authorization);
    free(transfer->condition);
    free(transfer);
}

/* Somewhere between its start and its end the request reaches those who count it. */
static void on_arrival(void *self, bool is_alive)
{
    const struct transfer *transfer = self;
    if (is_alive) {
        count_request(transfer->port->api);
        expect_learned(transfer->port);
    }
}

static void api_start(void *self, const struct http_request *request, http_done_fn *on_done,
                      void *arg)
{
    struct sim_api_port *port = self;
    struct sim_api *api = port->api;
    bool is_alive = sim_call(port->process);
    struct transfer *transfer = alloc(sizeof *transfer);
    transfer->port = port;
    transfer->url = alloc_text(request->url);
    transfer->is_post = text_equal(request->method, "POST");
    transfer->on_done = on_done;
    transfer->arg = arg;
    transfer->next = port->under_way;
    port->under_way = transfer;
    for (size_t i = 0; i < request->header_count; i++) {
        if (text_equal(request->headers[i].name, "Authorization")) {
            transfer->authorization = alloc_text(request->headers[i].value);
        } else if (text_equal(request->headers[i].name, "If-None-Match")) {
            transfer->condition = alloc_text(request->headers[i].value);
        }
    }
    int64_t delay = is_alive ? sim_between(api->sim, 1, api->answer_ms_max) : 0;
    if (is_alive) {
        expect_manners(port, transfer->is_post);
        sim_spawn(api->sim, port->process, sim_between(api->sim, 0, delay), on_arrival, transfer);
    }
    sim_spawn(api->sim, port->process, delay, on_answer, transfer);
}

static void api_cancel_all(void *self, void *arg)
{
    struct sim_api_port *port = self;
    for (struct transfer *transfer = port->under_way; transfer != NULL; transfer = transfer->next) {
        transfer->is_cancelled |= transfer->arg == arg;
    }
}

struct sim_api_port *sim_api_port_create(struct sim_api *api, struct sim_process *process)
{
    struct sim_api_port *port = alloc(sizeof *port);
    port->api = api;
    port->process = process;
    port->limit = api->source->budget.count;
    return port;
}

struct http_port sim_api_port(struct sim_api_port *port)
{
    return (struct http_port){.self = port, .start = api_start, .cancel_all = api_cancel_all};
}

void sim_api_port_begin_anew(struct sim_api_port *port)
{
    port->limit = port->api->source->budget.count;
    port->throttled_mono_ms = 0;
    port->refused_until_mono_ms = 0;
    port->token_fresh_until_mono_ms = 0;
}

void sim_api_port_destroy(struct sim_api_port *port)
{
    CHECK(port->under_way == NULL);
    free(port);
}
