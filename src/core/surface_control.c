/* What an operator changes: parked deliveries, sources, sinks. */
#include "surface_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TEST_PATIENCE_MS 30000

/* NAME/ACTION of a path; name is to be freed. */
struct target {
    char *name;
    const char *action;
};

static struct target target_of(const struct call *call)
{
    const char *slash = strrchr(call->rest, '/');
    if (slash == NULL) {
        return (struct target){.name = alloc_text(call->rest), .action = ""};
    }
    struct target target = {.name = alloc_text(call->rest), .action = slash + 1};
    target.name[slash - call->rest] = '\0';
    return target;
}

static void refuse_action(const struct call *call, const char *action, const char *accepted)
{
    answer_problem(call->surface, call->exchange, 404, "%.100s: no such action; there is %s",
                   action[0] != '\0' ? action : "nothing", accepted);
}

/* --- parked deliveries ------------------------------------------------------------------------ */

#define PARKED_LISTED "/api/v1/deliveries?status=parked lists those that"

struct repair_inquiry {
    struct inquiry inquiry;
    int64_t id;
};

static void give_up_repair(struct inquiry *inquiry)
{
    answer_store_problem(inquiry->surface, inquiry_take(inquiry), STATUS_UNAVAILABLE,
                         "it takes too long; look at the delivery before another try");
}

static void answer_changed(struct surface *surface, struct http_exchange *exchange, int64_t id,
                           size_t count)
{
    if (count == 0) {
        answer_problem(surface, exchange, 404,
                       "no parked delivery has the id %" PRId64 "; " PARKED_LISTED " are", id);
        return;
    }
    struct text body;
    text_init(&body, 256);
    text_addf(&body, "{\"id\":%" PRId64 ",\"changed\":%zu}", id, count);
    answer_json(surface, exchange, 200, text_span(&body));
    text_fini(&body);
}

static void on_repaired(void *arg, enum status status, const char *detail, size_t count)
{
    struct repair_inquiry *asked = arg;
    struct surface *surface = asked->inquiry.surface;
    if (status == STATUS_OK && !surface->is_closed) {
        dispatcher_expect_news(monitor_dispatcher(surface->options.monitor));
    }
    if (inquiry_is_open(&asked->inquiry)) {
        struct http_exchange *exchange = inquiry_take(&asked->inquiry);
        if (status == STATUS_OK) {
            answer_changed(surface, exchange, asked->id, count);
        } else {
            answer_store_problem(surface, exchange, status, detail);
        }
    }
    inquiry_end(&asked->inquiry);
}

static bool read_id(const char *text, int64_t *out)
{
    size_t size = strlen(text);
    if (size == 0 || size > 18 || strspn(text, "0123456789") != size) {
        return false;
    }
    *out = strtoll(text, NULL, 10);
    return true;
}

void surface_drop(struct surface *surface, const int64_t *ids, size_t count,
                  store_changed_fn *on_done, void *arg)
{
    const struct config *config = surface->options.config;
    const char **sink_names = alloc_array(config->sink_count + 1, sizeof(const char *));
    for (size_t i = 0; i < config->sink_count; i++) {
        sink_names[i] = config->sinks[i].name;
    }
    const struct drop_request request = {.ids = ids,
                                         .count = count,
                                         .sink_names = sink_names,
                                         .sink_count = config->sink_count,
                                         .now_wall_ms = surface->now.wall_ms};
    surface->options.query.drop(surface->options.query.self, &request, on_done, arg);
    free(sink_names);
}

static void repair(const struct call *call, int64_t id, bool is_retry)
{
    struct surface *surface = call->surface;
    struct repair_inquiry *asked = (struct repair_inquiry *)inquiry_create(call, sizeof *asked);
    asked->inquiry.give_up = give_up_repair;
    asked->id = id;
    LOG_INFO(is_retry ? "delivery_retried" : "delivery_dropped", log_number("delivery", id));
    const struct query_port query = surface->options.query;
    if (is_retry) {
        query.retry_parked(query.self, &id, 1, surface->now.wall_ms, on_repaired, asked);
        return;
    }
    surface_drop(surface, &id, 1, on_repaired, asked);
}

