/* The address policy against the spellings that have fooled others. */
#include "src/edge/address_policy.h"

#include "core/base.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

static bool is_public(const char *text)
{
    struct sockaddr_in6 address6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET6, text, &address6.sin6_addr) == 1) {
        return address_is_public((const struct sockaddr *)&address6, sizeof address6);
    }
    struct sockaddr_in address4 = {.sin_family = AF_INET};
    assert_int_equal(1, inet_pton(AF_INET, text, &address4.sin_addr));
    return address_is_public((const struct sockaddr *)&address4, sizeof address4);
}

static void expect_all(bool expected, const char *const *addresses, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (is_public(addresses[i]) != expected) {
            fail_msg("%s should be %s", addresses[i], expected ? "public" : "refused");
        }
    }
}

static void public_addresses_pass(void **state)
{
    (void)state;
    static const char *const addresses[] = {
        "1.1.1.1",         "9.255.255.255",   "11.0.0.0",       "100.63.255.255",
        "100.128.0.0",     "126.255.255.255", "128.0.0.0",      "169.253.255.255",
        "169.255.0.0",     "172.15.255.255",  "172.32.0.0",     "192.167.255.255",
        "192.169.0.0",     "198.17.255.255",  "198.20.0.0",     "223.255.255.255",
        "2606:4700::1111", "2a00:1450::1",    "::ffff:1.1.1.1", "64:ff9b::101:101",
        "2002:101:101::1", "2001:200::1",     "fb00::1",        "::ffff:0:9.9.9.9",
    };
    expect_all(true, addresses, ARRAY_COUNT(addresses));
}

static void inner_addresses_are_refused(void **state)
{
    (void)state;
    static const char *const addresses[] = {
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.0",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.0",
        "172.31.255.255",
        "192.0.0.170",
        "192.168.0.1",
        "198.18.0.1",
        "198.19.255.255",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "::",
        "::1",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "2001:db8::1",
        "2001::1",
        "100::1",
        "64:ff9b:1::1",
    };
    expect_all(false, addresses, ARRAY_COUNT(addresses));
}

static void inner_addresses_are_refused_inside_others(void **state)
{
    (void)state;
    static const char *const addresses[] = {
        "::ffff:127.0.0.1",   "::ffff:7f00:1",      "::ffff:10.0.0.1", "::ffff:169.254.169.254",
        "::127.0.0.1",        "::ffff:0:127.0.0.1", "::ffff:0.0.0.0",  "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe", "2002:7f00:1::1",     "2002:a00:1::1",   "2002:a9fe:a9fe::1",
        "::ffff:100.64.0.1",  "::ffff:224.0.0.1",
    };
    expect_all(false, addresses, ARRAY_COUNT(addresses));
}

static void what_is_no_internet_address_is_refused(void **state)
{
    (void)state;
    struct sockaddr local = {.sa_family = AF_UNIX};
    assert_false(address_is_public(&local, sizeof local));
    struct sockaddr_in cut = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x01010101)};
    assert_false(address_is_public((const struct sockaddr *)&cut, 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(public_addresses_pass),
        cmocka_unit_test(inner_addresses_are_refused),
        cmocka_unit_test(inner_addresses_are_refused_inside_others),
        cmocka_unit_test(what_is_no_internet_address_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
