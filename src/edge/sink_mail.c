#include "core/arena.h"
#include "core/secret.h"
#include "core/utf8.h"
#include "edge/helper.h"
#include "edge/http_client.h"
#include "edge/mime.h"
#include "edge/sinks.h"
#include "mail_compose.h"
#include "mail_job.h"
#include "mail_server.h"
#include "recipients.h"

#include <uv.h>

#include <stdlib.h>
#include <string.h>

#define DEADLINE_MS 60000 /* of a whole mail */
#define STEP_MS 20000     /* of one exchange with the server */
#define MAIL_BYTES_MAX ((size_t)24 << 20)
#define DETAIL_MAX 4000

/* One mail from send to its done. The mail is finished before it waits for its turn. */
struct sending {
    struct sending *next;
    struct sink_mail *sink;
    send_done_fn *on_done;
    void *arg;
    struct arena *arena;
    struct recipients recipients;
    struct recipient *current; /* smtps: whom the running transfer is for */
    const char *envelope_id;
    struct text mail;
    struct send_result failure; /* outcome and detail when it could not be composed */
    bool is_composed;
};

struct sink_mail {
    const struct sink_config *config;
    const struct config *const *whole_config;
    struct uv_loop_s *uv;
    struct http_client *http;
    struct arena *arena;
    const char *from;       /* bare */
    const char *const *to;  /* bare */
    const char *hello_name; /* what the server is told */
    const char *url;        /* smtps:// only */
    struct helper *helper;  /* NULL for smtps:// */
    uv_timer_t turn;        /* starts the next one from the loop, never from within send */
    struct sending *first, *last;
    bool is_sending; /* the first one is on its way */
    int open_count;  /* what has to end before the sink is closed */
    closed_fn *on_closed;
    void *closed_arg;
};

static void start_next(struct sink_mail *sink);
static void ended(struct sink_mail *sink);

/* --- the end of a mail ---------------------------------------------------------------------- */

static struct instant read_clock(const struct sink_mail *sink)
{
    uv_timeval64_t wall;
    CHECK(uv_gettimeofday(&wall) == 0);
    return (struct instant){.mono_ms = (int64_t)uv_now(sink->uv),
                            .wall_ms = wall.tv_sec * 1000 + wall.tv_usec / 1000};
}

static void sending_destroy(struct sending *sending)
{
    text_fini(&sending->mail);
    arena_destroy(sending->arena);
    free(sending);
}

static void tell(struct sink_mail *sink, enum send_outcome outcome, const char *detail)
{
    struct sending *sending = sink->first;
    CHECK(sending != NULL && sink->is_sending);
    sink->is_sending = false;
    sink->first = sending->next;
    if (sink->first == NULL) {
        sink->last = NULL;
    }
    struct text progress;
    struct text clean;
    text_init(&progress, MAIL_BYTES_MAX);
    text_init(&clean, DETAIL_MAX + 8);
    utf8_add_clean_line(&clean, span_of(detail), DETAIL_MAX);
    if (sending->is_composed) {
        recipients_add_progress(&sending->recipients, &progress);
    }
    struct send_result result = {.at = read_clock(sink),
                                 .outcome = outcome,
                                 .progress = sending->is_composed ? text_cstr(&progress) : NULL,
                                 .detail = text_cstr(&clean)};
    sending->on_done(sending->arg, &result);
    text_fini(&progress);
    text_fini(&clean);
    sending_destroy(sending);
}

static void finish(struct sink_mail *sink, enum send_outcome outcome, const char *detail)
{
    tell(sink, outcome, detail);
    if (sink->on_closed == NULL) {
        start_next(sink);
    } else if (sink->helper == NULL) {
        ended(sink); /* the transfer that close waited for */
    }
}

/* All that could be asked was asked: the recipients say how it went. */
static void finish_by_recipients(struct sink_mail *sink)
{
    struct text detail;
    text_init(&detail, MAIL_BYTES_MAX);
    enum send_outcome outcome = recipients_outcome(&sink->first->recipients, &detail);
    finish(sink, outcome, text_cstr(&detail));
    text_fini(&detail);
}

