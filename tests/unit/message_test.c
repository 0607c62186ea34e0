/* Mails as their readers see them. The golden files are reviewed by eye; GOLDEN_UPDATE=1 rewrites
 * them. */
#include "core/arena.h"
#include "core/date.h"
#include "core/message.h"
#include "core/record.h"
#include "core/zone.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#define GOLDEN_FOLDER "tests/unit/golden/"
#define NOW_MS INT64_C(1795421730123) /* 2026-11-23T08:15:30.123Z */

struct stage {
    struct arena *arena;
    struct zone *zone;
    struct source_config source;
    struct sink_config sink;
    struct route_config route;
    struct config config;
    struct event events[1200];
    size_t event_count;
};

static struct zone *read_zone(const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char bytes[16384];
    size_t size = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    struct zone *zone = NULL;
    struct failure why;
    struct span span = {.data = bytes, .size = size};
    assert_int_equal(STATUS_OK, zone_from_tzif(name, span, &zone, &why));
    return zone;
}

static struct stage *stage_create(enum language language)
{
    static const char *const types[] = {"*"};
    static const size_t sinks[] = {0};
    struct stage *stage = alloc(sizeof *stage);
    stage->arena = arena_create();
    stage->zone = read_zone("Europe/Paris");
    stage->source = (struct source_config){.name = "orange", .zone = stage->zone};
    stage->sink = (struct sink_config){.name = "project-managers",
                                       .kind = SINK_EMAIL,
                                       .email = {.language = language,
                                                 .host = "example.com",
                                                 .from = "Order watch <orderwatch@example.com>",
                                                 .status_url = "https://watch.example.com/"}};
    stage->route = (struct route_config){
        .name = "appointments", .types = types, .type_count = 1, .sinks = sinks, .sink_count = 1};
    stage->config = (struct config){.file = "/etc/orderwatch/orderwatch.yaml",
                                    .sources = &stage->source,
                                    .source_count = 1,
                                    .sinks = &stage->sink,
                                    .sink_count = 1,
                                    .routes = &stage->route,
                                    .route_count = 1};
    return stage;
}

static void stage_destroy(struct stage *stage)
{
    zone_destroy(stage->zone);
    arena_destroy(stage->arena);
    free(stage);
}

static struct record usual_record(const char *id)
{
    struct record record = {.id = id, .kind = ORDER_OPEN};
    record.fields[ORDER_REFERENCE] = "PO-7781";
    record.fields[ORDER_STATUS] = "InProgress";
    record.fields[ORDER_STEP] = "Site survey";
    record.fields[ORDER_SITE] = "Lyon Part-Dieu";
    record.fields[ORDER_OFFER] = "Business VPN 100M";
    record.fields[ORDER_COMMITTED_DATE] = "2027-01-29";
    record.fields[ORDER_CONTACT_NAME] = "Someone";
    record.fields[ORDER_CONTACT_PHONE] = "+33 1 00 00 00 00";
    return record;
}

static struct event_facts usual_facts(enum event_type type)
{
    return (struct event_facts){.type = type,
                                .severity = event_type_severity(type),
                                .source_name = "orange",
                                .order_id = "123456",
                                .sequence = 17,
                                .wall_ms = NOW_MS,
                                .sweep = 42,
                                .summary = "what happened"};
}

static struct span span_in(struct arena *arena, const struct text *text)
{
    struct span bytes = text_span(text);
    return (struct span){.data = arena_text(arena, bytes), .size = bytes.size};
}

/* Adds the event, with the order and the appointment that it is about. */
static void add_event(struct stage *stage, struct event_facts *facts, const struct record *record,
                      const struct appointment *appointment)
{
    struct text text;
    text_init(&text, 1 << 20);
    if (record != NULL) {
        record_add_order(record, &(struct field_filter){.names = NULL}, &text);
        facts->order_json = span_in(stage->arena, &text);
        text_clear(&text);
        text_add_text(&text, "{\"name\":\"Someone\",\"phone\":\"+33 1 00 00 00 00\"}");
        facts->contact_json = span_in(stage->arena, &text);
        text_clear(&text);
    }
    if (appointment != NULL) {
        facts->appointment_id = appointment->id;
        record_add_appointment(appointment, &text);
        facts->appointment_json = span_in(stage->arena, &text);
    }
    text_fini(&text);
    event_compose(facts, stage->arena, &stage->events[stage->event_count++]);
}

