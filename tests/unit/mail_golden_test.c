/* The mail of every event type in every language, as golden files that were looked at. With
 * GOLDEN_HTML=FOLDER the HTML of each is written there, to look at it in a browser. */
#include "tests/support/mail_stage.h"

#define CHANGES_MAX 3

struct row {
    enum event_type type;
    const char *status, *committed; /* of the order now; NULL: as usual */
    struct change changes[CHANGES_MAX];
    const char *extra; /* members of data */
    bool has_appointment;
    const char *visit_status, *start, *end; /* of the appointment now; NULL: as usual */
    enum appointment_kind visit_kind;
    enum severity severity; /* SEVERITY_INFO: the type's own */
};

#define FAILURE                                                                                    \
    "\"failure\":{\"first\":\"2026-11-23T07:58:00.000Z\",\"last\":\"2026-11-23T08:14:00.000Z\","   \
    "\"count\":3,\"codes\":[\"503\",\"error\"],\"request_ids\":[\"7b1c\"],"                        \
    "\"detail\":\"connect to api.example.com: timed out\"}"
#define NOTE                                                                                       \
    "Please confirm access to the technical room on level -2: the technician needs a badge and "   \
    "somebody to open."

static const struct row rows[] = {
    {.type = EVENT_ORDER_CREATED, .changes = {{"status", NULL, "InProgress"}}},
    {.type = EVENT_ORDER_STATUS_CHANGED,
     .changes = {{"status", "Acknowledged", "InProgress"}, {"step", NULL, "Site survey"}}},
    {.type = EVENT_ORDER_STATUS_COMPLETED,
     .status = "Completed",
     .changes = {{"status", "InProgress", "Completed"},
                 {"completed_date", NULL, "2026-11-23T08:00:00Z"}}},
    {.type = EVENT_ORDER_STATUS_CANCELLED,
     .status = "Cancelled",
     .changes = {{"status", "InProgress", "Cancelled"}}},
    {.type = EVENT_ORDER_STATUS_FAILED,
     .status = "Rejected",
     .changes = {{"status", "InProgress", "Rejected"}}},
    {.type = EVENT_ORDER_STATUS_HELD,
     .status = "Held",
     .changes = {{"status", "InProgress", "Held"},
                 {"step", "Site survey", "Waiting for the customer's answer"}}},
    {.type = EVENT_ORDER_STATUS_RESUMED, .changes = {{"status", "Held", "InProgress"}}},
    {.type = EVENT_ORDER_STATUS_REVERTED,
     .changes = {{"status", "InProgress", "Held"}, {"status", "Held", "InProgress"}}},
    {.type = EVENT_ORDER_DATE_COMMITTED,
     .changes = {{"committed_date", NULL, "2027-01-29"}},
     .extra = "\"date_change\":{\"field\":\"committed_date\",\"first_date\":\"2027-01-29\","
              "\"count\":0}"},
    {.type = EVENT_ORDER_DATE_CHANGED,
     .severity = SEVERITY_WARNING,
     .changes = {{"committed_date", "2027-01-22", "2027-01-29"}},
     .extra = "\"date_change\":{\"field\":\"committed_date\",\"days\":7,\"business_days\":5,"
              "\"count\":2,\"total_days\":14,\"first_date\":\"2027-01-15\"}"},
    {.type = EVENT_ORDER_DATE_OVERDUE,
     .committed = "2026-11-20",
     .extra = "\"overdue\":{\"field\":\"committed_date\",\"date\":\"2026-11-20\"},"
              "\"as_of\":\"2026-11-23T08:10:00.000Z\""},
    {.type = EVENT_ORDER_STALLED, .extra = "\"stalled\":{\"since\":\"2026-11-09T08:00:00.000Z\"}"},
    {.type = EVENT_ORDER_NOTE_ADDED,
     .changes = {{"notes", NULL, "An earlier note of the same sweep."},
                 {"notes", NULL, NOTE "\nSecond line."}},
     .extra = "\"note\":{\"id\":\"n1\",\"author\":\"Operator desk\","
              "\"date\":\"2026-11-23T07:50:00Z\",\"text\":\"" NOTE "\\nSecond line.\"}"},
    {.type = EVENT_ORDER_UPDATED,
     .changes = {{"site", "Lyon", "Lyon Part-Dieu"},
                 {"contact.phone", NULL, NULL},
                 {"extra.access", "badge",
                  "badge, and a key of the caretaker on the first floor"}}},
    {.type = EVENT_ORDER_CLOSED, .status = "Completed"},
    {.type = EVENT_ORDER_DISAPPEARED, .extra = "\"detail\":\"404\""},
    {.type = EVENT_ORDER_REAPPEARED},
    {.type = EVENT_APPOINTMENT_CREATED,
     .has_appointment = true,
     .changes = {{"start", NULL, "2027-01-16T08:00:00Z"}}},
    {.type = EVENT_APPOINTMENT_CONFIRMED,
     .has_appointment = true,
     .changes = {{"status", "Proposed", "Confirmed"}}},
    {.type = EVENT_APPOINTMENT_RESCHEDULED,
     .has_appointment = true,
     .changes = {{"start", "2027-01-11T08:00:00Z", "2027-01-16T08:00:00Z"},
                 {"end", "2027-01-11T10:00:00Z", "2027-01-16T10:00:00Z"}},
     .extra = "\"reschedule\":{\"days\":5,\"business_days\":5,\"count\":2,\"total_days\":9,"
              "\"direction\":\"later\",\"first_start\":\"2027-01-07T08:00:00Z\"}"},
    {.type = EVENT_APPOINTMENT_CANCELLED,
     .has_appointment = true,
     .visit_status = "Cancelled",
     .visit_kind = APPOINTMENT_CANCELLED,
     .changes = {{"status", "Confirmed", "Cancelled"}}},
    {.type = EVENT_APPOINTMENT_COMPLETED,
     .has_appointment = true,
     .visit_status = "Done",
     .visit_kind = APPOINTMENT_COMPLETED,
     .start = "2026-11-23T07:00:00Z",
     .end = "2026-11-23T08:00:00Z",
     .changes = {{"status", "Confirmed", "Done"}}},
    {.type = EVENT_APPOINTMENT_MISSED,
     .has_appointment = true,
     .visit_status = "Nobody on site",
     .visit_kind = APPOINTMENT_MISSED,
     .start = "2026-11-23T07:00:00Z",
     .end = "2026-11-23T08:00:00Z",
     .changes = {{"status", "Confirmed", "Nobody on site"}}},
    {.type = EVENT_APPOINTMENT_UPDATED,
     .has_appointment = true,
     .changes = {{"end", "2027-01-16T09:00:00Z", "2027-01-16T10:00:00Z"}}},
    {.type = EVENT_APPOINTMENT_REMOVED, .has_appointment = true},
    {.type = EVENT_APPOINTMENT_REMINDER,
     .has_appointment = true,
     .start = "2026-11-24T07:30:00Z",
     .end = "2026-11-24T09:30:00Z",
     .extra = "\"reminder\":{\"before\":\"1d\"},\"late\":true"},
    {.type = EVENT_SOURCE_UNREACHABLE, .extra = FAILURE},
    {.type = EVENT_SOURCE_RECOVERED, .extra = FAILURE},
    {.type = EVENT_SOURCE_REJECTED, .extra = FAILURE},
    {.type = EVENT_SOURCE_SCHEMA_CHANGED,
     .extra = "\"novelty\":{\"kind\":\"status\",\"key\":\"order.status:Paused\","
              "\"sample\":\"Paused\"}"},
    {.type = EVENT_SOURCE_CHANGE_HELD,
     .extra = "\"hold\":{\"changed\":31,\"vanished\":6,\"known\":58,"
              "\"until\":\"2026-11-23T09:15:30.000Z\"}"},
    {.type = EVENT_SOURCE_CREDENTIAL_EXPIRING,
     .extra = "\"credential\":{\"name\":\"api_key\",\"expires\":\"2026-11-30T00:00:00.000Z\","
              "\"days_left\":6}"},
    {.type = EVENT_SINK_FAILING,
     .extra =
         "\"sink\":{\"name\":\"tickets\",\"detail\":\"connect to tickets.example.com: refused\""
         ",\"failing_since\":\"2026-11-23T08:13:00.000Z\"}"},
    {.type = EVENT_SINK_RECOVERED, .extra = "\"sink\":{\"name\":\"tickets\",\"detail\":\"\"}"},
    {.type = EVENT_SINK_PARKED,
     .extra = "\"sink\":{\"name\":\"tickets\",\"detail\":\"422: no such queue\",\"parked\":2,"
              "\"parked_in_all\":3}"},
    {.type = EVENT_DIGEST,
     .extra = "\"sink\":{\"name\":\"project-managers\"},"
              "\"digest\":{\"due\":\"2026-11-23T08:15:00.000Z\"}"},
    {.type = EVENT_TEST, .extra = "\"test\":true,\"sink\":{\"name\":\"project-managers\"}"},
};
_Static_assert(ARRAY_COUNT(rows) == EVENT_TYPE_COUNT, "every event type has its golden mail");

