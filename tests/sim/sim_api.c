#include "tests/sim/sim_api.h"

#include "core/date.h"
#include "core/hash.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sim_api_port {
    struct sim_api *api;
    struct sim_process *process;
    struct transfer *under_way;
    int64_t not_before_mono_ms; /* what Retry-After asked of this process */
};

struct transfer {
    struct transfer *next;
    struct sim_api_port *port;
    char *url;
    char *authorization, *condition;
    bool is_post, is_cancelled;
    http_done_fn *on_done;
    void *arg;
};

/* An answer on its way: its header values live here. */
struct answer {
    struct http_response response;
    struct text body;
    char retry_after[64], total[24], etag[24];
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

/* --- the budget, seen from the other side -------------------------------------------------- */

static void count_request(struct sim_api *api)
{
    const struct rate *budget = &api->source->budget;
    if (api->request_count == api->request_capacity) {
        api->request_capacity = api->request_capacity * 2 + 256;
        api->request_mono_ms =
            alloc_resize(api->request_mono_ms, api->request_capacity, sizeof(int64_t));
    }
    api->request_mono_ms[api->request_count++] = api->sim->now.mono_ms;
    if (api->request_count > budget->count) {
        int64_t first = api->request_mono_ms[api->request_count - 1 - budget->count];
        if (api->sim->now.mono_ms - first < budget->window_ms) {
            sim_violation(api->sim,
                          "%" PRIu32 " requests in %" PRId64 " ms, the budget is %" PRIu32,
                          budget->count + 1, api->sim->now.mono_ms - first, budget->count);
        }
    }
}

/* --- good answers -------------------------------------------------------------------------- */

static void answer_code(struct answer *answer, int code, const char *body)
{
    answer->response.http_code = code;
    text_clear(&answer->body);
    text_add_text(&answer->body, body);
}

static int64_t parameter(const char *url, const char *name, int64_t fallback)
{
    const char *place = strstr(url, name);
    return place != NULL ? strtoll(place + strlen(name), NULL, 10) : fallback;
}

/* One element of a list: an order, or one of its appointments. */
struct element {
    const struct upstream_order *order;
    const struct upstream_appointment *appointment; /* NULL: the order itself */
};

#define ELEMENTS_MAX (UPSTREAM_ORDERS_MAX * UPSTREAM_APPOINTMENTS_MAX)

static size_t listed_orders(const struct sim_upstream *upstream,
                            struct element out[static ELEMENTS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < upstream->order_count; i++) {
        if (upstream_now(&upstream->orders[i])->is_listed) {
            out[count++] = (struct element){.order = &upstream->orders[i]};
        }
    }
    return count;
}

static size_t listed_appointments(const struct sim_upstream *upstream,
                                  struct element out[static ELEMENTS_MAX])
{
    struct element orders[ELEMENTS_MAX];
    size_t order_count = listed_orders(upstream, orders);
    size_t count = 0;
    for (size_t i = 0; i < order_count; i++) {
        const struct upstream_version *now = upstream_now(orders[i].order);
        for (size_t j = 0; j < now->appointment_count; j++) {
            out[count++] = (struct element){orders[i].order, &now->appointments[j]};
        }
    }
    return count;
}

static void render(const struct sim_api *api, const struct element *element, struct text *out)
{
    if (element->appointment != NULL) {
        upstream_render_appointment(api->upstream, element->order, element->appointment, out);
    } else {
        upstream_render(api->upstream, element->order, out);
    }
}

static void answer_page(struct sim_api *api, const char *url, bool is_appointments,
                        struct answer *answer)
{
    struct element elements[ELEMENTS_MAX];
    size_t total = is_appointments ? listed_appointments(api->upstream, elements)
                                   : listed_orders(api->upstream, elements);
    size_t offset = (size_t)parameter(url, "offset=", 0);
    size_t limit = (size_t)parameter(url, "limit=", 100);
    size_t end = offset + limit < total ? offset + limit : total;
    size_t skipped = SIZE_MAX;
    if (end > offset && sim_chance(api->sim, api->short_page_permille)) {
        skipped = (size_t)sim_between(api->sim, (int64_t)offset, (int64_t)end - 1);
        sim_trace(api->sim, "api: a page without %s", elements[skipped].order->id);
    }
    size_t count = 0;
    text_add_char(&answer->body, '[');
    for (size_t i = offset; i < end; i++) {
        if (i != skipped) {
            text_add_text(&answer->body, count++ != 0 ? "," : "");
            render(api, &elements[i], &answer->body);
        }
    }
    text_add_char(&answer->body, ']');
    api->page_count++;
    (void)snprintf(answer->total, sizeof answer->total, "%zu", total);
    answer->response.total_count = answer->total;
}

static int hex_value(char digit)
{
    return digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10;
}

static void decode_id(const char *encoded, char *out, size_t size)
{
    size_t length = 0;
    while (*encoded != '\0' && *encoded != '?' && length + 1 < size) {
        if (encoded[0] == '%' && encoded[1] != '\0' && encoded[2] != '\0') {
            out[length++] = (char)(hex_value(encoded[1]) * 16 + hex_value(encoded[2]));
            encoded += 3;
        } else {
            out[length++] = *encoded++;
        }
    }
    out[length] = '\0';
}

static void answer_detail(struct sim_api *api, const char *encoded, struct answer *answer)
{
    char id[64];
    decode_id(encoded, id, sizeof id);
    const struct upstream_order *order = sim_upstream_order(api->upstream, id);
    if (order == NULL || (!upstream_now(order)->is_listed && !order->has_detail)) {
        answer_code(answer, 404, "{\"code\":60,\"message\":\"Resource not found\"}");
        return;
    }
    upstream_render(api->upstream, order, &answer->body);
}

/* --- bad answers --------------------------------------------------------------------------- */

static void ask_to_wait(struct sim_api_port *port, struct answer *answer)
{
    struct sim *sim = port->api->sim;
    int64_t seconds = sim_between(sim, 1, 100);
    int64_t wait_ms = seconds * 1000;
    switch (random_below(&sim->random, 5)) {
    case 0:
        return;
    case 1: {
        static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
        static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
        int64_t at = sim->now.wall_ms - sim->now.wall_ms % 1000 + wait_ms;
        struct civil civil = civil_of(at);
        (void)snprintf(answer->retry_after, sizeof answer->retry_after,
                       "%s, %02d %s %04d %02d:%02d:%02d GMT", days[civil.weekday], civil.day,
                       months[civil.month - 1], civil.year, civil.hour, civil.minute, civil.second);
        wait_ms = at - sim->now.wall_ms;
        break;
    }
    case 2:
        (void)snprintf(answer->retry_after, sizeof answer->retry_after, "%s",
                       sim_chance(sim, 500) ? "soon" : "-5");
        wait_ms = 0;
        break;
    default:
        (void)snprintf(answer->retry_after, sizeof answer->retry_after, "%" PRId64, seconds);
        break;
    }
    answer->response.retry_after = answer->retry_after;
    port->not_before_mono_ms = sim->now.mono_ms + wait_ms;
}

static void refuse(struct sim_api_port *port, struct answer *answer)
{
    static const struct {
        int code;
        const char *body;
    } refusals[] = {
        {401, "{\"code\":42,\"message\":\"Expired credentials\"}"},
        {403, "{\"code\":50,\"message\":\"Access denied\"}"},
        {404, "{\"code\":60,\"message\":\"Resource not found\"}"},
        {408, "{\"code\":63,\"message\":\"Request time-out\"}"},
        {429, "{\"code\":\"53\",\"message\":\"Too many requests\"}"},
        {403, "[{\"code\":53,\"message\":\"Too many requests\"}]"},
        {500, "{\"code\":1,\"message\":\"Internal error\"}"},
        {502, "<html><body>Bad gateway</body></html>"},
        {503, "{\"code\":5,\"message\":\"Service unavailable\"}"},
        {504, ""},
    };
    size_t index = (size_t)random_below(&port->api->sim->random, (int64_t)ARRAY_COUNT(refusals));
    answer_code(answer, refusals[index].code, refusals[index].body);
    if (refusals[index].code == 429 || refusals[index].code == 503) {
        ask_to_wait(port, answer);
    }
}

static void spoil(struct sim_api_port *port, struct answer *answer)
{
    struct sim *sim = port->api->sim;
    switch (random_below(&sim->random, 7)) {
    case 0:
        answer->body.size = answer->body.size * 2 / 3;
        break;
    case 1:
        answer_code(answer, 200, "<html><body>Maintenance</body></html>");
        break;
    case 2:
        answer_code(answer, 200, "[]");
        break;
    case 3:
        answer->response.status = STATUS_UNAVAILABLE;
        answer->response.detail = "timed out";
        break;
    case 4:
        (void)snprintf(answer->total, sizeof answer->total, "%" PRId64, sim_between(sim, 0, 60));
        break;
    default:
        refuse(port, answer);
        break;
    }
    sim_trace(sim, "api: spoilt, %d, retry after %s", answer->response.http_code,
              answer->retry_after);
}

/* --- the token server ---------------------------------------------------------------------- */

static void answer_token(struct sim_api *api, struct answer *answer)
{
    struct sim *sim = api->sim;
    if (sim_chance(sim, api->token_fault_permille)) {
        static const int codes[] = {500, 503, 429, 200};
        answer_code(answer, codes[random_below(&sim->random, (int64_t)ARRAY_COUNT(codes))],
                    "{\"error\":\"temporarily_unavailable\"}");
        return;
    }
    int64_t seconds = sim_between(sim, 120, 900);
    api->token_number++;
    api->token_expires_mono_ms = sim->now.mono_ms + seconds * 1000;
    text_addf(&answer->body, "\n{\"token_type\":\"Bearer\",\"access_token\":\"T%" PRId64 "\",",
              api->token_number);
    text_addf(&answer->body,
              sim_chance(sim, 300) ? "\"expires_in\":\"%" PRId64 "\"}"
                                   : "\"expires_in\":%" PRId64 "}",
              seconds);
}

static bool is_authorized(const struct sim_api *api, const char *authorization)
{
    char expected[40];
    (void)snprintf(expected, sizeof expected, "Bearer T%" PRId64, api->token_number);
    return text_equal(authorization, expected) &&
           api->sim->now.mono_ms < api->token_expires_mono_ms;
}

/* --- transfers ----------------------------------------------------------------------------- */

/* The page as it stands, if it is another than the one that was named. */
static void answer_condition(const struct transfer *transfer, struct answer *answer)
{
    (void)snprintf(answer->etag, sizeof answer->etag, "\"%016" PRIx64 "\"",
                   hash64(text_span(&answer->body)));
    answer->response.etag = answer->etag;
    if (text_equal(transfer->condition, answer->etag)) {
        transfer->port->api->unchanged_count++;
        answer_code(answer, 304, "");
    }
}

static void answer_get(struct sim_api_port *port, const struct transfer *transfer,
                       struct answer *answer)
{
    struct sim_api *api = port->api;
    const char *path = transfer->url + strlen(SIM_BASE_URL);
    if (!is_authorized(api, transfer->authorization)) {
        answer_code(answer, 401, "{\"code\":42,\"message\":\"Expired credentials\"}");
        return;
    }
    if (strncmp(path, "/orders?", 8) == 0) {
        answer_page(api, path, false, answer);
    } else if (strncmp(path, "/appointments?", 14) == 0) {
        answer_page(api, path, true, answer);
    } else if (strncmp(path, "/orders/", 8) == 0) {
        answer_detail(api, path + 8, answer);
    } else {
        sim_violation(api->sim, "an unexpected address: %s", transfer->url);
    }
    if (api->has_validators && answer->response.http_code == 200) {
        answer_condition(transfer, answer);
    }
    if (sim_chance(api->sim, api->fault_permille)) {
        spoil(port, answer);
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
        answer_token(api, &answer);
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
    if (is_alive) {
        count_request(api);
        if (api->sim->now.mono_ms < port->not_before_mono_ms) {
            sim_violation(api->sim, "asked %" PRId64 " ms before the time that Retry-After gave",
                          port->not_before_mono_ms - api->sim->now.mono_ms);
        }
    }
    int64_t delay = is_alive ? sim_between(api->sim, 1, api->answer_ms_max) : 0;
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
    return port;
}

struct http_port sim_api_port(struct sim_api_port *port)
{
    return (struct http_port){.self = port, .start = api_start, .cancel_all = api_cancel_all};
}

void sim_api_port_destroy(struct sim_api_port *port)
{
    CHECK(port->under_way == NULL);
    free(port);
}
