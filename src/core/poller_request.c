#include "core/source_request.h"

#include "poller_internal.h"

#include <stdlib.h>
#include <string.h>

static void on_answer(void *arg, struct http_response *response)
{
    struct poller *poller = arg;
    CHECK(poller->waiting == WAITING_HTTP);
    poller->waiting = WAITING_NONE;
    answer_take(&poller->request.answer, response);
}

/* The request is copied by the port: its secrets are wiped at once. */
static void start(struct poller *poller, struct source_request *request, struct instant now)
{
    budget_take(&poller->budget, now.mono_ms);
    poller->sweep.request_count++;
    poller->request.started = now;
    poller->waiting = WAITING_HTTP;
    poller->is_cancelled = false;
    struct http_port http = poller->options.http;
    http.start(http.self, &request->http, on_answer, poller);
    source_request_fini(request);
}

/* The first place is for no answer, and for codes beyond those that there is room for. */
static void count_code(struct request *request)
{
    int code = request->answer.status == STATUS_OK ? request->answer.http_code : 0;
    request->code_count = request->code_count == 0 ? 1 : request->code_count;
    size_t i = 0;
    while (i < request->code_count && request->tallies[i].code != code) {
        i++;
    }
    if (i == REQUEST_CODES_MAX) {
        i = 0;
    } else if (i == request->code_count) {
        request->tallies[request->code_count++].code = code;
    }
    request->tallies[i].count++;
}

/* The request has ended: from here on its place in the window runs out. expires_wall_ms: of the
 * certificate of the server that was asked. */
/* Another one is judged at once: a daemon that runs for one sweep has no later. */
static void note_certificate(struct poller *poller, int64_t seen_wall_ms, int64_t *known_wall_ms)
{
    if (seen_wall_ms != 0 && seen_wall_ms != *known_wall_ms) {
        *known_wall_ms = seen_wall_ms;
        poller->schedule.credential_ms = 0;
    }
}

static void close_request(struct poller *poller, struct instant now, int64_t *expires_wall_ms)
{
    const struct answer *answer = &poller->request.answer;
    int64_t end_ms = answer->at.mono_ms;
    bool is_sane = end_ms >= poller->request.started.mono_ms && end_ms <= now.mono_ms;
    budget_answered(&poller->budget, is_sane ? end_ms : now.mono_ms);
    count_code(&poller->request);
    note_certificate(poller, answer->certificate_expires_wall_ms, expires_wall_ms);
    note_certificate(poller, answer->own_certificate_expires_wall_ms,
                     &poller->health.own_certificate_expires_wall_ms);
}

/* --- token ------------------------------------------------------------------------------------ */

static bool uses_token(const struct poller *poller)
{
    return poller->source->oauth2.token_url != NULL;
}

bool poller_has_token(const struct poller *poller)
{
    return !uses_token(poller) || token_is_usable(&poller->token, poller->now_ms);
}

/* A look-up goes with the token that there is: to get another is the sweep's. */
static bool needs_token(const struct poller *poller)
{
    if (!uses_token(poller) || poller->look.is_running) {
        return false;
    }
    bool is_due = !poller->sweep.has_asked && token_is_due(&poller->token, poller->now_ms);
    return is_due || !token_is_usable(&poller->token, poller->now_ms);
}

static step_fn step_gate;

/* A token that still works is worth more than a renewal that fails, unless it was refused. */
static bool give_up_token(struct poller *poller, struct trouble *trouble)
{
    if (trouble->action == API_RENEW_TOKEN) {
        trouble->action = API_REFUSED;
    }
    bool goes_on = trouble->action == API_RETRY || trouble->action == API_FIX;
    if (goes_on && token_is_usable(&poller->token, poller->now_ms)) {
        token_postpone(&poller->token, poller->now_ms);
        poller->step = step_gate;
        return true;
    }
    if (trouble->action == API_REFUSED) {
        token_drop(&poller->token);
    }
    return poller_fail_sweep(poller, trouble);
}

