/* What is erased and what is copied: one order forgotten, a backup of the state. */
#include "core/json.h"

#include "surface_internal.h"

#include <stdlib.h>
#include <string.h>

/* A sweep under way is waited for. */
#define FORGET_PATIENCE_MS 45000
#define BACKUP_PATIENCE_MS INT64_C(3600000)

/* --- forgetting ------------------------------------------------------------------------------- */

struct forget_inquiry {
    struct inquiry inquiry;
    char *source_name, *order_id;
};

static void destroy_forget(struct inquiry *inquiry)
{
    struct forget_inquiry *asked = (struct forget_inquiry *)inquiry;
    free(asked->source_name);
    free(asked->order_id);
    free(asked);
}

static void give_up_forget(struct inquiry *inquiry)
{
    const struct forget_inquiry *asked = (const struct forget_inquiry *)inquiry;
    answer_problem(inquiry->surface, inquiry_take(inquiry), 503,
                   "source %s is still being swept; the order is forgotten after it, look again "
                   "then",
                   asked->source_name);
}

static void answer_forgotten(struct forget_inquiry *asked, const struct forgotten *what)
{
    struct text body;
    text_init(&body, 65536);
    struct json_writer writer = {.out = &body};
    json_write_open(&writer, NULL, '{');
    json_write_text(&writer, "source", asked->source_name);
    json_write_text(&writer, "order", asked->order_id);
    json_write_raw(&writer, "record", span_of(what->order_count != 0 ? "true" : "false"));
    json_write_integer(&writer, "events", (int64_t)what->event_count);
    json_write_integer(&writer, "deliveries", (int64_t)what->delivery_count);
    json_write_integer(&writer, "dropped", (int64_t)what->open_count);
    json_write_integer(&writer, "tickets", (int64_t)what->ticket_count);
    json_write_close(&writer, '}');
    answer_json(asked->inquiry.surface, inquiry_take(&asked->inquiry), 200, text_span(&body));
    text_fini(&body);
}

static void refuse_forget(struct forget_inquiry *asked, enum status status, const char *detail,
                          const struct forgotten *what)
{
    struct surface *surface = asked->inquiry.surface;
    struct http_exchange *exchange = inquiry_take(&asked->inquiry);
    struct text hint;
    text_init(&hint, 512);
    order_add_hint(surface, asked->source_name, asked->order_id, &hint);
    if (status == STATUS_NOT_FOUND) {
        answer_problem(surface, exchange, 404,
                       "nothing is known of order %.200s of source %s; /api/v1/orders lists "
                       "what is",
                       asked->order_id, asked->source_name);
    } else if (status == STATUS_BUSY && what->open_count != 0) {
        answer_problem(surface, exchange, 409,
                       "order %.200s of source %s has %zu deliveries that are pending or parked; "
                       "let them end, or ask for them to be dropped: {\"drop\": true}",
                       asked->order_id, asked->source_name, what->open_count);
    } else if (status == STATUS_BUSY || status == STATUS_FULL) {
        answer_problem(surface, exchange, 409, "%s", detail);
    } else {
        answer_store_problem(surface, exchange, status, detail);
    }
    text_fini(&hint);
}

/* What the sinks remember of it goes too, and lanes go on with what was behind it. */
static void spread_news(const struct surface *surface, const struct forget_inquiry *asked)
{
    for (size_t i = 0; i < surface->options.config->sink_count; i++) {
        const struct sink_port *sink = &surface->options.sinks[i];
        if (sink->ops != NULL && sink->ops->forget != NULL) {
            sink->ops->forget(sink->self, asked->source_name, asked->order_id);
        }
    }
    dispatcher_expect_news(monitor_dispatcher(surface->options.monitor));
}

static void on_forgot(void *arg, enum status status, const char *detail,
                      const struct forgotten *what)
{
    struct forget_inquiry *asked = arg;
    const struct surface *surface = asked->inquiry.surface;
    if (status == STATUS_OK && !surface->is_closed) {
        spread_news(surface, asked);
    }
    if (inquiry_is_open(&asked->inquiry) && status == STATUS_OK) {
        answer_forgotten(asked, what);
    } else if (inquiry_is_open(&asked->inquiry)) {
        refuse_forget(asked, status, detail, what);
    }
    inquiry_end(&asked->inquiry);
}

