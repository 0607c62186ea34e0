/* Profile documents, the shipped ones and broken ones. */
#include "core/arena.h"
#include "core/extract.h"
#include "core/profile.h"
#include "core/text.h"
#include "core/zone.h"
#include "edge/config_file.h"
#include "edge/unicode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static enum status create(const char *yaml, struct problem_list *problems, struct profile **out)
{
    struct yaml_document *document = NULL;
    enum status status = yaml_parse("p.yaml", span_of(yaml), problems, &document);
    if (status == STATUS_OK) {
        status = profile_create(yaml_root(document), "p", problems, out);
    }
    yaml_close(document);
    return status;
}

static struct profile *load_shipped(const char *name)
{
    char path[128];
    (void)snprintf(path, sizeof path, "conf/profiles/%s.yaml", name);
    struct problem_list problems = {0};
    struct yaml_document *document = NULL;
    struct profile *profile = NULL;
    assert_int_equal(yaml_load(path, &problems, &document), STATUS_OK);
    enum status status = profile_create(yaml_root(document), name, &problems, &profile);
    for (const struct problem *problem = problems.first; problem != NULL; problem = problem->next) {
        print_error("%s\n", problem->line_text);
    }
    assert_int_equal(status, STATUS_OK);
    assert_null(problems.first);
    yaml_close(document);
    return profile;
}

static void order_tracking_reads_what_is_documented(void **state)
{
    (void)state;
    struct profile *profile = load_shipped("orange-order-tracking");
    assert_string_equal(profile->name, "orange-order-tracking");
    assert_string_equal(profile->accept, "application/json");
    assert_string_equal(profile->orders.path, "/orders?status=Current");
    assert_string_equal(profile->orders.detail_path, "/orders/{id}");
    assert_string_equal(profile->orders.items_pointer, "");
    assert_int_equal(profile->orders.paging.kind, PAGING_OFFSET);
    assert_string_equal(profile->orders.paging.offset_parameter, "offset");
    assert_string_equal(profile->orders.paging.limit_parameter, "limit");
    assert_string_equal(profile->orders.paging.total_header, "X-Total-Count");
    assert_int_equal(profile->orders.paging.page_size, 100);
    assert_false(profile->has_appointments_collection);
    assert_int_equal(profile->order_appointments.count, 2);
    assert_string_equal(profile->order_appointments.pointers[1], "/appointment");
    const struct candidates *committed = &profile->order_fields[ORDER_COMMITTED_DATE];
    assert_int_equal(committed->count, 4);
    assert_string_equal(committed->pointers[2], "/deliveryContractualDate");
    assert_string_equal(profile->order_fields[ORDER_CONTACT_PHONE].pointers[0], "/phone");
    profile_destroy(profile);
}

static bool reads(const struct profile *profile, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < profile->name_count; i++) {
        count += span_is(profile->names[i], name) ? 1 : 0;
    }
    assert_in_range(count, 0, 1);
    return count == 1;
}

static void a_profile_knows_the_members_that_it_reads(void **state)
{
    (void)state;
    struct problem_list problems = {0};
    struct profile *profile = NULL;
    static const char yaml[] = "orders:\n  list: /orders\n  paging: {style: none}\n  id: /id\n"
                               "  fields: {status: [/state, /status/name], site: /place/-/city}\n"
                               "  notes: {list: /remarks, text: /inside}\n"
                               "  watch: {speed: /line/speed}\n"
                               "appointments:\n  nested: /visit\n  id: /number\n"
                               "  fields: {start: /slot/from, end: /slot/to}\n";
    if (create(yaml, &problems, &profile) != STATUS_OK) {
        fail_msg("%s", problems.first->line_text);
    }
    static const char *const names[] = {"id",   "state", "status", "place", "remarks",
                                        "line", "visit", "number", "slot"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        assert_true(reads(profile, names[i]));
    }
    assert_false(reads(profile, "city"));
    assert_false(reads(profile, "inside"));
    assert_false(reads(profile, "speed"));
    profile_destroy(profile);
}

