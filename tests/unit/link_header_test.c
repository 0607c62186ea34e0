/* The next page of a Link header: its forms, and where it must not lead. */
#include "core/link_header.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const char base[] = "https://api.example.com/v1";
static const char page[] = "https://api.example.com/v1/orders?offset=0";

static enum status next_of(const char *link, struct text *out)
{
    text_clear(out);
    return link_header_add_next(link, base, page, out, NULL);
}

static void check_next(const char *link, const char *expected)
{
    struct text out;
    text_init(&out, 1024);
    assert_int_equal(next_of(link, &out), STATUS_OK);
    assert_string_equal(text_cstr(&out), expected);
    text_fini(&out);
}

static void check_status(const char *link, enum status expected)
{
    struct text out;
    text_init(&out, 1024);
    assert_int_equal(next_of(link, &out), expected);
    assert_int_equal(out.size, 0);
    text_fini(&out);
}

static void finds_next_among_others(void **state)
{
    (void)state;
    check_next("<https://api.example.com/v1/orders?offset=100>; rel=\"next\"",
               "https://api.example.com/v1/orders?offset=100");
    check_next("<https://api.example.com/v1/orders?a=1,2>; rel=\"prev\"; title=\"a, \\\"b\", "
               "<https://api.example.com/x>; title=x; REL=\"last NEXT\"",
               "https://api.example.com/x");
    check_next("</orders?p=2>;rel=next", "https://api.example.com/orders?p=2");
    check_next("<?offset=7>; rel=next", "https://api.example.com/v1/orders?offset=7");
    check_next("<more>; rel=next", "https://api.example.com/v1/more");
    check_next("<more>\t; rel = \"next\"", "https://api.example.com/v1/more");
    check_next("<more>; rel='prev next'", "https://api.example.com/v1/more");
    check_next("<HTTPS://API.example.com?x>; rel=next", "HTTPS://API.example.com?x");
}

static void says_when_there_is_none(void **state)
{
    (void)state;
    check_status(NULL, STATUS_NOT_FOUND);
    check_status("", STATUS_NOT_FOUND);
    check_status("<https://api.example.com/x>; rel=\"prev\"", STATUS_NOT_FOUND);
    check_status("<https://api.example.com/x>; rel=\"nextish\"", STATUS_NOT_FOUND);
    check_status(" , ", STATUS_NOT_FOUND);
    check_next(" ,, <https://api.example.com/x>; rel=next", "https://api.example.com/x");
    check_status("<https://api.example.com/x", STATUS_INVALID); /* it may have been the next */
    check_status("<https://api.example.com/x; rel=next", STATUS_INVALID);
    check_status("https://api.example.com/x; rel=next", STATUS_INVALID);
    check_status("</a>; rel=prev, https://api.example.com/x; rel=next", STATUS_INVALID);
}

static void refuses_other_places(void **state)
{
    (void)state;
    check_status("<https://evil.example.net/v1/orders>; rel=next", STATUS_INVALID);
    check_status("<http://api.example.com/v1/orders>; rel=next", STATUS_INVALID);
    check_status("<https://api.example.com.evil.example.net/>; rel=next", STATUS_INVALID);
    check_status("<https://api.example.com:444/>; rel=next", STATUS_INVALID);
    check_status("<https://api.example.com@evil.example.net/>; rel=next", STATUS_INVALID);
    check_status("<//evil.example.net/x>; rel=next", STATUS_INVALID);
    check_status("<file:/etc/passwd>; rel=next", STATUS_INVALID);
    check_status("<>; rel=next", STATUS_INVALID);
    check_status("</a\rb>; rel=next", STATUS_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_next_among_others),
        cmocka_unit_test(says_when_there_is_none),
        cmocka_unit_test(refuses_other_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
