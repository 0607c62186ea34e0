/* The envelope of contract.md section 3, its id, its size, and what each sink may see of it. */
#include "core/arena.h"
#include "core/event.h"
#include "core/json.h"
#include "core/record.h"
#include "core/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct change start_moved = {
    .field = "start", .from = "2027-01-12T08:00:00Z", .to = "2027-01-17T08:00:00Z"};

static struct event_facts moved(void)
{
    return (struct event_facts){
        .type = EVENT_APPOINTMENT_RESCHEDULED,
        .severity = SEVERITY_WARNING,
        .source_name = "orange",
        .order_id = "123456",
        .appointment_id = "A-1",
        .sequence = 17,
        .wall_ms = INT64_C(1795421730123),
        .sweep = 9,
        .summary = "Order 123456, appointment moved",
        .changes = &start_moved,
        .change_count = 1,
        .order_json = span_of("{\"id\":\"123456\"}"),
        .appointment_json = span_of("{\"id\":\"A-1\"}"),
        .extra_json = span_of("\"reschedule\":{\"days\":5}"),
    };
}

static struct event compose(const struct event_facts *facts, struct arena *arena)
{
    struct event event;
    event_compose(facts, arena, &event);
    return event;
}

static void the_envelope_is_as_documented(void **state)
{
    (void)state;
    struct arena *arena = arena_create();
    struct event_facts facts = moved();
    struct event event = compose(&facts, arena);
    const char *expected = arena_format(
        arena,
        "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"urn:orderwatch:orange\","
        "\"type\":\"orderwatch.appointment.rescheduled\","
        "\"subject\":\"orders/123456/appointments/A-1\",\"time\":\"2026-11-23T08:15:30.123Z\","
        "\"datacontenttype\":\"application/json\",\"severity\":\"warning\",\"sequence\":\"17\","
        "\"data\":{\"summary\":\"Order 123456, appointment moved\",\"order\":{\"id\":\"123456\"},"
        "\"appointment\":{\"id\":\"A-1\"},\"changes\":[{\"field\":\"start\","
        "\"from\":\"2027-01-12T08:00:00Z\",\"to\":\"2027-01-17T08:00:00Z\"}],\"sweep\":9,"
        "\"reschedule\":{\"days\":5}}}",
        event.id);
    assert_string_equal(event.json.data, expected);
    assert_int_equal(strlen(event.id), 32);
    assert_int_equal(event.personal.size, 0);
    arena_destroy(arena);
}

static void events_of_sources_and_sinks(void **state)
{
    (void)state;
    struct arena *arena = arena_create();
    struct event_facts facts = {
        .type = EVENT_SOURCE_RECOVERED, .source_name = "orange", .sequence = 1, .summary = "back"};
    struct event event = compose(&facts, arena);
    assert_non_null(strstr(event.json.data, "\"source\":\"urn:orderwatch:orange\""));
    assert_non_null(strstr(event.json.data, "\"subject\":\"sources/orange\""));
    assert_non_null(strstr(event.json.data,
                           "\"data\":{\"summary\":\"back\",\"source\":{\"name\":\"orange\"}}"));
    facts = (struct event_facts){.type = EVENT_SINK_FAILING,
                                 .sink_name = "noc",
                                 .sequence = 1,
                                 .summary = "away",
                                 .extra_json = span_of("\"sink\":{\"name\":\"noc\",\"n\":1}")};
    event = compose(&facts, arena);
    assert_non_null(strstr(event.json.data, "\"source\":\"urn:orderwatch\","));
    assert_non_null(strstr(event.json.data, "\"subject\":\"sinks/noc\""));
    assert_non_null(strstr(event.json.data, "\"summary\":\"away\",\"sink\":{\"name\":\"noc\","
                                            "\"n\":1}}"));
    assert_string_equal(event.source_name, "");
    assert_string_equal(event.sink_name, "noc");
    arena_destroy(arena);
}

static void ids_are_encoded_in_the_subject(void **state)
{
    (void)state;
    struct arena *arena = arena_create();
    struct event_facts facts = moved();
    facts.order_id = "a/b+#$\r\n\xc3\xa9";
    facts.appointment_id = "x y";
    struct event event = compose(&facts, arena);
    assert_non_null(strstr(event.json.data, "\"subject\":\"orders/a%2Fb%2B%23%24%0D%0A%C3%A9/"
                                            "appointments/x%20y\""));
    arena_destroy(arena);
}

