/* The shipped formats: each example pair is what its program makes, and each takes every event. */
#include "core/arena.h"
#include "core/event_sample.h"
#include "core/format_input.h"
#include "core/json.h"
#include "core/record.h"
#include "core/shaped_request.h"
#include "edge/file_read.h"
#include "edge/helper.h"
#include "edge/share.h"
#include "src/edge/shape.h"

#include <uv.h>

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#define FORMATS "conf/formats"
#define FILE_BYTES_MAX ((size_t)64 << 10)

struct stage {
    uv_loop_t loop;
    struct shape *shape;
    bool is_done, is_closed;
    enum shape_outcome outcome;
    struct text output; /* or the detail */
};

static void on_shaped(void *arg, const struct shape_result *result)
{
    struct stage *stage = arg;
    stage->is_done = true;
    stage->outcome = result->outcome;
    text_clear(&stage->output);
    text_add(&stage->output, result->output);
    text_add_text(&stage->output, result->detail);
}

static void on_closed(void *arg)
{
    *(bool *)arg = true;
}

static void stage_open(struct stage *stage, const char *format)
{
    struct text program;
    struct failure why;
    *stage = (struct stage){.is_done = false};
    char path[256];
    (void)snprintf(path, sizeof path, FORMATS "/%s.jq", format);
    assert_int_equal(STATUS_OK, shape_read_program(path, &program, &why));
    assert_int_equal(0, uv_loop_init(&stage->loop));
    text_init(&stage->output, 1u << 20);
    stage->shape = shape_create(&stage->loop, format, text_span(&program));
    text_fini(&program);
}

static void stage_close(struct stage *stage)
{
    shape_close(stage->shape, on_closed, &stage->is_closed);
    (void)uv_run(&stage->loop, UV_RUN_DEFAULT);
    assert_true(stage->is_closed);
    assert_int_equal(0, uv_loop_close(&stage->loop));
    text_fini(&stage->output);
}

static void shape(struct stage *stage, struct span input)
{
    stage->is_done = false;
    shape_start(stage->shape, input, on_shaped, stage);
    while (!stage->is_done) {
        (void)uv_run(&stage->loop, UV_RUN_ONCE);
    }
}

static struct json *read_example(const char *format, const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof path, FORMATS "/examples/%s/%s", format, name);
    struct text bytes;
    struct failure why;
    struct json *example = NULL;
    text_init(&bytes, FILE_BYTES_MAX);
    assert_int_equal(STATUS_OK, file_read(path, &bytes, &why));
    if (json_parse(text_span(&bytes), &example, &why) != STATUS_OK) {
        fail_msg("%s: %s", path, why.detail);
    }
    text_fini(&bytes);
    return example;
}

static void add_input(const struct json *example, struct text *input)
{
    text_add_text(input, "{\"event\":");
    json_add(input, json_member(example, "event"));
    text_add_text(input, ",\"context\":{\"sink\":\"tickets\",\"ticket\":");
    json_add(input, json_member(example, "ticket"));
    text_add_text(input, ",\"settings\":");
    if (json_member(example, "settings") != NULL) {
        json_add(input, json_member(example, "settings"));
    } else {
        text_add_text(input, "{}");
    }
    text_add_text(input, "}}");
}

static void assert_is_request(struct stage *stage, const char *where)
{
    static const struct webhook_config webhook = {.url = "https://tickets.example.com/hooks"};
    struct arena *arena = arena_create();
    struct shaped_request request;
    struct failure why;
    if (shaped_request_read(text_span(&stage->output), &webhook, arena, &request, &why) !=
        STATUS_OK) {
        fail_msg("%s: %s", where, why.detail);
    }
    arena_destroy(arena);
}

static void try_example(struct stage *stage, const char *format, const char *name)
{
    struct json *example = read_example(format, name);
    struct text input;
    struct text wanted;
    text_init(&input, 4 * FILE_BYTES_MAX);
    text_init(&wanted, FILE_BYTES_MAX);
    add_input(example, &input);
    json_add(&wanted, json_member(example, "request"));
    shape(stage, text_span(&input));
    struct json *made = NULL;
    if (stage->outcome != SHAPE_MADE ||
        json_parse(text_span(&stage->output), &made, NULL) != STATUS_OK) {
        fail_msg("%s/%s: %s", format, name, text_cstr(&stage->output));
    }
    text_clear(&input);
    json_add(&input, made);
    assert_string_equal(text_cstr(&wanted), text_cstr(&input));
    assert_is_request(stage, format);
    json_destroy(made);
    json_destroy(example);
    text_fini(&input);
    text_fini(&wanted);
}

