/* The interface without a server: who is let in, what is refused, and that each request ends once.
 */
#include "core/surface.h"

#include "core/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct http_exchange { /* what became of one request */
    int answer_count, code;
    struct text body;
};

struct world {
    struct config config;
    struct secret *token;
    struct surface *surface;
    struct instant now;
    store_counts_fn *on_counted; /* the store's debt; NULL: none */
    void *on_counted_arg;
    store_done_fn *on_written;
    void *on_written_arg;
    reload_done_fn *on_reloaded; /* as for the store */
    void *on_reloaded_arg;
    struct source_config source;
    struct http_exchange exchange; /* the latest request */
};

static void take_answer(struct http_exchange *exchange, const struct http_answer *answer)
{
    exchange->answer_count++;
    exchange->code = answer->code;
    text_clear(&exchange->body);
    text_add(&exchange->body, answer->body);
}

static void count_sinks(void *self, store_counts_fn *on_done, void *arg)
{
    struct world *world = self;
    assert_null(world->on_counted);
    world->on_counted = on_done;
    world->on_counted_arg = arg;
}

static void start_reload(void *self, reload_done_fn *on_done, void *arg)
{
    struct world *world = self;
    assert_null(world->on_reloaded);
    world->on_reloaded = on_done;
    world->on_reloaded_arg = arg;
}

/* A store without orders: in the order of asking, so at once is as good. */
static void list_orders(void *self, const struct order_query *query, order_page_fn *on_page,
                        void *arg)
{
    (void)self;
    assert_string_equal(query->source_name, "orange");
    on_page(arg, &(struct order_page){.status = STATUS_OK});
}

static void write_feed(const struct surface_feed *feed, struct text *out)
{
    assert_string_equal(feed->name, "orange");
    assert_int_equal(feed->count, 0);
    text_add_text(out, "BEGIN:VCALENDAR");
}

static void write_to_a_full_disk(void *self, const struct commit *commit, store_done_fn *on_done,
                                 void *arg)
{
    struct world *world = self;
    assert_int_equal(commit->value_count, 1);
    world->on_written = on_done;
    world->on_written_arg = arg;
}

static struct instant read_clock(void *self)
{
    return ((struct world *)self)->now;
}

static const struct surface_document documents[] = {
    {.path = "/paper", .content_type = "text/plain"},
    {.path = "/", .content_type = "text/html", .etag = "\"1\"", .is_public = true}};

static void begin(struct world *world, const char *listen, const char *token)
{
    *world = (struct world){.now = {.mono_ms = 1000, .wall_ms = 1700000000000}};
    world->config.http_listen = listen;
    world->token = token != NULL ? secret_create(span_of(token)) : NULL;
    world->config.http_token = world->token;
    const struct surface_options options = {
        .config = &world->config,
        .store = {.self = world, .count_sinks = count_sinks, .commit = write_to_a_full_disk},
        .responder = {.answer = take_answer},
        .reload = {.self = world, .start = start_reload},
        .query = {.self = world, .list_orders = list_orders},
        .documents = documents,
        .document_count = ARRAY_COUNT(documents),
        .write_feed = write_feed,
        .version = "1",
        .clock = read_clock,
        .clock_self = world,
    };
    world->surface = surface_create(&options);
    text_init(&world->exchange.body, 65536);
}

static void end(struct world *world)
{
    surface_close(world->surface);
    surface_destroy(world->surface);
    secret_destroy(world->token);
    text_fini(&world->exchange.body);
}

static int setup(void **state, const char *token)
{
    struct world *world = alloc(sizeof *world);
    begin(world, "127.0.0.1:9475", token);
    *state = world;
    return 0;
}

static int setup_open(void **state)
{
    return setup(state, NULL);
}

static int setup_guarded(void **state)
{
    return setup(state, "secret");
}

static int teardown(void **state)
{
    end(*state);
    free(*state);
    return 0;
}

static struct http_query query_of(const char *method, const char *path)
{
    return (struct http_query){.method = method, .path = path, .host = "localhost"};
}

/* The code; 0: not answered yet. */
static int serve(struct world *world, const struct http_query *query)
{
    world->exchange.answer_count = 0;
    world->exchange.code = 0;
    text_clear(&world->exchange.body);
    surface_serve(world->surface, &world->exchange, query);
    return world->exchange.code;
}

