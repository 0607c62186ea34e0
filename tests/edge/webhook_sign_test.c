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
    struct secret *key = NULL;
    assert_int_equal(STATUS_OK, webhook_key_create(text, &key, NULL));
    for (size_t i = 0; i < ARRAY_COUNT(vectors); i++) {
        struct text signature;
        text_init(&signature, 128);
        webhook_sign(key, vectors[i].id, vectors[i].time_s, span_of(vectors[i].body), &signature);
        assert_string_equal(vectors[i].signature, text_cstr(&signature));
        text_fini(&signature);
    }
    secret_destroy(key);
    secret_destroy(text);
}

static void what_is_no_key_is_refused_without_showing_it(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                                        "whsec_canary!", "whsec_canar"};
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        struct secret *text = secret_create(span_of(texts[i]));
        struct secret *key = NULL;
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
        cmocka_unit_test(what_is_no_key_is_refused_without_showing_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
