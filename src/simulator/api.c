#include "api.h"

#include "core/hash.h"
#include "edge/config_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_BYTES_MAX (64u << 20)
#define BASE_PATH "/order-tracking/b2b/v1"

void api_init(struct api *api, struct scenario *scenario, struct stage *stage)
{
    *api = (struct api){.scenario = scenario, .stage = stage};
    for (size_t i = 0; i < ARRAY_COUNT(api->recent_mono_ms); i++) {
        api->recent_mono_ms[i] = INT64_MIN / 2;
    }
    text_init(&api->request_log, LOG_BYTES_MAX);
}

void api_fini(struct api *api)
{
    text_fini(&api->request_log);
}

/* --- token endpoint --------------------------------------------------------------------------- */

static void add_base64(struct text *out, struct span bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes.size; i += 3) {
        uint32_t group = 0;
        size_t count = bytes.size - i < 3 ? bytes.size - i : 3;
        for (size_t j = 0; j < 3; j++) {
            group = group << 8 | (j < count ? (unsigned char)bytes.data[i + j] : 0U);
        }
        for (size_t j = 0; j < 4; j++) {
            text_add_char(out, (char)(j <= count ? digits[group >> (18 - 6 * j) & 63] : '='));
        }
    }
}

static bool is_client(const struct access_rules *access, const char *authorization)
{
    if (access->client_id == NULL) {
        return true;
    }
    struct text pair;
    struct text expected;
    text_init(&pair, 4096);
    text_init(&expected, 8192);
    text_addf(&pair, "%s:%s", access->client_id,
              access->client_secret != NULL ? access->client_secret : "");
    text_add_text(&expected, "Basic ");
    add_base64(&expected, text_span(&pair));
    bool is_right = authorization != NULL && strcmp(authorization, text_cstr(&expected)) == 0;
    text_fini(&pair);
    text_fini(&expected);
    return is_right;
}

static void answer_token(struct api *api, const struct api_request *request,
                         const struct fault *fault, struct reply *reply)
{
    const struct access_rules *access = &api->scenario->access;
    if (!is_client(access, request->authorization)) {
        reply->http_code = 401;
        text_add_text(&reply->body, "{\"error\":\"invalid_client\",\"error_description\":"
                                    "\"The requested service needs credentials, but the ones "
                                    "provided were invalid.\"}");
        return;
    }
    if (memmem(request->body.data, request->body.size, "grant_type=client_credentials", 29) ==
        NULL) {
        reply->http_code = 400;
        text_add_text(&reply->body, "{\"error\":\"unsupported_grant_type\"}");
        return;
    }
    const char *token = tokens_issue(&api->tokens, request->now.mono_ms, access->token_lifetime_ms);
    text_addf(&reply->body, "\n{\n  \"token_type\": \"Bearer\",\n  \"access_token\": \"%s\"",
              token);
    if (fault != NULL && fault->kind == FAULT_EXPIRES_IN) {
        if (strcmp(fault->value, "absent") != 0) {
            text_addf(&reply->body, ",\n  \"expires_in\": %s", fault->value);
        }
    } else {
        text_addf(&reply->body, ",\n  \"expires_in\": %lld",
                  (long long)(access->token_lifetime_ms / 1000));
    }
    text_add_text(&reply->body, "\n}\n");
}

/* --- who may call ----------------------------------------------------------------------------- */

/* Counts this request; true when more than the limit came within the last minute. */
static bool is_over_rate(struct api *api, int64_t now_mono_ms)
{
    uint32_t limit = api->scenario->access.requests_per_minute;
    size_t ring = ARRAY_COUNT(api->recent_mono_ms);
    api->recent_mono_ms[api->recent_next++ % ring] = now_mono_ms;
    if (limit == 0 || limit >= ring) {
        return false;
    }
    int64_t oldest_mono_ms = api->recent_mono_ms[(api->recent_next + ring - 1 - limit) % ring];
    return oldest_mono_ms > now_mono_ms - 60000;
}

/* True: let in. Otherwise reply says why not. */
static bool admit(struct api *api, const struct api_request *request, struct reply *reply)
{
    const struct access_rules *access = &api->scenario->access;
    if (is_over_rate(api, request->now.mono_ms)) {
        reply_error(reply, 429, 53);
        (void)snprintf(reply->retry_after, sizeof reply->retry_after, "10");
        return false;
    }
    if (access->api_key != NULL &&
        (request->api_key == NULL || strcmp(request->api_key, access->api_key) != 0)) {
        reply_error(reply, 403, 50);
        return false;
    }
    if (access->client_id == NULL) {
        return true;
    }
    switch (tokens_judge(&api->tokens, request->authorization, request->now.mono_ms)) {
    case TOKEN_GOOD:
        return true;
    case TOKEN_EXPIRED:
        reply_error(reply, 401, 42);
        return false;
    case TOKEN_MISSING:
    case TOKEN_UNKNOWN:
        reply_error(reply, 401, 41);
        return false;
    }
    CHECK(!"a judgement that does not exist");
}

