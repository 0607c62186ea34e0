/* Silences: listed, made, ended. What they do is the silencer's. */
#include "core/glob.h"
#include "core/json.h"
#include "core/silencer.h"

#include "surface_internal.h"

#include <stdlib.h>
#include <string.h>

static struct silencer *silencer_of(const struct surface *surface)
{
    return monitor_silencer(surface->options.monitor);
}

void serve_silences(const struct call *call)
{
    static const char *const names[] = {"after", "limit", NULL};
    size_t limit = 0;
    if (!call_accepts(call, names) || !call_limit(call, &limit)) {
        return;
    }
    const struct silence_list *list = silencer_list(silencer_of(call->surface));
    const char *after = call_parameter(call, "after");
    size_t index = 0;
    while (after != NULL && index < list->count && strcmp(list->items[index].id, after) != 0) {
        index++;
    }
    index += after != NULL && index < list->count ? 1 : 0;
    struct text body;
    text_init(&body, ANSWER_BYTES_MAX);
    struct json_writer writer = {.out = &body};
    json_write_open(&writer, NULL, '{');
    json_write_open(&writer, "items", '[');
    size_t end = list->count - index > limit ? index + limit : list->count;
    for (size_t i = index; i < end; i++) {
        silence_write(&list->items[i], &writer, NULL);
    }
    json_write_close(&writer, ']');
    if (end < list->count) {
        json_write_text(&writer, "next", list->items[end - 1].id);
    } else {
        json_write_raw(&writer, "next", span_of("null"));
    }
    json_write_close(&writer, '}');
    answer_json(call->surface, call->exchange, 200, text_span(&body));
    text_fini(&body);
}

static void give_up(struct inquiry *inquiry)
{
    answer_store_problem(inquiry->surface, inquiry_take(inquiry), STATUS_UNAVAILABLE,
                         "it takes too long; look at the silences before another try");
}

static void on_silenced(void *arg, enum status status, const char *id, const char *detail)
{
    struct inquiry *inquiry = arg;
    if (inquiry_is_open(inquiry) && status != STATUS_OK) {
        answer_store_problem(inquiry->surface, inquiry_take(inquiry), status, detail);
    } else if (inquiry_is_open(inquiry)) {
        struct text body;
        text_init(&body, 4096);
        struct json_writer writer = {.out = &body};
        json_write_open(&writer, NULL, '{');
        json_write_text(&writer, "id", id);
        json_write_close(&writer, '}');
        answer_json(inquiry->surface, inquiry_take(inquiry), 200, text_span(&body));
        text_fini(&body);
    }
    inquiry_end(inquiry);
}

static int code_of(enum status status)
{
    switch (status) {
    case STATUS_INVALID:
    case STATUS_TOO_LARGE:
        return 400;
    case STATUS_NOT_FOUND:
        return 404;
    case STATUS_BUSY:
    case STATUS_FULL:
        return 409;
    case STATUS_OK:
    case STATUS_UNAVAILABLE:
    case STATUS_CORRUPT:
        break;
    }
    return 503;
}

/* Nothing was begun: the silencer does not come back. */
static void refuse(struct inquiry *inquiry, const struct failure *why)
{
    answer_problem(inquiry->surface, inquiry_take(inquiry), code_of(why->status), "%s",
                   why->detail);
    inquiry_end(inquiry);
}

/* A name that is none would silence nothing, and nobody would know. */
static bool names_a_source(const struct call *call, const char *pattern)
{
    const struct config *config = call->surface->options.config;
    struct text names;
    text_init(&names, 4096);
    bool is_known = pattern == NULL || pattern[0] == '\0' || !glob_is_valid(pattern);
    for (size_t i = 0; i < config->source_count && !is_known; i++) {
        is_known = glob_matches(pattern, config->sources[i].name);
        text_addf(&names, "%s%s", i != 0 ? ", " : "", config->sources[i].name);
    }
    if (!is_known) {
        answer_problem(call->surface, call->exchange, 400,
                       "source: %.80s is none; there is %s; * and ? stand for anything", pattern,
                       text_cstr(&names));
    }
    text_fini(&names);
    return is_known;
}

void serve_silence_add(const struct call *call)
{
    struct json *document = NULL;
    struct failure why = {0};
    if (json_parse(call->query->body, &document, &why) != STATUS_OK) {
        answer_problem(call->surface, call->exchange, 400, "%s", why.detail);
        return;
    }
    if (!names_a_source(call, json_member_text(document, "source"))) {
        json_destroy(document);
        return;
    }
    struct inquiry *inquiry = inquiry_create(call, sizeof *inquiry);
    inquiry->give_up = give_up;
    if (silencer_add(silencer_of(call->surface), document, call->surface->now.wall_ms, on_silenced,
                     inquiry, &why) != STATUS_OK) {
        refuse(inquiry, &why);
    }
    json_destroy(document);
}

static void end_silence(const struct call *call, const char *id)
{
    struct inquiry *inquiry = inquiry_create(call, sizeof *inquiry);
    inquiry->give_up = give_up;
    struct failure why = {0};
    if (silencer_end(silencer_of(call->surface), id, call->surface->now.wall_ms, on_silenced,
                     inquiry, &why) != STATUS_OK) {
        refuse(inquiry, &why);
    }
}

void serve_silence_delete(const struct call *call)
{
    end_silence(call, call->rest);
}

void serve_silence_end(const struct call *call)
{
    const char *slash = strrchr(call->rest, '/');
    if (slash == NULL || strcmp(slash, "/end") != 0) {
        answer_problem(call->surface, call->exchange, 404,
                       "no such action; there is /api/v1/silences/ID/end");
        return;
    }
    char *id = strndup(call->rest, (size_t)(slash - call->rest));
    CHECK(id != NULL);
    end_silence(call, id);
    free(id);
}