void serve_delivery_action(const struct call *call)
{
    struct target target = target_of(call);
    int64_t id = 0;
    bool is_retry = strcmp(target.action, "retry") == 0;
    if (!is_retry && strcmp(target.action, "drop") != 0) {
        refuse_action(call, target.action, "/api/v1/deliveries/ID/retry and /drop");
    } else if (!read_id(target.name, &id)) {
        answer_problem(call->surface, call->exchange, 404,
                       "%.100s: not the id of a delivery; " PARKED_LISTED " can be repaired",
                       target.name);
    } else {
        repair(call, id, is_retry);
    }
    free(target.name);
}

/* --- sources ---------------------------------------------------------------------------------- */

static void answer_done(const struct call *call, const char *kind, const struct target *target)
{
    struct text body;
    text_init(&body, 1024);
    struct json_writer writer = {.out = &body};
    json_write_open(&writer, NULL, '{');
    json_write_text(&writer, kind, target->name);
    json_write_text(&writer, "done", target->action);
    json_write_close(&writer, '}');
    LOG_INFO("operator", log_text(kind, target->name), log_text("does", target->action));
    answer_json(call->surface, call->exchange, 200, text_span(&body));
    text_fini(&body);
}

static void act_on_source(const struct call *call, const struct target *target, size_t index)
{
    struct poller *poller = monitor_poller(call->surface->options.monitor, index);
    if (strcmp(target->action, "release") == 0) {
        struct poller_status status = poller_status(poller);
        if (!status.is_held && !status.is_empty_doubted) {
            answer_problem(call->surface, call->exchange, 409, "source %s: nothing is held",
                           target->name);
            return;
        }
        poller_release(poller);
    } else if (strcmp(target->action, "pause") == 0) {
        poller_pause(poller, true);
    } else if (strcmp(target->action, "resume") == 0) {
        poller_pause(poller, false);
    } else if (strcmp(target->action, "sweep") == 0) {
        poller_sweep_now(poller);
    } else {
        refuse_action(call, target->action, "release, pause, resume, sweep");
        return;
    }
    answer_done(call, "source", target);
}

static void add_name(struct text *names, const char *name)
{
    text_addf(names, "%s%s", names->size != 0 ? ", " : "", name);
}

void serve_source_action(const struct call *call)
{
    const struct config *config = call->surface->options.config;
    struct target target = target_of(call);
    struct text names;
    text_init(&names, 8192);
    size_t index = 0;
    while (index < config->source_count && strcmp(config->sources[index].name, target.name) != 0) {
        add_name(&names, config->sources[index++].name);
    }
    if (index < config->source_count) {
        act_on_source(call, &target, index);
    } else {
        answer_problem(call->surface, call->exchange, 404, "%.100s: no such source; there is %s",
                       target.name, text_cstr(&names));
    }
    text_fini(&names);
    free(target.name);
}

/* --- sinks ------------------------------------------------------------------------------------ */

struct test_inquiry {
    struct inquiry inquiry;
    struct arena *arena; /* of its event */
};

static void destroy_test(struct inquiry *inquiry)
{
    struct test_inquiry *asked = (struct test_inquiry *)inquiry;
    arena_destroy(asked->arena);
    free(asked);
}

static void give_up_test(struct inquiry *inquiry)
{
    answer_problem(inquiry->surface, inquiry_take(inquiry), 503,
                   "the receiver has not answered within %d s", TEST_PATIENCE_MS / 1000);
}

static const char *outcome_name(enum send_outcome outcome)
{
    switch (outcome) {
    case SEND_ACCEPTED:
        return "accepted";
    case SEND_TRY_LATER:
        return "try later";
    case SEND_OFFLINE:
        return "offline";
    case SEND_REJECTED:
    case SEND_DIVIDE:
        return "rejected";
    case SEND_GONE:
        return "gone";
    }
    CHECK(!"an outcome that does not exist");
}