static void statuses_are_known_however_they_are_spelt(void **state)
{
    (void)state;
    struct profile *profile = load_shipped("orange-order-tracking");
    static const struct {
        const char *text;
        enum order_kind kind;
    } cases[] = {
        {"InProgress", ORDER_OPEN},
        {"In Progress", ORDER_OPEN},
        {"IN_PROGRESS", ORDER_OPEN},
        {"inProgress", ORDER_OPEN},
        {"in-progress", ORDER_OPEN},
        {"Held", ORDER_HELD},
        {"Pending", ORDER_HELD},
        {"Closed", ORDER_COMPLETED},
        {"Rejected", ORDER_CANCELLED},
        {"Failed", ORDER_FAILED},
        {"Terminée", ORDER_COMPLETED},
        {"TERMINEE", ORDER_COMPLETED},
        {"TERMINÉE", ORDER_COMPLETED},
        {"En\xc2\xa0"
         "cours",
         ORDER_OPEN},
        {"Échouée", ORDER_FAILED},
        {"", ORDER_UNKNOWN},
        {"Paused", ORDER_UNKNOWN},
        {"\xc3", ORDER_UNKNOWN},
        {"\xe2\x80", ORDER_UNKNOWN},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        assert_int_equal(profile_order_kind(profile, cases[i].text), cases[i].kind);
    }
    assert_int_equal(profile_order_kind(profile, NULL), ORDER_UNKNOWN);
    assert_int_equal(profile_appointment_kind(profile, "Failed"), APPOINTMENT_MISSED);
    assert_int_equal(profile_appointment_kind(profile, "Initialized"), APPOINTMENT_NEW);
    assert_int_equal(profile_appointment_kind(profile, "Confirmé"), APPOINTMENT_CONFIRMED);
    assert_int_equal(profile_appointment_kind(profile, "Annulé"), APPOINTMENT_CANCELLED);
    char huge[5000];
    memset(huge, 'x', sizeof huge - 1);
    huge[sizeof huge - 1] = '\0';
    assert_int_equal(profile_order_kind(profile, huge), ORDER_UNKNOWN);
    profile_destroy(profile);
}

static void the_other_shipped_profiles_load(void **state)
{
    (void)state;
    struct profile *own = load_shipped("orange-order-tracking-appointments");
    assert_true(own->has_appointments_collection);
    assert_string_equal(own->appointments.path, "/appointments");
    assert_int_equal(own->appointment_order_id.count, 2);
    assert_string_equal(own->appointment_order_id.pointers[1], "/order/id");
    profile_destroy(own);
    struct profile *ordering = load_shipped("orange-ordering");
    assert_string_equal(ordering->watch[0].name, "priority");
    profile_destroy(ordering);
    struct profile *tmf622 = load_shipped("tmf622");
    assert_int_equal(profile_order_kind(tmf622, "inProgress.accepted"), ORDER_OPEN);
    assert_int_equal(profile_order_kind(tmf622, "held"), ORDER_HELD);
    profile_destroy(tmf622);
    struct profile *tmf646 = load_shipped("tmf646");
    assert_int_equal(tmf646->order_appointments.count, 1);
    assert_string_equal(tmf646->order_appointments.pointers[0], "");
    assert_int_equal(tmf646->order_fields[ORDER_STATUS].count, 0);
    profile_destroy(tmf646);
}