static void finish_offline(struct sink_mail *sink, const char *what, const char *words)
{
    struct text detail;
    text_init(&detail, DETAIL_MAX + 256);
    text_addf(&detail, "mail server %s:%u: %s: ", sink->config->email.server_host,
              sink->config->email.server_port, what);
    utf8_add_clean_line(&detail, span_of(words), DETAIL_MAX);
    finish(sink, SEND_OFFLINE, text_cstr(&detail));
    text_fini(&detail);
}

/* --- smtp:// through the helper ------------------------------------------------------------- */

static struct recipient *next_open(struct sending *sending)
{
    for (size_t i = 0; i < sending->recipients.count; i++) {
        struct recipient *recipient = &sending->recipients.all[i];
        if (recipient->state == RECIPIENT_OPEN) {
            return recipient;
        }
    }
    return NULL;
}

/* The helper was given the open recipients in their order. */
static void take_replies(struct sending *sending, const struct mail_answer *answer)
{
    size_t asked = 0;
    for (size_t i = 0; i < sending->recipients.count; i++) {
        struct recipient *recipient = &sending->recipients.all[i];
        if (recipient->state != RECIPIENT_OPEN) {
            continue;
        }
        bool is_one_for_all = answer->stage == MAIL_SENDER_REFUSED;
        CHECK(is_one_for_all || asked < answer->reply_count);
        recipients_answer(&sending->recipients, recipient,
                          is_one_for_all ? answer->code : answer->replies[asked].code,
                          is_one_for_all ? answer->text : answer->replies[asked].text);
        asked++;
    }
}

static void take_answer(struct sink_mail *sink, const struct mail_answer *answer)
{
    switch (answer->stage) {
    case MAIL_ANSWERED:
    case MAIL_SENDER_REFUSED:
        take_replies(sink->first, answer);
        finish_by_recipients(sink);
        return;
    case MAIL_NOT_CONNECTED:
        finish_offline(sink, "no session", answer->text);
        return;
    case MAIL_TLS_REFUSED:
        finish_offline(sink, "TLS refused", answer->text);
        return;
    case MAIL_LOGIN_REFUSED:
        finish_offline(sink, "login refused", answer->text);
        return;
    case MAIL_STAGE_COUNT:
        break;
    }
    CHECK(!"a stage that exists");
}

static void on_helper_done(void *arg, const struct helper_result *result)
{
    struct sink_mail *sink = arg;
    struct failure why;
    struct mail_answer answer;
    if (result->status != STATUS_OK) {
        finish(sink, SEND_TRY_LATER, result->detail);
    } else if (mail_answer_decode(result->result, sink->first->arena, &answer, &why) != STATUS_OK) {
        finish(sink, SEND_TRY_LATER, why.detail);
    } else {
        take_answer(sink, &answer);
    }
}

static void start_helper(struct sink_mail *sink)
{
    struct sending *sending = sink->first;
    const char **open = alloc_array(sending->recipients.count, sizeof *open);
    size_t open_count = 0;
    for (size_t i = 0; i < sending->recipients.count; i++) {
        if (sending->recipients.all[i].state == RECIPIENT_OPEN) {
            open[open_count++] = sending->recipients.all[i].address;
        }
    }
    struct mail_job job = mail_server_job(&sink->config->email);
    job.hello_name = sink->hello_name;
    job.from = sink->from;
    job.envelope_id = sending->envelope_id;
    job.to = open;
    job.to_count = open_count;
    job.message = text_span(&sending->mail);
    job.timeout_ms = STEP_MS;
    struct text bytes;
    mail_job_encode(&job, &bytes);
    helper_start(sink->helper, text_span(&bytes), DEADLINE_MS, on_helper_done, sink);
    mail_job_wipe(&bytes);
    free(open);
}

/* --- smtps:// through the HTTP client's transfers, one for each recipient ------------------- */

static void start_transfer(struct sink_mail *sink);

static bool is_login_code(int code)
{
    return code == 530 || code == 534 || code == 535 || code == 538;
}

