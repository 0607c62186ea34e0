#include "core/arena.h"
#include "core/base64.h"
#include "core/format_input.h"
#include "core/secret.h"
#include "core/shaped_request.h"
#include "core/ticket_memory.h"
#include "edge/http_client.h"
#include "edge/loop.h"
#include "edge/sinks.h"
#include "shape.h"
#include "webhook_answer.h"
#include "webhook_sign.h"

#include <uv.h>

#include <stdlib.h>
#include <string.h>

#define REPLY_BYTES_MAX 65536
#define SIGNATURES_BYTES_MAX 256
#define OWN_HEADER_COUNT 6
#define CREDENTIALS_BYTES_MAX ((size_t)256 << 10)
#define EVENT_JSON_BYTES_MAX ((size_t)2 * EVENT_BYTES_MAX)
#define INPUT_BYTES_MAX ((size_t)4 * EVENT_BYTES_MAX)
#define CONTENT_TYPE_STRUCTURED "application/cloudevents+json; charset=utf-8"

struct sink_webhook {
    const struct sink_config *config;
    struct http_port http;
    uv_timer_t end_timer; /* tells what ended without a transfer */
    struct shape *shape;  /* NULL: events leave as they are */
    bool is_shape_closed;
    struct ticket_memory *tickets; /* NULL: nobody wants to know */
    struct webhook_key *keys[2];
    size_t key_count;
    struct secret *authorization; /* NULL: none, or among the headers */
    char user_agent[64];
    struct sending *sendings;
    closed_fn *on_closed; /* NULL: open */
    void *closed_arg;
};

/* One event on its way: a request for each ticket that it touches, one after the other. */
struct sending {
    struct sending *next;
    struct sink_webhook *sink;
    send_done_fn *on_done;
    void *arg;
    struct arena *arena;
    char event_id[33];
    struct text event_json;
    struct ticket tickets[TICKET_COUNT_MAX];
    size_t ticket_count, ticket_index;
    const char *forgets; /* the order's tickets are not needed after this event; NULL: they are */
    struct ticket_news news;
    bool is_refused; /* before any transfer; why holds the reason */
    struct failure why;
};

/* What is built for one request; the HTTP client copies it. */
struct envelope {
    const struct shaped_request *request;
    struct text signatures;
    char time_s[24];
    struct http_header *headers;
    size_t header_count;
};

static void on_timer_closed(uv_handle_t *handle)
{
    struct sink_webhook *sink = handle->data;
    sink->on_closed(sink->closed_arg);
    ticket_memory_close(sink->tickets);
    for (size_t i = 0; i < sink->key_count; i++) {
        webhook_key_destroy(sink->keys[i]);
    }
    secret_destroy(sink->authorization);
    free(sink);
}

static void close_when_quiet(struct sink_webhook *sink)
{
    uv_handle_t *handle = (uv_handle_t *)&sink->end_timer;
    if (sink->on_closed != NULL && sink->is_shape_closed && sink->sendings == NULL &&
        !uv_is_closing(handle)) {
        uv_close(handle, on_timer_closed);
    }
}

static void end(struct sending *sending, struct send_result *result)
{
    result->values = sending->news.values;
    result->value_count = sending->news.count;
    struct sink_webhook *sink = sending->sink;
    struct sending **link = &sink->sendings;
    while (*link != sending) {
        link = &(*link)->next;
    }
    *link = sending->next;
    sending->on_done(sending->arg, result);
    text_fini(&sending->event_json);
    arena_destroy(sending->arena);
    free(sending);
    close_when_quiet(sink);
}

static void end_with(struct sending *sending, enum send_outcome outcome, const char *detail)
{
    struct send_result result = {
        .at = loop_instant(sending->sink->end_timer.loop), .outcome = outcome, .detail = detail};
    end(sending, &result);
}

/* --- the request ---------------------------------------------------------------------------- */

static void start_request(struct sending *sending);

