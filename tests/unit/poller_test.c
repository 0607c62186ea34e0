/* A source's state machine against an API that changes, fails and lies, and a store that is full.
 */
#include "core/random.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/support/log_quiet.h"
#include "tests/support/poller_fixture.h"

static void list_orders(struct world *world, int count)
{
    for (int i = 0; i < count; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "%04d", i);
        api_set(world, id, "\"status\":\"InProgress\"");
    }
}

/* --- reading ---------------------------------------------------------------------------------- */

static void the_first_complete_sweep_is_silent_and_changes_are_told(void **state)
{
    struct world *world = *state;
    list_orders(world, 250);
    settle(world);
    assert_int_equal(world->kept_count, 250);
    assert_int_equal(world->pages, 3);
    assert_string_equal(world->last_authorization, "Bearer T1");
    assert_string_equal(world->last_key, "s3cret");
    assert_string_equal(world->last_language, "fr");

    sweeps(world, 3);
    assert_int_equal(world->event_count, 0);
    assert_int_equal(world->fetches, 0); /* what did not change is not even looked up */

    api_set(world, "0007", "\"status\":\"Held\"");
    api_set(world, "new", "\"status\":\"InProgress\"");
    sweeps(world, 1);
    assert_int_equal(world->event_count, 2);
    assert_int_equal(count_events(world, EVENT_ORDER_STATUS_HELD), 1);
    assert_int_equal(count_events(world, EVENT_ORDER_CREATED), 1);
    assert_int_equal(world->fetches, 1);
    assert_int_equal(world->tokens, 1);
    assert_int_equal(poller_status(world->poller).order_count, 251);
    sweeps(world, 2);
    assert_int_equal(world->event_count, 2);
}

static void a_restart_tells_what_changed_meanwhile_and_nothing_else(void **state)
{
    struct world *world = *state;
    list_orders(world, 120);
    settle(world);
    world_restart(world);
    sweeps(world, 2);
    assert_int_equal(world->event_count, 0);
    world_stop(world);
    api_set(world, "0100", "\"status\":\"Held\"");
    world_boot(world);
    sweeps(world, 1);
    assert_int_equal(world->event_count, 1);
    assert_string_equal(find_event(world, EVENT_ORDER_STATUS_HELD)->order_id, "0100");
}

/* A list that cannot be read within its interval leaves no idle moment. */
static void what_time_causes_is_told_between_sweeps_that_follow_each_other(void **state)
{
    struct world *world = *state;
    world->source.budget = (struct rate){2, MINUTE_MS};
    list_orders(world, 750);
    api_set(world, "late", "\"status\":\"InProgress\",\"committedDate\":\"2026-11-18T13:00:00Z\"");
    world->source.every_ms = MINUTE_MS;
    world_boot(world);
    world_run_for(world, 10 * MINUTE_MS);
    assert_true(poller_status(world->poller).last_complete_wall_ms != 0);
    int64_t left_ms = INT64_C(1795006800000) - world->now.wall_ms;
    world_run_for(world, left_ms - MINUTE_MS);
    assert_int_equal(count_events(world, EVENT_ORDER_DATE_OVERDUE), 0);
    world_run_for(world, 10 * MINUTE_MS);
    assert_int_equal(count_events(world, EVENT_ORDER_DATE_OVERDUE), 1);
}

static void other_spellings_of_the_same_are_no_event(void **state)
{
    struct world *world = *state;
    api_set(world, "1", "\"status\":\"InProgress\",\"committedDate\":\"2027-01-12\"");
    settle(world);
    api_set(world, "1",
            "\"committedDate\":\"2027-01-12\",  \"status\":\"InProgress\",\"held\":null");
    sweeps(world, 2);
    assert_int_equal(world->event_count, 0);
    assert_int_equal(world->fetches, 1); /* the second time its bytes are known */
}

static void a_page_that_cannot_be_trusted_spoils_the_sweep(void **state)
{
    static const char *const bad[] = {"<html>Maintenance</html>",
                                      "[{\"id\":\"0001\",\"status\":\"Held\"},{\"id\":\"00",
                                      "[{\"id\":\"0001\",\"status\":\"Held\"}",
                                      "[{\"status\":\"Held\"}]",
                                      "{\"code\":1}",
                                      "",
                                      "[1,2,3]"};
    struct world *world = *state;
    list_orders(world, 30);
    settle(world);
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        world->page_body = bad[i];
        uint64_t sweep_count = poller_status(world->poller).sweep_count;
        sweeps(world, 1);
        assert_int_equal(poller_status(world->poller).sweep_count, sweep_count);
        assert_int_equal(poller_status(world->poller).health, POLLER_FAILING);
        assert_true(poller_status(world->poller).last_failure[0] != '\0');
        world->page_body = NULL;
        sweeps(world, 4);
        assert_int_equal(poller_status(world->poller).health, POLLER_OK);
    }
    assert_int_equal(count_events(world, EVENT_ORDER_STATUS_HELD), 0);
    assert_int_equal(count_events(world, EVENT_ORDER_DISAPPEARED), 0);
}

/* What is wrong with one order delays no other; what the list lacks counts for nothing meanwhile.
 */
static void an_element_that_cannot_be_read_stops_no_other(void **state)
{
    static const char *const bad[] = {"{\"status\":\"Held\"}",
                                      "{\"id\":null}",
                                      "{\"id\":\"0002\",}",
                                      "{\"id\":\"0002\",\"status\":\"\xe9\"}",
                                      "{\"id\":\"0002\",\"status\":\"\\ud800\"}",
                                      "{\"id\":\"0002\",\"a\":1,\"a\":2}",
                                      "7"};
    struct world *world = *state;
    list_orders(world, 2);
    settle(world);
    char page[400];
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        const char *status = i % 2 == 0 ? "Held" : "InProgress";
        (void)snprintf(page, sizeof page, "[%s,{\"id\":\"0001\",\"status\":\"%s\"}]", bad[i],
                       status);
        world->page_body = page;
        uint64_t before = world->event_count;
        sweeps(world, 3);
        assert_true(world->event_count > before);
        assert_non_null(strstr(poller_status(world->poller).last_failure, "1 cannot be read"));
    }
    assert_int_equal(poller_status(world->poller).health, POLLER_FAILING);
    assert_int_equal(count_events(world, EVENT_ORDER_STATUS_HELD), 4);
    assert_int_equal(count_events(world, EVENT_ORDER_STATUS_RESUMED), 3);
    assert_int_equal(count_events(world, EVENT_SOURCE_SCHEMA_CHANGED), 1);
    assert_int_equal(count_events(world, EVENT_SOURCE_UNREACHABLE), 1);
    assert_int_equal(count_events(world, EVENT_ORDER_DISAPPEARED), 0);
    world->page_body = NULL;
    sweeps(world, 3);
    assert_int_equal(count_events(world, EVENT_SOURCE_RECOVERED), 1);
    assert_int_equal(poller_status(world->poller).health, POLLER_OK);
    assert_int_equal(count_events(world, EVENT_ORDER_CREATED), 0);
}

static void an_order_that_is_never_readable_does_not_prevent_the_baseline(void **state)
{
    struct world *world = *state;
    world->page_body = "[{\"status\":\"Held\"},{\"id\":\"0001\",\"status\":\"InProgress\"}]";
    world_boot(world);
    sweeps(world, 1);
    assert_int_equal(count_events(world, EVENT_ORDER_CREATED), 0);
    world->page_body = "[{\"status\":\"Held\"},{\"id\":\"0001\",\"status\":\"Held\"}]";
    sweeps(world, 1);
    assert_int_equal(count_events(world, EVENT_ORDER_STATUS_HELD), 1);
}

/* What status calls complete can be asked for at that same instant: it is durable and indexed. */
static void a_sweep_is_complete_when_it_is_durable(void **state)
{
    struct world *world = *state;
    list_orders(world, 150);
    world_boot(world);
    int commits = 0;
    for (int i = 0; poller_status(world->poller).last_complete_wall_ms == 0 && i < 1000; i++) {
        assert_int_equal(poller_status(world->poller).order_count, 0);
        commits += world->store_done != NULL ? 1 : 0;
        if (!world_answer(world)) {
            world_pass(world, 10);
        }
        (void)poller_turn(world->poller, world->now);
    }
    assert_true(commits > 0);
    assert_int_equal(poller_status(world->poller).order_count, 150);
    assert_non_null(poller_similar_order(world->poller, "0003x"));
}

static void pages_before_a_failing_one_count_for_what_they_show(void **state)
{
    struct world *world = *state;
    list_orders(world, 150);
    settle(world);
    api_set(world, "0003", "\"status\":\"Held\"");
    api_order(world, "0004")->is_listed = false;
    world->fail_code = 503;
    world->fail_from_page = 100;
    int64_t complete_ms = poller_status(world->poller).last_complete_wall_ms;
    sweeps(world, 1);
    assert_int_equal(count_events(world, EVENT_ORDER_STATUS_HELD), 1);
    sweeps(world, 5);
    assert_true(poller_status(world->poller).last_complete_wall_ms == complete_ms);
    assert_int_equal(world->details, 0);
    assert_int_equal(count_events(world, EVENT_ORDER_DISAPPEARED), 0);
}

static void pages_before_a_broken_one_count_for_what_they_show(void **state)
{
    static const char *const bad[] = {"<html>Maintenance</html>",
                                      "[{\"id\":\"01",
                                      "[{\"status\":\"Held\"}]",
                                      "[1,2]",
                                      "",
                                      "[{\"id\":\"0000\",\"status\":\"InProgress\"}] and more"};
    struct world *world = *state;
    list_orders(world, 150);
    settle(world);
    world->fail_from_page = 100;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        int64_t complete_ms = poller_status(world->poller).last_complete_wall_ms;
        world->fail_code = 200;
        world->fail_body = bad[i];
        api_order(world, "0149")->is_listed = false;
        api_set(world, "0003", i % 2 == 0 ? "\"status\":\"Held\"" : "\"status\":\"InProgress\"");
        sweeps(world, 1);
        assert_int_equal(poller_status(world->poller).health, POLLER_FAILING);
        assert_int_equal(count_events(world, EVENT_ORDER_STATUS_HELD), i / 2 + 1);
        assert_int_equal(count_events(world, EVENT_ORDER_STATUS_RESUMED), (i + 1) / 2);
        assert_true(poller_status(world->poller).last_complete_wall_ms == complete_ms);
        world->fail_code = 0;
        api_order(world, "0149")->is_listed = true;
        sweeps(world, 4);
        assert_int_equal(poller_status(world->poller).health, POLLER_OK);
    }
    assert_int_equal(world->details, 0);
}