static bool is_about(enum event_type type, const char *family)
{
    return strncmp(event_type_name(type), family, strlen(family)) == 0;
}

static struct appointment visit_of(const struct row *row)
{
    struct appointment visit = usual_appointment;
    visit.kind = row->visit_status != NULL ? row->visit_kind : visit.kind;
    visit.fields[APPOINTMENT_STATUS] =
        row->visit_status != NULL ? row->visit_status : visit.fields[APPOINTMENT_STATUS];
    visit.fields[APPOINTMENT_START] =
        row->start != NULL ? row->start : visit.fields[APPOINTMENT_START];
    visit.fields[APPOINTMENT_END] = row->end != NULL ? row->end : visit.fields[APPOINTMENT_END];
    return visit;
}

static void add_row(struct stage *stage, const struct row *row)
{
    struct record record = usual_record("123456");
    record.fields[ORDER_STATUS] = row->status != NULL ? row->status : record.fields[ORDER_STATUS];
    record.fields[ORDER_COMMITTED_DATE] =
        row->committed != NULL ? row->committed : record.fields[ORDER_COMMITTED_DATE];
    struct event_facts facts = usual_facts(row->type);
    facts.severity = row->severity != SEVERITY_INFO ? row->severity : facts.severity;
    bool has_order = is_about(row->type, "order.") || is_about(row->type, "appointment.");
    if (!has_order) {
        facts.order_id = NULL;
        facts.summary = "The English sentence of the event";
        facts.source_name = is_about(row->type, "source.") ? "orange" : NULL;
        facts.sink_name = is_about(row->type, "source.") ? NULL : "tickets";
    }
    facts.changes = row->changes;
    while (facts.change_count < CHANGES_MAX && row->changes[facts.change_count].field != NULL) {
        facts.change_count++;
    }
    facts.extra_json = span_of(row->extra);
    struct appointment visit = visit_of(row);
    add_event(stage, &facts, has_order ? &record : NULL, row->has_appointment ? &visit : NULL);
}

