#include "edge/http_client.h"
#include "edge/loop.h"
#include "edge/sinks.h"
#include "webhook_sign.h"

#include "core/secret.h"
#include "core/utf8.h"

#include <uv.h>

#include <stdlib.h>
#include <string.h>

#define REPLY_BYTES_MAX 65536
#define REPLY_SHOWN_MAX 200
#define SIGNATURES_BYTES_MAX 256
#define BODY_BYTES_MAX ((size_t)2 * EVENT_BYTES_MAX)
#define OWN_HEADER_COUNT 5
#define FORMAT_STRUCTURED "cloudevents"

struct sink_webhook {
    const struct sink_config *config;
    struct http_port http;
    uv_timer_t end_timer; /* tells what ended without a transfer */
    struct secret *keys[2];
    size_t key_count;
    char user_agent[64];
    struct sending *sendings;
    closed_fn *on_closed; /* NULL: open */
    void *closed_arg;
};

struct sending {
    struct sending *next;
    struct sink_webhook *sink;
    send_done_fn *on_done;
    void *arg;
    bool is_refused; /* before any transfer; why holds the reason */
    enum send_outcome outcome;
    struct failure why;
};

/* What is built for one request; the HTTP client copies it. */
struct envelope {
    struct text body;
    struct text signatures;
    char time_s[24];
    struct http_header *headers;
    size_t header_count;
};

static void on_timer_closed(uv_handle_t *handle)
{
    struct sink_webhook *sink = handle->data;
    sink->on_closed(sink->closed_arg);
    for (size_t i = 0; i < sink->key_count; i++) {
        secret_destroy(sink->keys[i]);
    }
    free(sink);
}

static void close_when_quiet(struct sink_webhook *sink)
{
    uv_handle_t *handle = (uv_handle_t *)&sink->end_timer;
    if (sink->on_closed != NULL && sink->sendings == NULL && !uv_is_closing(handle)) {
        uv_close(handle, on_timer_closed);
    }
}

static void end(struct sending *sending, const struct send_result *result)
{
    struct sink_webhook *sink = sending->sink;
    struct sending **link = &sink->sendings;
    while (*link != sending) {
        link = &(*link)->next;
    }
    *link = sending->next;
    sending->on_done(sending->arg, result);
    free(sending);
    close_when_quiet(sink);
}

static enum send_outcome outcome_of(int http_code)
{
    if (http_code >= 200 && http_code <= 299) {
        return SEND_ACCEPTED;
    }
    if (http_code == 410) {
        return SEND_GONE;
    }
    bool is_passing = http_code == 408 || http_code == 425 || http_code == 429 || http_code >= 500;
    return is_passing ? SEND_TRY_LATER : SEND_REJECTED;
}

static void describe_answer(const struct http_response *response, struct text *out)
{
    text_addf(out, "HTTP %d", response->http_code);
    if (response->http_code >= 300 && response->http_code <= 399) {
        text_add_text(out, ": redirects are not followed; configure the final URL");
        return;
    }
    struct span line = text_span(response->body);
    size_t size = 0;
    while (size < line.size && line.data[size] != '\n' && line.data[size] != '\r') {
        size++;
    }
    if (size != 0) {
        text_add_text(out, ": ");
        utf8_add_clean_line(out, (struct span){.data = line.data, .size = size}, REPLY_SHOWN_MAX);
    }
}

static enum send_outcome outcome_without_answer(const struct http_response *response)
{
    /* A request that cannot be built is the sink's configuration, not this event's fault. */
    bool is_sink_away = response->is_connect_failure || response->status == STATUS_INVALID;
    return is_sink_away ? SEND_OFFLINE : SEND_TRY_LATER;
}

static void on_answer(void *arg, struct http_response *response)
{
    struct sending *sending = arg;
    struct send_result result = {.at = response->at};
    struct text detail;
    text_init(&detail, 1024);
    if (response->status == STATUS_OK) {
        result.outcome = outcome_of(response->http_code);
        describe_answer(response, &detail);
        if (response->retry_after != NULL && result.outcome == SEND_TRY_LATER) {
            (void)retry_after_parse(span_of(response->retry_after), response->at.wall_ms,
                                    &result.retry_after_ms);
        }
    } else {
        result.outcome = outcome_without_answer(response);
        text_add_text(&detail, response->is_tls_failure ? "TLS refused: " : "");
        text_add_text(&detail, response->detail);
    }
    result.detail = text_cstr(&detail);
    end(sending, &result);
    text_fini(&detail);
}

static void on_end_timer(uv_timer_t *timer)
{
    struct sink_webhook *sink = timer->data;
    struct sending *next;
    for (struct sending *each = sink->sendings; each != NULL; each = next) {
        next = each->next;
        if (each->is_refused) {
            struct send_result result = {.at = loop_instant(timer->loop),
                                         .outcome = each->outcome,
                                         .detail = each->why.detail};
            end(each, &result);
        }
    }
}

static void refuse(struct sending *sending, enum send_outcome outcome)
{
    sending->is_refused = true;
    sending->outcome = outcome;
    CHECK(uv_timer_start(&sending->sink->end_timer, on_end_timer, 0, 0) == 0);
}

