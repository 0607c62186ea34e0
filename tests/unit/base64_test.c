/* Base64 by the examples of RFC 4648 section 10 and all byte values. */
#include "core/base64.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void check(const char *plain, const char *expected)
{
    struct text out;
    text_init(&out, 64);
    base64_add(&out, span_of(plain));
    assert_string_equal(text_cstr(&out), expected);
    struct text back;
    text_init(&back, 64);
    assert_true(base64_decode(&back, text_span(&out)));
    assert_string_equal(text_cstr(&back), plain);
    text_fini(&back);
    text_fini(&out);
}

static void refuses_what_is_not_base64(void **state)
{
    (void)state;
    static const char *const bad[] = {"Zg=", "Zg", "Z===", "====", "Zg==Zg==", "Zm=v", "Zm9\n"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct text out;
        text_init(&out, 64);
        assert_false(base64_decode(&out, span_of(bad[i])));
        text_fini(&out);
    }
}

static void agrees_with_the_rfc(void **state)
{
    (void)state;
    check("", "");
    check("f", "Zg==");
    check("fo", "Zm8=");
    check("foo", "Zm9v");
    check("foob", "Zm9vYg==");
    check("fooba", "Zm9vYmE=");
    check("foobar", "Zm9vYmFy");
    check("\xff\xfe\xfb", "//77");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(agrees_with_the_rfc),
                                       cmocka_unit_test(refuses_what_is_not_base64)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