static struct message *compose(struct stage *stage, const char *bundle)
{
    struct delivery delivery = {.id = 1,
                                .sink_name = "project-managers",
                                .lane = "orange/123456",
                                .bundle = bundle,
                                .created_wall_ms = NOW_MS,
                                .first_due_wall_ms = NOW_MS,
                                .progress = "",
                                .events = stage->events,
                                .event_count = stage->event_count,
                                .event_total = stage->event_count};
    for (size_t i = 0; i < stage->event_count; i++) {
        delivery.severity_counts[stage->events[i].severity]++;
    }
    if (delivery.event_count > BUNDLE_EVENTS_MAX) {
        delivery.event_count = BUNDLE_EVENTS_MAX;
    }
    struct message *message = alloc(sizeof *message);
    message_init(message);
    struct failure why = {.detail = ""};
    enum status status =
        message_compose(&stage->sink, &stage->config, &delivery, NOW_MS, message, &why);
    assert_string_equal("", why.detail);
    assert_int_equal(STATUS_OK, status);
    return message;
}

static void message_release(struct message *message)
{
    message_fini(message);
    free(message);
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fail_msg("%s is missing", path);
    }
    char *bytes = alloc(1 << 20);
    size_t size = fread(bytes, 1, (1 << 20) - 1, file);
    bytes[size] = '\0';
    (void)fclose(file);
    return bytes;
}

static void check_golden(const char *name, const char *text)
{
    char path[256];
    (void)snprintf(path, sizeof path, GOLDEN_FOLDER "%s", name);
    if (getenv("GOLDEN_UPDATE") != NULL) {
        FILE *file = fopen(path, "wb");
        assert_non_null(file);
        assert_true(fputs(text, file) >= 0);
        assert_int_equal(0, fclose(file));
    }
    char *expected = read_file(path);
    assert_string_equal(expected, text);
    free(expected);
}

static void check_plain(const char *name, const struct message *message)
{
    struct text text;
    text_init(&text, 1 << 20);
    text_addf(&text, "Subject: %s\n\n%s", text_cstr(&message->subject), text_cstr(&message->plain));
    check_golden(name, text_cstr(&text));
    text_fini(&text);
}

static const struct appointment usual_appointment = {
    .id = "A-1",
    .kind = APPOINTMENT_CONFIRMED,
    .fields = {[APPOINTMENT_STATUS] = "Confirmed",
               [APPOINTMENT_START] = "2027-01-16T08:00:00Z",
               [APPOINTMENT_END] = "2027-01-16T10:00:00Z"}};

static void add_move(struct stage *stage)
{
    static const struct change changes[] = {
        {.field = "start", .from = "2027-01-11T08:00:00Z", .to = "2027-01-16T08:00:00Z"},
        {.field = "end", .from = "2027-01-11T10:00:00Z", .to = "2027-01-16T10:00:00Z"}};
    struct record record = usual_record("123456");
    struct event_facts facts = usual_facts(EVENT_APPOINTMENT_RESCHEDULED);
    facts.changes = changes;
    facts.change_count = 2;
    facts.extra_json =
        span_of("\"reschedule\":{\"days\":5,\"business_days\":5,\"count\":2,\"total_days\":9,"
                "\"first_start\":\"2027-01-07T08:00:00Z\"}");
    add_event(stage, &facts, &record, &usual_appointment);
}

static void check_both_languages(void (*add)(struct stage *), const char *name)
{
    static const char *const endings[] = {[LANGUAGE_EN] = "en", [LANGUAGE_FR] = "fr"};
    for (int language = LANGUAGE_EN; language <= LANGUAGE_FR; language++) {
        struct stage *stage = stage_create((enum language)language);
        add(stage);
        struct message *message = compose(stage, NULL);
        char file[128];
        (void)snprintf(file, sizeof file, "mail-%s-%s.txt", name, endings[language]);
        check_plain(file, message);
        message_release(message);
        stage_destroy(stage);
    }
}

static void a_moved_appointment(void **state)
{
    (void)state;
    check_both_languages(add_move, "appointment-rescheduled");
}

static void add_slip(struct stage *stage)
{
    static const struct change changes[] = {
        {.field = "committed_date", .from = "2027-01-22", .to = "2027-01-29"}};
    struct record record = usual_record("123456");
    struct event_facts facts = usual_facts(EVENT_ORDER_DATE_CHANGED);
    facts.severity = SEVERITY_WARNING;
    facts.changes = changes;
    facts.change_count = 1;
    facts.extra_json = span_of("\"date_change\":{\"field\":\"committed_date\",\"days\":7,"
                               "\"count\":1,\"total_days\":7,\"first_date\":\"2027-01-22\"}");
    add_event(stage, &facts, &record, NULL);
}

