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
#define URL_BYTES_SHORT 2048 /* any path fits behind it */

struct entrant {
    uint64_t types; /* that are routed to it, as bits */
    bool has_route;
    bool is_told; /* another one like it was tried, as hubs have many */
};

/* One format after the other on its way through the types, each as an event without and with a
 * ticket. */
struct format_trial {
    struct uv_loop_s *uv;
    const struct config *config;
    struct problem_list *problems;
    size_t errors_before;
    struct entrant *entrants; /* one a sink */
    size_t sink_index;        /* of the format now; config->sink_count: over */
    struct shape *shape;      /* NULL: over */
    struct arena *arena;
    size_t step;
    bool is_stopped, reads_ticket_id, reads_sink;
    struct failure why;  /* STATUS_OK: none failed */
    struct text skipped; /* the types that it gave nothing for */
};

#define STEP_COUNT ((size_t)EVENT_TYPE_COUNT * 2)

static const struct sink_config *sink_of(const struct format_trial *trial)
{
    return &trial->config->sinks[trial->sink_index];
}

static enum event_type type_of(const struct format_trial *trial)
{
    return (enum event_type)(trial->step / 2);
}

/* --- what is tried with what ------------------------------------------------------------------ */

_Static_assert(EVENT_TYPE_COUNT <= 64, "a set of types is a number");
#define ALL_TYPES (UINT64_MAX >> (64 - EVENT_TYPE_COUNT))

static bool takes(const struct route_config *route, enum event_type type)
{
    for (size_t i = 0; i < route->type_count; i++) {
        if (glob_matches(route->types[i], event_type_name(type))) {
            return true;
        }
    }
    return false;
}

static uint64_t types_of(const struct route_config *route)
{
    uint64_t types = 0;
    for (size_t i = 0; i < EVENT_TYPE_COUNT; i++) {
        types |= takes(route, (enum event_type)i) ? UINT64_C(1) << i : 0;
    }
    return types;
}

/* A sink without a route is tried with everything: it will get one. */
static void plan_entrants(const struct config *config, struct entrant *entrants)
{
    for (size_t i = 0; i < config->route_count; i++) {
        const struct route_config *route = &config->routes[i];
        uint64_t types = types_of(route);
        for (size_t j = 0; j < route->sink_count; j++) {
            entrants[route->sinks[j]].types |= types;
            entrants[route->sinks[j]].has_route = true;
        }
    }
    for (size_t i = 0; i < config->sink_count; i++) {
        entrants[i].types = entrants[i].has_route ? entrants[i].types : ALL_TYPES;
    }
}

static bool is_routed(const struct format_trial *trial, enum event_type type)
{
    return (trial->entrants[trial->sink_index].types >> type & 1) != 0;
}

static bool are_fields_equal(const struct field_filter *one, const struct field_filter *other)
{
    if (one->names == NULL || other->names == NULL) {
        return one->names == other->names;
    }
    bool are_equal = one->count == other->count;
    for (size_t i = 0; i < one->count && are_equal; i++) {
        are_equal = text_equal(one->names[i], other->names[i]);
    }
    return are_equal;
}

static bool are_settings_equal(const struct webhook_config *one, const struct webhook_config *other)
{
    bool are_equal = one->setting_count == other->setting_count;
    for (size_t i = 0; i < one->setting_count && are_equal; i++) {
        are_equal = text_equal(one->settings[i].name, other->settings[i].name) &&
                    text_equal(one->settings[i].value, other->settings[i].value);
    }
    return are_equal;
}

static bool are_headers_equal(const struct webhook_config *one, const struct webhook_config *other)
{
    bool are_equal = one->header_count == other->header_count;
    for (size_t i = 0; i < one->header_count && are_equal; i++) {
        are_equal = text_equal(one->headers[i].name, other->headers[i].name);
    }
    return are_equal;
}

/* All that the outcome hangs on, but for the sink's name. */
static bool is_alike(const struct format_trial *trial, size_t index)
{
    const struct sink_config *one = sink_of(trial);
    const struct sink_config *other = &trial->config->sinks[index];
    const struct webhook_config *left = &one->webhook;
    const struct webhook_config *right = &other->webhook;
    return other->kind == SINK_WEBHOOK && text_equal(left->format, right->format) &&
           trial->entrants[index].types == trial->entrants[trial->sink_index].types &&
           are_fields_equal(&one->fields, &other->fields) && are_settings_equal(left, right) &&
           are_headers_equal(left, right) && strlen(right->url) < URL_BYTES_SHORT;
}

/* --- the way through the types ---------------------------------------------------------------- */

static void start_step(struct format_trial *trial);

static void note_outcome(struct format_trial *trial, const struct shape_result *result)
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

static void tell_alike(struct format_trial *trial);
static void start_next(struct format_trial *trial);

static void on_closed(void *arg)
{
    struct format_trial *trial = arg;
    trial->shape = NULL;
    if (!trial->is_stopped) {
        tell_alike(trial);
    }
    text_fini(&trial->skipped);
    trial->sink_index++;
    start_next(trial);
}