static void on_second_page_show_the_first(struct world *world, size_t offset)
{
    world->page_body = offset == 0 ? NULL
                                   : "[{\"id\":\"0000\",\"status\":\"InProgress\"},"
                                     "{\"id\":\"0001\",\"status\":\"InProgress\"}]";
}

static void a_list_that_repeats_itself_counts_for_what_it_shows(void **state)
{
    struct world *world = *state;
    world->source.page_size = 2;
    list_orders(world, 5);
    settle(world);
    int64_t complete_ms = poller_status(world->poller).last_complete_wall_ms;
    world->before_page = on_second_page_show_the_first;
    api_order(world, "0004")->is_listed = false;
    api_set(world, "0001", "\"status\":\"Held\"");
    sweeps(world, 3);
    assert_int_equal(count_events(world, EVENT_ORDER_STATUS_HELD), 1);
    assert_int_equal(world->event_count, 1);
    assert_int_equal(poller_status(world->poller).health, POLLER_FAILING);
    assert_true(poller_status(world->poller).last_complete_wall_ms == complete_ms);
}

/* Some APIs know no empty page behind a last one that is full. */
static void no_content_behind_full_pages_is_told_from_their_end(void **state)
{
    struct world *world = *state;
    list_orders(world, 200);
    world->fail_code = 204;
    world->fail_from_page = 200;
    settle(world);
    assert_int_equal(poller_status(world->poller).health, POLLER_OK);
    world->fail_from_page = 0;
    int64_t complete_ms = poller_status(world->poller).last_complete_wall_ms;
    sweeps(world, 1);
    assert_true(poller_status(world->poller).last_complete_wall_ms == complete_ms);
    assert_non_null(strstr(poller_status(world->poller).last_failure, "an empty list"));
}

/* And some say with it that there is nothing at all. */
static void no_content_where_nothing_is_known_is_an_empty_list(void **state)
{
    struct world *world = *state;
    world->fail_code = 204;
    settle(world);
    assert_int_equal(poller_status(world->poller).health, POLLER_OK);
    assert_int_equal(world->event_count, 0);
    world->fail_code = 0;
    list_orders(world, 2);
    sweeps(world, 1);
    assert_int_equal(count_events(world, EVENT_ORDER_CREATED), 2);
}

static void an_error_behind_full_pages_is_told_from_their_end(void **state)
{
    struct world *world = *state;
    list_orders(world, 200);
    world->fail_code = 404;
    world->fail_body = "{\"code\":60}";
    world->fail_from_page = 200;
    settle(world);
    assert_int_equal(poller_status(world->poller).health, POLLER_OK);
    assert_true(poller_status(world->poller).last_complete_wall_ms != 0);
    uint32_t pages = world->pages;
    sweeps(world, 1);
    assert_int_equal(world->pages, pages + 3); /* of 99 from now on */

    int64_t complete_ms = poller_status(world->poller).last_complete_wall_ms;
    world->fail_from_page = 99; /* a page in the middle is no end, however often it is asked for */
    api_order(world, "0199")->is_listed = false;
    sweeps(world, 4);
    assert_true(poller_status(world->poller).last_complete_wall_ms == complete_ms);
    assert_int_equal(world->details, 0);
    assert_int_equal(count_events(world, EVENT_ORDER_DISAPPEARED), 0);
}

/* --- unchanged pages -------------------------------------------------------------------------- */

static void a_page_is_asked_for_only_if_it_changed(void **state)
{
    struct world *world = *state;
    world->validator = WITH_ETAG;
    list_orders(world, 250);
    settle(world);
    sweeps(world, 1); /* what a baseline brought is known by now, and kept */
    assert_int_equal(world->unchanged, 0);
    uint32_t pages = world->pages;
    sweeps(world, 1);
    assert_int_equal(world->pages, pages + 3);
    assert_int_equal(world->unchanged, 3);
    assert_string_equal(world->last_condition, world->etag); /* verbatim */
    assert_int_equal(poller_status(world->poller).order_count, 250);

    api_set(world, "0150", "\"status\":\"Held\"");
    sweeps(world, 1);
    assert_int_equal(world->unchanged, 5);
    assert_int_equal(world->event_count, 1);
    assert_string_equal(find_event(world, EVENT_ORDER_STATUS_HELD)->order_id, "0150");
    assert_int_equal(poller_status(world->poller).health, POLLER_OK);

    sweeps(world, 2); /* read once more, and kept again */
    assert_int_equal(world->unchanged, 5 + 2 + 3);
    assert_int_equal(world->event_count, 1);
    assert_int_equal(world->details, 0); /* all of them were seen */
}

static void an_unchanged_page_proves_no_more_than_it_did(void **state)
{
    struct world *world = *state;
    world->validator = WITH_ETAG;
    world->total_lie = INT64_MIN;
    list_orders(world, 150);
    settle(world);
    sweeps(world, 2);
    assert_int_equal(world->unchanged, 2);
    api_order(world, "0149")->is_listed = false;
    sweeps(world, 1);
    assert_int_equal(count_events(world, EVENT_ORDER_DISAPPEARED), 0); /* one absence */
    sweeps(world, 2);
    assert_int_equal(count_events(world, EVENT_ORDER_DISAPPEARED), 1);
    assert_int_equal(world->event_count, 1);
    assert_true(world->unchanged > 4);
}

static void whoever_said_nothing_before_is_asked_without_condition(void **state)
{
    struct world *world = *state;
    world->validator = WITH_ETAG;
    list_orders(world, 30);
    settle(world);
    sweeps(world, 2);
    assert_int_equal(world->unchanged, 1);
    world_restart(world);
    world_run_for(world, 1000);
    assert_string_equal(world->last_condition, ""); /* which orders it had is not known any more */
    assert_int_equal(world->unchanged, 1);
    assert_int_equal(world->event_count, 0);
}

static void a_304_that_was_not_asked_for_is_an_error(void **state)
{
    struct world *world = *state;
    list_orders(world, 30);
    settle(world);
    world->fail_code = 304;
    sweeps(world, 3);
    assert_int_equal(poller_status(world->poller).health, POLLER_FAILING);
    assert_int_equal(world->details, 0);
    world->fail_code = 0;
    sweeps(world, 4);
    assert_int_equal(poller_status(world->poller).health, POLLER_OK);
    assert_int_equal(count_events(world, EVENT_ORDER_DISAPPEARED), 0);
}

static void a_date_counts_once_it_is_well_past(void **state)
{
    struct world *world = *state;
    world->validator = WITH_DATE;
    world->modified_wall_ms = world->now.wall_ms;
    list_orders(world, 30);
    settle(world); /* read within the second that it names: there may be more to come in it */
    api_set(world, "0003", "\"status\":\"Held\"");
    sweeps(world, 1);
    assert_int_equal(world->unchanged, 0);
    assert_int_equal(world->event_count, 1);
    sweeps(world, 2);
    assert_int_equal(world->unchanged, 1);
    assert_string_equal(world->last_condition, world->date);
}

static void a_validator_that_lies_is_believed_for_an_hour(void **state)
{
    struct world *world = *state;
    world->validator = WITH_DATE;
    world->modified_wall_ms = world->now.wall_ms - HOUR_MS;
    list_orders(world, 30);
    settle(world);
    sweeps(world, 2);
    assert_true(world->unchanged != 0);
    api_set(world, "0003", "\"status\":\"Held\""); /* and the date stays as it was */
    sweeps(world, 1);
    assert_int_equal(world->event_count, 0);
    world_run_for(world, HOUR_MS + ROUND_MS);
    assert_int_equal(world->event_count, 1);
}

/* --- absence ---------------------------------------------------------------------------------- */

static void absence_takes_two_complete_sweeps_and_the_details_word(void **state)
{
    struct world *world = *state;
    list_orders(world, 30);
    settle(world);
    api_order(world, "0001")->is_listed = false; /* still open */
    api_set(world, "0002", "\"status\":\"Completed\"");
    sweeps(world, 1);
    api_order(world, "0002")->is_listed = false; /* final */
    api_order(world, "0003")->is_listed = false;
    api_order(world, "0003")->detail_code = 404;
    api_order(world, "0004")->is_listed = false;
    api_order(world, "0004")->detail_code = 500; /* proves nothing */
    sweeps(world, 1);
    assert_int_equal(count_events(world, EVENT_ORDER_DISAPPEARED), 1);
    sweeps(world, 1);
    assert_int_equal(count_events(world, EVENT_ORDER_DISAPPEARED), 2);
    assert_int_equal(count_events(world, EVENT_ORDER_CLOSED), 1);
    assert_string_equal(find_event(world, EVENT_ORDER_CLOSED)->order_id, "0002");
    assert_non_null(strstr(world->events[world->event_count - 1].json, "\"detail\""));
    assert_int_equal(poller_status(world->poller).order_count, 27);

    api_order(world, "0004")->detail_code = 410;
    sweeps(world, 1);
    assert_int_equal(count_events(world, EVENT_ORDER_DISAPPEARED), 3);
    uint32_t details = world->details;
    sweeps(world, 3);
    assert_int_equal(world->details, details); /* what has left is not looked for */

    api_order(world, "0003")->is_listed = true;
    sweeps(world, 1);
    assert_int_equal(count_events(world, EVENT_ORDER_REAPPEARED), 1);
    world_restart(world);
    sweeps(world, 2);
    assert_int_equal(count_events(world, EVENT_ORDER_REAPPEARED), 1);
}

/* An element that nobody can read may be any of the orders that are missed: only their details tell
 * that they are gone. */