static void the_id_is_what_happened(void **state)
{
    (void)state;
    static const struct change other = {.field = "start", .from = "x", .to = "y"};
    static const struct change joined = {.field = "start", .from = "xy"};
    struct arena *arena = arena_create();
    struct event_facts base = moved();
    struct event first = compose(&base, arena);
    struct event_facts facts = base;
    facts.wall_ms += 5000;
    facts.sweep = 77;
    assert_string_equal(compose(&facts, arena).id, first.id);

    struct event_facts others[9];
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        others[i] = base;
    }
    others[0].sequence = 18;
    others[1].source_name = "other";
    others[2].order_id = "123457";
    others[3].appointment_id = "A-2";
    others[4].type = EVENT_APPOINTMENT_UPDATED;
    others[5].changes = &other;
    others[6].changes = &joined;
    others[7].extra_json = span_of("\"reschedule\":{\"days\":6}");
    others[8].order_json = span_of("{\"id\":\"123456\",\"site\":\"Lyon\"}");
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        struct event event = compose(&others[i], arena);
        assert_string_not_equal(event.id, first.id);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(event.id, compose(&others[j], arena).id);
        }
    }
    arena_destroy(arena);
}

/* --- size --- */

static const char *repeat(struct arena *arena, const char *part, size_t size)
{
    char *text = arena_alloc(arena, size + 1);
    for (size_t i = 0; i < size; i++) {
        text[i] = part[i % strlen(part)];
    }
    return text;
}

static void an_event_stays_under_its_limit(void **state)
{
    (void)state;
    struct arena *arena = arena_create();
    struct note notes[NOTE_COUNT_MAX];
    struct extra extras[40];
    struct change changes[80];
    struct record record = {.id = repeat(arena, "\x01", RECORD_ID_MAX),
                            .notes = notes,
                            .note_count = NOTE_COUNT_MAX,
                            .extras = extras,
                            .extra_count = ARRAY_COUNT(extras)};
    const char *text = repeat(arena, "\"", RECORD_TEXT_MAX);
    for (size_t i = 0; i < ORDER_FIELD_COUNT; i++) {
        record.fields[i] = text;
    }
    for (size_t i = 0; i < ARRAY_COUNT(notes); i++) {
        notes[i] = (struct note){.id = "n", .text = text};
    }
    for (size_t i = 0; i < ARRAY_COUNT(extras); i++) {
        extras[i] = (struct extra){arena_format(arena, "e%zu", i), text};
    }
    for (size_t i = 0; i < ARRAY_COUNT(changes); i++) {
        changes[i] = (struct change){"contact.name", text, text};
    }
    struct text order;
    struct text contact;
    text_init(&order, SIZE_MAX / 4);
    text_init(&contact, SIZE_MAX / 4);
    record_add_order(&record, &(struct field_filter){0}, &order);
    record_add_contact(&record, &contact);
    struct event_facts facts = moved();
    facts.order_id = record.id;
    facts.appointment_id = record.id;
    facts.order_json = text_span(&order);
    facts.contact_json = text_span(&contact);
    facts.changes = changes;
    facts.change_count = ARRAY_COUNT(changes);
    struct event event = compose(&facts, arena);
    assert_true(event.json.size + event.personal.size < EVENT_BYTES_MAX);
    struct json *root = NULL;
    struct failure why;
    assert_int_equal(json_parse(event.json, &root, &why), STATUS_OK);
    assert_string_equal(json_member_text(json_at(root, "/data/order"), "id"), record.id);
    json_destroy(root);
    text_fini(&order);
    text_fini(&contact);
    arena_destroy(arena);
}

static void notes_are_shortened_before_texts(void **state)
{
    (void)state;
    struct arena *arena = arena_create();
    struct note notes[NOTE_COUNT_MAX];
    for (size_t i = 0; i < ARRAY_COUNT(notes); i++) {
        notes[i] = (struct note){.id = arena_format(arena, "n%zu", i),
                                 .text = repeat(arena, "x", RECORD_TEXT_MAX)};
    }
    struct record record = {.id = "1", .notes = notes, .note_count = NOTE_COUNT_MAX};
    record.fields[ORDER_SITE] = repeat(arena, "s", 3000);
    struct text order;
    text_init(&order, SIZE_MAX / 4);
    record_add_order(&record, &(struct field_filter){0}, &order);
    struct event_facts facts = moved();
    facts.order_json = text_span(&order);
    struct event event = compose(&facts, arena);
    assert_null(strstr(event.json.data, "\"n14\""));
    assert_non_null(strstr(event.json.data, "\"n15\""));
    assert_non_null(strstr(event.json.data, record.fields[ORDER_SITE]));
    text_fini(&order);
    arena_destroy(arena);
}

/* --- what a sink may see --- */

static const struct change order_changes[] = {
    {.field = "site", .from = "Lyon", .to = "Paris"},
    {.field = "contact.name", .from = "Nom", .to = "Autre"},
};

static struct event_facts updated(void)
{
    return (struct event_facts){
        .type = EVENT_ORDER_UPDATED,
        .source_name = "orange",
        .order_id = "1",
        .sequence = 1,
        .summary = "Order 1, site changed: Lyon to Paris",
        .changes = order_changes,
        .change_count = 2,
        .order_json = span_of("{\"id\":\"1\",\"status\":\"Held\",\"site\":\"Paris\","
                              "\"url\":\"u\",\"extra\":{\"a\":\"1\",\"b\":\"2\"}}"),
        .contact_json = span_of("{\"name\":\"Autre\",\"phone\":\"+33\"}"),
        .extra_json = span_of("\"note\":{\"text\":\"secret\"},\"detail\":{\"x\":1}"),
    };
}

