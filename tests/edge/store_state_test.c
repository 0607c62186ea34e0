/* Retained state: marked by commits, settled by version, refilled, taken back. */
#include "support/store_fixture.h"

#define SINK FIXTURE_SINK

static const struct state_sink pairs[] = {{FIXTURE_SOURCE, SINK, 7}, {"another", SINK, 7}};

static void fetch(struct fixture *fixture)
{
    assert_int_equal(fixture_fetch_states(fixture, SINK, 100), STATUS_OK);
}

/* The sources' own are there from the start: how many. */
static size_t settle_sources(struct fixture *fixture)
{
    fetch(fixture);
    size_t count = fixture->count;
    for (size_t i = 0; i < count; i++) {
        struct stale_state own = fixture->states[0];
        assert_string_equal(own.order_id, "");
        assert_int_equal(fixture_settle_state(fixture, &own, "=" SINK), STATUS_OK);
        fetch(fixture);
    }
    assert_int_equal(fixture->count, 0);
    return count;
}

static int setup(void **state)
{
    struct fixture *fixture = fixture_create();
    fixture->state_sinks = pairs;
    fixture->state_sink_count = ARRAY_COUNT(pairs);
    assert_int_equal(fixture_open(fixture), STATUS_OK);
    assert_int_equal(settle_sources(fixture), ARRAY_COUNT(pairs));
    *state = fixture;
    return 0;
}

static void commit(struct fixture *fixture, const char *id, const char *canonical, bool has_left)
{
    struct staged_order order = fixture_order(id, canonical);
    order.order.has_left = has_left;
    fixture_commit_orders(fixture, &order, 1);
}

static void test_a_commit_marks_and_a_settle_clears(void **state)
{
    struct fixture *fixture = *state;
    commit(fixture, "1", "one", false);
    commit(fixture, "2", "two", false);
    fetch(fixture);
    assert_int_equal(fixture->count, 2);
    assert_string_equal(fixture->states[0].order_id, "1"); /* who waits longest comes first */
    assert_string_equal(fixture->states[0].source_name, FIXTURE_SOURCE);
    assert_true(span_is(fixture->states[0].canonical, "one"));
    assert_string_equal(fixture->states[0].published, "");
    assert_false(fixture->states[0].has_left);

    struct stale_state one = fixture->states[0];
    assert_int_equal(fixture_settle_state(fixture, &one, "A-1"), STATUS_OK);
    fetch(fixture);
    assert_int_equal(fixture->count, 1);
    commit(fixture, "1", "one again", false);
    fetch(fixture);
    assert_int_equal(fixture->count, 2);
    assert_string_equal(fixture->states[1].order_id, "1");
    assert_string_equal(fixture->states[1].published, "A-1");
    assert_true(span_is(fixture->states[1].canonical, "one again"));
    assert_int_equal(fixture_fetch_states(fixture, "mail", 100), STATUS_OK);
    assert_int_equal(fixture->count, 0);
}

static void test_a_change_while_publishing_keeps_it_stale(void **state)
{
    struct fixture *fixture = *state;
    commit(fixture, "1", "one", false);
    fetch(fixture);
    struct stale_state published = fixture->states[0];
    commit(fixture, "1", "two", false);
    assert_int_equal(fixture_settle_state(fixture, &published, "A-1"), STATUS_OK);
    fetch(fixture);
    assert_int_equal(fixture->count, 1);
    assert_true(fixture->states[0].version > published.version);
    assert_string_equal(fixture->states[0].published, "A-1"); /* its topics exist all the same */
}

static void test_a_note_of_topics_settles_nothing(void **state)
{
    struct fixture *fixture = *state;
    commit(fixture, "1", "one", false);
    fetch(fixture);
    struct stale_state one = fixture->states[0];
    struct stale_state note = one;
    note.version = 0;
    assert_int_equal(fixture_settle_state(fixture, &note, "A-1"), STATUS_OK);
    fetch(fixture);
    assert_int_equal(fixture->count, 1);
    assert_string_equal(fixture->states[0].published, "A-1");
    assert_int_equal(fixture_settle_state(fixture, &one, "A-1"), STATUS_OK);
    assert_int_equal(fixture_settle_state(fixture, &note, "A-1,A-2"), STATUS_OK);
    fetch(fixture);
    assert_int_equal(fixture->count, 0); /* nor does it make anything stale */
}