static void beside_an_element_that_is_never_readable_the_detail_decides(void **state)
{
    struct world *world = *state;
    world->total_lie = INT64_MIN;
    list_orders(world, 5);
    settle(world);
    api_set(world, "0002", "\"status\":\"Completed\"");
    api_order(world, "0003")->detail_code = 404;
    api_order(world, "0004")->detail_code = 500;
    world->page_body = "[{\"status\":\"Held\"},{\"id\":\"0000\",\"status\":\"InProgress\"}]";
    sweeps(world, 1);
    assert_int_equal(world->details, 0); /* one absence */
    sweeps(world, 3);
    assert_int_equal(count_events(world, EVENT_ORDER_CLOSED), 1);
    assert_string_equal(find_event(world, EVENT_ORDER_CLOSED)->order_id, "0002");
    assert_int_equal(count_events(world, EVENT_ORDER_DISAPPEARED), 1);
    assert_string_equal(find_event(world, EVENT_ORDER_DISAPPEARED)->order_id, "0003");
    assert_int_equal(poller_status(world->poller).order_count, 3); /* 0001 is open, 0004 unknown */
    assert_int_equal(poller_status(world->poller).health, POLLER_FAILING);
    world->page_body = NULL;
    api_order(world, "0002")->is_listed = false;
    api_order(world, "0003")->is_listed = false;
    uint64_t before = world->event_count;
    sweeps(world, 4);
    assert_int_equal(world->event_count, before + 1);
    assert_int_equal(count_events(world, EVENT_SOURCE_RECOVERED), 1);
}

/* A path that answers 404 whatever it is asked for is wrong: it proves nothing of any order. */
static void beside_an_element_that_is_never_readable_a_wrong_path_is_no_proof(void **state)
{
    struct world *world = *state;
    world->total_lie = INT64_MIN;
    list_orders(world, 3);
    settle(world);
    static const char *const ids[] = {"0000", "0001", "0002"};
    for (size_t i = 0; i < ARRAY_COUNT(ids); i++) {
        api_order(world, ids[i])->detail_code = 404;
    }
    world->page_body = "[{\"status\":\"Held\"},{\"id\":\"0000\",\"status\":\"InProgress\"}]";
    sweeps(world, 4);
    assert_int_not_equal(world->details, 0);
    assert_int_equal(count_events(world, EVENT_ORDER_DISAPPEARED), 0);
}

static void beside_an_element_that_is_never_readable_no_detail_is_no_proof(void **state)
{
    struct world *world = *state;
    world->total_lie = INT64_MIN;
    world->profile.orders.detail_path = NULL;
    list_orders(world, 2);
    settle(world);
    world->page_body = "[{\"status\":\"Held\"},{\"id\":\"0000\",\"status\":\"InProgress\"}]";
    sweeps(world, 4);
    assert_int_equal(count_events(world, EVENT_ORDER_DISAPPEARED), 0);
    assert_int_equal(poller_status(world->poller).order_count, 2);
}

/* As many elements cannot be read as orders are missed: nothing has vanished that is known of. */
static void what_cannot_be_read_has_not_vanished(void **state)
{
    struct world *world = *state;
    world->total_lie = INT64_MIN;
    list_orders(world, 10);
    settle(world);
    world->page_body = "[{},{},{},{},{},{},{},{},{\"id\":\"0000\",\"status\":\"InProgress\"}]";
    sweeps(world, 3);
    assert_int_equal(count_events(world, EVENT_SOURCE_CHANGE_HELD), 0);
    world->page_body = "[{},{\"id\":\"0000\",\"status\":\"InProgress\"}]";
    world_restart(world);
    sweeps(world, 2);
    assert_int_equal(count_events(world, EVENT_SOURCE_CHANGE_HELD), 1);
    assert_int_equal(count_events(world, EVENT_ORDER_DISAPPEARED), 0);
}

static void without_details_absence_is_disappearance(void **state)
{
    struct world *world = *state;
    world->profile.orders.detail_path = NULL;
    list_orders(world, 100);
    settle(world);
    for (int i = 10; i < 20; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "%04d", i);
        api_order(world, id)->is_listed = false;
    }
    sweeps(world, 2);
    assert_int_equal(count_events(world, EVENT_ORDER_DISAPPEARED), 10);
    assert_int_equal(world->details, 0);
}

static void an_empty_list_is_not_believed_but_a_final_detail_is(void **state)
{
    struct world *world = *state;
    list_orders(world, 2);
    settle(world);
    api_order(world, "0000")->is_listed = false;
    api_order(world, "0000")->detail_code = 404;
    api_order(world, "0001")->is_listed = false;
    int64_t complete_ms = poller_status(world->poller).last_complete_wall_ms;
    sweeps(world, 3);
    assert_int_equal(count_events(world, EVENT_ORDER_DISAPPEARED), 0);
    assert_int_equal(count_events(world, EVENT_ORDER_CLOSED), 0);
    assert_true(poller_status(world->poller).last_complete_wall_ms == complete_ms);
    api_set(world, "0001", "\"status\":\"Completed\"");
    api_order(world, "0001")->is_listed = false;
    sweeps(world, 1);
    assert_int_equal(count_events(world, EVENT_ORDER_CLOSED), 1);
    assert_int_equal(count_events(world, EVENT_ORDER_DISAPPEARED), 0);
}

static void an_empty_list_after_many_orders_is_nobodys_end(void **state)
{
    struct world *world = *state;
    list_orders(world, 40);
    settle(world);
    for (int i = 0; i < 40; i++) {
        world->orders[i].is_listed = false;
        world->orders[i].detail_code = 404;
    }
    world_run_for(world, 3 * EVERY_MS);
    assert_int_equal(world->event_count, 0);
    assert_int_equal(world->details, 0);
    world_run_for(world, 2 * EVERY_MS);
    assert_int_equal(world->event_count, 1);
    assert_int_equal(count_events(world, EVENT_SOURCE_UNREACHABLE), 1);
    assert_non_null(strstr(poller_status(world->poller).last_failure, "(0 read, total 0)"));
    world->total_lie = INT64_MIN;
    world_run_for(world, 2 * EVERY_MS);
    assert_non_null(strstr(poller_status(world->poller).last_failure, "(0 read)"));
    for (int i = 0; i < 40; i++) {
        world->orders[i].is_listed = true;
    }
    sweeps(world, 1);
    assert_int_equal(world->event_count, 2);
    assert_int_equal(count_events(world, EVENT_SOURCE_RECOVERED), 1);
}

/* Who knows that it is true may say so: then nothing is left but what the details say. */
static void an_empty_list_that_is_released_is_believed(void **state)
{
    struct world *world = *state;
    list_orders(world, 40);
    settle(world);
    for (int i = 0; i < 40; i++) {
        world->orders[i].is_listed = false;
        world->orders[i].detail_code = 404;
    }
    sweeps(world, 1);
    assert_true(poller_status(world->poller).is_empty_doubted);
    assert_non_null(strstr(poller_status(world->poller).last_failure, "orderwatch release"));
    poller_release(world->poller);
    world_run_for(world, 1000);
    assert_int_equal(poller_status(world->poller).health, POLLER_OK);
    assert_false(poller_status(world->poller).is_empty_doubted);
    assert_int_equal(count_events(world, EVENT_ORDER_DISAPPEARED), 0); /* absent once */
    sweeps(world, 5);
    assert_int_equal(count_events(world, EVENT_ORDER_DISAPPEARED), 40);
    assert_int_equal(count_events(world, EVENT_SOURCE_CHANGE_HELD), 0);
    sweeps(world, 2);
    assert_int_equal(poller_status(world->poller).health, POLLER_OK);
}

/* --- lists that lie --------------------------------------------------------------------------- */

static void insert_before_second_page(struct world *world, size_t offset)
{
    if (offset == 100) { /* one slips in at the front: the last of page one comes again */
        memmove(world->orders + 1, world->orders, world->order_count * sizeof *world->orders);
        world->order_count++;
        memset(&world->orders[0], 0, sizeof world->orders[0]);
        (void)snprintf(world->orders[0].id, sizeof world->orders[0].id, "early");
        (void)snprintf(world->orders[0].json, sizeof world->orders[0].json,
                       "{\"id\":\"early\",\"status\":\"InProgress\"}");
        world->orders[0].is_listed = true;
        world->before_page = NULL;
    }
}

static void a_list_that_moves_is_read_again(void **state)
{
    struct world *world = *state;
    list_orders(world, 150);
    settle(world);
    uint32_t pages = world->pages;
    world->total_lie = INT64_MIN;
    world->before_page = insert_before_second_page;
    sweeps(world, 1);
    assert_int_equal(world->pages, pages + 4);
    assert_int_equal(count_events(world, EVENT_ORDER_CREATED), 1);
    assert_int_equal(poller_status(world->poller).order_count, 151);
}

static void a_total_too_large_is_believed_thrice_and_then_never(void **state)
{
    struct world *world = *state;
    list_orders(world, 30);
    settle(world);
    world->total_lie = 5;
    int64_t complete_ms = poller_status(world->poller).last_complete_wall_ms;
    sweeps(world, 2);
    assert_true(poller_status(world->poller).last_complete_wall_ms == complete_ms);
    assert_int_equal(count_events(world, EVENT_SOURCE_SCHEMA_CHANGED), 0);
    sweeps(world, 4);
    assert_true(poller_status(world->poller).last_complete_wall_ms != complete_ms);
    assert_int_equal(count_events(world, EVENT_SOURCE_SCHEMA_CHANGED), 1);
    world_restart(world);
    sweeps(world, 2);
    assert_int_equal(count_events(world, EVENT_SOURCE_SCHEMA_CHANGED), 1);
}

/* What the total counts is known: it is the list that lacks it. */
static void a_list_that_ends_before_its_true_total_is_never_believed(void **state)
{
    struct world *world = *state;
    list_orders(world, 30);
    settle(world);
    for (int i = 10; i < 30; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "%04d", i);
        api_order(world, id)->is_listed = false;
    }
    world->total_lie = 20;
    sweeps(world, 6);
    api_set(world, "new", "\"status\":\"InProgress\"");
    sweeps(world, 6);
    assert_int_equal(count_events(world, EVENT_SOURCE_SCHEMA_CHANGED), 0);
    assert_int_equal(count_events(world, EVENT_ORDER_DISAPPEARED), 0);
    assert_int_equal(count_events(world, EVENT_ORDER_CREATED), 1);
    assert_int_equal(count_events(world, EVENT_SOURCE_CHANGE_HELD), 0);
    assert_non_null(strstr(poller_status(world->poller).last_failure, "the total says otherwise"));
    assert_int_equal(world->details, 0);
}

