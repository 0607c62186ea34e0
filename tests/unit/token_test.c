/* Client credentials: the request as RFC 6749 has it, the reply as servers send it. */
#include "core/token.h"

#include "core/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void the_request_is_form_encoded_before_basic(void **state)
{
    (void)state;
    struct secret *secret = secret_create(span_of("p+s/w=d"));
    struct oauth2_config config = {.token_url = "https://api.example.com/token",
                                   .client_id = "a:b",
                                   .client_secret = secret,
                                   .scope = "b2b:ordering x"};
    struct text out;
    text_init(&out, 1024);
    token_add_authorization(&config, &out);
    assert_string_equal(text_cstr(&out), "Basic YSUzQWI6cCUyQnMlMkZ3JTNEZA=="); /* a%3Ab:p%2B… */
    text_clear(&out);
    token_add_body(&config, &out);
    assert_string_equal(text_cstr(&out), "grant_type=client_credentials&scope=b2b%3Aordering%20x");
    text_clear(&out);
    config.scope = "";
    token_add_body(&config, &out);
    assert_string_equal(text_cstr(&out), "grant_type=client_credentials");
    text_fini(&out);
    secret_destroy(secret);
}

static enum status accept(struct token *token, const char *reply, struct failure *why)
{
    return token_accept(token, span_of(reply), 1000, why);
}

static void check_life(const char *reply, int64_t renew_after_ms, int64_t expires_after_ms)
{
    struct token token = {0};
    assert_int_equal(accept(&token, reply, NULL), STATUS_OK);
    assert_string_equal(secret_reveal_text(token.value), "abc.def");
    assert_int_equal(token.renew_ms - 1000, renew_after_ms);
    if (expires_after_ms == INSTANT_NEVER) {
        assert_int_equal(token.expires_ms, INSTANT_NEVER);
    } else {
        assert_int_equal(token.expires_ms - 1000, expires_after_ms);
    }
    token_fini(&token);
}

static void every_spelling_of_a_lifetime_is_understood(void **state)
{
    (void)state;
    check_life("\n{\"token_type\":\"Bearer\",\"access_token\":\"abc.def\",\"expires_in\":3600}",
               3240000, 3600000);
    check_life(
        "{\"token_type\":\"bearer\",\"access_token\":\"abc.def\",\"expires_in\":\"7776000\"}",
        6998400000, 7776000000);
    check_life("{\"access_token\":\"abc.def\",\"expires_in\":300}", 240000, 300000);
    check_life("{\"access_token\":\"abc.def\",\"expires_in\":30}", 15000, 30000);
    check_life("{\"access_token\":\"abc.def\",\"expires_in\":0}", 60000, INSTANT_NEVER);
    check_life("{\"access_token\":\"abc.def\",\"expires_in\":-5}", 60000, INSTANT_NEVER);
    check_life("{\"access_token\":\"abc.def\",\"expires_in\":\"soon\"}", 60000, INSTANT_NEVER);
    check_life("{\"access_token\":\"abc.def\",\"expires_in\":null}", 60000, INSTANT_NEVER);
    check_life("{\"access_token\":\"abc.def\",\"expires_in\":1e300}", 60000, INSTANT_NEVER);
    check_life("{\"access_token\":\"abc.def\",\"expires_in\":1e3}", 900000, 1000000);
    check_life("{\"access_token\":\"abc.def\",\"expires_in\":\"3600s\"}", 60000, INSTANT_NEVER);
    check_life("{\"access_token\":\"abc.def\"}", 60000, INSTANT_NEVER);
    check_life("{\"access_token\":\"abc.def\",\"expires_in\":99999999999999999999}",
               INT64_C(365) * 86400 * 900, INT64_C(365) * 86400 * 1000);
}

static void a_reply_without_a_usable_token_changes_nothing(void **state)
{
    (void)state;
    static const char *const bad[] = {"<html>",
                                      "",
                                      "[]",
                                      "{}",
                                      "{\"access_token\":\"\"}",
                                      "{\"access_token\":5}",
                                      "{\"access_token\":\"a\\r\\nX-Evil: 1\"}",
                                      "{\"access_token\":\"a b\"}",
                                      "{\"access_token\":\"abc\",\"token_type\":\"mac\"}"};
    struct token token = {0};
    assert_int_equal(accept(&token, "{\"access_token\":\"good\",\"expires_in\":60}", NULL),
                     STATUS_OK);
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct failure why = {0};
        assert_int_equal(accept(&token, bad[i], &why), STATUS_INVALID);
        assert_true(why.detail[0] != '\0');
        assert_string_equal(secret_reveal_text(token.value), "good");
    }
    token_fini(&token);
}

static void use_and_renewal_follow_the_clock(void **state)
{
    (void)state;
    struct token token = {0};
    assert_true(token_is_due(&token, 0));
    assert_false(token_is_usable(&token, 0));
    assert_int_equal(accept(&token, "{\"access_token\":\"t\",\"expires_in\":3600}", NULL),
                     STATUS_OK);
    assert_false(token_is_due(&token, 1000 + 3239999));
    assert_true(token_is_due(&token, 1000 + 3240000));
    token_postpone(&token, 1000 + 3240000);
    assert_false(token_is_due(&token, 1000 + 3240000 + 59999));
    assert_true(token_is_usable(&token, 1000 + 3599999));
    assert_false(token_is_usable(&token, 1000 + 3600000));
    token_drop(&token);
    assert_true(token_is_due(&token, 1000));
    token_fini(&token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_request_is_form_encoded_before_basic),
        cmocka_unit_test(every_spelling_of_a_lifetime_is_understood),
        cmocka_unit_test(a_reply_without_a_usable_token_changes_nothing),
        cmocka_unit_test(use_and_renewal_follow_the_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
