/* The hub of TM Forum's APIs: who registers becomes a sink, durable before it is answered. */
#include "core/hub.h"

#include "surface_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REGISTRATIONS_MAX 100
#define RELOAD_PATIENCE_MS (2 * MINUTE_MS)

#define LEFT_COUNT_MAX 500

struct hub_inquiry;
typedef void hub_step_fn(struct hub_inquiry *asked);

/* A change that waits for the configuration to be read again. */
struct hub_inquiry {
    struct inquiry inquiry;
    struct arena *arena;
    const char *folder, *path; /* of the registrations; of the hub that was asked */
    struct hub_registration registration;
    bool is_removal;
    enum delivery_state dropping;
    hub_step_fn *after_drop;
};

static const char *const hub_paths[] = {
    [HUB_ORDERS] = "/tmf-api/productOrderingManagement/v4/hub",
    [HUB_APPOINTMENTS] = "/tmf-api/appointment/v4/hub",
};

static void destroy_hub_inquiry(struct inquiry *inquiry)
{
    struct hub_inquiry *asked = (struct hub_inquiry *)inquiry;
    arena_destroy(asked->arena);
    free(asked);
}

static void give_up_hub(struct inquiry *inquiry)
{
    answer_problem(inquiry->surface, inquiry_take(inquiry), 503,
                   "the configuration takes too long to be read again; the log tells how it ends");
}

static void answer_registration(struct surface *surface, struct http_exchange *exchange,
                                const char *path, const struct hub_registration *registration)
{
    struct text body;
    struct text location;
    text_init(&body, 65536);
    text_init(&location, 512);
    text_addf(&location, "%s/%s", path, registration->id);
    struct json_writer writer = {.out = &body};
    json_write_open(&writer, NULL, '{');
    json_write_text(&writer, "id", registration->id);
    json_write_text(&writer, "callback", registration->callback);
    json_write_text(&writer, "query", registration->query);
    json_write_close(&writer, '}');
    const struct http_answer answer = {.code = 201,
                                       .content_type = "application/json",
                                       .location = text_cstr(&location),
                                       .body = text_span(&body)};
    surface->options.responder.answer(exchange, &answer);
    text_fini(&location);
    text_fini(&body);
}

/* --- who took its leave gets nothing more ----------------------------------------------------- */

static void drop_next(struct hub_inquiry *asked);

static void end_drop(struct hub_inquiry *asked, enum status status, const char *detail)
{
    if (status != STATUS_OK) {
        LOG_ERROR("deliveries_not_dropped", log_text("sink", HUB_SINK_PREFIX),
                  log_text("id", asked->registration.id), log_text("reason", detail));
    }
    asked->after_drop(asked);
}

static void on_left_dropped(void *arg, enum status status, const char *detail, size_t count)
{
    struct hub_inquiry *asked = arg;
    if (status != STATUS_OK || count == 0) {
        end_drop(asked, status, detail);
    } else {
        drop_next(asked);
    }
}

static void on_left(void *arg, const struct delivery_page *page)
{
    struct hub_inquiry *asked = arg;
    int64_t ids[LEFT_COUNT_MAX];
    if (page->status != STATUS_OK) {
        end_drop(asked, page->status, page->detail);
    } else if (page->count != 0) {
        for (size_t i = 0; i < page->count; i++) {
            ids[i] = page->deliveries[i].id;
        }
        surface_drop(asked->inquiry.surface, ids, page->count, on_left_dropped, asked);
    } else if (asked->dropping == DELIVERY_PENDING) {
        asked->dropping = DELIVERY_PARKED;
        drop_next(asked);
    } else {
        end_drop(asked, STATUS_OK, "");
    }
}

