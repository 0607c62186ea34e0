/* What went wrong, in words: complete, one line, without what must not be shown. */
#include "core/answer.h"

#include "core/pager.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char url[] = "https://api.example.com/v1/orders?status=Current&key=hidden";

static struct answer answer_of(struct http_response response, const char *body)
{
    struct text text;
    text_init(&text, 65536);
    text_add_text(&text, body);
    response.body = &text;
    response.at.wall_ms = INT64_C(1795000000000);
    struct answer answer = {0};
    answer_take(&answer, &response);
    text_fini(&text);
    return answer;
}

static void a_refusal_names_everything(void **state)
{
    (void)state;
    struct answer answer = answer_of(
        (struct http_response){
            .http_code = 403, .request_id = "rq-17\r\nX: y", .retry_after = "120"},
        "{\"code\":50,\"message\":\"Access denied\",\"description\":\"no contract\"}");
    struct trouble trouble;
    answer_explain(&answer, "orange", url, &trouble);
    static const char *const parts[] = {
        "source orange",         "https://api.example.com/v1/orders", "403",   "code 50",
        "access denied",         "Access denied: no contract",        "rq-17", "120 s",
        "check the subscription"};
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        if (strstr(trouble.detail, parts[i]) == NULL) {
            fail_msg("%s is not in: %s", parts[i], trouble.detail);
        }
    }
    assert_null(strstr(trouble.detail, "hidden"));
    assert_null(strchr(trouble.detail, '\n'));
    assert_int_equal(trouble.action, API_REFUSED);
    assert_string_equal(trouble.code, "403/50");
    assert_int_equal(trouble.wait_ms, 120000);
    answer_clear(&answer);
}

static void transport_failures_and_bad_bodies_are_told_apart(void **state)
{
    (void)state;
    struct trouble trouble;
    struct answer answer = answer_of((struct http_response){.status = STATUS_UNAVAILABLE,
                                                            .is_tls_failure = true,
                                                            .detail = "certificate has expired"},
                                     "");
    answer_explain(&answer, "orange", url, &trouble);
    assert_string_equal(trouble.code, "tls");
    assert_non_null(strstr(trouble.detail, "certificate has expired"));
    answer_clear(&answer);

    answer = answer_of((struct http_response){.http_code = 200, .content_type = "text/html"},
                       "<html>maintenance</html>");
    answer_explain_body(&answer, "orange", url, "page 1: not JSON", ANSWER_PAGE_REMEDY, &trouble);
    assert_string_equal(trouble.code, "body");
    assert_int_equal(trouble.action, API_RETRY);
    assert_non_null(strstr(trouble.detail, "text/html"));
    assert_non_null(strstr(trouble.detail, "page 1: not JSON"));
    answer_clear(&answer);

    answer = answer_of((struct http_response){.http_code = 200},
                       "{\"code\":\"53\",\"message\":\"Too many requests\"}");
    answer_explain_body(&answer, "orange", url, "page 1: no list", ANSWER_PAGE_REMEDY, &trouble);
    assert_int_equal(trouble.action, API_SLOW_DOWN);
    answer_clear(&answer);

    answer = answer_of((struct http_response){.http_code = 200},
                       "{\"error\":\"invalid_client\",\"error_description\":\"Unknown\"}");
    answer_explain_body(&answer, "orange", url, "no access_token", ANSWER_TOKEN_REMEDY, &trouble);
    assert_int_equal(trouble.action, API_REFUSED);
    assert_non_null(strstr(trouble.detail, "check client_id and client_secret"));
    answer_clear(&answer);

    answer = answer_of((struct http_response){.http_code = 304}, "");
    answer_explain(&answer, "orange", url, &trouble);
    assert_null(strstr(trouble.detail, "redirected"));
    answer_clear(&answer);
}

