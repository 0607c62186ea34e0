#include "core/arena.h"
#include "core/format_input.h"
#include "core/keep.h"
#include "core/log.h"
#include "core/shaped_request.h"
#include "core/ticket_memory.h"
#include "edge/http_client.h"
#include "edge/loop.h"
#include "edge/sinks.h"
#include "shape.h"
#include "webhook_answer.h"
#include "webhook_seal.h"

#include <uv.h>

#include <stdlib.h>
#include <string.h>

#define REPLY_BYTES_MAX 65536
#define EVENT_JSON_BYTES_MAX ((size_t)2 * EVENT_BYTES_MAX)
#define INPUT_BYTES_MAX ((size_t)4 * EVENT_BYTES_MAX)
#define CONTENT_TYPE_STRUCTURED "application/cloudevents+json; charset=utf-8"
#define CONTENT_TYPE_BATCH "application/cloudevents-batch+json; charset=utf-8"

struct sink_webhook {
    const struct sink_config *config;
    struct http_port http;
    uv_timer_t end_timer;               /* tells what ended without a transfer */
    struct shape *shape;                /* NULL: events leave as they are */
    bool is_shape_closed, reads_ticket; /* what it is a format for: of tickets */
    bool lacks_ticket_ids;              /* and the receiver's latest answer named none */
    struct store_port store;
    bool has_store;                /* else it begins anew */
    struct ticket_memory *tickets; /* NULL: nobody wants to know */
    struct webhook_seal *seal;
    struct sending *sendings;
    closed_fn *on_closed; /* NULL: open */
    void *closed_arg;
};

/* An event on its way: a request for each ticket that it touches, one after the other. Or a batch
 * of events, as one request. */
struct sending {
    struct sending *next;
    struct sink_webhook *sink;
    send_done_fn *on_done;
    void *arg;
    struct arena *arena;
    char id[WEBHOOK_ID_SIZE]; /* the event's; of a batch: a function of its events' */
    struct text json;         /* the event, or the list of them */
    size_t event_count;
    const char *order;  /* whose tickets it may change; NULL: nobody remembers them */
    struct event event; /* of those that have an order */
    bool is_waiting;    /* for the one before it of its order: two at once would both open */
    struct ticket tickets[TICKET_COUNT_MAX];
    size_t ticket_count, ticket_index;
    const char *forgets; /* the order's tickets are not needed after this event; NULL: they are */
    struct ticket_news news;
    bool is_over; /* before any transfer: it ends from the loop, and why says why */
    enum send_outcome outcome;
    struct failure why;
};

