/* The names and severities of contract.md section 3. */
#include "core/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct {
    const char *name;
    const char *severity;
} rows[] = {
    {"order.created", "info"},
    {"order.status.changed", "info"},
    {"order.status.completed", "notice"},
    {"order.status.cancelled", "critical"},
    {"order.status.failed", "critical"},
    {"order.status.held", "warning"},
    {"order.status.resumed", "info"},
    {"order.date.committed", "notice"},
    {"order.date.changed", "notice"},
    {"order.date.overdue", "warning"},
    {"order.stalled", "warning"},
    {"order.note.added", "notice"},
    {"order.updated", "info"},
    {"order.closed", "notice"},
    {"order.disappeared", "warning"},
    {"order.reappeared", "notice"},
    {"appointment.created", "notice"},
    {"appointment.confirmed", "notice"},
    {"appointment.rescheduled", "warning"},
    {"appointment.cancelled", "critical"},
    {"appointment.completed", "notice"},
    {"appointment.missed", "critical"},
    {"appointment.updated", "info"},
    {"appointment.removed", "warning"},
    {"appointment.reminder", "notice"},
    {"source.unreachable", "warning"},
    {"source.recovered", "notice"},
    {"source.rejected", "critical"},
    {"source.schema_changed", "warning"},
    {"source.change_held", "critical"},
    {"source.credential_expiring", "warning"},
    {"sink.failing", "warning"},
    {"sink.recovered", "notice"},
    {"sink.parked", "critical"},
};

static void every_documented_type_has_its_severity(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        enum event_type type = EVENT_TYPE_COUNT;
        assert_true(event_type_parse(rows[i].name, &type));
        assert_string_equal(event_type_name(type), rows[i].name);
        assert_string_equal(severity_name(event_type_severity(type)), rows[i].severity);
    }
}

static void names_are_distinct_and_parse_back(void **state)
{
    (void)state;
    for (int i = 0; i < EVENT_TYPE_COUNT; i++) {
        enum event_type type = EVENT_TYPE_COUNT;
        assert_true(event_type_parse(event_type_name((enum event_type)i), &type));
        assert_int_equal(type, i);
    }
    enum event_type type = EVENT_TEST;
    assert_false(event_type_parse("orderwatch.order.created", &type));
    assert_false(event_type_parse(NULL, &type));
    assert_int_equal(type, EVENT_TEST);
}

static void severities_rise_and_parse_back(void **state)
{
    (void)state;
    enum severity severity = SEVERITY_INFO;
    assert_true(severity_parse("critical", &severity));
    assert_int_equal(severity, SEVERITY_CRITICAL);
    assert_false(severity_parse("Critical", &severity));
    assert_true(SEVERITY_INFO < SEVERITY_NOTICE && SEVERITY_NOTICE < SEVERITY_WARNING &&
                SEVERITY_WARNING < SEVERITY_CRITICAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_documented_type_has_its_severity),
        cmocka_unit_test(names_are_distinct_and_parse_back),
        cmocka_unit_test(severities_rise_and_parse_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