static int code_of(struct world *world, const struct http_query *query)
{
    int code = serve(world, query);
    assert_int_equal(world->exchange.answer_count, 1);
    return code;
}

/* For what the store knows: tell_counts is its answer. */
static void ask(struct world *world, const char *path)
{
    struct http_query query = query_of("GET", path);
    assert_int_equal(serve(world, &query), 0);
}

static void tell_counts(struct world *world, enum status status, const struct sink_counts *counts,
                        size_t count)
{
    store_counts_fn *on_counted = world->on_counted;
    assert_non_null(on_counted);
    world->on_counted = NULL;
    on_counted(world->on_counted_arg, status, counts, count);
}

static const char *body_of(const struct world *world)
{
    return text_cstr(&world->exchange.body);
}

static int code_with_host(struct world *world, const char *host)
{
    struct http_query query = query_of("GET", "/paper");
    query.host = host;
    return code_of(world, &query);
}

static void test_only_our_own_names_are_served(void **state)
{
    (void)state;
    struct world world;
    begin(&world, "192.0.2.7:9475", NULL);
    static const char *const ours[] = {"localhost", "LOCALHOST:1",    "127.0.0.1:9475", "[::1]",
                                       "[::1]:80",  "192.0.2.7:9475", "192.0.2.7"};
    static const char *const others[] = {"",           "example.com",      "localhost.example.com",
                                         "[::2]",      "192.0.2.70",       "[::1",
                                         "127.0.0.11", "example.com:9475", "localhost@example.com"};
    for (size_t i = 0; i < ARRAY_COUNT(ours); i++) {
        assert_int_equal(code_with_host(&world, ours[i]), 200);
    }
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        assert_int_equal(code_with_host(&world, others[i]), 421);
    }
    assert_int_equal(code_with_host(&world, NULL), 421);
    end(&world);
}

static void test_every_address_at_once_may_have_any_name_with_a_token(void **state)
{
    (void)state;
    struct world world;
    begin(&world, "0.0.0.0:9475", "secret");
    struct http_query query = query_of("GET", "/paper");
    query.host = "watch.example.com";
    assert_int_equal(code_of(&world, &query), 401);
    query.authorization = "Bearer secret";
    assert_int_equal(code_of(&world, &query), 200);
    end(&world);
}

static void test_the_page_is_open_and_what_it_asks_for_is_not(void **state)
{
    struct world *world = *state;
    struct http_query query = query_of("GET", "/");
    assert_int_equal(code_of(world, &query), 200);
    query.if_none_match = "\"0\", \"1\"";
    assert_int_equal(code_of(world, &query), 304);
    query.if_none_match = "\"0\"";
    assert_int_equal(code_of(world, &query), 200);
    query.path = "/paper";
    assert_int_equal(code_of(world, &query), 401);
    query = query_of("GET", "/");
    query.host = "example.com";
    assert_int_equal(code_of(world, &query), 421);
}

static int code_with_feed_token(struct world *world, const char *path, const char *token)
{
    const struct http_parameter parameter = {.name = "token", .value = token};
    struct http_query query = query_of("GET", path);
    query.parameters = &parameter;
    query.parameter_count = token != NULL ? 1 : 0;
    return code_of(world, &query);
}

static void test_a_calendars_token_opens_that_calendar_alone(void **state)
{
    struct world *world = *state;
    struct secret *token = secret_create(span_of("of the calendar"));
    world->source = (struct source_config){.name = "orange", .language = "fr"};
    world->config.sources = &world->source;
    world->config.source_count = 1;
    assert_int_equal(code_with_feed_token(world, "/calendar/orange.ics", "of the calendar"), 404);
    world->source.calendar_token = token;
    assert_int_equal(code_with_feed_token(world, "/calendar/orange.ics", "of the calendar"), 200);
    static const char *const wrong[] = {"", "secret", "of the calendaR", "of the calendar "};
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        assert_int_equal(code_with_feed_token(world, "/calendar/orange.ics", wrong[i]), 404);
    }
    static const char *const others[] = {"/calendar/", "/calendar/orange", "/calendar/orange.icsx",
                                         "/calendar/oran.ics", "/calendar/orange.ics/"};
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        assert_int_equal(code_with_feed_token(world, others[i], "of the calendar"), 404);
    }
    assert_int_equal(code_with_feed_token(world, "/calendar/orange.ics", NULL), 401);
    assert_int_equal(code_with_feed_token(world, "/paper", "of the calendar"), 401);
    world->config.source_count = 0;
    secret_destroy(token);
}