static void contact_is_named_but_not_shown(void **state)
{
    (void)state;
    struct arena *arena = arena_create();
    struct event_facts facts = updated();
    struct event event = compose(&facts, arena);
    assert_null(strstr(event.json.data, "Autre"));
    assert_null(strstr(event.json.data, "Nom"));
    assert_null(strstr(event.json.data, "+33"));
    assert_non_null(strstr(event.json.data, "{\"field\":\"contact.name\"}"));
    assert_string_equal(event.personal.data,
                        "{\"contact\":{\"name\":\"Autre\",\"phone\":\"+33\"},\"changes\":["
                        "{\"field\":\"site\",\"from\":\"Lyon\",\"to\":\"Paris\"},"
                        "{\"field\":\"contact.name\",\"from\":\"Nom\",\"to\":\"Autre\"}]}");
    arena_destroy(arena);
}

static void expect_part(const char *whole, const char *part, bool is_there)
{
    if (part != NULL && (strstr(whole, part) != NULL) != is_there) {
        fail_msg("<%s> is %s in <%s>", part, is_there ? "not" : "", whole);
    }
}

static void filters(void **state)
{
    (void)state;
    static const struct {
        const char *names[4];
        size_t count;
        const char *has[4], *has_not[4];
    } rows[] = {
        {{"site", "contact"},
         2,
         {"\"order\":{\"id\":\"1\",\"site\":\"Paris\",\"contact\":{\"name\":\"Autre\","
          "\"phone\":\"+33\"}}",
          "\"from\":\"Nom\"", "Lyon to Paris"},
         {"status\":", "url", "extra", "secret"}},
        {{"status", "contact.phone", "extra.b", "notes"},
         4,
         {"\"order\":{\"id\":\"1\",\"status\":\"Held\",\"contact\":{\"phone\":\"+33\"},"
          "\"extra\":{\"b\":\"2\"}}",
          "\"changes\":[]", "\"summary\":\"Order 1: details changed\"", "secret"},
         {"Lyon", "Paris", "Autre", "Nom"}},
        {{"id"}, 1, {"\"order\":{\"id\":\"1\"}"}, {"Lyon", "detail\":{", "Autre", "secret"}},
    };
    struct arena *arena = arena_create();
    struct event_facts facts = updated();
    struct event event = compose(&facts, arena);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct field_filter filter = {rows[i].names, rows[i].count};
        struct text out;
        struct failure why;
        text_init(&out, EVENT_BYTES_MAX);
        assert_int_equal(event_add_filtered(&event, &filter, &out, &why), STATUS_OK);
        for (size_t j = 0; j < 4; j++) {
            expect_part(text_cstr(&out), rows[i].has[j], true);
            expect_part(text_cstr(&out), rows[i].has_not[j], false);
        }
        expect_part(text_cstr(&out), event.id, true);
        text_fini(&out);
    }
    arena_destroy(arena);
}

static void the_usual_filter_copies(void **state)
{
    (void)state;
    struct arena *arena = arena_create();
    struct event_facts facts = updated();
    struct event event = compose(&facts, arena);
    struct field_filter usual = {0};
    struct text out;
    struct failure why;
    text_init(&out, EVENT_BYTES_MAX);
    assert_int_equal(event_add_filtered(&event, &usual, &out, &why), STATUS_OK);
    assert_string_equal(text_cstr(&out), event.json.data);
    text_fini(&out);
    event.json = span_of("{\"broken\":");
    static const char *const names[] = {"id"};
    struct field_filter narrow = {names, 1};
    text_init(&out, EVENT_BYTES_MAX);
    assert_int_equal(event_add_filtered(&event, &narrow, &out, &why), STATUS_CORRUPT);
    text_fini(&out);
    arena_destroy(arena);
}

static void an_appointment_keeps_its_fields(void **state)
{
    (void)state;
    struct arena *arena = arena_create();
    struct event_facts facts = moved();
    struct event event = compose(&facts, arena);
    static const char *const names[] = {"id"};
    struct field_filter narrow = {names, 1};
    struct text out;
    struct failure why;
    text_init(&out, EVENT_BYTES_MAX);
    assert_int_equal(event_add_filtered(&event, &narrow, &out, &why), STATUS_OK);
    assert_string_equal(text_cstr(&out), event.json.data);
    text_fini(&out);
    arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_envelope_is_as_documented),
        cmocka_unit_test(events_of_sources_and_sinks),
        cmocka_unit_test(ids_are_encoded_in_the_subject),
        cmocka_unit_test(the_id_is_what_happened),
        cmocka_unit_test(an_event_stays_under_its_limit),
        cmocka_unit_test(notes_are_shortened_before_texts),
        cmocka_unit_test(contact_is_named_but_not_shown),
        cmocka_unit_test(filters),
        cmocka_unit_test(the_usual_filter_copies),
        cmocka_unit_test(an_appointment_keeps_its_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
