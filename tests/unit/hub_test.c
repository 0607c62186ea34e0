/* What a consumer asks for becomes a sink and a route, and nothing else. */
#include "core/hub.h"

#include "core/arena.h"
#include "core/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char *const callbacks[] = {"listener.example.com", "*.example.net", "10.0.0.1"};
static const struct hub_config config = {.callbacks = callbacks, .callback_count = 3};

static enum status read(struct arena *arena, enum hub_api api, const char *callback,
                        const char *query, struct hub_registration *out, struct failure *why)
{
    const char *body =
        arena_format(arena, "{\"callback\":\"%s\",\"query\":\"%s\"}", callback, query);
    return hub_read(span_of(body), api, &config, arena, out, why);
}

static void each_query_has_its_types(void **state)
{
    (void)state;
    static const struct {
        enum hub_api api;
        const char *query, *types; /* types NULL: refused */
    } cases[] = {
        {HUB_ORDERS, "", "order.* "},
        {HUB_APPOINTMENTS, " ", "appointment.* "},
        {HUB_ORDERS, "eventType=ProductOrderStateChangeEvent", "order.status.* "},
        {HUB_ORDERS, "eventType = productOrderStateChangeEvent", "order.status.* "},
        {HUB_ORDERS, "eventType=ProductOrderDeleteEvent,ProductOrderDeleteEvent",
         "order.closed order.disappeared "},
        {HUB_ORDERS, "eventType=ProductOrderStateChangeEvent & eventType=ProductOrderDeleteEvent",
         "order.status.* order.closed order.disappeared "},
        {HUB_ORDERS, "eventType=ProductOrderStateChangeEvent;eventType=ProductOrderDeleteEvent",
         "order.status.* order.closed order.disappeared "},
        {HUB_ORDERS, "eventType=ProductOrderDeleteEvent;", NULL},
        {HUB_APPOINTMENTS, "eventType=AppointmentDeleteEvent", "appointment.removed "},
        {HUB_ORDERS, "eventType=AppointmentDeleteEvent", NULL},
        {HUB_ORDERS, "eventType=", NULL},
        {HUB_ORDERS, "eventType", NULL},
        {HUB_ORDERS, "eventType=ProductOrderDeleteEvent,", NULL},
        {HUB_ORDERS, "eventType=ProductOrderDeleteEvent&", NULL},
        {HUB_ORDERS, "eventType=ProductOrderDeleteEvent&state=held", NULL},
        {HUB_ORDERS, "eventType=ProductOrderDeleteEvent ProductOrderStateChangeEvent", NULL},
        {HUB_ORDERS, "&", NULL},
        {HUB_ORDERS, "eventTypeX=ProductOrderDeleteEvent", NULL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct arena *arena = arena_create();
        struct hub_registration registration;
        struct failure why;
        enum status status = read(arena, cases[i].api, "https://listener.example.com/a?b=c",
                                  cases[i].query, &registration, &why);
        if ((status == STATUS_OK) != (cases[i].types != NULL)) {
            fail_msg("\"%s\": %s", cases[i].query, status_name(status));
        }
        char types[256] = "";
        for (size_t j = 0; status == STATUS_OK && j < registration.type_count; j++) {
            (void)strcat(strcat(types, registration.types[j]), " ");
        }
        assert_string_equal(types, cases[i].types != NULL ? cases[i].types : "");
        arena_destroy(arena);
    }
}

static void only_allowed_hosts_are_called(void **state)
{
    (void)state;
    static const char *const refused[] = {"https://example.com/",
                                          "https://listener.example.com.evil/",
                                          "https://example.net/",
                                          "http://listener.example.com",
                                          "https://u@listener.example.com/",
                                          "ftp://a.example.net",
                                          "https://a.example.net/#x",
                                          "https://a.example.net/${HOME}",
                                          "https://a.example.net/$$",
                                          "https://a.example.net/a b",
                                          "https://a.example.net:0/",
                                          "https://10.0.0.1/", /* not without allow_private */
                                          ""};
    struct arena *arena = arena_create();
    struct hub_registration registration;
    struct failure why;
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++) {
        assert_int_equal(read(arena, HUB_ORDERS, refused[i], "", &registration, &why),
                         STATUS_INVALID);
    }
    assert_int_equal(
        read(arena, HUB_ORDERS, "https://a.b.example.net:8443/x", "", &registration, &why),
        STATUS_OK);
    arena_destroy(arena);
}

static void the_same_request_is_the_same_registration(void **state)
{
    (void)state;
    struct arena *arena = arena_create();
    struct hub_registration one;
    struct hub_registration other;
    struct failure why;
    const char *callback = "https://a.example.net/";
    assert_int_equal(read(arena, HUB_ORDERS, callback, "", &one, &why), STATUS_OK);
    assert_int_equal(read(arena, HUB_ORDERS, callback, "", &other, &why), STATUS_OK);
    assert_string_equal(one.id, other.id);
    assert_true(hub_is_id(one.id));
    assert_int_equal(read(arena, HUB_APPOINTMENTS, callback, "", &other, &why), STATUS_OK);
    assert_string_not_equal(one.id, other.id);
    assert_false(hub_is_id("../../../etc/pas"));
    assert_false(hub_is_id("0123456789abcde"));
    struct text yaml;
    text_init(&yaml, 4096);
    hub_add_yaml(&one, &config, &yaml);
    assert_non_null(strstr(text_cstr(&yaml), "      url: \"https://a.example.net/\"\n"));
    assert_non_null(strstr(text_cstr(&yaml), "      - \"order.*\"\n"));
    text_fini(&yaml);
    arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_query_has_its_types),
        cmocka_unit_test(only_allowed_hosts_are_called),
        cmocka_unit_test(the_same_request_is_the_same_registration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
