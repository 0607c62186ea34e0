/* Calendar bodies, judged by an independent parser that plays a client's rules. */
#include "core/json.h"
#include "core/zone.h"
#include "edge/calendar.h"
#include "edge/config_file.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#define FOLDER "build/tests/"

static const char *const people[] = {"ann@example.com", "bob@example.com"};

static struct message_appointment usual(uint32_t sequence, const char *start, const char *end)
{
    return (struct message_appointment){.source_name = "orange",
                                        .order_id = "12/3",
                                        .appointment_id = "A-1",
                                        .sequence = sequence,
                                        .is_confirmed = true,
                                        .start = start,
                                        .end = end,
                                        .summary = "Order 12/3 (Lyon): appointment",
                                        .location = "Lyon Part-Dieu",
                                        .description = "Offer: VPN"};
}

static struct calendar_facts facts_of(enum calendar_method method,
                                      const struct message_appointment *appointment,
                                      const struct zone *zone)
{
    return (struct calendar_facts){.method = method,
                                   .appointments = appointment,
                                   .appointment_count = 1,
                                   .zone = zone,
                                   .organizer = "watch@example.com",
                                   .stamp_wall_ms = INT64_C(1795421730123)};
}

struct play {
    struct text command;
    int count;
};

static void play_add(struct play *play, const struct calendar_facts *facts)
{
    struct text body;
    text_init(&body, 1 << 20);
    calendar_add(facts, &body);
    assert_int_equal(STATUS_OK, body.status);
    char path[64];
    (void)snprintf(path, sizeof path, FOLDER "calendar-%d.ics", play->count++);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(body.size, fwrite(body.data, 1, body.size, file));
    assert_int_equal(0, fclose(file));
    text_addf(&play->command, " %s", path);
    text_fini(&body);
}

static void play_init(struct play *play)
{
    *play = (struct play){.count = 0};
    text_init(&play->command, 4096);
    text_add_text(&play->command,
                  "mkdir -p " FOLDER " && /usr/bin/python3 tests/support/calendar_play.py");
    assert_int_equal(0, system("mkdir -p " FOLDER)); /* NOLINT */
}

static struct json *play_end(struct play *play)
{
    FILE *judged = popen(text_cstr(&play->command), "r"); /* NOLINT */
    assert_non_null(judged);
    char bytes[65536];
    size_t size = fread(bytes, 1, sizeof bytes, judged);
    assert_int_equal(0, pclose(judged));
    struct json *root = NULL;
    struct failure why;
    struct span span = {.data = bytes, .size = size};
    assert_int_equal(STATUS_OK, json_parse(span, &root, &why));
    text_fini(&play->command);
    return root;
}

static struct json *judge(const struct calendar_facts *facts)
{
    struct play play;
    play_init(&play);
    play_add(&play, facts);
    return play_end(&play);
}

static struct zone *zone_of(const char *name)
{
    struct zone *zone = NULL;
    struct failure why;
    assert_int_equal(STATUS_OK, zone_load(name, &zone, &why));
    return zone;
}

static void assert_entry(const struct json *root, const char *name, const char *expected)
{
    assert_int_equal(0, json_count(json_member(root, "faults")));
    const struct json *entry = json_first(json_member(root, "entries"));
    assert_non_null(entry);
    const char *value = json_member_text(entry, name);
    if (expected == NULL) {
        assert_null(value);
    } else {
        assert_non_null(value);
        assert_string_equal(expected, value);
    }
}

/* The instants come back the same in any zone, on both sides of a change of the clocks and in it.
 */
static void times_survive_zones(void **state)
{
    (void)state;
    static const char *const zones[] = {"Europe/Paris", "Indian/Reunion", "America/New_York",
                                        "Australia/Lord_Howe", "Etc/UTC"};
    static const char *const starts[] = {"2027-01-16T08:00:00Z", "2027-03-28T00:59:00Z",
                                         "2027-03-28T01:00:00Z", "2027-07-14T22:30:00Z",
                                         "2027-10-31T00:30:00Z", "2027-10-31T01:30:00Z",
                                         "2027-12-31T23:30:00Z"};
    for (size_t i = 0; i < ARRAY_COUNT(zones); i++) {
        struct zone *zone = zone_of(zones[i]);
        for (size_t j = 0; j < ARRAY_COUNT(starts); j++) {
            struct message_appointment appointment = usual(1, starts[j], "2028-01-01T00:00:00Z");
            struct calendar_facts facts = facts_of(CALENDAR_METHOD_PUBLISH, &appointment, zone);
            struct json *root = judge(&facts);
            assert_entry(root, "start", starts[j]);
            assert_entry(root, "end", "2028-01-01T00:00:00Z");
            json_destroy(root);
        }
        zone_destroy(zone);
    }
}