static void on_timer_closed(uv_handle_t *handle)
{
    struct sink_webhook *sink = handle->data;
    sink->on_closed(sink->closed_arg);
    ticket_memory_close(sink->tickets);
    webhook_seal_destroy(sink->seal);
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

static void start_next(struct sink_webhook *sink, const char *order);

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
    if (sending->order != NULL) {
        start_next(sink, sending->order);
    }
    text_fini(&sending->json);
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
        id = webhook_answer_ticket_id(response, pointer, sending->arena, detail);
        if (id[0] == '\0' && !sink->lacks_ticket_ids) {
            LOG_WARN("ticket_id_missing", log_text("sink", sink->config->name),
                     log_text("answer", text_cstr(detail)));
        }
        sink->lacks_ticket_ids = id[0] == '\0';
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
    webhook_answer_divide(sending->event_count, response->http_code, &result);
    if (result.outcome == SEND_ACCEPTED) {
        note_ticket(sending, response, &detail);
    } else if (webhook_answer_says_lost(response) &&
               ticket_memory_lose(sending->sink->tickets, &sending->tickets[sending->ticket_index],
                                  sending->arena, &sending->news)) {
        result.outcome = SEND_TRY_LATER; /* with another ticket, or with none */
        text_add_text(&detail, " (the ticket is gone there; another is opened if one is needed)");
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

static void post(struct sending *sending, const struct shaped_request *shaped)
{
    const struct sink_webhook *sink = sending->sink;
    const struct webhook_config *webhook = &sink->config->webhook;
    struct webhook_envelope envelope;
    webhook_envelope_init(&envelope, sink->seal, shaped, sending->id,
                          loop_instant(sink->end_timer.loop).wall_ms);
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
    webhook_envelope_fini(&envelope);
}

static void post_as_it_is(struct sending *sending)
{
    const struct webhook_config *webhook = &sending->sink->config->webhook;
    bool is_batch = webhook->batch.count != 0;
    const struct shaped_request request = {.method = "POST",
                                           .url = webhook->url,
                                           .content_type = is_batch ? CONTENT_TYPE_BATCH
                                                                    : CONTENT_TYPE_STRUCTURED,
                                           .headers = webhook->headers,
                                           .header_count = webhook->header_count,
                                           .body = text_span(&sending->json)};
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

static void on_end_timer(uv_timer_t *timer)
{
    struct sink_webhook *sink = timer->data;
    struct sending *next;
    for (struct sending *each = sink->sendings; each != NULL; each = next) {
        next = each->next;
        if (each->is_over) {
            struct send_result result = {.at = loop_instant(timer->loop),
                                         .outcome = each->outcome,
                                         .detail = each->why.detail};
            webhook_answer_divide(each->event_count, 0, &result);
            end(each, &result);
        }
    }
}

static void end_from_loop(struct sending *sending, enum send_outcome outcome)
{
    sending->is_over = true;
    sending->outcome = outcome;
    CHECK(uv_timer_start(&sending->sink->end_timer, on_end_timer, 0, 0) == 0);
}

/* The end of what was never opened here: done without a word to the receiver. */
static void end_without_ticket(struct sending *sending)
{
    if (sending->forgets != NULL) {
        ticket_memory_forget(sending->sink->tickets, sending->forgets, sending->arena,
                             &sending->news);
    }
    (void)fail(&sending->why, STATUS_NOT_FOUND, "nothing to send: no ticket was opened here");
    end_from_loop(sending, SEND_ACCEPTED);
}

static void start_request(struct sending *sending)
{
    const struct sink_webhook *sink = sending->sink;
    if (sending->ticket_count == 0) {
        end_without_ticket(sending);
        return;
    }
    if (sink->shape == NULL) {
        post_as_it_is(sending);
        return;
    }
    struct text input;
    text_init(&input, INPUT_BYTES_MAX);
    format_input_add(&input, text_span(&sending->json), sink->config,
                     &sending->tickets[sending->ticket_index]);
    CHECK(input.status == STATUS_OK);
    shape_start(sink->shape, text_span(&input), on_shaped, sending);
    text_fini(&input);
}

/* --- the port ------------------------------------------------------------------------------- */

static enum status add_event(struct sending *sending, const struct event *event)
{
    enum status status =
        event_add_filtered(event, &sending->sink->config->fields, &sending->json, &sending->why);
    if (status == STATUS_OK && sending->json.status != STATUS_OK) {
        status = fail(&sending->why, STATUS_TOO_LARGE, "the event is over %zu bytes",
                      EVENT_JSON_BYTES_MAX);
    }
    return status;
}

/* The newest of its order before it; the list begins with the newest. */
static bool is_behind_another(const struct sending *sending)
{
    for (const struct sending *each = sending->next; each != NULL; each = each->next) {
        if (each->order != NULL && strcmp(each->order, sending->order) == 0) {
            return true;
        }
    }
    return false;
}

static void plan_tickets(struct sending *sending, const struct event *event)
{
    const struct ticket_book *book = ticket_memory_book(sending->sink->tickets);
    sending->ticket_count = ticket_plan(book, event, sending->arena, sending->tickets);
    if (ticket_is_last(event)) {
        sending->forgets = ticket_order_prefix(event, sending->arena);
    }
}

static void plan_when_alone(struct sending *sending, const struct event *event)
{
    if (sending->sink->tickets == NULL) {
        plan_tickets(sending, event);
        return;
    }
    sending->event = keep_event(sending->arena, event);
    sending->order = ticket_order_prefix(event, sending->arena);
    sending->is_waiting = is_behind_another(sending);
    if (!sending->is_waiting) {
        plan_tickets(sending, &sending->event);
    }
}

static void start_next(struct sink_webhook *sink, const char *order)
{
    struct sending *oldest = NULL;
    for (struct sending *each = sink->sendings; each != NULL; each = each->next) {
        if (each->is_waiting && !each->is_over && strcmp(each->order, order) == 0) {
            oldest = each;
        }
    }
    if (oldest != NULL && sink->on_closed == NULL) {
        oldest->is_waiting = false;
        plan_tickets(oldest, &oldest->event);
        start_request(oldest);
    }
}

static enum status take_batch(struct sending *sending, const struct delivery *delivery)
{
    text_init(&sending->json, delivery->event_count * EVENT_JSON_BYTES_MAX);
    text_add_char(&sending->json, '[');
    for (size_t i = 0; i < delivery->event_count; i++) {
        text_add_text(&sending->json, i != 0 ? "," : "");
        enum status status = add_event(sending, &delivery->events[i]);
        if (status != STATUS_OK) {
            return status;
        }
    }
    text_add_char(&sending->json, ']');
    if (delivery->event_count > 1) {
        webhook_batch_id(delivery, sending->id);
    }
    return STATUS_OK;
}

static enum status take_events(struct sending *sending, const struct delivery *delivery)
{
    const struct event *first = &delivery->events[0];
    sending->event_count = delivery->event_count;
    (void)snprintf(sending->id, sizeof sending->id, "%s", first->id);
    if (sending->sink->config->webhook.batch.count != 0) {
        sending->ticket_count = 1;
        return take_batch(sending, delivery);
    }
    CHECK(delivery->event_count == 1);
    text_init(&sending->json, EVENT_JSON_BYTES_MAX);
    plan_when_alone(sending, first);
    return add_event(sending, first);
}

static void sink_webhook_send(void *self, const struct delivery *delivery, send_done_fn *on_done,
                              void *arg)
{
    struct sink_webhook *sink = self;
    CHECK(sink->on_closed == NULL && delivery->event_count >= 1);
    struct sending *sending = alloc(sizeof *sending);
    sending->next = sink->sendings;
    sending->sink = sink;
    sending->on_done = on_done;
    sending->arg = arg;
    sending->arena = arena_create();
    sink->sendings = sending;
    if (take_events(sending, delivery) != STATUS_OK) {
        end_from_loop(sending, SEND_REJECTED);
    } else if (!sending->is_waiting) {
        start_request(sending);
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
        if (each->is_waiting) {
            (void)fail(&each->why, STATUS_UNAVAILABLE, "the sink was closed");
            end_from_loop(each, SEND_TRY_LATER);
        }
    }
    if (sink->shape != NULL) {
        shape_close(sink->shape, on_shape_closed, sink);
    } else {
        sink->is_shape_closed = true;
    }
    close_when_quiet(sink);
}

/* --- opening -------------------------------------------------------------------------------- */

static void sink_webhook_forget(void *self, const char *source_name, const char *order_id)
{
    struct sink_webhook *sink = self;
    ticket_memory_erase(sink->tickets, source_name, order_id);
}

/* Not earlier: the sink of this name before a reload may still have told the store of tickets. */
static void sink_webhook_listen(void *self, const struct sink_listener *listener)
{
    (void)listener;
    struct sink_webhook *sink = self;
    struct failure why;
    if (sink->config->webhook.ticket_id != NULL && sink->reads_ticket &&
        ticket_memory_open(sink->config->name, sink->has_store ? &sink->store : NULL,
                           &sink->tickets, &why) != STATUS_OK) {
        LOG_ERROR("tickets_unreadable", log_text("sink", sink->config->name),
                  log_text("reason", why.detail));
    }
}

static const struct sink_ops webhook_ops = {
    .kind = "webhook",
    .send = sink_webhook_send,
    .forget = sink_webhook_forget,
    .listen = sink_webhook_listen,
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
        sink->reads_ticket = strstr(text_cstr(&program), "$ticket") != NULL;
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
    sink->has_store = environment->store != NULL;
    sink->store = sink->has_store ? *environment->store : (struct store_port){.self = NULL};
    enum status status =
        webhook_seal_create(&config->webhook, environment->version, &sink->seal, why);
    if (status == STATUS_OK) {
        status = open_shape(sink, environment->uv, why);
    }
    if (status != STATUS_OK) {
        webhook_seal_destroy(sink->seal);
        free(sink);
        return status;
    }
    CHECK(uv_timer_init(environment->uv, &sink->end_timer) == 0);
    sink->end_timer.data = sink;
    *out = (struct sink_port){.self = sink, .ops = &webhook_ops};
    return STATUS_OK;
}
