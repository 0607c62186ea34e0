/* Profile documents, the shipped ones and broken ones. */
#include "core/profile.h"
#include "core/text.h"
#include "edge/config_file.h"

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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_tracking_reads_what_is_documented),
        cmocka_unit_test(statuses_are_known_however_they_are_spelt),
        cmocka_unit_test(the_other_shipped_profiles_load),
        cmocka_unit_test(only_meaning_changes_the_fingerprint),
        cmocka_unit_test(every_problem_of_a_profile_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