static void test_the_token_must_be_the_token(void **state)
{
    struct world *world = *state;
    struct http_query query = query_of("GET", "/paper");
    static const char *const wrong[] = {"secret",         "Bearer",         "Bearer ",
                                        "Bearer secre",   "Bearer secrets", "Bearer Secret",
                                        "Bearer  secret", "Basic secret"};
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        query.authorization = wrong[i];
        assert_int_equal(code_of(world, &query), 401);
    }
    query.authorization = "bearer secret";
    assert_int_equal(code_of(world, &query), 200);
}

static void test_a_change_needs_intent_and_type(void **state)
{
    struct world *world = *state;
    struct http_query query = query_of("POST", "/-/reload");
    query.origin = "https://evil.example";
    assert_int_equal(code_of(world, &query), 403);
    query.intent = "0";
    assert_int_equal(code_of(world, &query), 403);
    query.intent = "1";
    assert_int_equal(code_of(world, &query), 415);
    query.content_type = "application/jsonp";
    assert_int_equal(code_of(world, &query), 415);
}

static void answer_reload(struct world *world, const struct reload_result *result)
{
    reload_done_fn *on_done = world->on_reloaded;
    world->on_reloaded = NULL;
    on_done(world->on_reloaded_arg, result);
}

static void test_a_reload_answers_with_what_changed_or_every_problem(void **state)
{
    struct world *world = *state;
    struct http_query query = query_of("POST", "/-/reload");
    query.intent = "1";
    query.content_type = "application/json; charset=utf-8";
    assert_int_equal(serve(world, &query), 0);
    struct config_change change = {
        .kind = CHANGE_CHANGED, .section = "sink", .name = "noc", .keys = "mqtt.prefix"};
    struct config_changes changes = {.items = &change, .count = 1};
    answer_reload(world, &(struct reload_result){.outcome = RELOAD_DONE, .changes = &changes});
    assert_int_equal(world->exchange.code, 200);
    assert_string_equal(body_of(world),
                        "{\"reloaded\":true,\"changes\":[{\"change\":\"changed\",\"section\":"
                        "\"sink\",\"name\":\"noc\",\"keys\":\"mqtt.prefix\"}]}");

    static const char *const problems[] = {"a.yaml:1:2: \x1b[1mno", "a.yaml:3:4: neither"};
    const struct reload_result refused = {
        .outcome = RELOAD_REFUSED, .problems = problems, .problem_count = 2};
    assert_int_equal(serve(world, &query), 0);
    answer_reload(world, &refused);
    assert_int_equal(world->exchange.code, 422);
    assert_non_null(strstr(body_of(world), "\"a.yaml:3:4: neither\"]"));
    assert_null(strchr(body_of(world), '\x1b'));

    /* Who waits when the daemon stops is told, and the reload's own end comes to nobody. */
    assert_int_equal(serve(world, &query), 0);
    surface_close(world->surface);
    assert_int_equal(world->exchange.code, 503);
    assert_int_equal(world->exchange.answer_count, 1);
    answer_reload(world, &refused);
}

static void test_paths_methods_and_parameters_are_refused_with_a_reason(void **state)
{
    struct world *world = *state;
    struct http_query query = query_of("GET", "/api/v1/nothing");
    assert_int_equal(code_of(world, &query), 404);
    query.path = "/\xff";
    assert_int_equal(code_of(world, &query), 400);
    query = query_of("DELETE", "/paper");
    assert_int_equal(code_of(world, &query), 405);
    const struct http_parameter parameters[] = {{.name = "limit", .value = "1001"}};
    query = query_of("GET", "/api/v1/silences");
    query.parameters = parameters;
    query.parameter_count = 1;
    assert_int_equal(code_of(world, &query), 400);
}

static void test_a_store_that_answers_is_health(void **state)
{
    struct world *world = *state;
    ask(world, "/-/healthy");
    tell_counts(world, STATUS_OK, NULL, 0);
    assert_int_equal(world->exchange.answer_count, 1);
    assert_int_equal(world->exchange.code, 200);
}