static void spell_anew(struct world *world, size_t offset)
{
    (void)offset;
    for (size_t i = 0; i < world->order_count; i++) {
        char members[100];
        (void)snprintf(members, sizeof members, "\"status\":\"InProgress\",\"read\":%u",
                       world->pages);
        api_set(world, world->orders[i].id, members);
    }
}

/* Where each answer has its time in it no two readings are the same bytes, but the same orders. */
static void a_wrong_total_is_found_out_however_pages_are_spelt(void **state)
{
    struct world *world = *state;
    world->total_lie = 5;
    world->before_page = spell_anew;
    list_orders(world, 30);
    world_boot(world);
    sweeps(world, 4);
    assert_true(poller_status(world->poller).last_complete_wall_ms != 0);
    assert_int_equal(count_events(world, EVENT_SOURCE_SCHEMA_CHANGED), 1);
    assert_int_equal(world->event_count, 1);
}

static void an_impossible_total_does_not_keep_the_baseline_away(void **state)
{
    struct world *world = *state;
    list_orders(world, 106);
    world->total_lie = -81;
    settle(world);
    assert_int_equal(poller_status(world->poller).order_count, 106);
}

/* --- guard ------------------------------------------------------------------------------------ */

static void change_many(struct world *world, int count, const char *members)
{
    for (int i = 0; i < count; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "%04d", i);
        api_set(world, id, members);
    }
}

/* Another spelling of every status, other links: nothing has happened. */
static void a_mass_of_other_spellings_is_no_mass_change(void **state)
{
    struct world *world = *state;
    world->profile.order_fields[ORDER_URL] =
        (struct candidates){.pointers = (const char *const[]){"/href"}, .count = 1};
    list_orders(world, 60);
    settle(world);
    change_many(world, 60, "\"status\":\"IN_PROGRESS\",\"href\":\"https://api.example.com/v2/x\"");
    sweeps(world, 2);
    assert_int_equal(world->event_count, 0);
    change_many(world, 60, "\"status\":\"InProgress\",\"href\":\"https://api.example.com/v3/x\"");
    world_restart(world);
    sweeps(world, 2);
    assert_int_equal(world->event_count, 0);
}

static void a_mass_change_is_held_until_released(void **state)
{
    struct world *world = *state;
    list_orders(world, 40);
    settle(world);
    change_many(world, 30, "\"status\":\"Held\"");
    sweeps(world, 3);
    assert_int_equal(world->event_count, 1);
    assert_int_equal(count_events(world, EVENT_SOURCE_CHANGE_HELD), 1);
    const char *json = find_event(world, EVENT_SOURCE_CHANGE_HELD)->json;
    assert_non_null(strstr(json, "\"changed\":30"));
    assert_non_null(strstr(json, "\"known\":40"));
    assert_true(poller_status(world->poller).is_held);
    world_restart(world);
    sweeps(world, 1);
    assert_int_equal(world->event_count, 1);
    assert_true(poller_status(world->poller).is_held);
    poller_release(world->poller);
    world_run_for(world, 1000);
    assert_int_equal(world->event_count, 31);
    assert_false(poller_status(world->poller).is_held);
}

/* What the API spells otherwise is why so much changed: who is to release it has to know. */
static void what_is_new_in_a_held_sweep_is_told_at_once_and_once(void **state)
{
    struct world *world = *state;
    list_orders(world, 40);
    settle(world);
    change_many(world, 30, "\"status\":\"Teleported\"");
    sweeps(world, 2);
    assert_true(poller_status(world->poller).is_held);
    assert_int_equal(count_events(world, EVENT_SOURCE_SCHEMA_CHANGED), 1);
    assert_int_equal(world->event_count, 2);
    poller_release(world->poller);
    sweeps(world, 1);
    assert_int_equal(count_events(world, EVENT_SOURCE_SCHEMA_CHANGED), 1);
    assert_int_equal(count_events(world, EVENT_ORDER_STATUS_CHANGED), 30);
}

/* The hold's own commit takes nothing that is staged along, nor does it make it forgotten. */
static void what_a_hold_could_not_discard_is_not_told_twice(void **state)
{
    struct world *world = *state;
    list_orders(world, 40);
    settle(world);
    change_many(world, 30, "\"status\":\"Held\"");
    world->failing_discards = 1;
    sweeps(world, 1);
    assert_true(poller_status(world->poller).is_held);
    poller_release(world->poller);
    sweeps(world, 1);
    assert_int_equal(world->failing_discards, 0);
    assert_int_equal(count_events(world, EVENT_ORDER_STATUS_HELD), 30);
}

static void what_a_poller_before_could_not_discard_is_not_told(void **state)
{
    struct world *world = *state;
    list_orders(world, 40);
    settle(world);
    change_many(world, 30, "\"status\":\"Held\"");
    world->failing_discards = UINT32_MAX;
    sweeps(world, 1);
    change_many(world, 30, "\"status\":\"InProgress\"");
    world->failing_discards = 0;
    world_reload(world);
    sweeps(world, 2);
    assert_int_equal(count_events(world, EVENT_ORDER_STATUS_HELD), 0);
}

static void a_held_change_is_told_when_it_stays_and_forgotten_when_undone(void **state)
{
    struct world *world = *state;
    list_orders(world, 40);
    settle(world);
    change_many(world, 30, "\"status\":\"Held\"");
    sweeps(world, 2);
    change_many(world, 30, "\"status\":\"InProgress\"");
    sweeps(world, 2);
    assert_int_equal(world->event_count, 1);
    assert_false(poller_status(world->poller).is_held);
    change_many(world, 30, "\"status\":\"Held\"");
    world_run_for(world, HOUR_MS - MINUTE_MS);
    assert_int_equal(world->event_count, 2);
    world_run_for(world, 3 * ROUND_MS);
    assert_int_equal(world->event_count, 32);
}

static void a_mass_disappearance_is_held_before_anything_is_looked_up(void **state)
{
    struct world *world = *state;
    list_orders(world, 40);
    settle(world);
    for (int i = 0; i < 10; i++) {
        world->orders[i].is_listed = false;
    }
    sweeps(world, 3);
    assert_int_equal(world->details, 0);
    assert_int_equal(world->event_count, 1);
    assert_int_equal(count_events(world, EVENT_SOURCE_CHANGE_HELD), 1);
}

static void the_policy_tell_holds_nothing(void **state)
{
    struct world *world = *state;
    world->source.guard.policy = GUARD_TELL;
    list_orders(world, 40);
    settle(world);
    change_many(world, 30, "\"status\":\"Held\"");
    sweeps(world, 1);
    assert_int_equal(world->event_count, 30);
}

/* --- credentials, limits, failures ------------------------------------------------------------ */

static void an_expired_token_is_renewed_once_and_the_sweep_goes_on(void **state)
{
    struct world *world = *state;
    list_orders(world, 150);
    settle(world);
    world->is_token_expired = true;
    sweeps(world, 1);
    assert_int_equal(world->tokens, 2);
    assert_int_equal(poller_status(world->poller).health, POLLER_OK);
    assert_string_equal(world->last_authorization, "Bearer T2");
    world->fail_code = 401;
    world->fail_body = "{\"code\":42}";
    sweeps(world, 1);
    uint32_t tokens = world->tokens;
    assert_true(tokens >= 3);
    assert_true(world->request_count < 100); /* no storm */
}

/* Too many requests, whatever the status: neither another token nor a second request at once. */
static void a_limit_under_401_is_no_matter_of_the_token(void **state)
{
    struct world *world = *state;
    list_orders(world, 3);
    settle(world);
    uint32_t tokens = world->tokens;
    size_t requests = world->request_count;
    world->fail_code = 401;
    world->fail_body = "{\"code\":53,\"message\":\"Too many requests\"}";
    while (poller_status(world->poller).health == POLLER_OK) {
        world_run_for(world, 1000);
    }
    assert_int_equal(world->tokens, tokens);
    assert_int_equal(world->request_count, requests + 1);
    assert_int_equal(count_events(world, EVENT_SOURCE_REJECTED), 0);
}

/* The operator's incident began when it began, not when we did. */
static void a_failure_over_a_restart_has_its_first_time(void **state)
{
    struct world *world = *state;
    list_orders(world, 3);
    settle(world);
    world->fail_code = 503;
    world_run_for(world, HOUR_MS);
    assert_int_equal(count_events(world, EVENT_SOURCE_UNREACHABLE), 1);
    const char *first = strstr(find_event(world, EVENT_SOURCE_UNREACHABLE)->json, "\"first\"");
    assert_non_null(first);
    char wanted[40];
    (void)snprintf(wanted, sizeof wanted, "%.34s", first); /* "first":"2026-…Z" */
    world_restart(world);
    world_run_for(world, HOUR_MS);
    world->fail_code = 0;
    world_run_for(world, HOUR_MS);
    assert_int_equal(count_events(world, EVENT_SOURCE_UNREACHABLE), 1);
    assert_int_equal(count_events(world, EVENT_SOURCE_RECOVERED), 1);
    assert_non_null(strstr(find_event(world, EVENT_SOURCE_RECOVERED)->json, wanted));
}

static void refused_credentials_are_told_once_and_probed_slowly(void **state)
{
    struct world *world = *state;
    list_orders(world, 3);
    world->token_code = 401;
    world->token_body = "{\"error\":\"invalid_client\",\"error_description\":\"Wrong secret\"}";
    world_boot(world);
    world_run_for(world, 5 * MINUTE_MS - 1000);
    assert_int_equal(world->tokens, 1);
    assert_int_equal(count_events(world, EVENT_SOURCE_REJECTED), 1);
    assert_int_equal(poller_status(world->poller).health, POLLER_REJECTED);
    assert_non_null(strstr(poller_status(world->poller).last_failure, "Wrong secret"));
    assert_null(strstr(find_event(world, EVENT_SOURCE_REJECTED)->json, "s3cret"));
    world_run_for(world, 16 * MINUTE_MS);
    assert_int_equal(world->tokens, 3);
    world_run_for(world, 3 * HOUR_MS);
    assert_int_equal(world->tokens, 6);
    assert_int_equal(count_events(world, EVENT_SOURCE_REJECTED), 1);
    assert_int_equal(world->pages, 0);
    world->token_code = 0;
    world->token_body = NULL;
    world_run_for(world, HOUR_MS + 1000);
    assert_int_equal(count_events(world, EVENT_SOURCE_RECOVERED), 1);
    assert_int_equal(poller_status(world->poller).health, POLLER_OK);
}