/* A request about a known ticket is answered with something else's id. */
static void note_ticket(struct sending *sending, const struct http_response *response,
                        struct text *detail)
{
    struct sink_webhook *sink = sending->sink;
    const struct ticket *ticket = &sending->tickets[sending->ticket_index];
    const char *pointer = sink->config->webhook.ticket_id;
    if (sink->tickets == NULL) {
        return;
    }
    const char *id = "";
    if (ticket->id == NULL) {
        id = webhook_answer_ticket_id(response, pointer, sending->arena);
        if (id[0] == '\0') {
            text_addf(detail, " (no ticket id at %.100s)", pointer);
        }
    }
    ticket_memory_note(sink->tickets, ticket, id, sending->arena, &sending->news);
    if (sending->forgets != NULL && sending->ticket_index + 1 == sending->ticket_count) {
        ticket_memory_forget(sink->tickets, sending->forgets, sending->arena, &sending->news);
    }
}

static void on_answer(void *arg, struct http_response *response)
{
    struct sending *sending = arg;
    struct send_result result = {.at = response->at};
    struct text detail;
    text_init(&detail, 1024);
    webhook_answer_judge(response, &result, &detail);
    if (result.outcome == SEND_ACCEPTED) {
        note_ticket(sending, response, &detail);
    }
    sending->ticket_index++;
    if (result.outcome == SEND_ACCEPTED && sending->ticket_index < sending->ticket_count &&
        sending->sink->on_closed == NULL) {
        start_request(sending);
    } else {
        result.detail = text_cstr(&detail);
        end(sending, &result);
    }
    text_fini(&detail);
}

static void add_header(struct envelope *envelope, const char *name, const char *value)
{
    envelope->headers[envelope->header_count++] = (struct http_header){name, value};
}

static void add_own_headers(const struct sending *sending, struct envelope *envelope)
{
    const struct sink_webhook *sink = sending->sink;
    bool is_github = sink->config->webhook.signature == SIGNATURE_GITHUB;
    add_header(envelope, "Content-Type", envelope->request->content_type);
    add_header(envelope, "User-Agent", sink->user_agent);
    add_header(envelope, "webhook-id", sending->event_id);
    add_header(envelope, "webhook-timestamp", envelope->time_s);
    if (envelope->signatures.size != 0) {
        add_header(envelope, is_github ? "X-Hub-Signature-256" : "webhook-signature",
                   text_cstr(&envelope->signatures));
    }
    if (sink->authorization != NULL) {
        add_header(envelope, "Authorization", secret_reveal_text(sink->authorization));
    }
}

/* Without a secret there is no signature. */
static void sign(const struct sending *sending, int64_t time_s, struct envelope *envelope)
{
    const struct sink_webhook *sink = sending->sink;
    const struct webhook_config *webhook = &sink->config->webhook;
    struct span body = envelope->request->body;
    if (webhook->signature == SIGNATURE_GITHUB && webhook->secret != NULL) {
        webhook_sign_body(webhook->secret, body, &envelope->signatures);
    }
    for (size_t i = 0; i < sink->key_count; i++) {
        text_add_text(&envelope->signatures, i != 0 ? " " : "");
        webhook_sign(sink->keys[i], sending->event_id, time_s, body, &envelope->signatures);
    }
}

static void seal(const struct sending *sending, int64_t now_wall_ms, struct envelope *envelope)
{
    const struct shaped_request *request = envelope->request;
    int64_t time_s = now_wall_ms / 1000;
    (void)snprintf(envelope->time_s, sizeof envelope->time_s, "%lld", (long long)time_s);
    sign(sending, time_s, envelope);
    envelope->headers =
        alloc_array(request->header_count + OWN_HEADER_COUNT, sizeof envelope->headers[0]);
    if (request->header_count != 0) {
        memcpy(envelope->headers, request->headers,
               request->header_count * sizeof request->headers[0]);
    }
    envelope->header_count = request->header_count;
    add_own_headers(sending, envelope);
}

static void post(struct sending *sending, const struct shaped_request *shaped)
{
    const struct sink_webhook *sink = sending->sink;
    const struct webhook_config *webhook = &sink->config->webhook;
    struct envelope envelope = {.request = shaped};
    text_init(&envelope.signatures, SIGNATURES_BYTES_MAX);
    seal(sending, loop_instant(sink->end_timer.loop).wall_ms, &envelope);
    struct http_request request = {
        .method = shaped->method,
        .url = shaped->url,
        .headers = envelope.headers,
        .header_count = envelope.header_count,
        .body = shaped->body,
        .timeout_ms = webhook->timeout_ms,
        .body_bytes_max = REPLY_BYTES_MAX,
        .truncates_body = true,
        .tls = &webhook->tls,
        .allows_private = webhook->allow_private,
    };
    sink->http.start(sink->http.self, &request, on_answer, sending);
    free(envelope.headers);
    text_fini(&envelope.signatures);
}