static void write_html(const char *name, const struct message *message)
{
    const char *folder = getenv("GOLDEN_HTML");
    if (folder == NULL) {
        return;
    }
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s.html", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_true(fputs(text_cstr(&message->html), file) >= 0);
    assert_int_equal(0, fclose(file));
}

static const char *const endings[LANGUAGE_COUNT] = {[LANGUAGE_EN] = "en", [LANGUAGE_FR] = "fr"};

static void expect_72_columns(const struct message *message)
{
    size_t columns = 0;
    for (const char *byte = text_cstr(&message->plain); *byte != '\0'; byte++) {
        columns = *byte == '\n' ? 0 : columns + (((unsigned char)*byte & 0xC0) != 0x80 ? 1 : 0);
        assert_true(columns <= 72);
    }
}

static void check_row(const struct row *row, enum language language)
{
    struct stage *stage = stage_create(language);
    add_row(stage, row);
    struct message *message = compose(stage, NULL);
    char name[128];
    (void)snprintf(name, sizeof name, "mail-%s-%s", event_type_name(row->type), endings[language]);
    write_html(name, message);
    strncat(name, ".txt", sizeof name - strlen(name) - 1);
    check_plain(name, message);
    assert_null(strstr(text_cstr(&message->plain), "(null)"));
    assert_null(strstr(text_cstr(&message->plain), "English sentence"));
    assert_null(strstr(text_cstr(&message->html), "http:"));
    assert_null(strstr(text_cstr(&message->html), "<img"));
    expect_72_columns(message);
    message_release(message);
    stage_destroy(stage);
}

static void every_type_in_every_language(void **state)
{
    (void)state;
    bool is_there[EVENT_TYPE_COUNT] = {false};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        assert_false(is_there[rows[i].type]);
        is_there[rows[i].type] = true;
        for (int language = 0; language < LANGUAGE_COUNT; language++) {
            check_row(&rows[i], (enum language)language);
        }
    }
}

static void the_html_of_a_move(void **state)
{
    (void)state;
    for (int language = 0; language < LANGUAGE_COUNT; language++) {
        struct stage *stage = stage_create((enum language)language);
        add_row(stage, &rows[EVENT_APPOINTMENT_RESCHEDULED]);
        struct message *message = compose(stage, NULL);
        char name[128];
        (void)snprintf(name, sizeof name, "mail-appointment.rescheduled-%s.html",
                       endings[language]);
        check_golden(name, text_cstr(&message->html));
        message_release(message);
        stage_destroy(stage);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_in_every_language),
        cmocka_unit_test(the_html_of_a_move),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