static void a_slipped_date(void **state)
{
    (void)state;
    check_both_languages(add_slip, "order-date-changed");
}

static void add_note_event(struct stage *stage)
{
    struct record record = usual_record("123456");
    static const struct change changes[] = {
        {.field = "notes", .to = "An earlier note of the same sweep."},
        {.field = "notes",
         .to = "Please confirm access to the technical room on level -2: the technician needs a "
               "badge and somebody to open.\nSecond line."}};
    struct event_facts facts = usual_facts(EVENT_ORDER_NOTE_ADDED);
    facts.changes = changes;
    facts.change_count = 2;
    facts.extra_json = span_of(
        "\"note\":{\"id\":\"n1\",\"author\":\"Operator desk\",\"date\":"
        "\"2026-11-23T07:50:00Z\",\"text\":\"Please confirm access to the technical room "
        "on level -2: the technician needs a badge and somebody to open.\\nSecond line.\"}");
    add_event(stage, &facts, &record, NULL);
}

static void a_note(void **state)
{
    (void)state;
    check_both_languages(add_note_event, "order-note-added");
}

static void add_status_and_cancel(struct stage *stage)
{
    static const struct change status[] = {
        {.field = "status", .from = "InProgress", .to = "Held"},
        {.field = "step", .from = "Site survey", .to = "Waiting for the customer's answer"}};
    static const struct change cancel[] = {
        {.field = "status", .from = "Confirmed", .to = "Cancelled"}};
    struct record record = usual_record("123456");
    struct event_facts facts = usual_facts(EVENT_ORDER_STATUS_HELD);
    facts.changes = status;
    facts.change_count = 2;
    add_event(stage, &facts, &record, NULL);
    facts = usual_facts(EVENT_APPOINTMENT_CANCELLED);
    facts.sequence = 18;
    facts.changes = cancel;
    facts.change_count = 1;
    add_event(stage, &facts, &record, &usual_appointment);
}

static void several_events_of_one_order(void **state)
{
    (void)state;
    check_both_languages(add_status_and_cancel, "several");
}

static void add_cancelled_order(struct stage *stage)
{
    static const struct change cancel[] = {
        {.field = "status", .from = "InProgress", .to = "Cancelled"}};
    struct record record = usual_record("123456");
    record.fields[ORDER_STATUS] = "Cancelled";
    record.kind = ORDER_CANCELLED;
    struct event_facts facts = usual_facts(EVENT_ORDER_STATUS_CANCELLED);
    facts.changes = cancel;
    facts.change_count = 1;
    facts.extra_json =
        span_of("\"appointments\":[{\"type\":\"orderwatch.appointment.cancelled\","
                "\"appointment\":{\"id\":\"A-1\",\"status\":\"Cancelled\","
                "\"start\":\"2027-01-17T08:00:00Z\",\"end\":\"2027-01-17T10:00:00Z\"},"
                "\"changes\":[{\"field\":\"status\",\"from\":\"Confirmed\",\"to\":\"Cancelled\"}],"
                "\"calendar\":{\"sequence\":4}},"
                "{\"type\":\"orderwatch.appointment.removed\",\"appointment\":{\"id\":\"A-2\"},"
                "\"changes\":[],\"calendar\":{\"sequence\":2}}]");
    add_event(stage, &facts, &record, NULL);
}

static void a_cancelled_order_ends_its_appointments(void **state)
{
    (void)state;
    check_both_languages(add_cancelled_order, "order-cancelled");
    struct stage *stage = stage_create(LANGUAGE_EN);
    add_cancelled_order(stage);
    struct message *message = compose(stage, NULL);
    assert_int_equal(message->appointment_count, 2);
    assert_string_equal(message->appointments[0].appointment_id, "A-1");
    assert_int_equal(message->appointments[0].sequence, 4);
    assert_true(message->appointments[0].is_cancelled);
    assert_string_equal(message->appointments[1].appointment_id, "A-2");
    assert_true(message->appointments[1].is_cancelled);
    message_fini(message);
    free(message);
    stage_destroy(stage);
}