static void post_as_it_is(struct sending *sending)
{
    const struct webhook_config *webhook = &sending->sink->config->webhook;
    const struct shaped_request request = {.method = "POST",
                                           .url = webhook->url,
                                           .content_type = CONTENT_TYPE_STRUCTURED,
                                           .headers = webhook->headers,
                                           .header_count = webhook->header_count,
                                           .body = text_span(&sending->event_json)};
    post(sending, &request);
}

static void on_shaped(void *arg, const struct shape_result *result)
{
    struct sending *sending = arg;
    const struct sink_webhook *sink = sending->sink;
    if (result->outcome != SHAPE_MADE || sink->on_closed != NULL) {
        bool is_passing = result->outcome == SHAPE_LATER || result->outcome == SHAPE_MADE;
        end_with(sending, is_passing ? SEND_TRY_LATER : SEND_REJECTED,
                 result->outcome == SHAPE_MADE ? "the sink was closed" : result->detail);
        return;
    }
    struct shaped_request request;
    struct failure why;
    if (shaped_request_read(result->output, &sink->config->webhook, sending->arena, &request,
                            &why) == STATUS_OK) {
        post(sending, &request);
        return;
    }
    struct failure named;
    (void)fail(&named, STATUS_INVALID, "format %s: %s", sink->config->webhook.format, why.detail);
    end_with(sending, SEND_REJECTED, named.detail);
}

static void start_request(struct sending *sending)
{
    const struct sink_webhook *sink = sending->sink;
    if (sink->shape == NULL) {
        post_as_it_is(sending);
        return;
    }
    struct text input;
    text_init(&input, INPUT_BYTES_MAX);
    format_input_add(&input, text_span(&sending->event_json), sink->config,
                     &sending->tickets[sending->ticket_index]);
    CHECK(input.status == STATUS_OK);
    shape_start(sink->shape, text_span(&input), on_shaped, sending);
    text_fini(&input);
}

/* --- the port ------------------------------------------------------------------------------- */

static void on_end_timer(uv_timer_t *timer)
{
    struct sink_webhook *sink = timer->data;
    struct sending *next;
    for (struct sending *each = sink->sendings; each != NULL; each = next) {
        next = each->next;
        if (each->is_refused) {
            end_with(each, SEND_REJECTED, each->why.detail);
        }
    }
}

static enum status take_event(struct sending *sending, const struct event *event)
{
    const struct sink_config *config = sending->sink->config;
    memcpy(sending->event_id, event->id, sizeof sending->event_id);
    text_init(&sending->event_json, EVENT_JSON_BYTES_MAX);
    enum status status =
        event_add_filtered(event, &config->fields, &sending->event_json, &sending->why);
    if (status == STATUS_OK && sending->event_json.status != STATUS_OK) {
        status = fail(&sending->why, STATUS_TOO_LARGE, "the event is over %zu bytes",
                      EVENT_JSON_BYTES_MAX);
    }
    sending->ticket_count = ticket_plan(ticket_memory_book(sending->sink->tickets), event,
                                        sending->arena, sending->tickets);
    if (ticket_is_last(event)) {
        sending->forgets = ticket_order_prefix(event, sending->arena);
    }
    return status;
}

static void sink_webhook_send(void *self, const struct delivery *delivery, send_done_fn *on_done,
                              void *arg)
{
    struct sink_webhook *sink = self;
    CHECK(sink->on_closed == NULL && delivery->event_count == 1);
    struct sending *sending = alloc(sizeof *sending);
    sending->next = sink->sendings;
    sending->sink = sink;
    sending->on_done = on_done;
    sending->arg = arg;
    sending->arena = arena_create();
    sink->sendings = sending;
    if (take_event(sending, &delivery->events[0]) == STATUS_OK) {
        start_request(sending);
    } else {
        sending->is_refused = true;
        CHECK(uv_timer_start(&sink->end_timer, on_end_timer, 0, 0) == 0);
    }
}

static void on_shape_closed(void *arg)
{
    struct sink_webhook *sink = arg;
    sink->is_shape_closed = true;
    close_when_quiet(sink);
}