static void drop_next(struct hub_inquiry *asked)
{
    char name[sizeof HUB_SINK_PREFIX + 16];
    (void)snprintf(name, sizeof name, HUB_SINK_PREFIX "%.16s", asked->registration.id);
    const struct query_port query = asked->inquiry.surface->options.query;
    const struct delivery_query left = {
        .sink_name = name, .state = asked->dropping, .limit = LEFT_COUNT_MAX};
    query.list_deliveries(query.self, &left, on_left, asked);
}

/* What was planned for a registration that is not in force. */
static void drop_left(struct hub_inquiry *asked, hub_step_fn *after)
{
    asked->dropping = DELIVERY_PENDING;
    asked->after_drop = after;
    drop_next(asked);
}

/* --- changes ---------------------------------------------------------------------------------- */

static void answer_removal(struct hub_inquiry *asked)
{
    if (inquiry_is_open(&asked->inquiry)) {
        const struct http_answer answer = {.code = 204, .body = span_of("")};
        asked->inquiry.surface->options.responder.answer(inquiry_take(&asked->inquiry), &answer);
    }
    inquiry_end(&asked->inquiry);
}

static void answer_change(struct hub_inquiry *asked, const struct reload_result *result)
{
    struct surface *surface = asked->inquiry.surface;
    struct http_exchange *exchange = inquiry_take(&asked->inquiry);
    if (result->outcome != RELOAD_DONE) {
        answer_problems(surface, exchange, result->outcome == RELOAD_REFUSED ? 422 : 503,
                        result->problems, result->problem_count);
    } else {
        answer_registration(surface, exchange, asked->path, &asked->registration);
    }
}

/* A registration that is not in force is none. One that was taken away goes with the next reload.
 */
static void on_hub_reloaded(void *arg, const struct reload_result *result)
{
    struct hub_inquiry *asked = arg;
    struct failure why;
    if (result->outcome != RELOAD_DONE && !asked->is_removal &&
        asked->inquiry.surface->options.hub.drop(asked->folder, asked->registration.id, &why) !=
            STATUS_OK) {
        LOG_ERROR("registration_not_dropped", log_text("id", asked->registration.id),
                  log_text("reason", why.detail));
    }
    if (result->outcome == RELOAD_DONE && asked->is_removal) {
        drop_left(asked, answer_removal);
        return;
    }
    if (inquiry_is_open(&asked->inquiry)) {
        answer_change(asked, result);
    }
    inquiry_end(&asked->inquiry);
}

static void reload_for(struct hub_inquiry *asked)
{
    const struct surface *surface = asked->inquiry.surface;
    LOG_INFO("hub", log_text("does", asked->is_removal ? "remove" : "register"),
             log_text("sink", HUB_SINK_PREFIX), log_text("id", asked->registration.id));
    surface->options.reload.start(surface->options.reload.self, on_hub_reloaded, asked);
}

static struct hub_inquiry *begin(const struct call *call, enum hub_api api)
{
    const struct hub_config *hub = &call->surface->options.config->hub;
    struct hub_inquiry *asked = (struct hub_inquiry *)inquiry_create(call, sizeof *asked);
    asked->inquiry.give_up = give_up_hub;
    asked->inquiry.destroy = destroy_hub_inquiry;
    asked->inquiry.deadline_mono_ms = call->surface->now.mono_ms + RELOAD_PATIENCE_MS;
    asked->arena = arena_create();
    asked->folder = arena_text(asked->arena, span_of(hub->folder));
    asked->path = hub_paths[api];
    return asked;
}

static void refuse(struct hub_inquiry *asked, int code, const struct failure *why)
{
    answer_problem(asked->inquiry.surface, inquiry_take(&asked->inquiry), code, "%s", why->detail);
    inquiry_end(&asked->inquiry);
}

static bool is_there(const struct config *config, const char *id)
{
    char name[sizeof HUB_SINK_PREFIX + 16];
    (void)snprintf(name, sizeof name, HUB_SINK_PREFIX "%.16s", id);
    return config_sink(config, name) != NULL;
}