/* --- lists ------------------------------------------------------------------------------------ */

struct page {
    size_t offset, limit, total;
};

static struct page page_of(const struct api *api, const struct api_request *request, size_t total)
{
    struct page page = {.limit = api->scenario->page_size_default, .total = total};
    if (request->offset != NULL) {
        page.offset = strtoull(request->offset, NULL, 10);
    }
    if (request->limit != NULL) {
        page.limit = strtoull(request->limit, NULL, 10);
    }
    if (page.limit > api->scenario->page_size_max) {
        page.limit = api->scenario->page_size_max;
    }
    return page;
}

/* Faults that bend what a page holds. */
static void bend(struct page *page, const struct fault *fault)
{
    if (fault == NULL) {
        return;
    }
    if (fault->kind == FAULT_REPEAT_PAGE) {
        page->offset = 0;
    } else if (fault->kind == FAULT_DUPLICATE && page->offset > 0) {
        page->offset--;
    } else if (fault->kind == FAULT_SHIFT && page->offset > 0) {
        page->offset++;
    } else if (fault->kind == FAULT_SHORT) {
        page->limit -= fault->by < (long)page->limit ? (size_t)fault->by : page->limit;
    }
}

static void add_endless(struct reply *reply, const struct page *page)
{
    for (size_t i = 0; i < page->limit; i++) {
        text_addf(&reply->body, "%s{\"id\":\"endless-%zu\",\"status\":\"InProgress\"}",
                  i == 0 ? "" : ",", page->offset + i);
    }
}

static int64_t count_shown(enum totals totals, size_t right, int64_t sample)
{
    switch (totals) {
    case TOTALS_RIGHT:
        return (int64_t)right;
    case TOTALS_NONE:
        return -1;
    case TOTALS_SAMPLE:
        return sample;
    }
    CHECK(!"totals that do not exist");
}

static void answer_list(struct api *api, const struct api_request *request, bool is_orders,
                        const struct fault *fault, struct reply *reply)
{
    const struct world *world = api->stage->world;
    bool is_nested = !api->scenario->has_own_appointments;
    struct page page = page_of(
        api, request, is_orders ? world_listed_count(world) : world_appointment_count(world));
    bend(&page, fault);
    text_add_char(&reply->body, '[');
    if (fault != NULL && fault->kind == FAULT_ENDLESS) {
        add_endless(reply, &page);
        page.total = SIZE_MAX / 2;
    } else if (is_orders) {
        world_add_orders(world, page.offset, page.limit, is_nested, &reply->body);
    } else {
        world_add_appointments(world, page.offset, page.limit, &reply->body);
    }
    text_add_char(&reply->body, ']');
    size_t left = page.total > page.offset ? page.total - page.offset : 0;
    size_t shown = left < page.limit ? left : page.limit;
    reply->result_count = count_shown(api->scenario->totals, shown, 106);
    reply->total_count = count_shown(api->scenario->totals, page.total, 25);
    if (is_orders && fault == NULL && page.offset + page.limit >= page.total) {
        api->gave_baseline = true;
    }
}

static void answer_detail(struct api *api, const char *order_id, struct reply *reply)
{
    if (!world_add_order(api->stage->world, order_id, !api->scenario->has_own_appointments,
                         &reply->body)) {
        reply_error(reply, 404, 60);
    }
}

/* --- the control door ------------------------------------------------------------------------- */

static enum status act_all(struct api *api, const struct node *root, struct text *what,
                           struct failure *why)
{
    if (root == NULL) {
        return fail(why, STATUS_INVALID, "an empty body; send a step as JSON or YAML");
    }
    if (root->kind != NODE_LIST) {
        return scenario_act(api->stage, root, what, why);
    }
    enum status status = STATUS_OK;
    for (const struct node *step = root->child; step != NULL && status == STATUS_OK;
         step = step->next) {
        status = scenario_act(api->stage, step, what, why);
    }
    return status;
}