static void sink_webhook_close(void *self, closed_fn *on_closed, void *arg)
{
    struct sink_webhook *sink = self;
    CHECK(sink->on_closed == NULL);
    sink->on_closed = on_closed;
    sink->closed_arg = arg;
    for (struct sending *each = sink->sendings; each != NULL; each = each->next) {
        sink->http.cancel_all(sink->http.self, each);
    }
    if (sink->shape != NULL) {
        shape_close(sink->shape, on_shape_closed, sink);
    } else {
        sink->is_shape_closed = true;
    }
    close_when_quiet(sink);
}

/* --- opening -------------------------------------------------------------------------------- */

static enum status read_keys(struct sink_webhook *sink, struct failure *why)
{
    const struct webhook_config *webhook = &sink->config->webhook;
    const struct secret *const texts[] = {webhook->secret, webhook->next_secret};
    if (webhook->signature != SIGNATURE_STANDARD) {
        return STATUS_OK;
    }
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        if (texts[i] == NULL) {
            continue;
        }
        enum status status = webhook_key_create(texts[i], &sink->keys[sink->key_count], why);
        if (status != STATUS_OK) {
            return status;
        }
        sink->key_count++;
    }
    return STATUS_OK;
}

static void make_authorization(struct sink_webhook *sink)
{
    const struct webhook_config *webhook = &sink->config->webhook;
    if (webhook->username == NULL && webhook->bearer_token == NULL) {
        return;
    }
    struct text plain;
    struct text header;
    text_init(&plain, CREDENTIALS_BYTES_MAX);
    text_init(&header, 2 * CREDENTIALS_BYTES_MAX);
    if (webhook->username != NULL) {
        text_addf(&plain, "%s:", webhook->username);
        text_add(&plain, secret_reveal(webhook->password));
        text_add_text(&header, "Basic ");
        base64_add(&header, text_span(&plain));
    } else {
        text_add_text(&header, "Bearer ");
        text_add(&header, secret_reveal(webhook->bearer_token));
    }
    CHECK(plain.status == STATUS_OK && header.status == STATUS_OK);
    sink->authorization = secret_create(text_span(&header));
    struct text *const used[] = {&plain, &header};
    for (size_t i = 0; i < ARRAY_COUNT(used); i++) {
        if (used[i]->data != NULL) {
            explicit_bzero(used[i]->data, used[i]->capacity);
        }
        text_fini(used[i]);
    }
}

static const struct sink_ops webhook_ops = {
    .kind = "webhook",
    .send = sink_webhook_send,
    .close = sink_webhook_close,
};

static enum status open_shape(struct sink_webhook *sink, struct uv_loop_s *uv, struct failure *why)
{
    const char *format = sink->config->webhook.format;
    if (shape_is_native(format)) {
        return STATUS_OK;
    }
    struct text program;
    enum status status = shape_read_program(format, &program, why);
    if (status == STATUS_OK) {
        sink->shape = shape_create(uv, format, text_span(&program));
        text_fini(&program);
    }
    return status;
}

enum status sink_webhook_open(const struct sink_config *config,
                              const struct sink_environment *environment, struct sink_port *out,
                              struct failure *why)
{
    struct sink_webhook *sink = alloc(sizeof *sink);
    sink->config = config;
    sink->http = http_client_port(environment->http);
    (void)snprintf(sink->user_agent, sizeof sink->user_agent, "orderwatch/%s",
                   environment->version);
    make_authorization(sink);
    enum status status = read_keys(sink, why);
    if (status == STATUS_OK && config->webhook.ticket_id != NULL) {
        status = ticket_memory_open(config->name, environment->store, &sink->tickets, why);
    }
    if (status == STATUS_OK) {
        status = open_shape(sink, environment->uv, why);
    }
    if (status != STATUS_OK) {
        ticket_memory_close(sink->tickets);
        for (size_t i = 0; i < sink->key_count; i++) {
            webhook_key_destroy(sink->keys[i]);
        }
        secret_destroy(sink->authorization);
        free(sink);
        return status;
    }
    CHECK(uv_timer_init(environment->uv, &sink->end_timer) == 0);
    sink->end_timer.data = sink;
    *out = (struct sink_port){.self = sink, .ops = &webhook_ops};
    return STATUS_OK;
}