static void tokens_that_are_all_called_expired_are_refused_credentials(void **state)
{
    struct world *world = *state;
    list_orders(world, 3);
    settle(world);
    world->fail_code = 401;
    world->fail_body = "{\"code\":42,\"message\":\"Expired credentials\"}";
    while (poller_status(world->poller).health == POLLER_OK) {
        world_run_for(world, 1000);
    }
    assert_int_equal(poller_status(world->poller).health, POLLER_FAILING);
    assert_int_equal(count_events(world, EVENT_SOURCE_REJECTED), 0); /* it may be new to them */
    world_run_for(world, 2 * MINUTE_MS);
    assert_int_equal(count_events(world, EVENT_SOURCE_REJECTED), 1);
    assert_int_equal(poller_status(world->poller).health, POLLER_REJECTED);
    uint32_t tokens = world->tokens;
    world_run_for(world, 5 * HOUR_MS);
    assert_true(world->tokens - tokens <= 12); /* an hour between two probes */
    assert_int_equal(count_events(world, EVENT_SOURCE_REJECTED), 1);
    world->fail_code = 0;
    world_run_for(world, HOUR_MS + 1000);
    assert_int_equal(count_events(world, EVENT_SOURCE_RECOVERED), 1);
    assert_int_equal(poller_status(world->poller).health, POLLER_OK);
}

/* Refused in the middle of a sweep whose first page cannot be kept either. */
static void refused_credentials_are_probed_slowly_whatever_the_store_says(void **state)
{
    struct world *world = *state;
    list_orders(world, 150);
    settle(world);
    api_set(world, "0003", "\"status\":\"Held\"");
    world->fail_code = 403;
    world->fail_body = "{\"code\":50,\"message\":\"Access denied\"}";
    world->fail_from_page = 100;
    world->stages_always = true;
    world->store_fails = STATUS_FULL;
    sweeps(world, 1);
    assert_int_equal(poller_status(world->poller).health, POLLER_REJECTED);
    assert_non_null(strstr(poller_status(world->poller).last_failure, "Access denied"));
    world->store_fails = STATUS_OK;
    size_t requests = world->request_count;
    world_run_for(world, 3 * MINUTE_MS);
    assert_int_equal(world->request_count, requests);
    assert_int_equal(count_events(world, EVENT_SOURCE_REJECTED), 1);
    assert_non_null(strstr(find_event(world, EVENT_SOURCE_REJECTED)->json, "Access denied"));
    world->fail_code = 0;
    world_run_for(world, HOUR_MS);
    assert_int_equal(count_events(world, EVENT_ORDER_STATUS_HELD), 1);
    assert_int_equal(poller_status(world->poller).health, POLLER_OK);
}

static void retry_after_is_honoured_over_a_restart(void **state)
{
    struct world *world = *state;
    list_orders(world, 3);
    settle(world);
    world->fail_code = 429;
    world->retry_after = "1800";
    sweeps(world, 1);
    size_t requests = world->request_count;
    world->fail_code = 0;
    assert_int_equal(poller_status(world->poller).budget_limit, 300);
    world_run_for(world, 10 * MINUTE_MS);
    world_restart(world);
    poller_sweep_now(world->poller);
    world_run_for(world, 10 * MINUTE_MS);
    assert_int_equal(world->request_count, requests);
    world_run_for(world, 15 * MINUTE_MS);
    assert_true(world->request_count > requests);
    assert_int_equal(poller_status(world->poller).health, POLLER_OK);
}

static void retry_after_is_honoured_over_a_reload_that_the_store_knows_nothing_of(void **state)
{
    struct world *world = *state;
    list_orders(world, 3);
    settle(world);
    world->store_fails = STATUS_FULL;
    world->fail_code = 429;
    world->retry_after = "1800";
    sweeps(world, 1);
    size_t requests = world->request_count;
    world->fail_code = 0;
    world_reload(world);
    world->store_fails = STATUS_OK;
    world_run_for(world, 20 * MINUTE_MS);
    assert_int_equal(world->request_count, requests);
    world_run_for(world, 15 * MINUTE_MS);
    assert_true(world->request_count > requests);
}

static void an_unreachable_source_is_told_after_three_intervals_and_when_it_is_back(void **state)
{
    struct world *world = *state;
    list_orders(world, 3);
    settle(world);
    world->fail_code = 503;
    world->fail_body = "{\"code\":5,\"message\":\"Service unavailable\"}";
    world_run_for(world, 3 * EVERY_MS - 2000);
    assert_int_equal(world->event_count, 0);
    world_run_for(world, EVERY_MS);
    assert_int_equal(world->event_count, 1);
    const char *json = find_event(world, EVENT_SOURCE_UNREACHABLE)->json;
    assert_non_null(strstr(json, "503/5"));
    assert_non_null(strstr(json, "rq-1"));
    world_run_for(world, 2 * HOUR_MS);
    world_restart(world);
    world_run_for(world, 2 * HOUR_MS);
    assert_int_equal(world->event_count, 1);
    world->fail_code = 0;
    world_run_for(world, HOUR_MS);
    assert_int_equal(world->event_count, 2);
    assert_int_equal(count_events(world, EVENT_SOURCE_RECOVERED), 1);
}

static void nothing_is_told_in_maintenance(void **state)
{
    struct world *world = *state;
    struct window window = {world->now.wall_ms + MINUTE_MS, world->now.wall_ms + 4 * HOUR_MS};
    world->source.maintenance = &window;
    world->source.maintenance_count = 1;
    list_orders(world, 3);
    settle(world);
    world->fail_code = 503;
    world_run_for(world, 3 * HOUR_MS);
    assert_int_equal(world->event_count, 0);
    assert_int_equal(poller_status(world->poller).health, POLLER_MAINTENANCE);
    world_run_for(world, HOUR_MS + 2 * EVERY_MS); /* it fails on, but not yet for long */
    assert_int_equal(world->event_count, 0);
    world->fail_code = 0;
    poller_sweep_now(world->poller);
    world_run_for(world, 2 * HOUR_MS);
    assert_int_equal(world->event_count, 0);
    assert_int_equal(poller_status(world->poller).health, POLLER_OK);
}

static void reading_goes_on_when_the_maintenance_ends(void **state)
{
    struct world *world = *state;
    struct window window = {world->now.wall_ms + MINUTE_MS, world->now.wall_ms + 6 * HOUR_MS};
    world->source.maintenance = &window;
    world->source.maintenance_count = 1;
    list_orders(world, 3);
    settle(world);
    world->fail_code = 503;
    world_run_for(world, window.to_wall_ms - world->now.wall_ms);
    world->fail_code = 0;
    while (poller_status(world->poller).last_complete_wall_ms < window.to_wall_ms) {
        enum poller_health health = poller_status(world->poller).health;
        assert_true(health == POLLER_MAINTENANCE || health == POLLER_FAILING);
        assert_true(world->now.wall_ms < window.to_wall_ms + 2 * MINUTE_MS);
        world_run_for(world, 1000);
    }
    assert_true(poller_status(world->poller).last_complete_wall_ms >= window.to_wall_ms);
    assert_int_equal(world->event_count, 0);
}

static void no_window_sees_more_requests_than_the_budget(void **state)
{
    struct world *world = *state;
    world->source.budget = (struct rate){10, MINUTE_MS};
    world->source.page_size = 2;
    list_orders(world, 60);
    world_boot(world);
    for (int i = 0; i < 20; i++) {
        world_run_for(world, 47000);
        if (i % 3 == 0) {
            world_restart(world);
        }
    }
    for (size_t i = 0; i + 10 < world->request_count; i++) {
        assert_true(world->request_ms[i + 10] - world->request_ms[i] > MINUTE_MS);
    }
    assert_true(world->request_count > 60);
}

static void credentials_about_to_expire_are_told_by_threshold(void **state)
{
    struct world *world = *state;
    list_orders(world, 3);
    int64_t today = world->now.wall_ms - world->now.wall_ms % DAY_MS;
    world->source.api_key.issued = (struct date){DATE_DAY, today - 700 * DAY_MS};
    world->source.api_key.valid_for_ms = 730 * DAY_MS;
    world_boot(world);
    world_run_for(world, 1000);
    assert_int_equal(world->event_count, 1); /* of 60 and 30 only the nearer */
    assert_non_null(strstr(find_event(world, EVENT_SOURCE_CREDENTIAL_EXPIRING)->json, "api_key"));
    world_restart(world);
    world_run_for(world, 2 * DAY_MS);
    assert_int_equal(world->event_count, 1);
    world_pass(world, 22 * DAY_MS);
    world_run_for(world, HOUR_MS);
    assert_int_equal(count_events(world, EVENT_SOURCE_CREDENTIAL_EXPIRING), 2);
}

static void the_certificates_of_both_sides_are_told_before_they_expire(void **state)
{
    struct world *world = *state;
    list_orders(world, 3);
    world->certificate_wall_ms = world->now.wall_ms + 20 * DAY_MS - 1;
    world->own_certificate_wall_ms = world->now.wall_ms + 6 * DAY_MS - 1;
    world_boot(world);
    world_run_for(world, MINUTE_MS);
    assert_int_equal(world->event_count, 2);
    assert_non_null(strstr(world->events[0].json, "\"name\":\"certificate\""));
    assert_non_null(strstr(world->events[0].json, "\"days_left\":19"));
    assert_non_null(strstr(world->events[1].json, "\"name\":\"client_certificate\""));
    assert_non_null(strstr(world->events[1].json, "\"days_left\":5"));
    world->own_certificate_wall_ms += 365 * DAY_MS; /* renewed */
    world_restart(world);
    world_run_for(world, 5 * DAY_MS);
    assert_int_equal(world->event_count, 2);
}

