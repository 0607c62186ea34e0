#include "edge/format_trial.h"

#include "core/arena.h"
#include "core/event_sample.h"
#include "core/format_input.h"
#include "core/glob.h"
#include "core/hash.h"
#include "core/shaped_request.h"
#include "core/text.h"
#include "shape.h"

#include <uv.h>

#include <stdlib.h>
#include <string.h>

#define JSON_BYTES_MAX ((size_t)2 * EVENT_BYTES_MAX)
#define SKIPPED_SHOWN_MAX 300
#define SKIPPED_BYTES_MAX 1200

/* One sink's format on its way through the types, each as an event without and with a ticket. */
struct trial {
    const struct config *config;
    size_t sink_index;
    struct shape *shape;
    struct arena *arena;
    size_t step;
    bool is_closed, reads_ticket_id;
    struct failure why;  /* STATUS_OK: none failed */
    struct text skipped; /* the types that it gave nothing for */
};

#define STEP_COUNT ((size_t)EVENT_TYPE_COUNT * 2)

static const struct sink_config *sink_of(const struct trial *trial)
{
    return &trial->config->sinks[trial->sink_index];
}

static enum event_type type_of(const struct trial *trial)
{
    return (enum event_type)(trial->step / 2);
}

static bool leads_to(const struct route_config *route, size_t sink_index)
{
    for (size_t i = 0; i < route->sink_count; i++) {
        if (route->sinks[i] == sink_index) {
            return true;
        }
    }
    return false;
}

static bool takes(const struct route_config *route, enum event_type type)
{
    for (size_t i = 0; i < route->type_count; i++) {
        if (glob_matches(route->types[i], event_type_name(type))) {
            return true;
        }
    }
    return false;
}

/* A sink without a route is tried with everything: it will get one. */
static bool is_routed(const struct trial *trial, enum event_type type)
{
    bool has_route = false;
    for (size_t i = 0; i < trial->config->route_count; i++) {
        const struct route_config *route = &trial->config->routes[i];
        if (!leads_to(route, trial->sink_index)) {
            continue;
        }
        has_route = true;
        if (takes(route, type)) {
            return true;
        }
    }
    return !has_route;
}

static void start_step(struct trial *trial);

static void note_outcome(struct trial *trial, const struct shape_result *result)
{
    const char *type = event_type_name(type_of(trial));
    struct shaped_request request;
    struct failure why;
    if (result->outcome == SHAPE_MADE) {
        if (shaped_request_read(result->output, &sink_of(trial)->webhook, trial->arena, &request,
                                &why) != STATUS_OK) {
            (void)fail(&trial->why, STATUS_INVALID, "the format fails on %s: %s", type, why.detail);
        }
    } else if (result->outcome == SHAPE_EMPTY) {
        if (trial->step % 2 == 0) {
            text_addf(&trial->skipped, "%s%s", trial->skipped.size != 0 ? ", " : "", type);
        }
    } else if (result->outcome == SHAPE_BROKEN) {
        (void)fail(&trial->why, STATUS_INVALID, "%s", result->detail);
    } else {
        (void)fail(&trial->why, STATUS_INVALID, "the format fails on %s: %s", type, result->detail);
    }
}

static void on_closed(void *arg)
{
    ((struct trial *)arg)->is_closed = true;
}

static void on_shaped(void *arg, const struct shape_result *result)
{
    struct trial *trial = arg;
    note_outcome(trial, result);
    trial->step++;
    start_step(trial);
}

static void start_step(struct trial *trial)
{
    while (trial->step < STEP_COUNT && !is_routed(trial, type_of(trial))) {
        trial->step++;
    }
    if (trial->step == STEP_COUNT || trial->why.status != STATUS_OK) {
        shape_close(trial->shape, on_closed, trial);
        return;
    }
    arena_reset(trial->arena);
    struct event event;
    struct ticket tickets[TICKET_COUNT_MAX];
    event_sample(type_of(trial), trial->arena, &event);
    (void)ticket_plan(NULL, &event, trial->arena, tickets);
    tickets[0].id = trial->step % 2 == 0 ? NULL : "17";
    struct text json;
    struct text input;
    text_init(&json, JSON_BYTES_MAX);
    text_init(&input, 2 * JSON_BYTES_MAX);
    CHECK(event_add_filtered(&event, &sink_of(trial)->fields, &json, NULL) == STATUS_OK);
    format_input_add(&input, text_span(&json), sink_of(trial), &tickets[0]);
    CHECK(input.status == STATUS_OK);
    shape_start(trial->shape, text_span(&input), on_shaped, trial);
    text_fini(&json);
    text_fini(&input);
}

static void tell(const struct trial *trial, struct problem_list *problems)
{
    const struct webhook_config *webhook = &sink_of(trial)->webhook;
    const struct node where = {.file = webhook->format_file,
                               .line = webhook->format_line,
                               .column = webhook->format_column};
    char path[64];
    (void)snprintf(path, sizeof path, "sinks[%zu].webhook.format", trial->sink_index);
    if (trial->why.status == STATUS_OK && trial->reads_ticket_id && webhook->ticket_id == NULL) {
        problem_warn(problems, &where, path,
                     "the format reads $ticket.id, which is never known without ticket_id: each "
                     "event would open a ticket of its own; say in ticket_id where the answer has "
                     "it, such as /id");
    }
    if (trial->why.status != STATUS_OK) {
        problem_add(problems, &where, path, "%s", trial->why.detail);
    } else if (trial->skipped.size != 0) {
        problem_warn(problems, &where, path,
                     "the format gives nothing for %.*s%s: they would be parked; route only what "
                     "it is for",
                     SKIPPED_SHOWN_MAX, text_cstr(&trial->skipped),
                     trial->skipped.size > SKIPPED_SHOWN_MAX ? "…" : "");
    }
}

static void run(struct trial *trial, struct problem_list *problems)
{
    const char *format = sink_of(trial)->webhook.format;
    struct text program;
    if (shape_read_program(format, &program, &trial->why) != STATUS_OK) {
        tell(trial, problems);
        return;
    }
    uv_loop_t loop;
    CHECK(uv_loop_init(&loop) == 0);
    trial->arena = arena_create();
    text_init(&trial->skipped, SKIPPED_BYTES_MAX);
    trial->shape = shape_create(&loop, format, text_span(&program));
    trial->reads_ticket_id = strstr(text_cstr(&program), "$ticket.id") != NULL;
    text_fini(&program);
    start_step(trial);
    while (!trial->is_closed) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&loop) == 0);
    tell(trial, problems);
    text_fini(&trial->skipped);
    arena_destroy(trial->arena);
}

enum status format_trial(const struct config *config, struct problem_list *problems)
{
    size_t errors_before = problems->error_count;
    for (size_t i = 0; i < config->sink_count; i++) {
        const struct sink_config *sink = &config->sinks[i];
        if (sink->kind == SINK_WEBHOOK && !shape_is_native(sink->webhook.format)) {
            struct trial trial = {.config = config, .sink_index = i};
            run(&trial, problems);
        }
    }
    problem_list_sort(problems);
    return problems->error_count == errors_before ? STATUS_OK : STATUS_INVALID;
}

uint64_t format_fingerprint(const char *format)
{
    struct text program;
    struct failure why;
    if (shape_is_native(format) || shape_read_program(format, &program, &why) != STATUS_OK) {
        return 0;
    }
    uint64_t fingerprint = hash64(text_span(&program));
    text_fini(&program);
    return fingerprint;
}
