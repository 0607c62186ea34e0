/* What a format gives becomes a request below the configured URL, or a message. */
#include "core/arena.h"
#include "core/shaped_request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static enum status read_below(const char *url, const char *json, struct arena *arena,
                              struct shaped_request *out, struct failure *why)
{
    const struct webhook_config webhook = {.url = url};
    return shaped_request_read(span_of(json), &webhook, arena, out, why);
}

static void paths_go_below_the_url(void **state)
{
    (void)state;
    static const struct {
        const char *url, *path, *wanted;
    } cases[] = {
        {"https://example.com", "a", "https://example.com/a"},
        {"https://example.com/", "/a", "https://example.com/a"},
        {"https://example.com/x", "a/b", "https://example.com/x/a/b"},
        {"https://example.com/x/", "/a/", "https://example.com/x/a/"},
        {"https://example.com/x?k=1", "/a", "https://example.com/x/a?k=1"},
        {"https://example.com/x?k=1", "/a?b=2", "https://example.com/x/a?k=1&b=2"},
        {"https://example.com/x", "?b=2", "https://example.com/x?b=2"},
        {"https://example.com/x", "//other.example.com/y",
         "https://example.com/x//other.example.com/y"},
        {"https://example.com/x", "@other.example.com", "https://example.com/x/@other.example.com"},
        {"https://example.com/x", "a..b/...", "https://example.com/x/a..b/..."},
        {"https://example.com/x", "a%20b", "https://example.com/x/a%20b"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct arena *arena = arena_create();
        struct shaped_request request;
        const char *json = arena_format(arena, "{\"body\":null,\"path\":\"%s\"}", cases[i].path);
        assert_int_equal(STATUS_OK, read_below(cases[i].url, json, arena, &request, NULL));
        assert_string_equal(cases[i].wanted, request.url);
        arena_destroy(arena);
    }
}

static void paths_that_leave_are_refused(void **state)
{
    (void)state;
    static const char *const paths[] = {"..",   "../a",   "a/..",    "a/../b", ".",
                                        "./a",  "%2e%2e", ".%2E/a",  "a b",    "a\\\\b",
                                        "a\\n", "a#b",    "\\u00e9", "a/%2e"};
    for (size_t i = 0; i < ARRAY_COUNT(paths); i++) {
        struct arena *arena = arena_create();
        struct shaped_request request;
        struct failure why;
        const char *json = arena_format(arena, "{\"body\":{},\"path\":\"%s\"}", paths[i]);
        if (read_below("https://example.com/x", json, arena, &request, &why) != STATUS_INVALID) {
            fail_msg("%s is taken", paths[i]);
        }
        arena_destroy(arena);
    }
}

static void a_body_is_sent_as_what_it_is(void **state)
{
    (void)state;
    static const struct {
        const char *json, *body, *content_type;
    } cases[] = {
        {"{\"text\":\"a\"}", "{\"text\":\"a\"}", "application/json"},
        {"[1,2]", "[1,2]", "application/json"},
        {"\"plain\"", "plain", "text/plain; charset=utf-8"},
        {"{\"body\":null}", "", "application/json"},
        {"{\"body\":\"<a/>\",\"content_type\":\"text/xml\"}", "<a/>", "text/xml"},
        {"{\"body\":{\"body\":1}}", "{\"body\":1}", "application/json"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct arena *arena = arena_create();
        struct shaped_request request;
        assert_int_equal(STATUS_OK,
                         read_below("https://example.com/x", cases[i].json, arena, &request, NULL));
        assert_true(span_is(request.body, cases[i].body));
        assert_string_equal(cases[i].content_type, request.content_type);
        assert_string_equal("POST", request.method);
        assert_string_equal("https://example.com/x", request.url);
        arena_destroy(arena);
    }
}

static void headers_of_the_configuration_stay(void **state)
{
    (void)state;
    const struct http_header configured[] = {{"X-Token", "a"}};
    const struct webhook_config webhook = {.url = "https://example.com/x",
                                           .headers = configured,
                                           .header_count = 1,
                                           .username = "watch"};
    struct arena *arena = arena_create();
    struct shaped_request request;
    assert_int_equal(STATUS_OK,
                     shaped_request_read(span_of("{\"body\":{},\"headers\":{\"x-token\":\"b\","
                                                 "\"authorization\":\"c\",\"Accept\":\"d\"}}"),
                                         &webhook, arena, &request, NULL));
    assert_int_equal(2, request.header_count);
    assert_string_equal("a", request.headers[0].value);
    assert_string_equal("Accept", request.headers[1].name);
    arena_destroy(arena);
}

static void what_is_no_request_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *json, *words;
    } cases[] = {
        {"{\"body\":1,\"header\":{}}", "no member header"},
        {"{\"body\":1,\"method\":\"GET\"}", "method GET; accepted: POST"},
        {"{\"body\":1,\"method\":1}", "method is not a text"},
        {"{\"body\":1,\"headers\":[]}", "not an object"},
        {"{\"body\":1,\"headers\":{\"a b\":\"c\"}}", "not the name of a header"},
        {"{\"body\":1,\"headers\":{\"webhook-ID\":\"c\"}}", "sets itself"},
        {"{\"body\":1,\"headers\":{\"A\":\"c\\nd\"}}", "not visible ASCII"},
        {"{\"body\":1,\"headers\":{\"A\":1}}", "not a text"},
        {"{\"body\":1,\"content_type\":\"x\"}", "not a media type"},
        {"{", ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct arena *arena = arena_create();
        struct shaped_request request;
        struct failure why;
        assert_int_equal(STATUS_INVALID,
                         read_below("https://example.com/x", cases[i].json, arena, &request, &why));
        assert_non_null(strstr(why.detail, cases[i].words));
        arena_destroy(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_go_below_the_url),
        cmocka_unit_test(paths_that_leave_are_refused),
        cmocka_unit_test(a_body_is_sent_as_what_it_is),
        cmocka_unit_test(headers_of_the_configuration_stay),
        cmocka_unit_test(what_is_no_request_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