/* {"drop": true}, or nothing of it. */
static bool read_drop(const struct call *call, bool *out)
{
    struct json *body = NULL;
    struct failure why = {0};
    if (json_parse(call->query->body, &body, &why) != STATUS_OK) {
        answer_problem(call->surface, call->exchange, 400, "%s", why.detail);
        return false;
    }
    const struct json *drop = json_member(body, "drop");
    bool is_good = json_kind(body) == JSON_OBJECT && (drop == NULL || json_kind(drop) == JSON_BOOL);
    *out = is_good && json_member_true(body, "drop");
    json_destroy(body);
    if (!is_good) {
        answer_problem(call->surface, call->exchange, 400,
                       "drop: not accepted; accepted: {\"drop\": true} or {\"drop\": false}");
    }
    return is_good;
}

struct poller *surface_poller(const struct surface *surface, const char *source_name)
{
    const struct config *config = surface->options.config;
    for (size_t i = 0; i < config->source_count; i++) {
        if (strcmp(config->sources[i].name, source_name) == 0) {
            return monitor_poller(surface->options.monitor, i);
        }
    }
    return NULL;
}

/* What a source left behind that is no longer configured can be forgotten too. */
static void begin_forget(struct forget_inquiry *asked, bool drops_open)
{
    const struct surface *surface = asked->inquiry.surface;
    struct poller *poller = surface_poller(surface, asked->source_name);
    struct failure why = {0};
    if (poller == NULL) {
        struct forget_query query = {.source_name = asked->source_name,
                                     .order_id = asked->order_id,
                                     .drops_open = drops_open};
        const struct store_port store = surface->options.store;
        store.forget_order(store.self, &query, on_forgot, asked);
    } else if (poller_forget(poller, asked->order_id, drops_open, on_forgot, asked, &why) !=
               STATUS_OK) {
        static const struct forgotten nothing = {0};
        refuse_forget(asked, why.status, why.detail, &nothing);
        inquiry_end(&asked->inquiry);
    }
}

void serve_order_action(const struct call *call)
{
    static const char *const none[] = {NULL};
    const char *first = strchr(call->rest, '/');
    const char *last = strrchr(call->rest, '/');
    bool drops_open = false;
    if (first == NULL || last == first || strcmp(last, "/forget") != 0) {
        answer_problem(call->surface, call->exchange, 404,
                       "no such action; there is /api/v1/orders/SOURCE/ID/forget");
        return;
    }
    if (!call_accepts(call, none) || !read_drop(call, &drops_open)) {
        return;
    }
    struct forget_inquiry *asked = (struct forget_inquiry *)inquiry_create(call, sizeof *asked);
    asked->inquiry.give_up = give_up_forget;
    asked->inquiry.destroy = destroy_forget;
    asked->inquiry.deadline_mono_ms = call->surface->now.mono_ms + FORGET_PATIENCE_MS;
    asked->source_name = strndup(call->rest, (size_t)(first - call->rest));
    asked->order_id = strndup(first + 1, (size_t)(last - first - 1));
    CHECK(asked->source_name != NULL && asked->order_id != NULL);
    begin_forget(asked, drops_open);
}

/* --- backup ----------------------------------------------------------------------------------- */

static void give_up_backup(struct inquiry *inquiry)
{
    answer_problem(inquiry->surface, inquiry_take(inquiry), 503,
                   "the backup takes too long; it goes on");
}

static void answer_backup(struct inquiry *inquiry, const char *path)
{
    struct text body;
    text_init(&body, 65536);
    struct json_writer writer = {.out = &body};
    json_write_open(&writer, NULL, '{');
    json_write_text(&writer, "file", path);
    json_write_close(&writer, '}');
    answer_json(inquiry->surface, inquiry_take(inquiry), 200, text_span(&body));
    text_fini(&body);
}

static void on_backed_up(void *arg, enum status status, const char *detail)
{
    struct inquiry *inquiry = arg;
    if (status == STATUS_OK) {
        LOG_INFO("backed_up", log_text("file", detail));
    }
    if (inquiry_is_open(inquiry) && status == STATUS_OK) {
        answer_backup(inquiry, detail);
    } else if (inquiry_is_open(inquiry)) {
        bool is_refused = status == STATUS_BUSY || status == STATUS_INVALID;
        answer_problem(inquiry->surface, inquiry_take(inquiry), is_refused ? 409 : 503, "%s",
                       detail);
    }
    inquiry_end(inquiry);
}

/* The daemon writes only beside its state, whoever asks: who may read that may take it away. */
void serve_backup(const struct call *call)
{
    static const char *const none[] = {NULL};
    if (!call_accepts(call, none)) {
        return;
    }
    struct inquiry *inquiry = inquiry_create(call, sizeof *inquiry);
    inquiry->give_up = give_up_backup;
    inquiry->deadline_mono_ms = call->surface->now.mono_ms + BACKUP_PATIENCE_MS;
    LOG_INFO("operator", log_text("does", "backup"));
    const struct query_port query = call->surface->options.query;
    query.backup(query.self, on_backed_up, inquiry);
}
