#include "core/address.h"
#include "core/address_block.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_url_is_cut_into_its_parts(void **state)
{
    (void)state;
    struct url url;
    assert_true(url_parse("https://api.example.com:8443/a/b?c=d", &url));
    assert_true(span_is(url.scheme, "https"));
    assert_true(span_is(url.host, "api.example.com"));
    assert_int_equal(url.port, 8443);
    assert_true(span_is(url.path, "/a/b?c=d"));
    assert_true(url.has_query);
    assert_false(url.has_fragment);
    assert_false(url.has_credentials);
    assert_true(url_parse("mqtt://[2001:db8::1]", &url));
    assert_true(span_is(url.host, "2001:db8::1"));
    assert_int_equal(url.port, 0);
    assert_true(url_parse("https://user:pass@host#x", &url));
    assert_true(url.has_credentials);
    assert_true(url.has_fragment);
    assert_true(span_is(url.host, "host"));
}

static void what_is_no_url_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "example.com",
        "https://",
        "https:///path",
        "https://:80",
        "https://a:",
        "https://a:0",
        "https://a:65536",
        "https://a:x",
        "https://a b",
        "https://a/b c",
        "https://a/\x01",
        "https://a..b",
        "https://-a",
        "https://a-",
        "https://.a",
        "https://[::1",
        "https://[a]",
        "https://[::1]x",
        "https://[::1]:",
        "https://a\\b",
        "https://é.example.com",
        "https://127.1",
        "https://0x7f.0.0.1",
        "https://example.0X10",
        "https://2130706433",
        "https://127.0.0.1.",
        "https://1.2.3.04",
    };
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        struct url url;
        if (url_parse(texts[i], &url)) {
            fail_msg("%s is taken for a URL", texts[i]);
        }
    }
}

static void loopback_is_what_no_other_host_can_be(void **state)
{
    (void)state;
    static const char *const loopback[] = {"localhost", "127.0.0.1", "127.255.0.9", "::1"};
    static const char *const others[] = {"127.0.0.1.example.com",
                                         "localhost.example.com",
                                         "128.0.0.1",
                                         "0.0.0.0",
                                         "::",
                                         "127.1",
                                         "127.0.0.01",
                                         "10.0.0.1",
                                         "::ffff:127.0.0.1",
                                         "",
                                         "127.0.0.256"};
    for (size_t i = 0; i < ARRAY_COUNT(loopback); i++) {
        assert_true(host_is_loopback(span_of(loopback[i])));
    }
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        assert_false(host_is_loopback(span_of(others[i])));
    }
}

static void clear_text_goes_to_loopback_only(void **state)
{
    (void)state;
    assert_null(call_url_fault("https://hooks.example.com/a?b=c"));
    assert_null(call_url_fault("http://127.0.0.1:8080/a"));
    assert_null(call_url_fault("http://[::1]:8080/a"));
    assert_non_null(call_url_fault("http://hooks.example.com/a"));
    assert_non_null(call_url_fault("http://user@127.0.0.1/a"));
    assert_non_null(call_url_fault("https://hooks.example.com/a#b"));
    assert_non_null(call_url_fault("file:///etc/passwd"));
    assert_non_null(api_url_fault("https://api.example.com/v1?x=1"));
    assert_null(link_url_fault("http://intranet/orders?a=b"));
    assert_null(proxy_url_fault("http://proxy.example.com:3128"));
    assert_non_null(proxy_url_fault("http://proxy.example.com:3128/path"));
}

static void a_mailbox_is_one_address(void **state)
{
    (void)state;
    static const char *const good[] = {
        "a@example.com",
        "a.b+c@example.com",
        "Order watch <orderwatch@example.com>",
        "\"Watch, orders <all>\" <orders@example.com>",
        "Équipe déploiement <projets@example.com>",
        "<a@b>",
        "root@localhost",
        "a@[192.0.2.1]",
        "a@[IPv6:2001:db8::1]",
    };
    static const char *const bad[] = {
        "",
        "a",
        "@",
        "a@",
        "@b",
        "a@b@c",
        "a b@c",
        "a@b c",
        "a@b,c@d",
        "a@b\r\nBcc: c@d",
        "A <a@b> <c@d>",
        "A, B <a@b>",
        "A <a@b",
        "a@b>",
        "\"A <a@b>",
        "A\" <a@b>",
        "A\n <a@b>",
        ".a@b",
        "a.@b",
        "a..b@c",
        "a@-b",
        "a@b..c",
        "\"a b\"@c",
        "é@example.com",
        "a@é.example.com",
        "a@[300.0.0.1]",
        "a@[x]",
        "A:B <a@b>",
        "A (B) <a@b>",
        "\"A\\\" <a@b>",
    };
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        if (mailbox_fault(good[i]) != NULL) {
            fail_msg("%s is refused", good[i]);
        }
    }
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        if (mailbox_fault(bad[i]) == NULL) {
            fail_msg("%s is accepted", bad[i]);
        }
    }
    assert_true(span_is(mailbox_domain("A <a@example.com>"), "example.com"));
    assert_true(span_is(mailbox_domain("a@example.com"), "example.com"));
}

static void a_private_address_is_known_as_it_is_written(void **state)
{
    (void)state;
    static const char *const private[] = {"10.255.255.1",
                                          "192.168.0.1",
                                          "127.0.0.1",
                                          "169.254.169.254",
                                          "0.0.0.0",
                                          "::",
                                          "::1",
                                          "fd00::1",
                                          "FE80::1",
                                          "::ffff:127.0.0.1",
                                          "::ffff:7f00:1",
                                          "64:ff9b::10.0.0.1",
                                          "fd00:1:2:3:4:5:6:7",
                                          "0:0:0:0:0:0:0:1",
                                          "2002:0a00:0001::",
                                          "ff02::1:2"};
    static const char *const others[] = {"8.8.8.8",
                                         "2606:4700::1111",
                                         "2606:4700:0:0:0:0:0:1111",
                                         "::ffff:8.8.8.8",
                                         "example.com",
                                         "10.0.0",
                                         "",
                                         "fd00",
                                         "fd00:1",
                                         "fd00::1::2",
                                         "fd00:::1",
                                         ":fd00::1",
                                         "fd00::1:",
                                         "fd00::12345",
                                         "fd00::g",
                                         "1:2:3:4:5:6:7:8:9",
                                         "1:2:3:4:5:6:7::8:9",
                                         "1.2.3.4::",
                                         "::1.2.3",
                                         "::10.0.0.1.2",
                                         "1:2:3:4:5:6:7:10.0.0.1"};
    for (size_t i = 0; i < ARRAY_COUNT(private); i++) {
        if (!host_is_private(span_of(private[i]))) {
            fail_msg("%s", private[i]);
        }
    }
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        if (host_is_private(span_of(others[i]))) {
            fail_msg("%s", others[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_is_cut_into_its_parts),
        cmocka_unit_test(what_is_no_url_is_refused),
        cmocka_unit_test(loopback_is_what_no_other_host_can_be),
        cmocka_unit_test(clear_text_goes_to_loopback_only),
        cmocka_unit_test(a_mailbox_is_one_address),
        cmocka_unit_test(a_private_address_is_known_as_it_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
