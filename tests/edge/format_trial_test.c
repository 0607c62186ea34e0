/* What formats are tried with, and how often. */
#include "edge/format_trial.h"

#include "core/node.h"
#include "edge/helper.h"
#include "src/edge/shape.h"

/* NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): it counts calls */
static size_t created_count;

static struct shape *create_counted(struct uv_loop_s *uv, const char *format, struct span program)
{
    created_count++;
    return shape_create(uv, format, program);
}

#define shape_create create_counted /* NOLINT(readability-identifier-naming): it is a function */
#include "src/edge/format_trial.c"
#undef shape_create

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#define FORMAT_PATH "build/tests/trial-%d.jq"
#define SINKS_MAX 6

struct fixture {
    char path[64];
    struct sink_config sinks[SINKS_MAX];
    struct route_config routes[2];
    size_t first_sinks[SINKS_MAX], second_sinks[SINKS_MAX];
    struct config config;
    struct problem_list problems;
};

static void add_sink(struct fixture *fixture, const char *name)
{
    struct sink_config *sink = &fixture->sinks[fixture->config.sink_count++];
    *sink = (struct sink_config){.name = name,
                                 .kind = SINK_WEBHOOK,
                                 .webhook = {.url = "https://tickets.example.com/hooks",
                                             .format = fixture->path,
                                             .format_file = "orderwatch.yaml",
                                             .format_line = (int)fixture->config.sink_count}};
}

static void route(struct fixture *fixture, size_t route, size_t sink)
{
    struct route_config *to = &fixture->routes[route];
    (route == 0 ? fixture->first_sinks : fixture->second_sinks)[to->sink_count++] = sink;
}

static void write_program(struct fixture *fixture, const char *program)
{
    (void)snprintf(fixture->path, sizeof fixture->path, FORMAT_PATH, getpid());
    FILE *file = fopen(fixture->path, "w");
    assert_non_null(file);
    assert_true(fputs(program, file) >= 0);
    assert_int_equal(0, fclose(file));
}

/* Two sinks for orders, two for appointments, one for both. */
static void prepare(struct fixture *fixture, const char *program)
{
    static const char *const orders[] = {"order.*"};
    static const char *const appointments[] = {"appointment.*"};
    *fixture = (struct fixture){.problems = {.error_count = 0}};
    write_program(fixture, program);
    fixture->routes[0] =
        (struct route_config){.types = orders, .type_count = 1, .sinks = fixture->first_sinks};
    fixture->routes[1] = (struct route_config){
        .types = appointments, .type_count = 1, .sinks = fixture->second_sinks};
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        add_sink(fixture, names[i]);
        if (i != 1 && i != 3) {
            route(fixture, 0, i);
        }
        if (i == 1 || i >= 3) {
            route(fixture, 1, i);
        }
    }
    fixture->config.sinks = fixture->sinks;
    fixture->config.routes = fixture->routes;
    fixture->config.route_count = 2;
    created_count = 0;
}

static enum status try_all(struct fixture *fixture)
{
    enum status status = format_trial(&fixture->config, &fixture->problems);
    (void)unlink(fixture->path);
    return status;
}

static void what_is_the_same_is_tried_once(void **state)
{
    (void)state;
    struct fixture fixture;
    prepare(&fixture, "{text: .summary}");
    assert_int_equal(STATUS_OK, try_all(&fixture));
    assert_int_equal(3, created_count);
    assert_null(fixture.problems.first);
    problem_list_clear(&fixture.problems);
}

static void what_is_wrong_is_told_of_each_sink(void **state)
{
    (void)state;
    struct fixture fixture;
    prepare(&fixture, "if .data.appointment then error(\"no\") else {} end");
    assert_int_equal(STATUS_INVALID, try_all(&fixture));
    assert_int_equal(3, created_count);
    assert_int_equal(3, fixture.problems.error_count);
    static const int lines[] = {2, 4, 5};
    const struct problem *problem = fixture.problems.first;
    for (size_t i = 0; i < ARRAY_COUNT(lines); i++, problem = problem->next) {
        assert_int_equal(lines[i], problem->line);
        assert_non_null(strstr(problem->line_text, "fails on appointment."));
    }
    problem_list_clear(&fixture.problems);
}

static void whatever_may_differ_is_tried_apart(void **state)
{
    (void)state;
    static const char *const names[] = {"id"};
    static const struct format_setting settings[] = {{"queue", "1"}, {"queue", "2"}};
    static const struct http_header headers[] = {{"Accept", "a"}, {"X-Key", "a"}};
    struct fixture fixture;
    prepare(&fixture, "{text: .summary}");
    fixture.sinks[0].fields = (struct field_filter){.names = names, .count = 1};
    fixture.sinks[1].webhook.settings = &settings[0];
    fixture.sinks[1].webhook.setting_count = 1;
    fixture.sinks[3].webhook.settings = &settings[1];
    fixture.sinks[3].webhook.setting_count = 1;
    assert_int_equal(STATUS_OK, try_all(&fixture));
    assert_int_equal(5, created_count);
    prepare(&fixture, "{text: .summary}");
    fixture.sinks[1].webhook.headers = &headers[0];
    fixture.sinks[1].webhook.header_count = 1;
    fixture.sinks[3].webhook.headers = &headers[1];
    fixture.sinks[3].webhook.header_count = 1;
    assert_int_equal(STATUS_OK, try_all(&fixture));
    assert_int_equal(4, created_count);
    prepare(&fixture, "{text: $sink}");
    assert_int_equal(STATUS_OK, try_all(&fixture));
    assert_int_equal(5, created_count);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "helper") == 0) {
        return helper_shape_main();
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_the_same_is_tried_once),
        cmocka_unit_test(what_is_wrong_is_told_of_each_sink),
        cmocka_unit_test(whatever_may_differ_is_tried_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