static void the_token_servers_certificate_is_one_of_its_own(void **state)
{
    struct world *world = *state;
    list_orders(world, 3);
    world->source.oauth2.token_url = "https://login.example.com/token";
    world->certificate_wall_ms = world->now.wall_ms + 300 * DAY_MS;
    world->token_certificate_wall_ms = world->now.wall_ms + 20 * DAY_MS;
    world_boot(world);
    world_run_for(world, 2 * HOUR_MS);
    assert_int_equal(world->event_count, 1);
    assert_non_null(strstr(world->events[0].json, "\"name\":\"token_certificate\""));
    struct poller_status status = poller_status(world->poller);
    assert_true(status.certificate_expires_wall_ms == world->certificate_wall_ms);
    assert_true(status.token_certificate_expires_wall_ms == world->token_certificate_wall_ms);
}

static void a_token_of_the_apis_own_server_has_no_certificate_of_its_own(void **state)
{
    struct world *world = *state;
    list_orders(world, 3);
    world->certificate_wall_ms = world->now.wall_ms + 20 * DAY_MS;
    world_boot(world);
    world_run_for(world, 2 * HOUR_MS);
    assert_int_equal(world->event_count, 1);
    assert_true(poller_status(world->poller).token_certificate_expires_wall_ms == 0);
}

/* --- the store -------------------------------------------------------------------------------- */

static void play_full_store(struct world *world)
{
    list_orders(world, 30);
    settle(world);
    world->store_fails = STATUS_FULL;
    api_set(world, "0001", "\"status\":\"Held\"");
    api_set(world, "0002", "\"status\":\"Paused\""); /* and one novelty of the source's own */
    sweeps(world, 2);
    assert_int_equal(world->event_count, 0);
    uint32_t pages = world->pages;
    sweeps(world, 5);
    assert_true(world->pages - pages <= 1); /* what cannot be kept is not read */
    world->store_fails = STATUS_OK;
    sweeps(world, 3);
    assert_int_equal(world->event_count, 3);
    sweeps(world, 3);
    assert_int_equal(world->event_count, 3);
}

static void a_store_that_fails_loses_and_repeats_nothing(void **state)
{
    play_full_store(*state);
}

static void a_commit_that_fails_loses_and_repeats_nothing(void **state)
{
    struct world *world = *state;
    world->stages_always = true;
    play_full_store(world);
}

/* A full disk takes the few bytes of the source's own state all the while. */
static void play_full_disk(struct world *world, int64_t for_ms)
{
    list_orders(world, 30);
    settle(world);
    api_set(world, "0001", "\"status\":\"Held\"");
    log_count("store_works_again");
    world->is_short = true;
    world_run_for(world, for_ms);
    assert_int_equal(world->event_count, 0);
    assert_int_equal(log_counted(), 0);
}

static void a_store_works_again_when_what_failed_has_gone_through(void **state)
{
    struct world *world = *state;
    play_full_disk(world, DAY_MS);
    world->is_short = false;
    world_run_for(world, 30000);
    assert_int_equal(world->event_count, 1); /* it does not wait for what a failed sweep waits */
    assert_int_equal(log_counted(), 1);
    sweeps(world, 3);
    assert_int_equal(log_counted(), 1);
}

/* Room for some is no room for all: the API is asked no more often than after any other failure. */
static void what_never_fits_is_not_read_again_at_once(void **state)
{
    struct world *world = *state;
    play_full_disk(world, HOUR_MS);
    world->is_short = false;
    world->is_too_small = true;
    uint32_t pages = world->pages;
    world_run_for(world, 12 * HOUR_MS);
    assert_int_equal(log_counted(), 0);
    assert_in_range(world->pages - pages, 12, 140);
    world->is_too_small = false;
    world_run_for(world, 16 * MINUTE_MS);
    assert_int_equal(world->event_count, 1);
    assert_int_equal(log_counted(), 1);
}

static void room_on_the_disk_does_not_end_the_wait_that_the_api_asked_for(void **state)
{
    struct world *world = *state;
    list_orders(world, 150);
    settle(world);
    api_set(world, "0001", "\"status\":\"Held\"");
    world->fail_code = 429;
    world->retry_after = "1800";
    world->fail_from_page = 100;
    world->is_short = true;
    sweeps(world, 1);
    world->is_short = false;
    world->fail_code = 0;
    uint32_t pages = world->pages;
    world_run_for(world, 20 * MINUTE_MS);
    assert_int_equal(world->pages, pages);
    world_run_for(world, 20 * MINUTE_MS);
    assert_int_equal(world->event_count, 1);
}

static void stopping_abandons_the_sweep_and_keeps_what_was_committed(void **state)
{
    struct world *world = *state;
    list_orders(world, 500);
    for (int steps = 0; steps < 60; steps++) {
        world_boot(world);
        for (int i = 0; i < steps; i++) {
            (void)poller_turn(world->poller, world->now);
            (void)world_answer(world);
        }
        world_stop(world);
        world_pass(world, HOUR_MS);
    }
    world_boot(world);
    world_run_for(world, 1000);
    assert_int_equal(world->kept_count, 500);
    assert_int_equal(world->event_count, 0);
}

static void pausing_stops_all_requests(void **state)
{
    struct world *world = *state;
    list_orders(world, 3);
    settle(world);
    poller_pause(world->poller, true);
    size_t requests = world->request_count;
    world_run_for(world, HOUR_MS);
    assert_int_equal(world->request_count, requests);
    poller_pause(world->poller, false);
    sweeps(world, 1);
    assert_true(world->request_count > requests);
}

/* --- shape and time --------------------------------------------------------------------------- */

static void an_unknown_status_is_told_once(void **state)
{
    struct world *world = *state;
    list_orders(world, 30);
    settle(world);
    api_set(world, "0001", "\"status\":\"Paused\"");
    sweeps(world, 1);
    api_set(world, "0002", "\"status\":\"Paused\"");
    sweeps(world, 1);
    world_restart(world);
    sweeps(world, 1);
    api_set(world, "0003", "\"status\":\"Paused\"");
    sweeps(world, 1);
    assert_int_equal(count_events(world, EVENT_SOURCE_SCHEMA_CHANGED), 1);
    assert_int_equal(count_events(world, EVENT_ORDER_STATUS_CHANGED), 3);
}

static void a_field_that_no_order_has_any_more_is_told_once(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 30; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "%04d", i);
        api_set(world, id, "\"status\":\"InProgress\",\"committedDate\":\"2027-01-12\"");
    }
    world->source.guard.policy = GUARD_TELL;
    settle(world);
    list_orders(world, 30);
    sweeps(world, 3);
    assert_int_equal(count_events(world, EVENT_SOURCE_SCHEMA_CHANGED), 1);
    assert_non_null(
        strstr(find_event(world, EVENT_SOURCE_SCHEMA_CHANGED)->json, "committed_date:missing"));
}

static bool keeps_text(const struct kept_order *kept, const char *text)
{
    struct span canonical = kept->order.canonical;
    return memmem(canonical.data, canonical.size, text, strlen(text)) != NULL;
}

static void another_profile_reads_anew_without_order_events(void **state)
{
    struct world *world = *state;
    list_orders(world, 30);
    settle(world);
    world_stop(world);
    world->profile.fingerprint = 2;
    world->profile.order_fields[ORDER_STATUS] = (struct candidates){state_pointer, 1};
    world_boot(world);
    sweeps(world, 2);
    assert_int_equal(world->event_count, 1);
    assert_int_equal(count_events(world, EVENT_SOURCE_SCHEMA_CHANGED), 1);
    const struct kept_order *kept = store_find(world, "0001");
    assert_true(kept != NULL && !keeps_text(kept, "InProgress"));
    api_set(world, "0001", "\"state\":\"Held\"");
    sweeps(world, 1);
    assert_int_equal(world->event_count, 2);
}

static void another_time_zone_or_language_reads_anew_without_order_events(void **state)
{
    struct world *world = *state;
    struct zone *zone = NULL;
    assert_int_equal(zone_from_rule("UTC+2", "<+02>-2", &zone, NULL), STATUS_OK);
    static const char local[] =
        "\"status\":\"InProgress\",\"committedDate\":\"2027-01-12T09:00:00\"";
    api_set(world, "0001", local);
    settle(world);
    world_stop(world);
    world->source.zone = zone;
    world_boot(world);
    sweeps(world, 2);
    assert_int_equal(world->event_count, 1);
    assert_non_null(strstr(find_event(world, EVENT_SOURCE_SCHEMA_CHANGED)->json, "\"locale\""));
    const struct kept_order *kept = store_find(world, "0001");
    assert_true(kept != NULL && keeps_text(kept, "2027-01-12T07:00:00Z"));

    world_stop(world);
    world->source.language = "en";
    api_set(world, "0001", local);
    world_boot(world);
    sweeps(world, 2);
    assert_int_equal(count_events(world, EVENT_SOURCE_SCHEMA_CHANGED), 2);
    world_restart(world); /* it is told once */
    sweeps(world, 2);
    assert_int_equal(world->event_count, 2);
    world_stop(world);
    zone_destroy(zone);
}

static void what_time_causes_waits_for_a_well_source(void **state)
{
    struct world *world = *state;
    api_set(world, "1", "\"status\":\"InProgress\",\"committedDate\":\"2026-11-20\"");
    settle(world); /* 18 November 2026 */
    world_run_for(world, 2 * DAY_MS);
    world->fail_code = 503;
    world_run_for(world, 2 * DAY_MS);
    assert_int_equal(count_events(world, EVENT_ORDER_DATE_OVERDUE), 0);
    world->fail_code = 0;
    world_run_for(world, HOUR_MS);
    assert_int_equal(count_events(world, EVENT_ORDER_DATE_OVERDUE), 1);
    world_restart(world);
    world_run_for(world, DAY_MS);
    assert_int_equal(count_events(world, EVENT_ORDER_DATE_OVERDUE), 1);
}

/* --- appointments of their own ---------------------------------------------------------------- */

static void visit(struct world *world, size_t i, const char *order_id, const char *start)
{
    struct listed *visit = &world->visits[i];
    world->visit_count = i >= world->visit_count ? i + 1 : world->visit_count;
    visit->is_listed = true;
    (void)snprintf(
        visit->json, sizeof visit->json,
        "{\"id\":\"A-%zu\",\"orderId\":\"%s\",\"status\":\"Confirmed\",\"start\":\"%s\"}", i,
        order_id, start);
}

