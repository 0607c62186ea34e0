/* Topics: one level for each id, whatever its bytes are. */
#include "core/mqtt_topic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void expect_event(const struct event *event, const char *topic)
{
    struct text out;
    text_init(&out, 65535);
    mqtt_topic_event("site/watch", event, &out);
    assert_string_equal(topic, text_cstr(&out));
    text_fini(&out);
}

static void events_have_seven_levels_at_most(void **state)
{
    (void)state;
    struct event event = {.type = EVENT_APPOINTMENT_RESCHEDULED,
                          .severity = SEVERITY_WARNING,
                          .source_name = "orange",
                          .order_id = "000123456",
                          .appointment_id = "A-1"};
    expect_event(&event, "site/watch/orange/event/warning/appointment.rescheduled/000123456");
    event.order_id = "a/b+c#d$e%f g\n\xc3\xa9";
    expect_event(&event, "site/watch/orange/event/warning/appointment.rescheduled/"
                         "a%2Fb%2Bc%23d%24e%25f%20g%0A%C3%A9");
    event.type = EVENT_SOURCE_UNREACHABLE;
    event.order_id = "";
    expect_event(&event, "site/watch/orange/event/warning/source.unreachable/-");
    event.type = EVENT_SINK_FAILING;
    event.source_name = "";
    expect_event(&event, "site/watch/-/event/warning/sink.failing/-");
}

static void expect_retained(const struct retained *retained, const char *topic)
{
    struct text out;
    text_init(&out, 65535);
    mqtt_topic_retained("p", retained, &out);
    assert_string_equal(topic, text_cstr(&out));
    text_fini(&out);
}

static void state_has_its_topics(void **state)
{
    (void)state;
    struct retained retained = {
        .kind = RETAINED_SOURCE, .source_name = "orange", .order_id = "1/2", .appointment_id = "#"};
    expect_retained(&retained, "p/orange/status");
    retained.kind = RETAINED_ORDER;
    expect_retained(&retained, "p/orange/orders/1%2F2/state");
    retained.kind = RETAINED_APPOINTMENT;
    expect_retained(&retained, "p/orange/orders/1%2F2/appointments/%23/state");
}

static void our_own_status_has_one(void **state)
{
    (void)state;
    struct text out;
    text_init(&out, 100);
    mqtt_topic_status("p", &out);
    assert_string_equal("p/status", text_cstr(&out));
    text_fini(&out);
}

static void no_id_of_the_longest_kind_is_cut(void **state)
{
    (void)state;
    char id[1025];
    memset(id, '/', 1024);
    id[1024] = '\0';
    const struct retained retained = {.kind = RETAINED_APPOINTMENT,
                                      .source_name = "orange",
                                      .order_id = id,
                                      .appointment_id = id};
    struct text out;
    text_init(&out, 65535);
    mqtt_topic_retained("p", &retained, &out);
    assert_int_equal(STATUS_OK, out.status);
    assert_int_equal(strlen("p/orange/orders//appointments//state") + (size_t)6 * 1024, out.size);
    text_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_have_seven_levels_at_most),
        cmocka_unit_test(state_has_its_topics),
        cmocka_unit_test(our_own_status_has_one),
        cmocka_unit_test(no_id_of_the_longest_kind_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