static bool step_token_answered(struct poller *poller, struct instant now)
{
    const struct source_config *source = poller->source;
    close_request(poller, now,
                  source_request_is_one_server(source)
                      ? &poller->health.certificate_expires_wall_ms
                      : &poller->health.token_certificate_expires_wall_ms);
    const struct answer *answer = &poller->request.answer;
    struct trouble trouble;
    if (answer->status != STATUS_OK || answer->http_code < 200 || answer->http_code > 299) {
        answer_explain(answer, source->name, source->oauth2.token_url, &trouble);
        return give_up_token(poller, &trouble);
    }
    struct failure why = {0};
    if (token_accept(&poller->token, answer_body(answer), now.mono_ms, &why) != STATUS_OK) {
        answer_explain_body(answer, source->name, source->oauth2.token_url, why.detail,
                            ANSWER_TOKEN_REMEDY, &trouble);
        return give_up_token(poller, &trouble);
    }
    /* The body held the token: it does not stay in memory. */
    if (poller->request.answer.body != NULL) {
        explicit_bzero(poller->request.answer.body, poller->request.answer.body_size);
    }
    answer_clear(&poller->request.answer);
    poller->step = step_gate;
    return true;
}

static void send_token(struct poller *poller, struct instant now)
{
    struct source_request request;
    source_request_init_token(&request, poller->source);
    poller->step = step_token_answered;
    start(poller, &request, now);
}

/* --- the request ------------------------------------------------------------------------------ */

/* A token from before this sweep may have been revoked or run out early: any 401 is a reason to
 * get another one, once, unless it only asks to slow down. One that is fresh has to be called
 * expired by the API itself. */
static bool may_renew(const struct poller *poller)
{
    const struct answer *answer = &poller->request.answer;
    if (!uses_token(poller) || poller->look.is_running || poller->sweep.has_renewed_token ||
        answer->status != STATUS_OK || answer->http_code < 400) {
        return false;
    }
    struct api_error error;
    api_error_read(answer->http_code, answer_body(answer), &error);
    bool is_older = poller->token.obtained_ms < poller->sweep.started.mono_ms;
    bool is_limit = error.action == API_SLOW_DOWN;
    return error.action == API_RENEW_TOKEN || (answer->http_code == 401 && is_older && !is_limit);
}

static bool step_answered(struct poller *poller, struct instant now)
{
    close_request(poller, now, &poller->health.certificate_expires_wall_ms);
    if (may_renew(poller)) {
        poller->sweep.has_renewed_token = true;
        token_drop(&poller->token);
        answer_clear(&poller->request.answer);
        poller->step = step_gate;
    } else {
        poller->step = poller->request.after;
    }
    return true;
}

static void send_request(struct poller *poller, struct instant now)
{
    struct source_request request;
    source_request_init_get(&request, poller->source, text_cstr(&poller->request.url),
                            &poller->token);
    if (poller->request.etag != NULL) {
        source_request_add(&request, "If-None-Match", poller->request.etag);
    } else if (poller->request.last_modified != NULL) {
        source_request_add(&request, "If-Modified-Since", poller->request.last_modified);
    }
    poller->sweep.has_asked = true;
    poller->step = step_answered;
    start(poller, &request, now);
}

/* --- the gate --------------------------------------------------------------------------------- */

static bool step_leased(struct poller *poller, struct instant now)
{
    (void)now;
    if (poller->stored.status != STATUS_OK) {
        return poller_fail_store(poller, "reserving requests");
    }
    budget_grant(&poller->budget, poller->lease_asked);
    poller->step = step_gate;
    return true;
}

static bool ask_lease(struct poller *poller, struct instant now)
{
    struct text key;
    text_init(&key, 256);
    text_addf(&key, "budget/%s", poller->source->name);
    struct text value;
    text_init(&value, SOURCE_STATE_BYTES_MAX);
    poller->lease_asked = budget_add_lease(&poller->budget, now, &value);
    struct stored_value stored = {.key = text_cstr(&key), .value = text_span(&value)};
    struct commit commit = {.values = &stored, .value_count = 1};
    struct store_port store = poller->options.store;
    (void)poller_wait_store(poller, step_leased);
    store.commit(store.self, &commit, poller_on_stored, poller);
    text_fini(&value);
    text_fini(&key);
    return false;
}

static bool step_gate(struct poller *poller, struct instant now)
{
    int64_t again_ms = 0;
    switch (budget_ask(&poller->budget, now.mono_ms, &again_ms)) {
    case BUDGET_WAIT:
        poller->schedule.again_ms = again_ms;
        return false;
    case BUDGET_NEEDS_LEASE:
        return ask_lease(poller, now);
    case BUDGET_GO:
        break;
    }
    if (needs_token(poller)) {
        send_token(poller, now);
    } else {
        send_request(poller, now);
    }
    return false;
}

bool poller_ask(struct poller *poller, step_fn *after)
{
    answer_clear(&poller->request.answer);
    poller->request.etag = NULL;
    poller->request.last_modified = NULL;
    poller->request.after = after;
    poller->step = step_gate;
    return true;
}