/* Every state that TMF622 v4 and v5 and TMF646 name. */
static void no_state_of_a_standard_is_unknown(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        enum order_kind kind;
    } orders[] = {
        {"acknowledged", ORDER_OPEN},
        {"rejected", ORDER_CANCELLED},
        {"pending", ORDER_HELD},
        {"held", ORDER_HELD},
        {"inProgress", ORDER_OPEN},
        {"cancelled", ORDER_CANCELLED},
        {"completed", ORDER_COMPLETED},
        {"failed", ORDER_FAILED},
        {"partial", ORDER_COMPLETED},
        {"assessingCancellation", ORDER_OPEN},
        {"pendingCancellation", ORDER_OPEN},
        {"draft", ORDER_OPEN},
        {"inProgress.accepted", ORDER_OPEN},
    };
    static const struct {
        const char *word;
        enum appointment_kind kind;
    } appointments[] = {
        {"initialized", APPOINTMENT_NEW},     {"attempted", APPOINTMENT_NEW},
        {"confirmed", APPOINTMENT_CONFIRMED}, {"cancelled", APPOINTMENT_CANCELLED},
        {"completed", APPOINTMENT_COMPLETED}, {"failed", APPOINTMENT_MISSED},
    };
    struct profile *tmf622 = load_shipped("tmf622");
    for (size_t i = 0; i < ARRAY_COUNT(orders); i++) {
        assert_int_equal(profile_order_kind(tmf622, orders[i].word), orders[i].kind);
    }
    struct profile *tmf646 = load_shipped("tmf646");
    for (size_t i = 0; i < ARRAY_COUNT(appointments); i++) {
        const char *word = appointments[i].word;
        assert_int_equal(profile_appointment_kind(tmf622, word), appointments[i].kind);
        assert_int_equal(profile_appointment_kind(tmf646, word), appointments[i].kind);
    }
    profile_destroy(tmf646);
    profile_destroy(tmf622);
}

/* --- documents in the form that the standards publish ---------------------------------------- */

static int setup_arena(void **state)
{
    *state = arena_create();
    return 0;
}

static int teardown_arena(void **state)
{
    arena_destroy(*state);
    return 0;
}

/* Of an order in which the profile knows everything. */
static struct record extract(const char *profile_name, const char *json, struct arena *arena)
{
    struct profile *profile = load_shipped(profile_name);
    const struct extractor extractor = {
        .profile = profile, .zone = zone_utc(), .unicode = unicode_port()};
    struct extraction extraction;
    struct failure why;
    if (extract_order(&extractor, span_of(json), arena, &extraction, &why) != STATUS_OK) {
        fail_msg("%s", why.detail);
    }
    for (size_t i = 0; i < extraction.novelty_count; i++) {
        print_message("novel: %s %s\n", extraction.novelties[i].key,
                      extraction.novelties[i].sample);
    }
    assert_int_equal(extraction.novelty_count, 0);
    profile_destroy(profile);
    return extraction.record;
}

static void an_order_of_tmf622_v4_is_read(void **state)
{
    static const char json[] =
        "{\"id\":\"30001\",\"href\":\"https://host/productOrder/30001\",\"externalId\":\"PO-1\","
        "\"category\":\"B2B product order\",\"state\":\"inProgress\",\"priority\":\"1\","
        "\"orderDate\":\"2026-10-01T10:00:00Z\",\"requestedCompletionDate\":\"2026-12-01T10:00:"
        "00Z\","
        "\"expectedCompletionDate\":\"2026-12-10T10:00:00Z\","
        "\"note\":[{\"id\":\"1\",\"author\":\"Jean\",\"date\":\"2026-10-02T10:00:00Z\","
        "\"text\":\"Call first\"}],"
        "\"relatedParty\":[{\"id\":\"7\",\"role\":\"customer\",\"name\":\"Jean Pontus\"}],"
        "\"productOrderItem\":[{\"id\":\"100\",\"action\":\"add\",\"state\":\"inProgress\","
        "\"productOffering\":{\"id\":\"14\",\"name\":\"Fiber 1G\"},"
        "\"appointment\":{\"id\":\"A1\",\"href\":\"https://host/appointment/A1\"}},"
        "{\"id\":\"200\",\"action\":\"add\",\"appointment\":{\"id\":\"A2\"}}],"
        "\"@type\":\"ProductOrder\"}";
    struct record record = extract("tmf622", json, *state);
    assert_string_equal(record.id, "30001");
    assert_string_equal(record.fields[ORDER_REFERENCE], "PO-1");
    assert_int_equal(record.kind, ORDER_OPEN);
    assert_string_equal(record.fields[ORDER_OFFER], "Fiber 1G");
    assert_string_equal(record.fields[ORDER_COMMITTED_DATE], "2026-12-10T10:00:00Z");
    assert_string_equal(record.fields[ORDER_CONTACT_NAME], "Jean Pontus");
    assert_int_equal(record.note_count, 1);
    assert_int_equal(record.appointment_count, 2); /* one for each item */
    assert_string_equal(record.appointments[1].id, "A2");
}