static void days_and_impossible_ends(void **state)
{
    (void)state;
    static const struct {
        const char *start, *end, *shown_end;
    } cases[] = {
        {"2027-01-16", NULL, NULL},
        {"2027-01-16", "2027-01-16", "2027-01-17"},
        {"2027-01-16", "2027-01-15", NULL},
        {"2027-01-16", "2027-01-16T10:00:00Z", NULL},
        {"2027-01-16T08:00:00Z", "2027-01-16T08:00:00Z", NULL},
        {"2027-01-16T08:00:00Z", "2027-01-16T07:00:00Z", NULL},
        {"2027-01-16T08:00:00Z", NULL, NULL},
    };
    struct zone *zone = zone_of("Europe/Paris");
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct message_appointment appointment = usual(1, cases[i].start, cases[i].end);
        struct calendar_facts facts = facts_of(CALENDAR_METHOD_PUBLISH, &appointment, zone);
        struct json *root = judge(&facts);
        assert_entry(root, "start", cases[i].start);
        assert_entry(root, "end", cases[i].shown_end);
        json_destroy(root);
    }
    struct message_appointment without = usual(1, NULL, "2027-01-16T08:00:00Z");
    struct calendar_facts facts = facts_of(CALENDAR_METHOD_PUBLISH, &without, zone);
    struct json *root = judge(&facts);
    assert_int_equal(0, json_count(json_member(root, "entries")));
    json_destroy(root);
    zone_destroy(zone);
}

static void a_story_ends_as_the_api_says(void **state)
{
    (void)state;
    struct zone *zone = zone_of("Europe/Paris");
    struct message_appointment first = usual(1, "2027-01-11T08:00:00Z", "2027-01-11T10:00:00Z");
    struct message_appointment moved = usual(2, "2027-01-16T08:00:00Z", "2027-01-16T10:00:00Z");
    struct message_appointment cancelled = usual(3, "2027-01-16T08:00:00Z", NULL);
    cancelled.is_cancelled = true;
    struct message_appointment again = usual(4, "2027-02-01T08:00:00Z", NULL);
    struct calendar_facts publish = facts_of(CALENDAR_METHOD_PUBLISH, &first, zone);
    struct calendar_facts request = facts_of(CALENDAR_METHOD_REQUEST, &moved, zone);
    request.attendees = people;
    request.attendee_count = 2;
    struct calendar_facts cancel = facts_of(CALENDAR_METHOD_CANCEL, &cancelled, zone);
    struct play play;
    play_init(&play);
    play_add(&play, &publish);
    play_add(&play, &request);
    play_add(&play, &cancel);
    struct json *root = play_end(&play);
    assert_int_equal(1, json_count(json_member(root, "entries")));
    assert_entry(root, "status", "CANCELLED");
    assert_false(json_member_true(json_at(root, "/entries/0"), "is_shown"));
    json_destroy(root);

    publish.appointments = &again;
    play_init(&play);
    play_add(&play, &cancel);
    play_add(&play, &publish);
    play_add(&play, &request); /* a late one: refused by the client's rules */
    root = play_end(&play);
    assert_int_equal(1, json_count(json_member(root, "entries")));
    assert_int_equal(1, json_count(json_member(root, "faults")));
    const struct json *entry = json_at(root, "/entries/0");
    assert_true(json_member_true(entry, "is_shown"));
    assert_string_equal("2027-02-01T08:00:00Z", json_member_text(entry, "start"));
    assert_int_equal(4, json_member_integer(entry, "sequence", 0));
    json_destroy(root);
    zone_destroy(zone);
}