/* With the settings that its examples have. */
static void try_samples(struct stage *stage, const char *format, const struct json *settings)
{
    struct format_setting list[8];
    struct sink_config sink = {.name = "tickets", .webhook.settings = list};
    for (const struct json *each = json_first(settings); each != NULL; each = json_next(each)) {
        list[sink.webhook.setting_count++] =
            (struct format_setting){json_key(each), json_text(each).data};
    }
    for (int type = 0; type < EVENT_TYPE_COUNT; type++) {
        struct arena *arena = arena_create();
        struct event event;
        struct ticket tickets[TICKET_COUNT_MAX];
        struct text input;
        text_init(&input, 1u << 20);
        event_sample((enum event_type)type, arena, &event);
        assert_int_equal(1, ticket_plan(NULL, &event, arena, tickets));
        tickets[0].id = type % 2 == 0 ? NULL : "17";
        format_input_add(&input, event.json, &sink, &tickets[0]);
        shape(stage, text_span(&input));
        bool may_be_empty = strcmp(format, "tmf-listener") == 0 && event.order_id[0] == '\0';
        if (stage->outcome != (may_be_empty ? SHAPE_EMPTY : SHAPE_MADE)) {
            fail_msg("%s, %s: %s", format, event_type_name((enum event_type)type),
                     text_cstr(&stage->output));
        }
        if (!may_be_empty) {
            assert_is_request(stage, format);
        }
        text_fini(&input);
        arena_destroy(arena);
    }
}

/* Texts as long as they get, of nothing but what a program has to look at: within its time. */
static void try_signs(struct stage *stage, const char *format, const struct json *settings,
                      const char *pattern)
{
    struct text signs;
    struct text input;
    text_init(&signs, RECORD_TEXT_MAX);
    text_init(&input, 1u << 20);
    while (signs.size + strlen(pattern) < RECORD_TEXT_MAX) {
        text_add_text(&signs, pattern);
    }
    text_add_text(&input,
                  "{\"event\":{\"specversion\":\"1.0\",\"id\":\"7f9c\",\"source\":\"urn:x\","
                  "\"type\":\"orderwatch.order.note.added\",\"subject\":\"orders/1\","
                  "\"time\":\"2027-01-21T08:15:30.123Z\",\"severity\":\"notice\","
                  "\"sequence\":\"8\",\"data\":{\"order\":{\"id\":\"1\"");
    static const char *const names[] = {"reference", "status", "site", "offer", "url"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        text_addf(&input, ",\"%s\":\"%s\"", names[i], text_cstr(&signs));
    }
    text_addf(&input, "},\"summary\":\"%s\",\"note\":{\"text\":\"%s\"}}},", text_cstr(&signs),
              text_cstr(&signs));
    text_add_text(&input, "\"context\":{\"sink\":\"tickets\",\"ticket\":{\"key\":\"x/1/order\","
                          "\"condition\":\"order\",\"action\":\"open\"},\"settings\":");
    if (settings != NULL) {
        json_add(&input, settings);
    } else {
        text_add_text(&input, "{}");
    }
    text_add_text(&input, "}}");
    shape(stage, text_span(&input));
    if (stage->outcome != SHAPE_MADE) {
        fail_msg("%s: %s", format, text_cstr(&stage->output));
    }
    text_fini(&signs);
    text_fini(&input);
}

static void try_format(const char *format)
{
    static const char *const signs[] = {"&<*{[@here\\\\\\n1. -\\u00e9", "&<", "*_"};
    struct stage stage;
    stage_open(&stage, format);
    char folder[256];
    (void)snprintf(folder, sizeof folder, FORMATS "/examples/%s", format);
    size_t count = 0;
    char **names = share_list(folder, ".json", &count);
    if (names == NULL || count == 0) {
        fail_msg("%s has no examples", format);
    }
    for (size_t i = 0; i < count; i++) {
        try_example(&stage, format, names[i]);
    }
    struct json *example = read_example(format, names[0]);
    try_samples(&stage, format, json_member(example, "settings"));
    for (size_t i = 0; i < ARRAY_COUNT(signs); i++) {
        try_signs(&stage, format, json_member(example, "settings"), signs[i]);
    }
    json_destroy(example);
    share_free_names(names, count);
    stage_close(&stage);
}

static void each_format_makes_what_its_examples_say(void **state)
{
    (void)state;
    size_t count = 0;
    char **names = share_list(FORMATS, ".jq", &count);
    assert_true(names != NULL && count >= 10);
    for (size_t i = 0; i < count; i++) {
        names[i][strlen(names[i]) - strlen(".jq")] = '\0';
        try_format(names[i]);
    }
    share_free_names(names, count);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "helper") == 0) {
        return helper_shape_main();
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_format_makes_what_its_examples_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