static void headers_are_read_with_care(void **state)
{
    (void)state;
    static const struct {
        const char *total;
        int64_t expected;
    } totals[] = {{NULL, PAGE_TOTAL_NONE},
                  {"", PAGE_TOTAL_NONE},
                  {"25", 25},
                  {"-1", PAGE_TOTAL_NONE},
                  {"2.5", PAGE_TOTAL_NONE},
                  {"0", 0},
                  {"99999999999999999999999", PAGE_TOTAL_NONE}};
    for (size_t i = 0; i < ARRAY_COUNT(totals); i++) {
        struct answer answer = answer_of(
            (struct http_response){.http_code = 200, .total_count = totals[i].total}, "[]");
        assert_int_equal(answer.total, totals[i].expected);
        answer_clear(&answer);
    }
    static const struct {
        const char *retry_after;
        int64_t expected;
    } waits[] = {{NULL, 0}, {"5", 5000}, {"-5", 0}, {"soon", 0}, {"999999999", RETRY_AFTER_MAX_MS}};
    for (size_t i = 0; i < ARRAY_COUNT(waits); i++) {
        struct answer answer = answer_of(
            (struct http_response){.http_code = 429, .retry_after = waits[i].retry_after}, "");
        assert_int_equal(answer.wait_ms, waits[i].expected);
        answer_clear(&answer);
    }
}

static void what_to_do_follows_from_what_failed(void **state)
{
    (void)state;
    static const struct {
        struct http_response response;
        const char *code, *says;
    } cases[] = {
        {{.status = STATUS_TOO_LARGE, .detail = "the answer is larger than 16777216 bytes"},
         "too_large",
         "cannot be read: the answer is larger than 16777216 bytes; lower page, or raise "
         "limits.body"},
        {{.status = STATUS_UNAVAILABLE,
          .is_tls_failure = true,
          .is_own_certificate_refused = true,
          .detail = "tlsv1 alert unknown ca"},
         "tls",
         "check tls.cert_file and tls.key_file"},
        {{.status = STATUS_UNAVAILABLE, .detail = "Could not resolve host: api.example.com"},
         "network",
         "gave no answer: Could not resolve host: api.example.com; check base_url"},
        {{.status = STATUS_UNAVAILABLE}, "network", "check base_url, the network and a proxy"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct answer answer = answer_of(cases[i].response, "");
        struct trouble trouble;
        answer_explain(&answer, "orange", url, &trouble);
        assert_string_equal(trouble.code, cases[i].code);
        assert_int_equal(trouble.action, API_RETRY);
        if (strstr(trouble.detail, cases[i].says) == NULL) {
            fail_msg("%s is not in: %s", cases[i].says, trouble.detail);
        }
        answer_clear(&answer);
    }
}

static void a_redirect_is_told_with_where_it_leads(void **state)
{
    (void)state;
    static const struct {
        int http_code;
        const char *location, *says;
    } cases[] = {
        {301, "https://new.example.com/v2/orders?key=hidden#x",
         "(redirected elsewhere) to https://new.example.com/v2/orders; set base_url"},
        {307, "https://me:hidden@login.example.com",
         "elsewhere) to https://login.example.com; set"},
        {302, "//me:a@b:hidden@x.example.com/p@q", "elsewhere) to //x.example.com/p@q; set"},
        {308, "/v2/orders\r\nX: y", "elsewhere) to /v2/orders"},
        {302, "me:hidden@x/", "elsewhere) to x/; set"},
        {302, "", "elsewhere); set"},
        {302, NULL, "elsewhere); set"},
        {404, "https://new.example.com/", "(no such resource); check"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct answer answer = answer_of(
            (struct http_response){.http_code = cases[i].http_code, .location = cases[i].location},
            "");
        struct trouble trouble;
        answer_explain(&answer, "orange", url, &trouble);
        if (strstr(trouble.detail, cases[i].says) == NULL) {
            fail_msg("%s is not in: %s", cases[i].says, trouble.detail);
        }
        assert_null(strstr(trouble.detail, "hidden"));
        assert_null(strchr(trouble.detail, '\n'));
        answer_clear(&answer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refusal_names_everything),
        cmocka_unit_test(transport_failures_and_bad_bodies_are_told_apart),
        cmocka_unit_test(what_to_do_follows_from_what_failed),
        cmocka_unit_test(a_redirect_is_told_with_where_it_leads),
        cmocka_unit_test(headers_are_read_with_care),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