static void test_an_order_that_left_is_taken_back_and_forgotten(void **state)
{
    struct fixture *fixture = *state;
    commit(fixture, "1", "one", false);
    fetch(fixture);
    assert_int_equal(fixture_settle_state(fixture, &fixture->states[0], "A-1"), STATUS_OK);
    commit(fixture, "1", "one", true);
    fetch(fixture);
    assert_int_equal(fixture->count, 1);
    assert_true(fixture->states[0].has_left);
    assert_int_equal(fixture->states[0].canonical.size, 0);
    assert_string_equal(fixture->states[0].published, "A-1");
    assert_int_equal(fixture_settle_state(fixture, &fixture->states[0], ""), STATUS_OK);
    assert_int_equal(fixture_refill(fixture, SINK), STATUS_OK);
    fetch(fixture);
    assert_int_equal(fixture->count, 0);
}

static void test_a_refill_marks_all(void **state)
{
    struct fixture *fixture = *state;
    commit(fixture, "1", "one", false);
    commit(fixture, "2", "two", false);
    fetch(fixture);
    struct stale_state first = fixture->states[0];
    struct stale_state second = fixture->states[1];
    assert_int_equal(fixture_settle_state(fixture, &first, ""), STATUS_OK);
    assert_int_equal(fixture_settle_state(fixture, &second, "A-2"), STATUS_OK);
    assert_int_equal(fixture_refill(fixture, "mail"), STATUS_OK);
    fetch(fixture);
    assert_int_equal(fixture->count, 0);
    assert_int_equal(fixture_refill(fixture, SINK), STATUS_OK);
    fetch(fixture);
    assert_int_equal(fixture->count, 2);
    assert_string_equal(fixture->states[1].published, "A-2");
}

static void test_pairs_come_and_go_with_the_configuration(void **state)
{
    struct fixture *fixture = *state;
    commit(fixture, "1", "one", false);
    fetch(fixture);
    assert_int_equal(fixture_settle_state(fixture, &fixture->states[0], "A-1"), STATUS_OK);
    fixture_reopen(fixture);
    fetch(fixture);
    assert_int_equal(fixture->count, 0); /* a restart publishes nothing again */

    fixture->state_sinks = &pairs[1];
    fixture->state_sink_count = 1;
    fixture_reopen(fixture);
    fetch(fixture);
    assert_int_equal(fixture->count, 2); /* the source is not kept there any more */
    assert_true(fixture->states[0].has_left && fixture->states[1].has_left);
    assert_string_equal(fixture->states[0].order_id, "");
    assert_string_equal(fixture->states[0].published, "=" SINK);
    assert_string_equal(fixture->states[1].published, "A-1");
    struct stale_state order = fixture->states[1];
    assert_int_equal(fixture_settle_state(fixture, &order, ""), STATUS_OK);
    assert_int_equal(settle_sources(fixture), 1);
    fixture_reopen(fixture);
    fetch(fixture);
    assert_int_equal(fixture->count, 0);
    commit(fixture, "2", "two", false);
    fetch(fixture);
    assert_int_equal(fixture->count, 0);

    fixture->state_sinks = pairs;
    fixture->state_sink_count = ARRAY_COUNT(pairs);
    fixture_reopen(fixture);
    fetch(fixture);
    assert_int_equal(fixture->count, 3); /* all that is known */
    for (size_t i = 0; i < fixture->count; i++) {
        assert_false(fixture->states[i].has_left);
        assert_string_equal(fixture->states[i].published, "");
    }
}

static void test_another_shape_publishes_all_again(void **state)
{
    static const struct state_sink others[] = {{FIXTURE_SOURCE, SINK, 8}, {"another", SINK, 7}};
    struct fixture *fixture = *state;
    commit(fixture, "1", "one", false);
    fetch(fixture);
    assert_int_equal(fixture_settle_state(fixture, &fixture->states[0], "A-1"), STATUS_OK);
    fixture->state_sinks = others;
    fixture_reopen(fixture);
    fetch(fixture);
    assert_int_equal(fixture->count, 2);
    assert_string_equal(fixture->states[0].published, "A-1");
    assert_string_equal(fixture->states[1].published, "=" SINK);
    struct stale_state order = fixture->states[0];
    assert_int_equal(fixture_settle_state(fixture, &order, "A-1"), STATUS_OK);
    assert_int_equal(settle_sources(fixture), 1);
    fixture_reopen(fixture);
    fetch(fixture);
    assert_int_equal(fixture->count, 0);
}