static void settle_with_two_visits(struct world *world)
{
    world->profile.has_appointments_collection = true;
    list_orders(world, 10);
    visit(world, 0, "0001", "2027-01-12T08:00:00Z");
    visit(world, 1, "0002", "2027-01-13T08:00:00Z");
    settle(world);
}

static void appointments_of_their_own_collection_join_their_order(void **state)
{
    struct world *world = *state;
    world->profile.has_appointments_collection = true;
    list_orders(world, 10);
    visit(world, 0, "0001", "2027-01-12T08:00:00Z");
    visit(world, 1, "0002", "2027-01-13T08:00:00Z");
    visit(world, 2, "unknown", "2027-01-14T08:00:00Z");
    settle(world);
    sweeps(world, 2);
    assert_int_equal(world->event_count, 0);

    visit(world, 0, "0001", "2027-01-17T08:00:00Z"); /* the order's own bytes stay as they are */
    visit(world, 3, "0003", "2027-01-15T08:00:00Z");
    sweeps(world, 1);
    assert_int_equal(count_events(world, EVENT_APPOINTMENT_RESCHEDULED), 1);
    assert_int_equal(world->event_count, 2);

    world_restart(world);
    sweeps(world, 2);
    assert_int_equal(world->event_count, 2);

    world->visits[1].is_listed = false;
    sweeps(world, 1);
    assert_int_equal(world->event_count, 2);
    sweeps(world, 1);
    assert_int_equal(count_events(world, EVENT_APPOINTMENT_REMOVED), 1);
    sweeps(world, 3);
    assert_int_equal(world->event_count, 3);
}

static void an_appointment_gone_while_we_were_away_is_missed(void **state)
{
    struct world *world = *state;
    settle_with_two_visits(world);
    world_stop(world);
    world->visits[1].is_listed = false;
    world_boot(world);
    sweeps(world, 4);
    assert_int_equal(world->event_count, 1);
    assert_int_equal(count_events(world, EVENT_APPOINTMENT_REMOVED), 1);
}

/* An empty list is how the last ones end, be it over a restart. */
static void the_last_appointments_of_all_can_end(void **state)
{
    struct world *world = *state;
    settle_with_two_visits(world);
    world->visits[1].is_listed = false;
    sweeps(world, 3);
    world->visits[0].is_listed = false;
    sweeps(world, 1);
    assert_int_equal(world->event_count, 1);
    world_restart(world);
    sweeps(world, 3);
    assert_int_equal(count_events(world, EVENT_APPOINTMENT_REMOVED), 2);
    assert_int_equal(world->event_count, 2);
    assert_int_equal(poller_status(world->poller).health, POLLER_OK);
}

/* An empty page beside a total that says otherwise is no list of nothing. */
static void a_total_contradicts_an_empty_list_of_appointments(void **state)
{
    struct world *world = *state;
    settle_with_two_visits(world);
    world->visits[0].is_listed = false;
    world->visits[1].is_listed = false;
    world->total_lie = 2;
    sweeps(world, 2);
    assert_int_equal(count_events(world, EVENT_APPOINTMENT_REMOVED), 0);
}

static void many_appointments_that_are_gone_at_once_are_not_believed(void **state)
{
    struct world *world = *state;
    world->profile.has_appointments_collection = true;
    list_orders(world, 40);
    for (size_t i = 0; i < 10; i++) {
        char order_id[8];
        (void)snprintf(order_id, sizeof order_id, "%04zu", i + 1);
        visit(world, i, order_id, "2027-01-12T08:00:00Z");
    }
    settle(world);
    for (size_t i = 0; i < 10; i++) {
        world->visits[i].is_listed = false;
    }
    int64_t complete_ms = poller_status(world->poller).last_complete_wall_ms;
    sweeps(world, 6);
    assert_int_equal(count_events(world, EVENT_APPOINTMENT_REMOVED), 0);
    assert_true(poller_status(world->poller).last_complete_wall_ms == complete_ms);
    assert_non_null(strstr(poller_status(world->poller).last_failure, "empty list"));
    for (size_t i = 0; i < 10; i++) {
        world->visits[i].is_listed = true;
    }
    sweeps(world, 3);
    assert_int_equal(poller_status(world->poller).health, POLLER_OK);
    assert_int_equal(count_events(world, EVENT_APPOINTMENT_REMOVED), 0);
}

static void an_appointment_waits_for_its_order(void **state)
{
    struct world *world = *state;
    world->profile.has_appointments_collection = true;
    list_orders(world, 10);
    visit(world, 0, "later", "2027-01-12T08:00:00Z");
    settle(world);
    sweeps(world, 2);
    api_set(world, "later", "\"status\":\"InProgress\"");
    sweeps(world, 2);
    assert_int_equal(count_events(world, EVENT_ORDER_CREATED), 1);
    assert_int_equal(count_events(world, EVENT_APPOINTMENT_CREATED), 1);
    assert_int_equal(world->event_count, 2);
}

static void take_away_at_start(struct world *world, size_t offset)
{
    (void)offset;
    api_order(world, "0001")->is_listed = false;
    world->before_page = NULL;
}

static void insert_and_take_away(struct world *world, size_t offset)
{
    if (offset == 100) {
        insert_before_second_page(world, offset);
        world->before_page = take_away_at_start;
    }
}

static void an_appointment_seen_by_half_a_reading_is_not_lost(void **state)
{
    struct world *world = *state;
    world->profile.has_appointments_collection = true;
    list_orders(world, 150);
    visit(world, 0, "0001", "2027-01-12T08:00:00Z");
    settle(world);
    visit(world, 0, "0001", "2027-01-17T08:00:00Z");
    world->total_lie = INT64_MIN;
    world->before_page = insert_and_take_away; /* the second reading does not see its order */
    sweeps(world, 1);
    assert_int_equal(count_events(world, EVENT_APPOINTMENT_RESCHEDULED), 0);
    api_order(world, "0001")->is_listed = true;
    sweeps(world, 1);
    assert_int_equal(count_events(world, EVENT_APPOINTMENT_RESCHEDULED), 1);
}

/* --- forgetting ------------------------------------------------------------------------------- */

struct asked {
    enum status status;
    size_t order_count;
    int answer_count;
};

static void on_forgot(void *arg, enum status status, const char *detail,
                      const struct forgotten *what)
{
    struct asked *asked = arg;
    (void)detail;
    asked->status = status;
    asked->order_count = what->order_count;
    asked->answer_count++;
}

static uint64_t sequence_of(struct world *world, const char *id)
{
    const struct kept_order *kept = store_find(world, id);
    return kept != NULL ? kept->order.sequence : UINT64_MAX;
}

static struct asked forget(struct world *world, const char *id)
{
    struct asked asked = {.answer_count = 0};
    struct failure why;
    assert_int_equal(poller_forget(world->poller, id, false, on_forgot, &asked, &why), STATUS_OK);
    assert_int_equal(poller_forget(world->poller, id, false, on_forgot, &asked, &why), STATUS_BUSY);
    assert_false(poller_is_idle(world->poller));
    world_run_for(world, 1000);
    assert_int_equal(asked.answer_count, 1);
    return asked;
}

/* Listed as before, or changed meanwhile, or over a restart: it is known anew without a word, and
 * its events go on counting. */
static void a_forgotten_order_that_is_listed_is_known_anew_without_a_word(void **state)
{
    struct world *world = *state;
    world->profile.has_appointments_collection = true;
    list_orders(world, 20);
    visit(world, 0, "0003", "2027-01-12T08:00:00Z");
    settle(world);
    api_set(world, "0003", "\"status\":\"Held\"");
    sweeps(world, 1);
    assert_int_equal(world->event_count, 1);

    assert_int_equal(forget(world, "none").status, STATUS_NOT_FOUND);
    struct asked asked = forget(world, "0003");
    assert_int_equal(asked.status, STATUS_OK);
    assert_int_equal(asked.order_count, 1);
    assert_null(store_find(world, "0003"));
    assert_int_equal(poller_status(world->poller).order_count, 19);
    sweeps(world, 2);
    assert_int_equal(world->event_count, 1);
    assert_int_equal(poller_status(world->poller).order_count, 20);
    assert_int_equal(sequence_of(world, "0003"), 1);
    visit(world, 0, "0003", "2027-01-17T08:00:00Z"); /* its appointment was adopted too */
    sweeps(world, 1);
    assert_int_equal(count_events(world, EVENT_APPOINTMENT_RESCHEDULED), 1);
    assert_int_equal(sequence_of(world, "0003"), 2);

    assert_int_equal(forget(world, "0003").status, STATUS_OK);
    world_restart(world);
    api_set(world, "0003", "\"status\":\"Completed\"");
    sweeps(world, 2);
    assert_int_equal(world->event_count, 2);
    api_set(world, "0003", "\"status\":\"Held\"");
    sweeps(world, 1);
    assert_int_equal(count_events(world, EVENT_ORDER_STATUS_HELD), 2);
    assert_int_equal(sequence_of(world, "0003"), 3);
}

static void a_forgotten_order_that_is_gone_stays_so_and_is_new_when_it_comes_back(void **state)
{
    struct world *world = *state;
    list_orders(world, 20);
    settle(world);
    assert_int_equal(forget(world, "0003").status, STATUS_OK);
    api_order(world, "0003")->is_listed = false;
    sweeps(world, 4); /* nobody looks for it, and nobody is told */
    assert_int_equal(world->details, 0);
    assert_int_equal(world->event_count, 0);
    api_order(world, "0003")->is_listed = true;
    sweeps(world, 1);
    assert_int_equal(count_events(world, EVENT_ORDER_CREATED), 1);
    assert_int_equal(world->event_count, 1);
}

static void a_partial_sweep_adopts_what_it_shows_and_waits_for_the_rest(void **state)
{
    struct world *world = *state;
    list_orders(world, 250);
    settle(world);
    assert_int_equal(forget(world, "0003").status, STATUS_OK);
    assert_int_equal(forget(world, "0203").status, STATUS_OK);
    world->fail_code = 500;
    world->fail_from_page = 200;
    sweeps(world, 1);
    assert_non_null(store_find(world, "0003"));
    assert_null(store_find(world, "0203"));
    world->fail_code = 0;
    world_run_for(world, HOUR_MS);
    assert_non_null(store_find(world, "0203"));
    assert_int_equal(count_events(world, EVENT_ORDER_CREATED), 0);
}