static void on_tested(void *arg, const struct send_result *result)
{
    struct test_inquiry *asked = arg;
    if (inquiry_is_open(&asked->inquiry)) {
        struct text body;
        text_init(&body, 65536);
        struct json_writer writer = {.out = &body};
        json_write_open(&writer, NULL, '{');
        json_write_raw(&writer, "accepted",
                       span_of(result->outcome == SEND_ACCEPTED ? "true" : "false"));
        json_write_text(&writer, "outcome", outcome_name(result->outcome));
        json_write_text(&writer, "detail", result->detail);
        json_write_close(&writer, '}');
        answer_json(asked->inquiry.surface, inquiry_take(&asked->inquiry), 200, text_span(&body));
        text_fini(&body);
    }
    inquiry_end(&asked->inquiry);
}

static void compose_test(const struct surface *surface, const char *sink_name, struct arena *arena,
                         struct event *out)
{
    const char *extra = arena_format(arena, "\"test\":true,\"sink\":{\"name\":\"%s\"}", sink_name);
    const struct event_facts facts = {.type = EVENT_TEST,
                                      .severity = SEVERITY_INFO,
                                      .sink_name = sink_name,
                                      .sequence = (uint64_t)surface->now.wall_ms,
                                      .wall_ms = surface->now.wall_ms,
                                      .summary = "Test message of orderwatch: nothing has happened",
                                      .extra_json = span_of(extra)};
    event_compose(&facts, arena, out);
    out->source_name = "";
    out->order_id = out->order_id != NULL ? out->order_id : "";
    out->appointment_id = out->appointment_id != NULL ? out->appointment_id : "";
}

/* Beside the outbox: it is told to nobody else, never stored, and never repeated. */
static void test_sink(const struct call *call, size_t index)
{
    struct surface *surface = call->surface;
    const struct sink_port port = surface->options.sinks[index];
    if (port.ops == NULL) {
        answer_problem(surface, call->exchange, 503,
                       "the sink closes for a reload; try again in a moment");
        return;
    }
    struct test_inquiry *asked = (struct test_inquiry *)inquiry_create(call, sizeof *asked);
    asked->inquiry.give_up = give_up_test;
    asked->inquiry.destroy = destroy_test;
    asked->inquiry.deadline_mono_ms = surface->now.mono_ms + TEST_PATIENCE_MS;
    asked->arena = arena_create();
    const char *sink_name = surface->options.config->sinks[index].name;
    struct event *event = arena_alloc(asked->arena, sizeof *event);
    compose_test(surface, sink_name, asked->arena, event);
    const struct delivery delivery = {.sink_name = sink_name,
                                      .lane = "test",
                                      .created_wall_ms = surface->now.wall_ms,
                                      .first_due_wall_ms = surface->now.wall_ms,
                                      .progress = "",
                                      .events = event,
                                      .event_count = 1,
                                      .event_total = 1,
                                      .severity_counts = {[SEVERITY_INFO] = 1}};
    LOG_INFO("operator", log_text("sink", sink_name), log_text("does", "test"));
    port.ops->send(port.self, &delivery, on_tested, asked);
}

static void act_on_sink(const struct call *call, const struct target *target, size_t index)
{
    struct dispatcher *dispatcher = monitor_dispatcher(call->surface->options.monitor);
    if (strcmp(target->action, "test") == 0) {
        test_sink(call, index);
        return;
    }
    if (strcmp(target->action, "pause") == 0) {
        dispatcher_pause(dispatcher, index, true);
    } else if (strcmp(target->action, "resume") == 0) {
        dispatcher_pause(dispatcher, index, false);
        dispatcher_resume(dispatcher, index);
    } else {
        refuse_action(call, target->action, "pause, resume, test");
        return;
    }
    answer_done(call, "sink", target);
}

void serve_sink_action(const struct call *call)
{
    const struct config *config = call->surface->options.config;
    struct target target = target_of(call);
    struct text names;
    text_init(&names, 8192);
    size_t index = 0;
    while (index < config->sink_count && strcmp(config->sinks[index].name, target.name) != 0) {
        add_name(&names, config->sinks[index++].name);
    }
    if (index < config->sink_count) {
        act_on_sink(call, &target, index);
    } else {
        answer_problem(call->surface, call->exchange, 404, "%.100s: no such sink; there is %s",
                       target.name, text_cstr(&names));
    }
    text_fini(&names);
    free(target.name);
}