static void test_books_that_do_not_add_up_are_no_health(void **state)
{
    struct world *world = *state;
    struct sink_counts counts[] = {
        {.sink_name = "good",
         .observed = 7,
         .delivered = 3,
         .pending = 2,
         .parked = 1,
         .silenced = 1},
        {.sink_name = "noc", .observed = 7, .delivered = 3, .pending = 2, .parked = 1}};
    ask(world, "/-/healthy");
    tell_counts(world, STATUS_OK, counts, 2);
    assert_int_equal(world->exchange.code, 503);
    assert_string_equal(body_of(world),
                        "{\"healthy\":false,\"reasons\":[{\"sink\":\"noc\",\"code\":\"books\","
                        "\"reason\":\"observed 7 is "
                        "not delivered 3 + pending 2 + parked 1 + silenced 0\"}]}");
}

static void test_a_full_disk_is_health_but_not_readiness(void **state)
{
    struct world *world = *state;
    ask(world, "/-/ready");
    world->on_written(world->on_written_arg, STATUS_FULL, "no room");
    tell_counts(world, STATUS_OK, NULL, 0);
    assert_int_equal(world->exchange.code, 503);
    assert_non_null(strstr(body_of(world), "cannot be written: no room"));
    ask(world, "/-/healthy");
    tell_counts(world, STATUS_OK, NULL, 0);
    assert_int_equal(world->exchange.code, 200);
}

static void test_a_store_that_is_silent_is_no_health_and_may_answer_late(void **state)
{
    struct world *world = *state;
    ask(world, "/-/healthy");
    int64_t again_mono_ms = surface_turn(world->surface, world->now);
    assert_int_equal(world->exchange.answer_count, 0);
    world->now.mono_ms = again_mono_ms;
    (void)surface_turn(world->surface, world->now);
    assert_int_equal(world->exchange.code, 503);
    assert_non_null(strstr(body_of(world), "\"healthy\":false"));
    tell_counts(world, STATUS_OK, NULL, 0);
    assert_int_equal(world->exchange.answer_count, 1);
}

static void test_who_waits_when_it_closes_is_told(void **state)
{
    struct world *world = *state;
    ask(world, "/-/healthy");
    surface_close(world->surface);
    assert_int_equal(world->exchange.code, 503);
    tell_counts(world, STATUS_UNAVAILABLE, NULL, 0);
    assert_int_equal(world->exchange.answer_count, 1);
}

static void test_histograms_add_up(void **state)
{
    (void)state;
    static const double bounds[] = {0.5, 2};
    struct histogram histogram;
    histogram_init(&histogram, bounds, ARRAY_COUNT(bounds));
    histogram_add(&histogram, 0.5, 1);
    histogram_add(&histogram, 0.6, 2);
    histogram_add(&histogram, 100, 1);
    histogram_add(&histogram, -1, 1); /* a clock that went back */
    struct text text;
    text_init(&text, 4096);
    histogram_show(&histogram, "t", "a=\"b\"", &text);
    assert_string_equal(text_cstr(&text), "t_bucket{a=\"b\",le=\"0.5\"} 2\n"
                                          "t_bucket{a=\"b\",le=\"2\"} 4\n"
                                          "t_bucket{a=\"b\",le=\"+Inf\"} 5\n"
                                          "t_sum{a=\"b\"} 101.700000\n"
                                          "t_count{a=\"b\"} 5\n");
    text_fini(&text);
}

int main(void)
{
#define OPEN_TEST(test) cmocka_unit_test_setup_teardown(test, setup_open, teardown)
#define GUARDED_TEST(test) cmocka_unit_test_setup_teardown(test, setup_guarded, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_our_own_names_are_served),
        cmocka_unit_test(test_every_address_at_once_may_have_any_name_with_a_token),
        GUARDED_TEST(test_the_page_is_open_and_what_it_asks_for_is_not),
        GUARDED_TEST(test_a_calendars_token_opens_that_calendar_alone),
        GUARDED_TEST(test_the_token_must_be_the_token),
        OPEN_TEST(test_a_change_needs_intent_and_type),
        OPEN_TEST(test_a_reload_answers_with_what_changed_or_every_problem),
        OPEN_TEST(test_paths_methods_and_parameters_are_refused_with_a_reason),
        OPEN_TEST(test_a_store_that_answers_is_health),
        OPEN_TEST(test_a_full_disk_is_health_but_not_readiness),
        OPEN_TEST(test_books_that_do_not_add_up_are_no_health),
        OPEN_TEST(test_a_store_that_is_silent_is_no_health_and_may_answer_late),
        OPEN_TEST(test_who_waits_when_it_closes_is_told),
        cmocka_unit_test(test_histograms_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