static void add_source_event(struct stage *stage)
{
    struct event_facts facts = usual_facts(EVENT_SOURCE_UNREACHABLE);
    facts.order_id = NULL;
    facts.summary = "Source orange: no complete sweep for 15 minutes";
    facts.extra_json = span_of("\"failure\":{\"first\":\"2026-11-23T08:00:00Z\",\"count\":3,"
                               "\"codes\":[\"503\",\"error\"],\"request_ids\":[],"
                               "\"detail\":\"connect to api.example.com: timed out\"}");
    add_event(stage, &facts, NULL, NULL);
}

static void a_source_in_trouble(void **state)
{
    (void)state;
    check_both_languages(add_source_event, "source-unreachable");
}

/* Every type in both languages: it is readable and names what it is about. */
static void every_type_has_words(void **state)
{
    (void)state;
    for (int type = 0; type < EVENT_TYPE_COUNT; type++) {
        for (int language = LANGUAGE_EN; language <= LANGUAGE_FR; language++) {
            struct stage *stage = stage_create((enum language)language);
            struct record record = usual_record("123456");
            struct event_facts facts = usual_facts((enum event_type)type);
            bool is_about_order = strncmp(event_type_name((enum event_type)type), "o", 1) == 0 ||
                                  strncmp(event_type_name((enum event_type)type), "a", 1) == 0;
            facts.order_id = is_about_order ? "123456" : NULL;
            add_event(stage, &facts, is_about_order ? &record : NULL,
                      strncmp(event_type_name((enum event_type)type), "ap", 2) == 0
                          ? &usual_appointment
                          : NULL);
            struct message *message = compose(stage, NULL);
            assert_non_null(strstr(text_cstr(&message->plain), "orderwatch"));
            assert_null(strstr(text_cstr(&message->plain), "(null)"));
            assert_true(strlen(text_cstr(&message->subject)) > strlen("[orderwatch] Test: "));
            message_release(message);
            stage_destroy(stage);
        }
    }
}

static void a_digest_groups_by_order(void **state)
{
    (void)state;
    static const struct change there[] = {
        {.field = "start", .from = "2027-01-11T08:00:00Z", .to = "2027-01-12T08:00:00Z"}};
    static const struct change onward[] = {
        {.field = "start", .from = "2027-01-12T08:00:00Z", .to = "2027-01-16T08:00:00Z"}};
    static const struct change back[] = {{.field = "status", .from = "Held", .to = "InProgress"}};
    static const struct change away[] = {{.field = "status", .from = "InProgress", .to = "Held"}};
    struct stage *stage = stage_create(LANGUAGE_EN);
    struct record record = usual_record("123456");
    struct record other = usual_record("99");
    other.fields[ORDER_SITE] = "Nantes";
    struct event_facts facts = usual_facts(EVENT_ORDER_STATUS_HELD);
    facts.order_id = "99";
    facts.changes = away;
    facts.change_count = 1;
    facts.sequence = 3;
    add_event(stage, &facts, &other, NULL);
    facts = usual_facts(EVENT_APPOINTMENT_RESCHEDULED);
    facts.changes = there;
    facts.change_count = 1;
    add_event(stage, &facts, &record, &usual_appointment);
    facts.sequence = 18;
    facts.changes = onward;
    add_event(stage, &facts, &record, &usual_appointment);
    facts = usual_facts(EVENT_ORDER_STATUS_RESUMED);
    facts.order_id = "99";
    facts.changes = back;
    facts.change_count = 1;
    facts.sequence = 4;
    add_event(stage, &facts, &other, NULL);
    struct message *message = compose(stage, "q1");
    check_plain("mail-digest-en.txt", message);
    check_golden("mail-digest-en.html", text_cstr(&message->html));
    message_release(message);
    stage_destroy(stage);
}

static void a_huge_digest_counts_the_rest(void **state)
{
    (void)state;
    struct stage *stage = stage_create(LANGUAGE_EN);
    for (int i = 0; i < 1200; i++) {
        struct event_facts facts = usual_facts(EVENT_ORDER_UPDATED);
        const char *id = arena_format(stage->arena, "%d", 1000 + i);
        struct record record = usual_record(id);
        facts.order_id = id;
        add_event(stage, &facts, &record, NULL);
    }
    struct message *message = compose(stage, "d1");
    assert_string_equal("[orderwatch] Digest: 1200 changes", text_cstr(&message->subject));
    assert_non_null(strstr(text_cstr(&message->plain), "And 1000 more events"));
    assert_int_equal(200 * 33 - 1, message->event_ids.size);
    message_release(message);
    stage_destroy(stage);
}