static void on_transfer_done(void *arg, const struct smtps_response *response)
{
    struct sink_mail *sink = arg;
    struct sending *sending = sink->first;
    if (response->is_tls_failure) {
        finish_offline(sink, "TLS refused", response->detail);
    } else if (response->is_connect_failure) {
        finish_offline(sink, "no session", response->detail);
    } else if (response->is_session_refused || is_login_code(response->reply_code)) {
        finish_offline(sink, "session refused", response->detail);
    } else if (response->status != STATUS_OK) {
        finish(sink, SEND_TRY_LATER, response->detail);
    } else {
        recipients_answer(&sending->recipients, sending->current, response->reply_code,
                          response->detail);
        start_transfer(sink);
    }
}

/* A recipient who was told to wait stays open: the search goes on behind him. */
static void start_transfer(struct sink_mail *sink)
{
    struct sending *sending = sink->first;
    struct recipient *end = sending->recipients.all + sending->recipients.count;
    sending->current = sending->current == NULL ? sending->recipients.all : sending->current + 1;
    while (sending->current < end && sending->current->state != RECIPIENT_OPEN) {
        sending->current++;
    }
    if (sending->current == end || sink->on_closed != NULL) {
        finish_by_recipients(sink);
        return;
    }
    const struct email_config *email = &sink->config->email;
    struct smtps_request request = {.url = sink->url,
                                    .username = email->username,
                                    .password = email->password,
                                    .from = sink->from,
                                    .to = sending->current->address,
                                    .message = text_span(&sending->mail),
                                    .ca_file = email->ca_file,
                                    .timeout_ms = DEADLINE_MS};
    http_client_send_mail(sink->http, &request, on_transfer_done, sink);
}

/* --- the queue ------------------------------------------------------------------------------ */

static void on_turn(uv_timer_t *timer)
{
    struct sink_mail *sink = timer->data;
    CHECK(sink->first != NULL && !sink->is_sending);
    struct sending *sending = sink->first;
    sink->is_sending = true;
    if (!sending->is_composed) {
        finish(sink, sending->failure.outcome, sending->failure.detail);
    } else if (next_open(sending) == NULL) {
        finish_by_recipients(sink);
    } else if (sink->helper != NULL) {
        start_helper(sink);
    } else {
        start_transfer(sink);
    }
}

static void start_next(struct sink_mail *sink)
{
    if (sink->first != NULL && !sink->is_sending) {
        (void)uv_timer_start(&sink->turn, on_turn, 0, 0);
    }
}

static void sink_mail_send(void *self, const struct delivery *delivery, send_done_fn *on_done,
                           void *arg)
{
    struct sink_mail *sink = self;
    CHECK(delivery->event_count > 0 && sink->on_closed == NULL);
    struct sending *sending = alloc(sizeof *sending);
    *sending =
        (struct sending){.sink = sink, .on_done = on_done, .arg = arg, .arena = arena_create()};
    sending->envelope_id = arena_text(sending->arena, span_of(delivery->events[0].id));
    text_init(&sending->mail, MAIL_BYTES_MAX);
    recipients_init(&sending->recipients, sink->to, sink->config->email.to_count,
                    delivery->progress, sending->arena);
    struct failure why;
    const struct mail_facts facts = {.sink = sink->config,
                                     .config = *sink->whole_config,
                                     .from = sink->from,
                                     .to = sink->to,
                                     .delivery = delivery,
                                     .now_wall_ms = read_clock(sink).wall_ms};
    sending->is_composed = mail_compose(&facts, &sending->mail, &why) == STATUS_OK;
    if (!sending->is_composed) {
        sending->failure.outcome = SEND_REJECTED;
        sending->failure.detail = arena_text(sending->arena, span_of(why.detail));
    }
    if (sink->last != NULL) {
        sink->last->next = sending;
    } else {
        sink->first = sending;
    }
    sink->last = sending;
    start_next(sink);
}

/* --- opening and closing -------------------------------------------------------------------- */

