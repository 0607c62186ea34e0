/* A stage for mails: one source, one mail sink, one route; what it composes is held against golden
 * files. `make golden` rewrites them; then look at each. */
#ifndef TESTS_MAIL_STAGE_H
#define TESTS_MAIL_STAGE_H

#include "core/arena.h"
#include "core/date.h"
#include "core/message.h"
#include "core/outlook.h"
#include "core/record.h"
#include "core/zone.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#define UNUSED __attribute__((unused))
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
    const struct outlook *outlook;
};

UNUSED static struct zone *read_zone(const char *name)
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

UNUSED static struct stage *stage_create(enum language language)
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

UNUSED static void stage_destroy(struct stage *stage)
{
    zone_destroy(stage->zone);
    arena_destroy(stage->arena);
    free(stage);
}

UNUSED static struct record usual_record(const char *id)
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

UNUSED static struct event_facts usual_facts(enum event_type type)
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

UNUSED static struct span span_in(struct arena *arena, const struct text *text)
{
    struct span bytes = text_span(text);
    return (struct span){.data = arena_text(arena, bytes), .size = bytes.size};
}

/* Adds the event, with the order and the appointment that it is about. */
UNUSED static void add_event(struct stage *stage, struct event_facts *facts,
                             const struct record *record, const struct appointment *appointment)
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

UNUSED static struct message *compose(struct stage *stage, const char *bundle)
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
                                .event_total = stage->event_count,
                                .outlook = stage->outlook};
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

UNUSED static void message_release(struct message *message)
{
    message_fini(message);
    free(message);
}

UNUSED static char *read_file(const char *path)
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

UNUSED static void check_golden(const char *name, const char *text)
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

UNUSED static void check_plain(const char *name, const struct message *message)
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

UNUSED static void add_move(struct stage *stage)
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

#endif
