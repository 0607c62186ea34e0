/* Mails as their readers see them: what holds for each. The golden files are reviewed by eye. */
#include "src/core/words_mail.h"
#include "tests/support/mail_stage.h"

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

/* What became of which date is in the first words. */
static void the_subject_names_the_date(void **state)
{
    (void)state;
    static const struct {
        struct change change;
        const char *subject;
    } rows[] = {
        {{"requested_date", NULL, "2027-01-12"}, "requested date set, Tue 12 Jan"},
        {{"requested_date", "2027-01-12", NULL}, "requested date withdrawn, was Tue 12 Jan"},
        {{"committed_date", "2027-01-12", "2027-01-11"},
         "committed date moved -1 d, Tue 12 Jan to Mon 11 Jan"},
        {{"committed_date", "2027-01-12", NULL}, "committed date withdrawn, was Tue 12 Jan"},
        {{"completed_date", "2027-01-12", "2027-01-11"},
         "completed date moved -1 d, Tue 12 Jan to Mon 11 Jan"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct stage *stage = stage_create(LANGUAGE_EN);
        struct record record = usual_record("123456");
        struct event_facts facts = usual_facts(EVENT_ORDER_DATE_CHANGED);
        facts.changes = &rows[i].change;
        facts.change_count = 1;
        facts.extra_json = span_of(arena_format(
            stage->arena, "\"date_change\":{\"field\":\"%s\"%s,\"count\":1}", rows[i].change.field,
            strstr(rows[i].subject, "-1 d") != NULL ? ",\"days\":-1" : ""));
        add_event(stage, &facts, &record, NULL);
        struct message *message = compose(stage, NULL);
        assert_string_equal(text_cstr(&message->subject),
                            arena_format(stage->arena,
                                         "[orderwatch] Order 123456 (Lyon Part-Dieu): %s",
                                         rows[i].subject));
        message_release(message);
        stage_destroy(stage);
    }
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
    check_both_languages(add_cancelled_order, "order-cancelled-with-appointments");
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

/* Two orders: an appointment that moved twice, and one that was held and resumed; then one that
 * was new and moved at once, and a source. */
static void add_night(struct stage *stage)
{
    static const struct change there[] = {
        {.field = "start", .from = "2027-01-11T08:00:00Z", .to = "2027-01-12T08:00:00Z"}};
    static const struct change onward[] = {
        {.field = "start", .from = "2027-01-12T08:00:00Z", .to = "2027-01-16T08:00:00Z"}};
    static const struct change back[] = {{.field = "status", .from = "Held", .to = "InProgress"}};
    static const struct change away[] = {{.field = "status", .from = "InProgress", .to = "Held"}};
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
    struct record third = usual_record("77");
    facts = usual_facts(EVENT_APPOINTMENT_CREATED);
    facts.order_id = "77";
    add_event(stage, &facts, &third, &usual_appointment);
    facts = usual_facts(EVENT_APPOINTMENT_RESCHEDULED);
    facts.order_id = "77";
    facts.sequence = 18;
    facts.changes = onward;
    facts.change_count = 1;
    add_event(stage, &facts, &third, &usual_appointment);
    facts = usual_facts(EVENT_SOURCE_RECOVERED);
    facts.order_id = NULL;
    add_event(stage, &facts, NULL, NULL);
}

static void set_outlook(struct stage *stage)
{
    static const struct outlook_source sources[] = {
        {.name = "orange", .state = OUTLOOK_OK, .complete_wall_ms = NOW_MS - 5 * MINUTE_MS},
        {.name = "other", .state = OUTLOOK_MAINTENANCE, .complete_wall_ms = NOW_MS - DAY_MS},
        {.name = "third", .state = OUTLOOK_FAILING, .complete_wall_ms = 0}};
    struct outlook *outlook = arena_alloc(stage->arena, sizeof *outlook);
    *outlook = (struct outlook){.is_known = true, .sources = sources, .source_count = 3};
    outlook->upcoming.total = 52;
    outlook->upcoming.count = 2;
    outlook->upcoming.items[0] = (struct outlook_item){.source_name = "orange",
                                                       .order_id = "123456",
                                                       .site = "Lyon Part-Dieu",
                                                       .status = "Confirmed",
                                                       .date = date_of("2026-11-24T07:30:00Z")};
    outlook->upcoming.items[1] = (struct outlook_item){
        .source_name = "orange", .order_id = "99", .date = date_of("2026-12-01")};
    outlook->overdue.total = 1;
    outlook->overdue.count = 1;
    outlook->overdue.items[0] = (struct outlook_item){
        .source_name = "orange", .order_id = "99", .site = "Nantes", .date = date_of("2026-11-20")};
    stage->outlook = outlook;
}

static void check_digest(enum language language, void (*add)(struct stage *), const char *name)
{
    struct stage *stage = stage_create(language);
    add(stage);
    set_outlook(stage);
    struct message *message = compose(stage, "q1");
    char file[128];
    (void)snprintf(file, sizeof file, "mail-%s-%s.txt", name, words_tag(language));
    check_plain(file, message);
    (void)snprintf(file, sizeof file, "mail-%s-%s.html", name, words_tag(language));
    check_golden(file, text_cstr(&message->html));
    message_release(message);
    stage_destroy(stage);
}

static void a_digest_groups_by_order(void **state)
{
    (void)state;
    check_digest(LANGUAGE_EN, add_night, "digest-night");
    check_digest(LANGUAGE_FR, add_night, "digest-night");
}

static void add_seed(struct stage *stage)
{
    struct event_facts facts = usual_facts(EVENT_DIGEST);
    facts.order_id = NULL;
    facts.source_name = NULL;
    facts.sink_name = "project-managers";
    add_event(stage, &facts, NULL, NULL);
}

static void a_digest_of_nothing(void **state)
{
    (void)state;
    check_digest(LANGUAGE_EN, add_seed, "digest-unchanged");
    check_digest(LANGUAGE_FR, add_seed, "digest-unchanged");
}

/* The event that makes a digest leave is no change, and not counted. */
static void a_seed_is_no_change(void **state)
{
    (void)state;
    struct stage *stage = stage_create(LANGUAGE_EN);
    add_seed(stage);
    add_slip(stage);
    struct message *message = compose(stage, "d1");
    assert_string_equal("[orderwatch] Digest: 1 change on 1 order (1 warning)",
                        text_cstr(&message->subject));
    assert_int_equal(2 * 33 - 1, message->event_ids.size); /* but its delivery is accounted for */
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
        cmocka_unit_test(the_subject_names_the_date),
        cmocka_unit_test(several_events_of_one_order),
        cmocka_unit_test(a_cancelled_order_ends_its_appointments),
        cmocka_unit_test(a_digest_groups_by_order),
        cmocka_unit_test(a_digest_of_nothing),
        cmocka_unit_test(a_seed_is_no_change),
        cmocka_unit_test(a_huge_digest_counts_the_rest),
        cmocka_unit_test(identities_are_stable),
        cmocka_unit_test(contact_leaves_only_where_named),
        cmocka_unit_test(hostile_text_stays_text),
        cmocka_unit_test(broken_events_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
