/* POST /-/reload: what changed, or every problem of the configuration. */
#include "surface_internal.h"

/* Sinks that are changed may take their grace time to end what is in flight. */
#define RELOAD_PATIENCE_MS (2 * HOUR_MS)

static void give_up_reload(struct inquiry *inquiry)
{
    answer_problem(inquiry->surface, inquiry_take(inquiry), 503,
                   "the reload takes too long; the log tells how it ends");
}

static void add_change(struct json_writer *writer, const struct config_change *change)
{
    json_write_open(writer, NULL, '{');
    json_write_text(writer, "change", change_kind_name(change->kind));
    json_write_text(writer, "section", change->section);
    json_write_text(writer, "name", change->name[0] != '\0' ? change->name : NULL);
    json_write_text(writer, "keys", change->keys[0] != '\0' ? change->keys : NULL);
    json_write_close(writer, '}');
}

static void answer_changes(struct surface *surface, struct http_exchange *exchange,
                           const struct config_changes *changes)
{
    struct text body;
    text_init(&body, ANSWER_BYTES_MAX);
    struct json_writer writer = {.out = &body};
    json_write_open(&writer, NULL, '{');
    json_write_raw(&writer, "reloaded", span_of("true"));
    json_write_open(&writer, "changes", '[');
    for (size_t i = 0; i < changes->count; i++) {
        add_change(&writer, &changes->items[i]);
    }
    json_write_close(&writer, ']');
    json_write_close(&writer, '}');
    answer_json(surface, exchange, 200, text_span(&body));
    text_fini(&body);
}

static void on_reloaded(void *arg, const struct reload_result *result)
{
    struct inquiry *inquiry = arg;
    struct surface *surface = inquiry->surface;
    if (!inquiry_is_open(inquiry)) {
        inquiry_end(inquiry);
        return;
    }
    struct http_exchange *exchange = inquiry_take(inquiry);
    if (result->outcome == RELOAD_DONE) {
        answer_changes(surface, exchange, result->changes);
    } else {
        bool is_refused = result->outcome == RELOAD_REFUSED;
        answer_problems(surface, exchange, is_refused ? 422 : 503, result->problems,
                        result->problem_count);
    }
    inquiry_end(inquiry);
}

void serve_reload(const struct call *call)
{
    static const char *const none[] = {NULL};
    struct surface *surface = call->surface;
    if (!call_accepts(call, none)) {
        return;
    }
    struct inquiry *asked = inquiry_create(call, sizeof *asked);
    asked->give_up = give_up_reload;
    asked->deadline_mono_ms = surface->now.mono_ms + RELOAD_PATIENCE_MS;
    LOG_INFO("operator", log_text("does", "reload"));
    surface->options.reload.start(surface->options.reload.self, on_reloaded, asked);
}