static void hostile_text_stays_text(void **state)
{
    (void)state;
    struct message_appointment appointment = usual(1, "2027-01-16T08:00:00Z", NULL);
    appointment.summary = "a;b,c\\d:e \"f\" END:VEVENT é";
    appointment.location = "x\nEND:VCALENDAR\nBEGIN:VEVENT";
    appointment.description =
        "first\nsecond, with a very long line that has to be folded because it "
        "is longer than seventy-five octets: éééééééééééééééééééééééé";
    struct calendar_facts facts = facts_of(CALENDAR_METHOD_PUBLISH, &appointment, zone_utc());
    struct json *root = judge(&facts);
    assert_int_equal(1, json_count(json_member(root, "entries")));
    assert_entry(root, "summary", appointment.summary);
    assert_entry(root, "location", appointment.location);
    assert_entry(root, "description", appointment.description);
    json_destroy(root);
}

static void names_of_one_are_not_names_of_another(void **state)
{
    (void)state;
    struct message_appointment left = usual(1, NULL, NULL);
    struct message_appointment right = left;
    left.order_id = "a/b";
    left.appointment_id = "c";
    right.order_id = "a";
    right.appointment_id = "b/c";
    struct text one;
    struct text other;
    text_init(&one, 256);
    text_init(&other, 256);
    calendar_add_uid(&left, &one);
    calendar_add_uid(&right, &other);
    assert_string_not_equal(text_cstr(&one), text_cstr(&other));
    text_fini(&one);
    text_fini(&other);
}

/* libical alone folds between CR and LF where a text with accents ends at the 75th octet. */
static void lines_of_any_length_fold_well(void **state)
{
    (void)state;
    struct text summary;
    text_init(&summary, 4096);
    for (int length = 1; length < 200; length++) {
        text_add_text(&summary, length % 7 == 0 ? "x" : "\xc3\xa9");
        struct message_appointment appointment = usual(1, "2027-01-16T08:00:00Z", NULL);
        appointment.summary = text_cstr(&summary);
        struct calendar_facts facts = facts_of(CALENDAR_METHOD_PUBLISH, &appointment, zone_utc());
        struct text body;
        text_init(&body, 1 << 20);
        calendar_add(&facts, &body);
        const char *start = text_cstr(&body);
        for (const char *end = start; (end = strchr(start, '\n')) != NULL; start = end + 1) {
            assert_true(end > start && end[-1] == '\r' && end - start <= 76);
            assert_true(memchr(start, '\r', (size_t)(end - start) - 1) == NULL);
        }
        text_fini(&body);
    }
    text_fini(&summary);
}

/* An entry of the year 2400 beside one of today: rules for the years between are nobody's need. */
static void a_far_entry_costs_no_centuries_of_rules(void **state)
{
    (void)state;
    struct zone *zone = zone_of("Europe/Paris");
    struct message_appointment appointments[] = {usual(1, "2027-01-16T08:00:00Z", NULL),
                                                 usual(1, "2400-06-01T08:00:00Z", NULL)};
    struct calendar_facts facts = facts_of(CALENDAR_METHOD_PUBLISH, appointments, zone);
    facts.appointment_count = ARRAY_COUNT(appointments);
    struct text body;
    text_init(&body, 1 << 20);
    calendar_add(&facts, &body);
    assert_int_equal(STATUS_OK, body.status);
    assert_true(body.size < 8192);
    assert_non_null(strstr(text_cstr(&body), "DTSTART;TZID=Europe/Paris:24000601T100000"));
    text_fini(&body);
    zone_destroy(zone);
}

/* libical writes years beyond its own as the year 0: such an appointment stays in the text. */
static void a_date_that_cannot_be_written_is_left_out(void **state)
{
    (void)state;
    static const char *const starts[] = {"9999-06-01T08:00:00Z", "0001-01-01", "3000-01-01"};
    for (size_t i = 0; i < ARRAY_COUNT(starts); i++) {
        struct message_appointment appointment = usual(1, starts[i], NULL);
        struct calendar_facts facts = facts_of(CALENDAR_METHOD_PUBLISH, &appointment, zone_utc());
        struct text body;
        text_init(&body, 1 << 20);
        calendar_add(&facts, &body);
        assert_null(strstr(text_cstr(&body), "VEVENT"));
        text_fini(&body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_survive_zones),
        cmocka_unit_test(days_and_impossible_ends),
        cmocka_unit_test(a_story_ends_as_the_api_says),
        cmocka_unit_test(hostile_text_stays_text),
        cmocka_unit_test(names_of_one_are_not_names_of_another),
        cmocka_unit_test(lines_of_any_length_fold_well),
        cmocka_unit_test(a_far_entry_costs_no_centuries_of_rules),
        cmocka_unit_test(a_date_that_cannot_be_written_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