static struct stale_state fetch_one(struct fixture *fixture, const char *order_id)
{
    fetch(fixture);
    assert_int_equal(fixture->count, 1);
    assert_string_equal(fixture->states[0].order_id, order_id);
    return fixture->states[0];
}

static void test_what_was_refused_is_found_again(void **state)
{
    struct fixture *fixture = *state;
    for (char id[2] = "1"; id[0] <= '3'; id[0]++) {
        commit(fixture, id, "one", false);
        struct stale_state own = fetch_one(fixture, id);
        assert_false(own.was_refused);
        assert_int_equal(fixture_settle_refused(fixture, &own), STATUS_OK);
    }
    commit(fixture, "4", "one", false);
    struct stale_state fine = fetch_one(fixture, "4");
    assert_int_equal(fixture_settle_state(fixture, &fine, ""), STATUS_OK);
    fixture_reopen(fixture);
    fetch(fixture);
    assert_int_equal(fixture->count, 0); /* not before it is asked for */

    assert_int_equal(fixture_retry_states(fixture, 1), STATUS_OK);
    struct stale_state first = fetch_one(fixture, "1");
    assert_true(first.was_refused && first.is_whole);
    assert_int_equal(fixture_settle_refused(fixture, &first), STATUS_OK);
    assert_int_equal(fixture_retry_states(fixture, 1), STATUS_OK);
    struct stale_state second = fetch_one(fixture, "2"); /* the first one had its turn */
    struct stale_state note = second;
    note.version = 0;
    assert_int_equal(fixture_settle_state(fixture, &note, "A-1"), STATUS_OK);
    assert_true(fetch_one(fixture, "2").was_refused); /* a note says nothing of that */
    assert_int_equal(fixture_settle_state(fixture, &second, "A-1"), STATUS_OK);
    assert_int_equal(fixture_retry_states(fixture, 100), STATUS_OK);
    fetch(fixture);
    assert_int_equal(fixture->count, 2);
}

/* What is new, and what a receiver lost, is sent as a whole; of a change only what changed. */
static void test_what_is_to_be_sent_as_a_whole_is_said(void **state)
{
    struct fixture *fixture = *state;
    commit(fixture, "1", "one", false);
    struct stale_state one = fetch_one(fixture, "1");
    assert_true(one.is_whole);
    assert_int_equal(fixture_settle_state(fixture, &one, ""), STATUS_OK);
    commit(fixture, "1", "two", false);
    struct stale_state two = fetch_one(fixture, "1");
    assert_false(two.is_whole);

    /* Lost while the change was on its way: it does not count as all of it. */
    assert_int_equal(fixture_refill(fixture, SINK), STATUS_OK);
    assert_int_equal(fixture_settle_state(fixture, &two, ""), STATUS_OK);
    struct stale_state again = fetch_one(fixture, "1");
    assert_true(again.is_whole && again.version > two.version);

    /* What is to be sent as a whole anyway is not sent twice for it. */
    assert_int_equal(fixture_refill(fixture, SINK), STATUS_OK);
    assert_true(fetch_one(fixture, "1").version == again.version);
    assert_int_equal(fixture_settle_state(fixture, &again, ""), STATUS_OK);
    fetch(fixture);
    assert_int_equal(fixture->count, 0);
}

int main(void)
{
#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_a_commit_marks_and_a_settle_clears),
        STORE_TEST(test_a_change_while_publishing_keeps_it_stale),
        STORE_TEST(test_a_note_of_topics_settles_nothing),
        STORE_TEST(test_an_order_that_left_is_taken_back_and_forgotten),
        STORE_TEST(test_a_refill_marks_all),
        STORE_TEST(test_pairs_come_and_go_with_the_configuration),
        STORE_TEST(test_another_shape_publishes_all_again),
        STORE_TEST(test_what_was_refused_is_found_again),
        STORE_TEST(test_what_is_to_be_sent_as_a_whole_is_said),
    };
    return cmocka_run_group_tests_name("store_state", tests, NULL, NULL);
}