static void identities_are_stable(void **state)
{
    (void)state;
    struct stage *stage = stage_create(LANGUAGE_EN);
    add_move(stage);
    struct message *first = compose(stage, NULL);
    char expected[200];
    (void)snprintf(expected, sizeof expected, "%s.project-managers@example.com",
                   stage->events[0].id);
    assert_string_equal(expected, text_cstr(&first->message_id));
    assert_string_equal(stage->events[0].id, text_cstr(&first->event_ids));
    stage->event_count = 0;
    add_slip(stage);
    struct message *second = compose(stage, NULL);
    assert_string_equal(text_cstr(&first->root_id), text_cstr(&second->root_id));
    assert_string_not_equal(text_cstr(&first->message_id), text_cstr(&second->message_id));
    struct message *digest = compose(stage, "d1");
    assert_string_not_equal(text_cstr(&first->root_id), text_cstr(&digest->root_id));
    message_release(first);
    message_release(second);
    message_release(digest);
    stage_destroy(stage);
}

static void contact_leaves_only_where_named(void **state)
{
    (void)state;
    struct stage *stage = stage_create(LANGUAGE_EN);
    add_move(stage);
    struct message *message = compose(stage, NULL);
    assert_null(strstr(text_cstr(&message->plain), "Someone"));
    assert_null(strstr(text_cstr(&message->html), "Someone"));
    message_release(message);
    static const char *const names[] = {"id", "contact"};
    stage->sink.fields = (struct field_filter){.names = names, .count = 2};
    message = compose(stage, NULL);
    assert_non_null(strstr(text_cstr(&message->plain), "Someone"));
    assert_null(strstr(text_cstr(&message->plain), "Lyon"));
    message_release(message);
    stage_destroy(stage);
}

static void hostile_text_stays_text(void **state)
{
    (void)state;
    static const struct change changes[] = {
        {.field = "site",
         .from = "a",
         .to = "<script>alert(1)</script>\r\nBcc: victim@example.com\u202e\x07"}};
    struct stage *stage = stage_create(LANGUAGE_EN);
    struct record record = usual_record("1\r\nBcc: x@example.com");
    record.fields[ORDER_SITE] = "</title><img src=x onerror=alert(1)>\r\nSubject: other";
    struct event_facts facts = usual_facts(EVENT_ORDER_UPDATED);
    facts.order_id = record.id;
    facts.changes = changes;
    facts.change_count = 1;
    add_event(stage, &facts, &record, NULL);
    struct message *message = compose(stage, NULL);
    assert_null(strpbrk(text_cstr(&message->subject), "\r\n"));
    assert_null(strchr(text_cstr(&message->plain), '\r'));
    assert_null(strstr(text_cstr(&message->plain), "\nBcc:"));
    assert_null(strstr(text_cstr(&message->html), "<script>alert"));
    assert_null(strstr(text_cstr(&message->html), "<img"));
    assert_null(strstr(text_cstr(&message->html), "\u202e"));
    assert_null(strpbrk(text_cstr(&message->root_id), " \r\n<>"));
    message_release(message);
    stage_destroy(stage);
}

static void broken_events_are_named(void **state)
{
    (void)state;
    struct stage *stage = stage_create(LANGUAGE_EN);
    add_move(stage);
    stage->events[0].json = span_of("{\"data\":");
    struct delivery delivery = {.events = stage->events, .event_count = 1, .event_total = 1};
    struct message message;
    message_init(&message);
    struct failure why;
    assert_int_equal(STATUS_CORRUPT, message_compose(&stage->sink, &stage->config, &delivery,
                                                     NOW_MS, &message, &why));
    assert_non_null(strstr(why.detail, stage->events[0].id));
    message_fini(&message);
    stage_destroy(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_moved_appointment),
        cmocka_unit_test(a_slipped_date),
        cmocka_unit_test(a_note),
        cmocka_unit_test(several_events_of_one_order),
        cmocka_unit_test(a_cancelled_order_ends_its_appointments),
        cmocka_unit_test(a_source_in_trouble),
        cmocka_unit_test(every_type_has_words),
        cmocka_unit_test(a_digest_groups_by_order),
        cmocka_unit_test(a_huge_digest_counts_the_rest),
        cmocka_unit_test(identities_are_stable),
        cmocka_unit_test(contact_leaves_only_where_named),
        cmocka_unit_test(hostile_text_stays_text),
        cmocka_unit_test(broken_events_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