static void on_shaped(void *arg, const struct shape_result *result)
{
    struct format_trial *trial = arg;
    if (trial->is_stopped) {
        return; /* its shape is closing already */
    }
    note_outcome(trial, result);
    trial->step++;
    start_step(trial);
}

static bool is_under_way(const struct format_trial *trial)
{
    return trial->step < STEP_COUNT && trial->why.status == STATUS_OK;
}

static void start_step(struct format_trial *trial)
{
    while (trial->step < STEP_COUNT && !is_routed(trial, type_of(trial))) {
        trial->step++;
    }
    if (!is_under_way(trial)) {
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

static void tell(const struct format_trial *trial, size_t index)
{
    const struct webhook_config *webhook = &trial->config->sinks[index].webhook;
    const struct node where = {.file = webhook->format_file,
                               .line = webhook->format_line,
                               .column = webhook->format_column};
    char path[64];
    (void)snprintf(path, sizeof path, "sinks[%zu].webhook.format", index);
    if (trial->why.status == STATUS_OK && trial->reads_ticket_id && webhook->ticket_id == NULL) {
        problem_warn(trial->problems, &where, path,
                     "the format reads $ticket.id, which is never known without ticket_id: each "
                     "event would open a ticket of its own; say in ticket_id where the answer has "
                     "it, such as /id");
    }
    if (trial->why.status != STATUS_OK) {
        problem_add(trial->problems, &where, path, "%s", trial->why.detail);
    } else if (trial->skipped.size != 0) {
        problem_warn(trial->problems, &where, path,
                     "the format gives nothing for %.*s%s: they would be parked; route only what "
                     "it is for",
                     SKIPPED_SHOWN_MAX, text_cstr(&trial->skipped),
                     trial->skipped.size > SKIPPED_SHOWN_MAX ? "…" : "");
    }
}

/* What was found holds for each sink that has the same, and is told at its own place. */
static void tell_alike(struct format_trial *trial)
{
    tell(trial, trial->sink_index);
    for (size_t i = trial->sink_index + 1; i < trial->config->sink_count; i++) {
        if (!trial->reads_sink && !trial->entrants[i].is_told && is_alike(trial, i)) {
            trial->entrants[i].is_told = true;
            tell(trial, i);
        }
    }
}

/* False: there is no program to try. */
static bool start_format(struct format_trial *trial)
{
    const char *format = sink_of(trial)->webhook.format;
    struct text program;
    trial->step = 0;
    trial->why.status = STATUS_OK;
    text_init(&trial->skipped, SKIPPED_BYTES_MAX);
    if (shape_read_program(format, &program, &trial->why) != STATUS_OK) {
        tell(trial, trial->sink_index);
        text_fini(&trial->skipped);
        return false;
    }
    trial->shape = shape_create(trial->uv, format, text_span(&program));
    trial->reads_ticket_id = strstr(text_cstr(&program), "$ticket.id") != NULL;
    trial->reads_sink = strstr(text_cstr(&program), "$sink") != NULL;
    text_fini(&program);
    start_step(trial);
    return true;
}

static void start_next(struct format_trial *trial)
{
    while (trial->sink_index < trial->config->sink_count && !trial->is_stopped) {
        const struct sink_config *sink = sink_of(trial);
        bool is_program = sink->kind == SINK_WEBHOOK && !shape_is_native(sink->webhook.format);
        if (is_program && !trial->entrants[trial->sink_index].is_told && start_format(trial)) {
            return;
        }
        trial->sink_index++;
    }
}

struct format_trial *format_trial_start(struct uv_loop_s *uv, const struct config *config,
                                        struct problem_list *problems)
{
    struct format_trial *trial = alloc(sizeof *trial);
    trial->uv = uv;
    trial->config = config;
    trial->problems = problems;
    trial->errors_before = problems->error_count;
    trial->arena = arena_create();
    trial->entrants = alloc_array(config->sink_count + 1, sizeof *trial->entrants);
    plan_entrants(config, trial->entrants);
    start_next(trial);
    return trial;
}

bool format_trial_is_over(const struct format_trial *trial)
{
    return trial->shape == NULL;
}

void format_trial_stop(struct format_trial *trial)
{
    bool is_closing = trial->is_stopped || trial->shape == NULL || !is_under_way(trial);
    trial->is_stopped = true;
    if (!is_closing) {
        shape_close(trial->shape, on_closed, trial);
    }
}

enum status format_trial_end(struct format_trial *trial)
{
    CHECK(format_trial_is_over(trial));
    problem_list_sort(trial->problems);
    enum status status = STATUS_OK;
    if (trial->problems->error_count != trial->errors_before) {
        status = STATUS_INVALID;
    } else if (trial->is_stopped) {
        status = STATUS_UNAVAILABLE;
    }
    arena_destroy(trial->arena);
    free(trial->entrants);
    free(trial);
    return status;
}

enum status format_trial(const struct config *config, struct problem_list *problems)
{
    uv_loop_t loop;
    CHECK(uv_loop_init(&loop) == 0);
    struct format_trial *trial = format_trial_start(&loop, config, problems);
    while (!format_trial_is_over(trial)) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&loop) == 0);
    return format_trial_end(trial);
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
