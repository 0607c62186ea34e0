/* Signatures against vectors of the Standard Webhooks specification and of Python's hmac. */
#include "core/secret.h"
#include "src/edge/webhook_sign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

static void signatures_are_those_of_others(void **state)
{
    (void)state;
    static const struct {
        const char *id;
        int64_t time_s;
        const char *body;
        const char *signature;
    } vectors[] = {
        {"msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, "{\"test\": 2432232314}",
         "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
        {"7f9c0e2ab14d5e6f8a90b1c2d3e4f506", 1795421730, "\xc3\xa9\n",
         "v1,8o17TQfPiWpRfbQ0at7m8O/O694qW11QYWDS/t0Mhn0="},
        {"x", 1, "", "v1,xceiVZdBgs9FX/GMfw7vMNUTG1sTIGkqsaQDu1VrJOA="},
    };
    struct secret *text = secret_create(span_of(SECRET));
    struct webhook_key *key = NULL;
    assert_int_equal(STATUS_OK, webhook_key_create(text, &key, NULL));
    for (size_t i = 0; i < ARRAY_COUNT(vectors); i++) {
        struct text signature;
        text_init(&signature, 128);
        webhook_sign(key, vectors[i].id, vectors[i].time_s, span_of(vectors[i].body), &signature);
        assert_string_equal(vectors[i].signature, text_cstr(&signature));
        text_fini(&signature);
    }
    webhook_key_destroy(key);
    secret_destroy(text);
}

/* By the openssl command; deterministic, as ed25519 is. */
static void a_private_key_signs_for_all_to_verify(void **state)
{
    (void)state;
    struct secret *text =
        secret_create(span_of("whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="));
    struct webhook_key *key = NULL;
    struct text signature;
    text_init(&signature, 128);
    assert_int_equal(STATUS_OK, webhook_key_create(text, &key, NULL));
    webhook_sign(key, "7f9c0e2ab14d5e6f8a90b1c2d3e4f506", 1795421730, span_of("\xc3\xa9\n"),
                 &signature);
    assert_string_equal("v1a,GyTZ3p8Qf2dpQiLpYq+cI7R6q4IxoSkSVir0nWmJZWGRP8e/"
                        "gpA5urS87c3Gha2pqfr1NXKufU7mgtHX3RYECQ==",
                        text_cstr(&signature));
    text_fini(&signature);
    webhook_key_destroy(key);
    secret_destroy(text);
}

/* The example of GitHub's own documentation. */
static void a_body_is_signed_as_github_does(void **state)
{
    (void)state;
    struct secret *secret = secret_create(span_of("It's a Secret to Everybody"));
    struct text signature;
    text_init(&signature, 128);
    webhook_sign_body(secret, span_of("Hello, World!"), &signature);
    assert_string_equal("sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
                        text_cstr(&signature));
    text_fini(&signature);
    secret_destroy(secret);
}

static void what_is_no_key_is_refused_without_showing_it(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "whsec_",
                                        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                                        "whsec_canary!",
                                        "whsec_canar",
                                        "whsk_canary",
                                        "whsk_Y2FuYXI="};
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        struct secret *text = secret_create(span_of(texts[i]));
        struct webhook_key *key = NULL;
        struct failure why;
        assert_int_equal(STATUS_INVALID, webhook_key_create(text, &key, &why));
        assert_null(key);
        assert_null(strstr(why.detail, "canar"));
        secret_destroy(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_are_those_of_others),
        cmocka_unit_test(a_private_key_signs_for_all_to_verify),
        cmocka_unit_test(a_body_is_signed_as_github_does),
        cmocka_unit_test(what_is_no_key_is_refused_without_showing_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