/* Mails that never got their turn end with the last handle; a running one has ended before it. */
static void ended(struct sink_mail *sink)
{
    CHECK(sink->open_count > 0);
    sink->open_count--;
    if (sink->open_count > 0) {
        return;
    }
    while (sink->first != NULL) {
        sink->is_sending = true;
        tell(sink, SEND_TRY_LATER, "the sink was closed");
    }
    closed_fn *on_closed = sink->on_closed;
    void *arg = sink->closed_arg;
    arena_destroy(sink->arena);
    free(sink);
    on_closed(arg);
}

static void on_helper_closed(void *arg)
{
    ended(arg);
}

static void on_turn_closed(uv_handle_t *handle)
{
    ended(handle->data);
}

static void sink_mail_close(void *self, closed_fn *on_closed, void *arg)
{
    struct sink_mail *sink = self;
    CHECK(sink->on_closed == NULL);
    sink->on_closed = on_closed;
    sink->closed_arg = arg;
    sink->open_count = 1;
    if (sink->helper != NULL) {
        sink->open_count++;
        helper_close(sink->helper, on_helper_closed, sink);
    } else if (sink->is_sending) {
        sink->open_count++;
        http_client_cancel_mail(sink->http, sink);
    }
    uv_close((uv_handle_t *)&sink->turn, on_turn_closed);
}

static enum status take_mailbox(struct sink_mail *sink, const char *mailbox, const char **out,
                                struct failure *why)
{
    struct text address;
    text_init(&address, 512);
    enum status status = mime_check_mailbox(mailbox, &address, why);
    if (status == STATUS_OK) {
        *out = arena_text(sink->arena, text_span(&address));
    }
    text_fini(&address);
    return status;
}

static enum status take_mailboxes(struct sink_mail *sink, struct failure *why)
{
    const struct email_config *email = &sink->config->email;
    if (email->to_count > MAIL_RECIPIENT_COUNT_MAX) {
        return fail(why, STATUS_INVALID,
                    "sink %s: to: %zu recipients; at most %d are possible, use a mailing list",
                    sink->config->name, email->to_count, MAIL_RECIPIENT_COUNT_MAX);
    }
    const char **to = arena_array(sink->arena, email->to_count, sizeof *to);
    enum status status = take_mailbox(sink, email->from, &sink->from, why);
    for (size_t i = 0; i < email->to_count && status == STATUS_OK; i++) {
        status = take_mailbox(sink, email->to[i], &to[i], why);
    }
    sink->to = to;
    return status;
}

/* libesmtp takes the first colon for the one before the port. */
static enum status choose_transport(struct sink_mail *sink,
                                    const struct sink_environment *environment, struct failure *why)
{
    const struct email_config *email = &sink->config->email;
    if (email->is_implicit_tls) {
        sink->url = mail_server_url(email, sink->hello_name, sink->arena);
        return STATUS_OK;
    }
    if (strchr(email->server_host, ':') != NULL) {
        return fail(why, STATUS_INVALID,
                    "sink %s: server: %s: smtp:// cannot use an IPv6 address; give its host name",
                    sink->config->name, email->server_host);
    }
    sink->helper = helper_create(environment->uv, "mail");
    return STATUS_OK;
}

enum status sink_mail_open(const struct sink_config *config,
                           const struct sink_environment *environment, struct sink_port *out,
                           struct failure *why)
{
    static const struct sink_ops ops = {
        .kind = "email", .send = sink_mail_send, .close = sink_mail_close};
    struct sink_mail *sink = alloc(sizeof *sink);
    sink->config = config;
    sink->whole_config = environment->config;
    sink->uv = environment->uv;
    sink->http = environment->http;
    sink->arena = arena_create();
    sink->hello_name = mail_server_hello_name(sink->arena);
    enum status status = take_mailboxes(sink, why);
    if (status == STATUS_OK) {
        status = choose_transport(sink, environment, why);
    }
    if (status != STATUS_OK) {
        arena_destroy(sink->arena);
        free(sink);
        return status;
    }
    (void)uv_timer_init(environment->uv, &sink->turn);
    sink->turn.data = sink;
    *out = (struct sink_port){.self = sink, .ops = &ops};
    return STATUS_OK;
}