static void answer_steps(struct api *api, const struct api_request *request, struct reply *reply)
{
    struct problem_list problems = {0};
    struct yaml_document *document = NULL;
    struct failure why = {.detail = "not readable as JSON or YAML"};
    struct text what;
    text_init(&what, 1u << 20);
    enum status status = yaml_parse("steps", request->body, &problems, &document);
    if (status == STATUS_OK) {
        status = act_all(api, yaml_root(document), &what, &why);
        yaml_close(document);
    } else if (problems.first != NULL) {
        (void)fail(&why, status, "%s", problems.first->line_text);
    }
    problem_list_clear(&problems);
    reply->http_code = status == STATUS_OK ? 200 : 400;
    text_add_text(&reply->body, status == STATUS_OK ? "{\"did\":" : "{\"problem\":");
    text_add_json_text(&reply->body, status == STATUS_OK ? text_cstr(&what) : why.detail);
    text_add_text(&reply->body, "}\n");
    text_fini(&what);
}

static void answer_control(struct api *api, const struct api_request *request, struct reply *reply)
{
    if (strcmp(request->path, "/_sim/steps") == 0 && strcmp(request->method, "POST") == 0) {
        answer_steps(api, request, reply);
        return;
    }
    if (strcmp(request->path, "/_sim/requests") == 0) {
        text_add_char(&reply->body, '[');
        text_add(&reply->body, text_span(&api->request_log));
        text_add_text(&reply->body, "]\n");
        return;
    }
    reply->http_code = 404;
    text_add_text(&reply->body, "{\"problem\":\"POST /_sim/steps or GET /_sim/requests\"}\n");
}

/* --- one request ------------------------------------------------------------------------------ */

static enum fault_place place_of(const char *path)
{
    if (strstr(path, "/token") != NULL) {
        return PLACE_TOKEN;
    }
    if (strcmp(path, "/orders") == 0) {
        return PLACE_ORDERS;
    }
    if (strcmp(path, "/appointments") == 0) {
        return PLACE_APPOINTMENTS;
    }
    return PLACE_DETAIL;
}

static void answer_resource(struct api *api, const struct api_request *request, const char *path,
                            const struct fault *fault, struct reply *reply)
{
    if (strcmp(request->method, "GET") != 0) {
        reply_error(reply, 405, 61);
    } else if (strcmp(path, "/orders") == 0) {
        answer_list(api, request, true, fault, reply);
    } else if (strcmp(path, "/appointments") == 0 && api->scenario->has_own_appointments) {
        answer_list(api, request, false, fault, reply);
    } else if (strncmp(path, "/orders/", 8) == 0) {
        answer_detail(api, path + 8, reply);
    } else {
        reply_error(reply, 404, 60);
    }
}

static void set_etag(const struct api_request *request, struct reply *reply)
{
    (void)snprintf(reply->etag, sizeof reply->etag, "\"%016llx\"",
                   (unsigned long long)hash64(text_span(&reply->body)));
    if (request->if_none_match != NULL && strcmp(request->if_none_match, reply->etag) == 0) {
        reply->http_code = 304;
        text_clear(&reply->body);
    }
}

static void log_request(struct api *api, const struct api_request *request,
                        const struct reply *reply)
{
    struct text *log = &api->request_log;
    text_addf(log, "%s{\"mono_ms\":%lld,\"method\":\"%s\",\"path\":", log->size != 0 ? ",\n" : "",
              (long long)request->now.mono_ms, request->method);
    text_add_json_text(log, request->path);
    text_addf(log, ",\"offset\":%s,\"code\":%d}",
              request->offset != NULL ? request->offset : "null", reply->http_code);
}

const struct fault *api_answer(struct api *api, const struct api_request *request,
                               struct reply *reply)
{
    if (strncmp(request->path, "/_sim/", 6) == 0) {
        answer_control(api, request, reply);
        return NULL;
    }
    if (api->stage->tokens_are_revoked) {
        tokens_revoke(&api->tokens);
        api->stage->tokens_are_revoked = false;
    }
    size_t base_size = strlen(BASE_PATH);
    const char *path = request->path;
    if (strncmp(path, BASE_PATH, base_size) == 0) {
        path += base_size;
    }
    enum fault_place place = place_of(path);
    const struct fault *fault = fault_list_take(api->stage->faults, place);
    if (place == PLACE_TOKEN) {
        answer_token(api, request, fault, reply);
    } else if (admit(api, request, reply)) {
        answer_resource(api, request, path, fault, reply);
        if (reply->http_code == 200) {
            set_etag(request, reply);
        }
    }
    bool is_played = fault != NULL && reply_apply_fault(reply, fault);
    log_request(api, request, reply);
    return is_played ? NULL : fault;
}