static size_t count_registrations(const struct config *config)
{
    size_t count = 0;
    for (size_t i = 0; i < config->sink_count; i++) {
        const char *name = config->sinks[i].name;
        count += strncmp(name, HUB_SINK_PREFIX, strlen(HUB_SINK_PREFIX)) == 0 &&
                 hub_is_id(name + strlen(HUB_SINK_PREFIX));
    }
    return count;
}

static enum status keep(struct hub_inquiry *asked, struct failure *why)
{
    const struct surface *surface = asked->inquiry.surface;
    struct text yaml;
    text_init(&yaml, 65536);
    hub_add_yaml(&asked->registration, &surface->options.config->hub, &yaml);
    enum status status =
        surface->options.hub.keep(asked->folder, asked->registration.id, text_span(&yaml), why);
    text_fini(&yaml);
    return status;
}

/* An earlier registration of the same may have ended with the daemon before all was dropped. */
static void begin_registration(struct hub_inquiry *asked)
{
    struct failure why = {0};
    if (!inquiry_is_open(&asked->inquiry)) {
        inquiry_end(&asked->inquiry);
    } else if (keep(asked, &why) != STATUS_OK) {
        refuse(asked, 503, &why);
    } else {
        reload_for(asked);
    }
}

static void register_at(const struct call *call, enum hub_api api)
{
    const struct config *config = call->surface->options.config;
    struct hub_inquiry *asked = begin(call, api);
    struct failure why = {0};
    if (hub_read(call->query->body, api, &config->hub, asked->arena, &asked->registration, &why) !=
        STATUS_OK) {
        refuse(asked, 400, &why);
    } else if (is_there(config, asked->registration.id)) {
        answer_registration(call->surface, inquiry_take(&asked->inquiry), asked->path,
                            &asked->registration);
        inquiry_end(&asked->inquiry);
    } else if (count_registrations(config) >= REGISTRATIONS_MAX) {
        (void)fail(&why, STATUS_FULL, "there are %d registrations already; DELETE one first",
                   REGISTRATIONS_MAX);
        refuse(asked, 409, &why);
    } else {
        drop_left(asked, begin_registration);
    }
}

static void remove_at(const struct call *call, enum hub_api api)
{
    struct hub_inquiry *asked = begin(call, api);
    struct failure why = {0};
    enum status status = hub_is_id(call->rest)
                             ? call->surface->options.hub.drop(asked->folder, call->rest, &why)
                             : STATUS_NOT_FOUND;
    if (status == STATUS_NOT_FOUND) {
        (void)fail(&why, status, "%.40s: no such registration; accepted: the id of one",
                   call->rest);
        refuse(asked, 404, &why);
    } else if (status != STATUS_OK) {
        refuse(asked, 503, &why);
    } else {
        asked->is_removal = true;
        memcpy(asked->registration.id, call->rest, sizeof asked->registration.id);
        reload_for(asked);
    }
}

/* True: there is one, and nothing is asked that it does not know. */
static bool has_hub(const struct call *call)
{
    static const char *const none[] = {NULL};
    if (call->surface->options.config->hub.callback_count == 0) {
        answer_problem(call->surface, call->exchange, 404,
                       "there is no hub; http.hub of the configuration makes one");
        return false;
    }
    return call_accepts(call, none);
}

void serve_order_hub(const struct call *call)
{
    if (has_hub(call)) {
        register_at(call, HUB_ORDERS);
    }
}

void serve_order_hub_delete(const struct call *call)
{
    if (has_hub(call)) {
        remove_at(call, HUB_ORDERS);
    }
}

void serve_appointment_hub(const struct call *call)
{
    if (has_hub(call)) {
        register_at(call, HUB_APPOINTMENTS);
    }
}

void serve_appointment_hub_delete(const struct call *call)
{
    if (has_hub(call)) {
        remove_at(call, HUB_APPOINTMENTS);
    }
}
