/* The error model, one row after the other, and bodies of every shape. */
#include "core/api_error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct api_error read(int http_code, const char *body)
{
    struct api_error error;
    api_error_read(http_code, span_of(body), &error);
    assert_non_null(error.meaning);
    assert_non_null(error.remedy);
    return error;
}

static void every_case_has_its_action(void **state)
{
    (void)state;
    static const struct {
        int http_code;
        const char *body;
        enum api_action action;
    } cases[] = {
        {400, "{\"code\":20}", API_FIX},
        {400, "{\"code\":22}", API_FIX},
        {400, "{\"code\":25}", API_REFUSED},
        {400, "{\"code\":26}", API_REFUSED},
        {400, "{\"code\":27}", API_FIX},
        {400, "{\"code\":28}", API_FIX},
        {400, "", API_FIX},
        {401, "{\"code\":40}", API_REFUSED},
        {401, "{\"code\":41}", API_REFUSED},
        {401, "{\"code\":42}", API_RENEW_TOKEN},
        {401, "", API_REFUSED},
        {403, "{\"code\":50}", API_REFUSED},
        {403, "{\"code\":51}", API_REFUSED},
        {403, "{\"code\":52}", API_REFUSED},
        {403, "{\"code\":53}", API_SLOW_DOWN},
        {429, "{\"code\":53}", API_SLOW_DOWN},
        {429, "<html>", API_SLOW_DOWN},
        {200, "{\"code\":\"53\"}", API_SLOW_DOWN},
        {404, "{\"code\":60}", API_FIX},
        {405, "{\"code\":61}", API_FIX},
        {406, "{\"code\":62}", API_FIX},
        {408, "{\"code\":63}", API_RETRY},
        {415, "{\"code\":68}", API_FIX},
        {422, "{\"code\":100}", API_FIX},
        {425, "", API_RETRY},
        {500, "{\"code\":1}", API_RETRY},
        {502, "<html>Bad gateway</html>", API_RETRY},
        {503, "{\"code\":5}", API_RETRY},
        {503, "{\"code\":6}", API_RETRY},
        {504, "{\"code\":69}", API_RETRY},
        {302, "", API_FIX},
        {401, "{\"error\":\"invalid_client\"}", API_REFUSED},
        {404, "{\"error\":\"invalid_client\"}", API_REFUSED},
        {400, "{\"error\":\"invalid_scope\"}", API_REFUSED},
        {401, "{\"error\":\"invalid_token\"}", API_RENEW_TOKEN},
        {429, "{\"error\":\"invalid_client\"}", API_SLOW_DOWN},
        {204, "", API_RETRY},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct api_error error = read(cases[i].http_code, cases[i].body);
        if (error.action != cases[i].action) {
            fail_msg("%d %s: action %d", cases[i].http_code, cases[i].body, (int)error.action);
        }
    }
}

static void bodies_of_every_shape_give_code_and_words(void **state)
{
    (void)state;
    struct api_error error =
        read(403, "{\"code\":50,\"message\":\"Access denied\",\"description\":\"No contract\"}");
    assert_int_equal(error.code, 50);
    assert_string_equal(error.words, "Access denied: No contract");
    error = read(403, "[{\"code\":\"51\",\"message\":\"Forbidden requester\"},{\"code\":1}]");
    assert_int_equal(error.code, 51);
    assert_string_equal(error.words, "Forbidden requester");
    error = read(404, "{\"code\":\"60\",\"reason\":\"gone\",\"status\":\"404\"}");
    assert_int_equal(error.code, 60);
    assert_string_equal(error.words, "gone");
    error = read(401, "{\"error\":\"invalid_client\",\"error_description\":\"bad secret\"}");
    assert_string_equal(error.words, "invalid_client: bad secret");
    error = read(500, "{\"message\":\"Internal error\",\"description\":\"Internal error.\"}");
    assert_string_equal(error.words, "Internal error");
    static const char *const nothing[] = {"",
                                          "null",
                                          "[]",
                                          "\"x\"",
                                          "[1]",
                                          "{\"code\":[1]}",
                                          "{\"code\":\"5x\"}",
                                          "{\"code\":99999999999}",
                                          "{"};
    for (size_t i = 0; i < ARRAY_COUNT(nothing); i++) {
        error = read(500, nothing[i]);
        assert_int_equal(error.code, 0);
        assert_string_equal(error.words, "");
    }
}

static void gateways_and_web_pages_have_words_too(void **state)
{
    (void)state;
    static const struct {
        const char *body, *words;
        int code;
    } cases[] = {
        {"{\"fault\":{\"faultstring\":\"Quota violation\",\"detail\":{\"errorcode\":\"x\"}}}",
         "Quota violation", 0},
        {"{\"error\":{\"code\":\"53\",\"message\":\"Too many\"}}", "Too many", 53},
        {"{\"type\":\"about:blank\",\"title\":\"Out of credit\",\"detail\":\"It costs 50.\"}",
         "Out of credit: It costs 50.", 0},
        {"upstream connect error\r\n", "upstream connect error", 0},
        {"<!DOCTYPE html><html><head><title>Request rejected</title><STYLE>p>b {color:red}</style>"
         "<script>var a = '<b>';</script></head>\n <body><!-- > --><p>Your support ID is: "
         "<b>123</b></p></body></html>",
         "Request rejected Your support ID is: 123", 0},
        {"<html><script>never ends", "", 0},
        {"<p>a < b", "a", 0},
        {"\xe9t\xe9", "\xef\xbf\xbdt\xef\xbf\xbd", 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct api_error error = read(502, cases[i].body);
        assert_string_equal(error.words, cases[i].words);
        assert_int_equal(error.code, cases[i].code);
    }
    char page[20000];
    memset(page, 'x', sizeof page);
    page[sizeof page - 1] = '\0';
    assert_true(strlen(read(502, page).words) <= API_WORDS_MAX + 3);
    memset(page, '<', sizeof page - 1);
    assert_string_equal(read(502, page).words, "");
}

static void the_operators_words_are_one_clean_line(void **state)
{
    (void)state;
    struct api_error error = read(500, "{\"message\":\"a\\r\\nEvil: 1\\u0000\\u202e b\"}");
    for (const char *byte = error.words; *byte != '\0'; byte++) {
        assert_true((unsigned char)*byte >= 0x20);
    }
    assert_null(strstr(error.words, "\xe2\x80\xae"));
    char body[9000] = "{\"message\":\"";
    memset(body + strlen(body), 'x', 8000);
    strcat(body, "\"}");
    error = read(500, body);
    assert_true(strlen(error.words) <= API_WORDS_MAX + 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_has_its_action),
        cmocka_unit_test(bodies_of_every_shape_give_code_and_words),
        cmocka_unit_test(gateways_and_web_pages_have_words_too),
        cmocka_unit_test(the_operators_words_are_one_clean_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