static void an_order_that_cannot_be_forgotten_stays_as_it_was(void **state)
{
    struct world *world = *state;
    list_orders(world, 20);
    settle(world);
    world->store_fails = STATUS_BUSY; /* a delivery is in the way */
    assert_int_equal(forget(world, "0003").status, STATUS_BUSY);
    world->store_fails = STATUS_OK;
    api_set(world, "0003", "\"status\":\"Held\"");
    sweeps(world, 1);
    assert_int_equal(count_events(world, EVENT_ORDER_STATUS_HELD), 1);
    assert_int_equal(world->event_count, 1);
    struct asked asked = {.answer_count = 0};
    struct failure why;
    assert_int_equal(poller_forget(world->poller, "0003", true, on_forgot, &asked, &why),
                     STATUS_OK);
    world_stop(world);
    assert_int_equal(asked.answer_count, 1);
    assert_int_equal(asked.status, STATUS_UNAVAILABLE);
}

/* --- at random -------------------------------------------------------------------------------- */

static void edit_at_random(struct world *world, struct random *random)
{
    static const char *const members[] = {"\"status\":\"InProgress\"", "\"status\":\"Held\"",
                                          "\"status\":\"InProgress\",\"lastUpdate\":1",
                                          "\"lastUpdate\":2,\"status\":\"Held\""};
    for (int64_t i = random_below(random, 6); i > 0; i--) {
        struct listed *order = &world->orders[random_below(random, (int64_t)world->order_count)];
        char id[32];
        (void)snprintf(id, sizeof id, "%s", order->id);
        api_set(world, id, members[random_below(random, ARRAY_COUNT(members))]);
    }
    if (random_below(random, 4) == 0) { /* the list is sorted otherwise */
        int64_t left = random_below(random, (int64_t)world->order_count);
        int64_t right = random_below(random, (int64_t)world->order_count);
        struct listed moved = world->orders[left];
        world->orders[left] = world->orders[right];
        world->orders[right] = moved;
    }
}

static void trouble_at_random(struct world *world, struct random *random)
{
    world->fail_code = random_below(random, 4) == 0 ? 503 : 0;
    world->fail_from_page = (int)random_below(random, 80);
    world->page_body = random_below(random, 8) == 0 ? "<html>" : NULL;
    world->store_fails = random_below(random, 8) == 0 ? STATUS_UNAVAILABLE : STATUS_OK;
    world->stages_always = random_below(random, 2) == 0;
    world->failing_stages = random_below(random, 8) == 0 ? 1 : 0;
    if (random_below(random, 10) == 0) {
        world_restart(world);
    }
}

/* Of every order the events must tell its way to what the API says now, each step once. */
static void check_story(const struct world *world, const struct listed *order)
{
    bool is_held = false;
    for (size_t i = 0; i < world->event_count; i++) {
        const struct kept_event *event = &world->events[i];
        if (strcmp(event->order_id, order->id) == 0) {
            assert_int_equal(event->type,
                             is_held ? EVENT_ORDER_STATUS_RESUMED : EVENT_ORDER_STATUS_HELD);
            is_held = !is_held;
        }
    }
    assert_int_equal(is_held, strstr(order->json, "Held") != NULL);
}

static void play_at_random(struct world *world, uint64_t seed)
{
    struct random random = {.state = seed};
    world->source.guard.policy = GUARD_TELL;
    world->source.page_size = 7;
    world->validator = seed % 2 == 0 ? WITH_ETAG : NO_VALIDATOR;
    list_orders(world, 60);
    settle(world);
    for (int i = 0; i < 60; i++) {
        edit_at_random(world, &random);
        trouble_at_random(world, &random);
        world_run_for(world, 1 + random_below(&random, 2 * EVERY_MS));
    }
    world->fail_code = 0;
    world->page_body = NULL;
    world->store_fails = STATUS_OK;
    world->failing_stages = 0;
    world_run_for(world, HOUR_MS);
    for (size_t i = 0; i < world->order_count; i++) {
        check_story(world, &world->orders[i]);
    }
    assert_int_equal(poller_status(world->poller).order_count, 60);
}

static void any_story_is_told_completely_and_once(void **state)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        play_at_random(*state, seed);
        (void)end(state);
        (void)begin(state);
    }
}

/* NOLINTNEXTLINE(readability-function-size): a list */
int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_first_complete_sweep_is_silent_and_changes_are_told),
        CASE(a_restart_tells_what_changed_meanwhile_and_nothing_else),
        CASE(what_time_causes_is_told_between_sweeps_that_follow_each_other),
        CASE(other_spellings_of_the_same_are_no_event),
        CASE(a_page_that_cannot_be_trusted_spoils_the_sweep),
        CASE(an_element_that_cannot_be_read_stops_no_other),
        CASE(an_order_that_is_never_readable_does_not_prevent_the_baseline),
        CASE(a_sweep_is_complete_when_it_is_durable),
        CASE(pages_before_a_failing_one_count_for_what_they_show),
        CASE(pages_before_a_broken_one_count_for_what_they_show),
        CASE(a_list_that_repeats_itself_counts_for_what_it_shows),
        CASE(an_error_behind_full_pages_is_told_from_their_end),
        CASE(no_content_behind_full_pages_is_told_from_their_end),
        CASE(no_content_where_nothing_is_known_is_an_empty_list),
        CASE(a_page_is_asked_for_only_if_it_changed),
        CASE(an_unchanged_page_proves_no_more_than_it_did),
        CASE(whoever_said_nothing_before_is_asked_without_condition),
        CASE(a_304_that_was_not_asked_for_is_an_error),
        CASE(a_date_counts_once_it_is_well_past),
        CASE(a_validator_that_lies_is_believed_for_an_hour),
        CASE(absence_takes_two_complete_sweeps_and_the_details_word),
        CASE(beside_an_element_that_is_never_readable_the_detail_decides),
        CASE(beside_an_element_that_is_never_readable_a_wrong_path_is_no_proof),
        CASE(beside_an_element_that_is_never_readable_no_detail_is_no_proof),
        CASE(what_cannot_be_read_has_not_vanished),
        CASE(without_details_absence_is_disappearance),
        CASE(an_empty_list_is_not_believed_but_a_final_detail_is),
        CASE(an_empty_list_after_many_orders_is_nobodys_end),
        CASE(an_empty_list_that_is_released_is_believed),
        CASE(a_list_that_moves_is_read_again),
        CASE(a_total_too_large_is_believed_thrice_and_then_never),
        CASE(a_list_that_ends_before_its_true_total_is_never_believed),
        CASE(a_wrong_total_is_found_out_however_pages_are_spelt),
        CASE(an_impossible_total_does_not_keep_the_baseline_away),
        CASE(a_mass_of_other_spellings_is_no_mass_change),
        CASE(a_mass_change_is_held_until_released),
        CASE(what_is_new_in_a_held_sweep_is_told_at_once_and_once),
        CASE(what_a_hold_could_not_discard_is_not_told_twice),
        CASE(what_a_poller_before_could_not_discard_is_not_told),
        CASE(a_held_change_is_told_when_it_stays_and_forgotten_when_undone),
        CASE(a_mass_disappearance_is_held_before_anything_is_looked_up),
        CASE(the_policy_tell_holds_nothing),
        CASE(an_expired_token_is_renewed_once_and_the_sweep_goes_on),
        CASE(a_limit_under_401_is_no_matter_of_the_token),
        CASE(a_failure_over_a_restart_has_its_first_time),
        CASE(tokens_that_are_all_called_expired_are_refused_credentials),
        CASE(refused_credentials_are_told_once_and_probed_slowly),
        CASE(refused_credentials_are_probed_slowly_whatever_the_store_says),
        CASE(retry_after_is_honoured_over_a_restart),
        CASE(retry_after_is_honoured_over_a_reload_that_the_store_knows_nothing_of),
        CASE(an_unreachable_source_is_told_after_three_intervals_and_when_it_is_back),
        CASE(nothing_is_told_in_maintenance),
        CASE(reading_goes_on_when_the_maintenance_ends),
        CASE(no_window_sees_more_requests_than_the_budget),
        CASE(credentials_about_to_expire_are_told_by_threshold),
        CASE(the_certificates_of_both_sides_are_told_before_they_expire),
        CASE(the_token_servers_certificate_is_one_of_its_own),
        CASE(a_token_of_the_apis_own_server_has_no_certificate_of_its_own),
        CASE(a_store_that_fails_loses_and_repeats_nothing),
        CASE(a_commit_that_fails_loses_and_repeats_nothing),
        CASE(a_store_works_again_when_what_failed_has_gone_through),
        CASE(what_never_fits_is_not_read_again_at_once),
        CASE(room_on_the_disk_does_not_end_the_wait_that_the_api_asked_for),
        CASE(stopping_abandons_the_sweep_and_keeps_what_was_committed),
        CASE(pausing_stops_all_requests),
        CASE(an_unknown_status_is_told_once),
        CASE(a_field_that_no_order_has_any_more_is_told_once),
        CASE(another_profile_reads_anew_without_order_events),
        CASE(another_time_zone_or_language_reads_anew_without_order_events),
        CASE(what_time_causes_waits_for_a_well_source),
        CASE(appointments_of_their_own_collection_join_their_order),
        CASE(an_appointment_gone_while_we_were_away_is_missed),
        CASE(the_last_appointments_of_all_can_end),
        CASE(a_total_contradicts_an_empty_list_of_appointments),
        CASE(many_appointments_that_are_gone_at_once_are_not_believed),
        CASE(an_appointment_waits_for_its_order),
        CASE(a_forgotten_order_that_is_listed_is_known_anew_without_a_word),
        CASE(a_forgotten_order_that_is_gone_stays_so_and_is_new_when_it_comes_back),
        CASE(a_partial_sweep_adopts_what_it_shows_and_waits_for_the_rest),
        CASE(an_order_that_cannot_be_forgotten_stays_as_it_was),
        CASE(any_story_is_told_completely_and_once),
        CASE(an_appointment_seen_by_half_a_reading_is_not_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