static void an_order_of_tmf622_v5_is_read(void **state)
{
    static const char json[] =
        "{\"id\":\"30002\",\"externalId\":[{\"@type\":\"ExternalIdentifier\",\"id\":\"PO-2\","
        "\"owner\":\"us\"}],\"state\":\"inProgress.accepted\","
        "\"creationDate\":\"2026-10-01T10:00:00Z\","
        "\"productOrderMilestone\":[{\"id\":\"m1\",\"name\":\"Survey done\","
        "\"status\":\"completed\"}],"
        "\"productOrderJeopardyAlert\":[{\"id\":\"j1\",\"name\":\"Late\"}]}";
    struct record record = extract("tmf622", json, *state);
    assert_string_equal(record.fields[ORDER_REFERENCE], "PO-2");
    assert_int_equal(record.kind, ORDER_OPEN);
    assert_string_equal(record.fields[ORDER_STEP], "Survey done");
    assert_non_null(record_value(&record, "extra.jeopardy"));
}

static void an_appointment_of_tmf646_is_an_order_of_its_own(void **state)
{
    static const char json[] =
        "{\"id\":\"21\",\"href\":\"https://host/appointment/21\",\"category\":"
        "\"orderDeliveryIntervention\",\"description\":\"Fitting\",\"status\":\"confirmed\","
        "\"creationDate\":\"2026-10-01T10:00:00Z\",\"lastUpdate\":\"2026-10-02T10:00:00Z\","
        "\"validFor\":{\"startDateTime\":\"2027-01-12T13:00:00.000Z\","
        "\"endDateTime\":\"2027-01-12T14:00:00.000Z\"},"
        "\"relatedPlace\":{\"id\":\"9\",\"name\":\"Main street "
        "1\",\"role\":\"interventionAddress\"},"
        "\"relatedEntity\":[{\"id\":\"30001\",\"role\":\"related order\","
        "\"@referredType\":\"ProductOrder\"}],"
        "\"contactMedium\":[{\"mediumType\":\"phone\",\"characteristic\":"
        "{\"phoneNumber\":\"+33 1 23 45 67 89\"}}],"
        "\"note\":[{\"author\":\"Jean\",\"date\":\"2026-10-02T10:00:00Z\",\"text\":\"Dog\"}]}";
    struct record record = extract("tmf646", json, *state);
    assert_string_equal(record.id, "21");
    assert_string_equal(record.fields[ORDER_REFERENCE], "30001");
    assert_string_equal(record.fields[ORDER_SITE], "Main street 1");
    assert_string_equal(record.fields[ORDER_CONTACT_PHONE], "+33 1 23 45 67 89");
    assert_null(record.fields[ORDER_STATUS]);
    assert_int_equal(record.appointment_count, 1);
    const struct appointment *appointment = &record.appointments[0];
    assert_string_equal(appointment->id, "21");
    assert_int_equal(appointment->kind, APPOINTMENT_CONFIRMED);
    assert_string_equal(appointment->fields[APPOINTMENT_START], "2027-01-12T13:00:00Z");
    assert_string_equal(appointment->fields[APPOINTMENT_END], "2027-01-12T14:00:00Z");
}

static void a_request_of_orange_ordering_is_read(void **state)
{
    static const char json[] = "{\"id\":\"3-00286023\",\"customerReference\":\"PO-7\",\"step\":"
                               "\"REQUEST\",\"priority\":\"MEDIUM\",\"customer\":{\"id\":\"C1\","
                               "\"name\":\"Example\"}}";
    struct record record = extract("orange-ordering", json, *state);
    assert_string_equal(record.id, "3-00286023");
    assert_string_equal(record.fields[ORDER_REFERENCE], "PO-7");
    assert_string_equal(record.fields[ORDER_STEP], "REQUEST");
    assert_string_equal(record_value(&record, "extra.priority"), "MEDIUM");
    assert_string_equal(record_value(&record, "extra.customer"), "Example");
}