static void add_own_headers(const struct sink_webhook *sink, const struct event *event,
                            struct envelope *envelope)
{
    const struct http_header own[OWN_HEADER_COUNT] = {
        {"Content-Type", "application/cloudevents+json; charset=utf-8"},
        {"User-Agent", sink->user_agent},
        {"webhook-id", event->id},
        {"webhook-timestamp", envelope->time_s},
        {"webhook-signature", text_cstr(&envelope->signatures)},
    };
    /* Without a secret there is no signature, and so the last one stays away. */
    size_t own_count = sink->key_count != 0 ? OWN_HEADER_COUNT : OWN_HEADER_COUNT - 1;
    memcpy(envelope->headers + envelope->header_count, own, own_count * sizeof own[0]);
    envelope->header_count += own_count;
}

static void seal(const struct sink_webhook *sink, const struct event *event, int64_t now_wall_ms,
                 struct envelope *envelope)
{
    const struct webhook_config *webhook = &sink->config->webhook;
    int64_t time_s = now_wall_ms / 1000;
    (void)snprintf(envelope->time_s, sizeof envelope->time_s, "%lld", (long long)time_s);
    for (size_t i = 0; i < sink->key_count; i++) {
        text_add_text(&envelope->signatures, i != 0 ? " " : "");
        webhook_sign(sink->keys[i], event->id, time_s, text_span(&envelope->body),
                     &envelope->signatures);
    }
    envelope->headers =
        alloc_array(webhook->header_count + OWN_HEADER_COUNT, sizeof envelope->headers[0]);
    if (webhook->header_count != 0) {
        memcpy(envelope->headers, webhook->headers,
               webhook->header_count * sizeof webhook->headers[0]);
    }
    envelope->header_count = webhook->header_count;
    add_own_headers(sink, event, envelope);
}

static void post(struct sending *sending, const struct event *event, struct envelope *envelope)
{
    const struct sink_webhook *sink = sending->sink;
    const struct webhook_config *webhook = &sink->config->webhook;
    seal(sink, event, loop_instant(sink->end_timer.loop).wall_ms, envelope);
    struct http_request request = {
        .method = "POST",
        .url = webhook->url,
        .headers = envelope->headers,
        .header_count = envelope->header_count,
        .body = text_span(&envelope->body),
        .timeout_ms = webhook->timeout_ms,
        .body_bytes_max = REPLY_BYTES_MAX,
        .truncates_body = true,
        .tls = &webhook->tls,
        .allows_private = webhook->allow_private,
    };
    sink->http.start(sink->http.self, &request, on_answer, sending);
    free(envelope->headers);
}

static enum status shape(const struct sink_config *config, const struct event *event,
                         struct text *body, struct failure *why)
{
    if (!text_equal(config->webhook.format, FORMAT_STRUCTURED)) {
        return fail(why, STATUS_NOT_FOUND, "format %s is not available; use " FORMAT_STRUCTURED,
                    config->webhook.format);
    }
    enum status status = event_add_filtered(event, &config->fields, body, why);
    if (status != STATUS_OK) {
        return status;
    }
    return body->status == STATUS_OK
               ? STATUS_OK
               : fail(why, STATUS_TOO_LARGE, "the event is over %zu bytes", BODY_BYTES_MAX);
}

static void sink_webhook_send(void *self, const struct delivery *delivery, send_done_fn *on_done,
                              void *arg)
{
    struct sink_webhook *sink = self;
    CHECK(sink->on_closed == NULL && delivery->event_count == 1);
    struct sending *sending = alloc(sizeof *sending);
    *sending =
        (struct sending){.next = sink->sendings, .sink = sink, .on_done = on_done, .arg = arg};
    sink->sendings = sending;
    struct envelope envelope = {.header_count = 0};
    text_init(&envelope.body, BODY_BYTES_MAX);
    text_init(&envelope.signatures, SIGNATURES_BYTES_MAX);
    if (shape(sink->config, &delivery->events[0], &envelope.body, &sending->why) == STATUS_OK) {
        post(sending, &delivery->events[0], &envelope);
    } else {
        refuse(sending, SEND_REJECTED);
    }
    text_fini(&envelope.body);
    text_fini(&envelope.signatures);
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
    close_when_quiet(sink);
}

static enum status read_keys(struct sink_webhook *sink, struct failure *why)
{
    const struct webhook_config *webhook = &sink->config->webhook;
    const struct secret *const texts[] = {webhook->secret, webhook->next_secret};
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

static const struct sink_ops webhook_ops = {
    .kind = "webhook",
    .send = sink_webhook_send,
    .close = sink_webhook_close,
};

enum status sink_webhook_open(const struct sink_config *config,
                              const struct sink_environment *environment, struct sink_port *out,
                              struct failure *why)
{
    struct sink_webhook *sink = alloc(sizeof *sink);
    sink->config = config;
    sink->http = http_client_port(environment->http);
    (void)snprintf(sink->user_agent, sizeof sink->user_agent, "orderwatch/%s",
                   environment->version);
    enum status status = read_keys(sink, why);
    if (status != STATUS_OK) {
        for (size_t i = 0; i < sink->key_count; i++) {
            secret_destroy(sink->keys[i]);
        }
        free(sink);
        return status;
    }
    CHECK(uv_timer_init(environment->uv, &sink->end_timer) == 0);
    sink->end_timer.data = sink;
    *out = (struct sink_port){.self = sink, .ops = &webhook_ops};
    return STATUS_OK;
}