static void only_meaning_changes_the_fingerprint(void **state)
{
    (void)state;
    struct problem_list problems = {0};
    struct profile *profiles[3] = {NULL};
    assert_int_equal(create("orders: {list: /orders, id: /id}", &problems, &profiles[0]), 0);
    assert_int_equal(
        create("# words\ndescription: other\norders:\n  list: \"/orders\"\n  id: /id\n", &problems,
               &profiles[1]),
        0);
    assert_int_equal(create("orders: {list: /orders, id: /key}", &problems, &profiles[2]), 0);
    assert_true(profiles[0]->fingerprint == profiles[1]->fingerprint);
    assert_true(profiles[0]->fingerprint != profiles[2]->fingerprint);
    for (size_t i = 0; i < 3; i++) {
        profile_destroy(profiles[i]);
    }
}

static void every_problem_of_a_profile_is_told(void **state)
{
    (void)state;
    static const char yaml[] = "orders:\n"
                               "  list: orders\n"
                               "  detail: /orders\n"
                               "  paging: {style: pages, size: 0}\n"
                               "  fields: {status: status, stie: /site}\n"
                               "  statuses: {open: [InProgress], held: [in progress]}\n"
                               "appointments: {nested: /a, list: /b}\n";
    static const char *const expected[] = {
        "p.yaml:2:9: orders.list: \"orders\" is not a path below base_url: it begins with a slash; "
        "accepted: a path below base_url such as /orders?status=Current",
        "p.yaml:3:11: orders.detail: \"/orders\" is without exactly one {id}; accepted: a path "
        "with "
        "{id} such as /orders/{id}",
        "p.yaml:4:19: orders.paging.style: \"pages\" is not known here; did you mean page? "
        "accepted: "
        "none, offset, page, link, cursor",
        "p.yaml:4:32: orders.paging.size: \"0\" is too small; accepted: from 1 to 10000",
        "p.yaml:5:28: orders.fields.stie: unknown key; did you mean site? accepted: reference, "
        "status, step, site, offer, requested_date, committed_date, completed_date, url",
        "p.yaml:5:20: orders.fields.status: \"status\" is not a JSON Pointer: it begins with a "
        "slash; "
        "accepted: a JSON Pointer such as /status or /site/name, or a list of them",
        "p.yaml:6:13: orders.statuses: \"in progress\" is there under two kinds; accepted: one "
        "meaning for each text",
        "p.yaml:7:15: appointments: nested and list are both there; accepted: nested for "
        "appointments inside their order, list for a collection of their own",
        "p.yaml:7:15: appointments: order is missing; accepted: where the id of its order is in an "
        "appointment",
    };
    struct problem_list problems = {0};
    struct profile *profile = NULL;
    assert_int_equal(create(yaml, &problems, &profile), STATUS_INVALID);
    assert_null(profile);
    const struct problem *problem = problems.first;
    for (size_t i = 0; i < ARRAY_COUNT(expected); i++, problem = problem->next) {
        assert_non_null(problem);
        assert_string_equal(problem->line_text, expected[i]);
    }
    assert_null(problem);
    problem_list_clear(&problems);
}

int main(void)
{
#define READING_TEST(test) cmocka_unit_test_setup_teardown(test, setup_arena, teardown_arena)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_tracking_reads_what_is_documented),
        cmocka_unit_test(a_profile_knows_the_members_that_it_reads),
        cmocka_unit_test(statuses_are_known_however_they_are_spelt),
        cmocka_unit_test(the_other_shipped_profiles_load),
        cmocka_unit_test(no_state_of_a_standard_is_unknown),
        READING_TEST(an_order_of_tmf622_v4_is_read),
        READING_TEST(an_order_of_tmf622_v5_is_read),
        READING_TEST(an_appointment_of_tmf646_is_an_order_of_its_own),
        READING_TEST(a_request_of_orange_ordering_is_read),
        cmocka_unit_test(only_meaning_changes_the_fingerprint),
        cmocka_unit_test(every_problem_of_a_profile_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
