/* Look-ups between sweeps: what they tell, what they never tell, and that they are worth it. */
#include "core/random.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/support/poller_fixture.h"

#define GAP_MS (EVERY_MS / 6)

/* --- who is looked at ------------------------------------------------------------------------- */

static void set_order(struct world *world, int number, const char *status, int64_t start_in_ms)
{
    struct text members;
    char id[16];
    (void)snprintf(id, sizeof id, "%04d", number);
    text_init(&members, 1024);
    text_addf(&members, "\"status\":\"%s\",\"appointments\":[{\"id\":\"A\",\"start\":\"", status);
    date_add_wall(&members, world->now.wall_ms + start_in_ms);
    text_add_text(&members, "\",\"status\":\"Confirmed\"}]");
    api_set(world, id, text_cstr(&members));
    text_fini(&members);
}

/* As many as asked for, the first of them with an appointment tomorrow. */
static void begin_world(struct world *world, int count)
{
    world->source.is_adaptive = true;
    for (int i = 0; i < count; i++) {
        set_order(world, i, "InProgress", i == 0 ? DAY_MS : 10 * DAY_MS);
    }
    settle(world);
}

static const char *status_of(const struct listed *order)
{
    return strstr(order->json, "Held") != NULL ? "InProgress" : "Held";
}

static void toggle(struct world *world, const char *id)
{
    struct listed *order = api_order(world, id);
    char *place = strstr(order->json, "\"status\":\"");
    char rest[400];
    const char *status = status_of(order);
    (void)snprintf(rest, sizeof rest, "%s", strchr(place + 10, '"'));
    (void)snprintf(place + 10, sizeof order->json - (size_t)(place + 10 - order->json), "%s%s",
                   status, rest);
}

static void an_order_with_an_appointment_soon_is_looked_at_between_sweeps(void **state)
{
    struct world *world = *state;
    begin_world(world, 30);
    world_run_for(world, EVERY_MS - 1000);
    assert_int_equal(world->pages, 1);
    assert_in_range(world->details, 4, 5);
    assert_int_equal(world->event_count, 0);
    assert_int_equal(poller_status(world->poller).look_up_count, world->details);
    toggle(world, "0000");
    toggle(world, "0001");
    sweeps(world, 1);
    assert_int_equal(world->event_count, 2);
}

static void a_change_is_told_before_the_sweep_and_once(void **state)
{
    struct world *world = *state;
    begin_world(world, 30);
    world_run_for(world, GAP_MS + 1000);
    assert_int_equal(world->details, 1); /* it says what the list said */
    toggle(world, "0000");
    world_run_for(world, GAP_MS + 1000);
    assert_int_equal(world->pages, 1);
    assert_int_equal(world->event_count, 1);
    assert_string_equal(find_event(world, EVENT_ORDER_STATUS_HELD)->order_id, "0000");
    sweeps(world, 3);
    assert_int_equal(world->event_count, 1);
}

static void what_came_back_before_the_sweep_is_seen_by_it(void **state)
{
    struct world *world = *state;
    begin_world(world, 30);
    world_run_for(world, GAP_MS + 1000);
    toggle(world, "0000");
    world_run_for(world, GAP_MS + 1000);
    assert_int_equal(world->event_count, 1);
    world->source.is_adaptive = false; /* no other look-up: the list has the old bytes again */
    toggle(world, "0000");
    sweeps(world, 1);
    assert_int_equal(world->event_count, 2);
    assert_int_equal(count_events(world, EVENT_ORDER_STATUS_RESUMED), 1);
}

static void off_is_off(void **state)
{
    struct world *world = *state;
    begin_world(world, 30);
    world->source.is_adaptive = false;
    sweeps(world, 3);
    assert_int_equal(world->details, 0);
}

static void without_a_detail_path_there_are_none(void **state)
{
    struct world *world = *state;
    world->profile.orders.detail_path = NULL;
    begin_world(world, 30);
    sweeps(world, 3);
    assert_int_equal(poller_status(world->poller).look_up_count, 0);
}

static void what_changed_lately_is_looked_at_again(void **state)
{
    struct world *world = *state;
    begin_world(world, 30);
    api_order(world, "0000")->is_listed = false;
    set_order(world, 0, "InProgress", 9 * DAY_MS);
    sweeps(world, 1);
    uint32_t details = world->details;
    toggle(world, "0007");
    sweeps(world, 1);
    world_run_for(world, EVERY_MS);
    assert_in_range(world->details, details + 1, details + 8);
}

/* After a start nothing says when appointments are, until the records have been read. */
static void a_restart_finds_them_again(void **state)
{
    struct world *world = *state;
    begin_world(world, 200);
    world_restart(world);
    world_run_for(world, 500); /* the list is read, the records not yet */
    assert_int_equal(world->fetches, 0);
    uint32_t details = world->details;
    world_run_for(world, GAP_MS + 2000);
    assert_int_equal(world->details, details + 1);
    assert_int_equal(world->fetches, 200 / 64 + 1 + 1);
    assert_int_equal(world->event_count, 0);
    toggle(world, "0000");
    world_run_for(world, GAP_MS + 1000);
    assert_int_equal(world->event_count, 1);
}

static void the_next_appointment_is_found_when_one_is_over(void **state)
{
    struct world *world = *state;
    world->source.is_adaptive = true;
    struct text members;
    text_init(&members, 1024);
    text_add_text(&members,
                  "\"status\":\"InProgress\",\"appointments\":[{\"id\":\"A\",\"start\":\"");
    date_add_wall(&members, world->now.wall_ms + HOUR_MS);
    text_add_text(&members, "\"},{\"id\":\"B\",\"start\":\"");
    date_add_wall(&members, world->now.wall_ms + 5 * DAY_MS);
    text_add_text(&members, "\"}]");
    api_set(world, "1", text_cstr(&members));
    text_fini(&members);
    settle(world);
    world_run_for(world, 15 * HOUR_MS);
    uint32_t first = world->details;
    assert_true(first > 100);
    world_run_for(world, DAY_MS);
    assert_in_range(world->details, first, first + 10);
    world->request_count = 0;
    world_run_for(world, 3 * DAY_MS);
    assert_true(world->details > first + 100);
}

/* --- what proves nothing ---------------------------------------------------------------------- */

static void a_failed_look_up_proves_nothing_and_rests_longer_each_time(void **state)
{
    struct world *world = *state;
    begin_world(world, 30);
    static const int codes[] = {404, 410, 403, 500};
    for (size_t i = 0; i < ARRAY_COUNT(codes); i++) {
        uint32_t details = world->details;
        api_order(world, "0000")->detail_code = codes[i];
        sweeps(world, 1 << i);
        assert_in_range(world->details - details, i == 0 ? 1 : 0, 2);
    }
    assert_int_equal(world->event_count, 0);
    assert_int_equal(poller_status(world->poller).health, POLLER_OK);
    api_order(world, "0000")->detail_code = 0;
    uint32_t details = world->details;
    sweeps(world, 20);
    assert_true(world->details > details + 8); /* and they are back */
}

static void a_detail_of_another_shape_is_never_told(void **state)
{
    struct world *world = *state;
    begin_world(world, 30);
    world->detail_members = "\"status\":\"Whatever\"";
    sweeps(world, 40);
    assert_int_equal(world->event_count, 0);
    assert_in_range(world->details, 5, 60); /* and is hardly asked for any more */
}

/* The list has never shown such a date: what the detail says of it is not news. */
static void what_the_list_never_shows_is_not_taken_from_a_detail(void **state)
{
    struct world *world = *state;
    world->profile.order_fields[ORDER_SITE] = (struct candidates){site_pointer, 1};
    begin_world(world, 30);
    struct text members;
    text_init(&members, 1024);
    const char *json = api_order(world, "0000")->json;
    text_addf(&members, "\"committedDate\":\"2027-01-12\",\"site\":\"Lyon\",%.*s",
              (int)strlen(json) - 1 - 13, json + 13);
    world->detail_members = text_cstr(&members);
    sweeps(world, 1);
    assert_int_equal(world->event_count, 0);
    world->detail_members = NULL;
    text_fini(&members);
    toggle(world, "0000");
    world_run_for(world, GAP_MS * 2);
    assert_int_equal(world->event_count, 1);
}

static void a_detail_that_is_ahead_of_its_list_is_given_up(void **state)
{
    struct world *world = *state;
    begin_world(world, 30);
    char listed[400];
    for (int i = 0; i < 40; i++) {
        world_run_for(world, GAP_MS + 1000);
        (void)snprintf(listed, sizeof listed, "%s", api_order(world, "0000")->json);
        toggle(world, "0000");
        world->detail_members = strchr(api_order(world, "0000")->json, ',') + 1;
        char ahead[400];
        (void)snprintf(ahead, sizeof ahead, "%.*s", (int)strlen(world->detail_members) - 1,
                       world->detail_members);
        (void)snprintf(api_order(world, "0000")->json, sizeof listed, "%s", listed);
        world->detail_members = ahead;
        sweeps(world, 1);
        world->detail_members = NULL;
        sweeps(world, 1);
    }
    assert_in_range(world->event_count, 2, 20); /* not eighty */
}

static void a_look_up_asks_with_the_validator_it_got(void **state)
{
    struct world *world = *state;
    begin_world(world, 30);
    world->validator = WITH_ETAG;
    world_run_for(world, EVERY_MS - 1000);
    assert_in_range(world->details, 4, 5);
    assert_int_equal(world->unchanged, world->details - 1);
    toggle(world, "0000");
    sweeps(world, 1);
    assert_int_equal(world->event_count, 1);
}

/* --- the sweep comes first -------------------------------------------------------------------- */

static void no_look_up_makes_a_sweep_late(void **state)
{
    struct world *world = *state;
    world->source.budget = (struct rate){12, MINUTE_MS};
    world->source.page_size = 10;
    begin_world(world, 95); /* 10 pages: nearly all that a minute allows */
    for (int i = 1; i < 20; i++) {
        set_order(world, i, "InProgress", DAY_MS);
    }
    world_run_for(world, EVERY_MS);
    for (int i = 0; i < 20; i++) {
        world_run_until(world, poller_status(world->poller).next_due_mono_ms - 1);
        uint32_t pages = world->pages;
        world_run_for(world, 1000);
        assert_int_equal(world->pages, pages + 10);
    }
    assert_true(world->details > 20);
}

static void a_look_up_that_hangs_is_broken_off(void **state)
{
    struct world *world = *state;
    begin_world(world, 30);
    world->hangs_on_details = true;
    int64_t due_ms = poller_status(world->poller).next_due_mono_ms;
    world_run_until(world, due_ms - 1000);
    assert_int_equal(world->details, 1);
    assert_non_null(world->http_done);
    world_run_for(world, 2000);
    assert_int_equal(world->pages, 2);
    world_run_for(world, GAP_MS + 1000);
    assert_int_equal(world->details, 2);
    world_stop(world); /* that one is broken off too, or this never ends */
}

static void a_request_to_slow_down_rests_look_ups(void **state)
{
    struct world *world = *state;
    begin_world(world, 30);
    api_order(world, "0000")->detail_code = 429;
    world_run_for(world, GAP_MS + 1000);
    assert_int_equal(world->details, 1);
    assert_int_equal(poller_status(world->poller).budget_limit, 300);
    api_order(world, "0000")->detail_code = 0;
    world_run_for(world, HOUR_MS);
    assert_int_equal(world->details, 1); /* sweeps only, until the budget is itself again */
    assert_true(world->pages > 8);
    world_run_for(world, 6 * HOUR_MS);
    assert_true(world->details > 10);
}

/* Look-ups may not tell by and by what a sweep would hold. */
static void a_mass_change_is_held_though_look_ups_saw_it_first(void **state)
{
    struct world *world = *state;
    world->source.is_adaptive = true;
    for (int i = 0; i < 30; i++) {
        set_order(world, i, "InProgress", DAY_MS);
    }
    world->source.page_size = 1; /* a sweep of 30 requests allows 40 look-ups */
    settle(world);
    sweeps(world, 2); /* each was looked at */
    for (int i = 0; i < 30; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "%04d", i);
        toggle(world, id);
    }
    world_run_until(world, poller_status(world->poller).next_due_mono_ms - 1);
    size_t told = world->event_count;
    assert_in_range(told, 1, 20);
    sweeps(world, 1);
    assert_true(poller_status(world->poller).is_held);
    assert_int_equal(count_events(world, EVENT_SOURCE_CHANGE_HELD), 1);
    assert_int_equal(world->event_count, told + 1);
    poller_release(world->poller);
    sweeps(world, 1);
    assert_int_equal(world->event_count, 30 + 1);
}

static void a_commit_that_fails_is_made_good(void **state)
{
    struct world *world = *state;
    begin_world(world, 30);
    world_run_for(world, GAP_MS + 1000);
    toggle(world, "0000");
    world->store_fails = STATUS_FULL;
    world_run_for(world, GAP_MS + 1000);
    assert_int_equal(world->event_count, 0);
    world->store_fails = STATUS_OK;
    sweeps(world, 2);
    assert_int_equal(world->event_count, 1);
}

/* --- what it is worth ------------------------------------------------------------------------- */

#define NEAR_COUNT 8
#define CHANGE_COUNT 60

struct outcome {
    double mean_ms, requests_per_hour;
};

/* The time from a change of an order that is near to its event, over many of them. */
static struct outcome measure(struct world *world, uint64_t seed)
{
    struct random random = {.state = seed};
    for (int i = 0; i < 1000; i++) {
        set_order(world, i, "InProgress", i < NEAR_COUNT ? DAY_MS : 20 * DAY_MS);
    }
    settle(world);
    world_run_for(world, 2 * world->source.every_ms);
    int64_t begin_ms = world->now.mono_ms;
    uint64_t requests = 0;
    int64_t waited_ms = 0;
    for (int i = 0; i < CHANGE_COUNT; i++) {
        world->request_count = 0;
        world_run_for(world, random_below(&random, 10 * MINUTE_MS));
        int64_t changed_ms = world->now.mono_ms;
        size_t told = world->event_count;
        char id[16];
        (void)snprintf(id, sizeof id, "%04d", (int)random_below(&random, NEAR_COUNT));
        toggle(world, id);
        while (world->event_count == told) {
            world_run_for(world, 500);
        }
        waited_ms += world->now.mono_ms - changed_ms;
        requests += world->request_count;
    }
    double hours = (double)(world->now.mono_ms - begin_ms) / (double)HOUR_MS;
    return (struct outcome){(double)waited_ms / CHANGE_COUNT, (double)requests / hours};
}

static struct outcome measure_anew(uint64_t seed, bool is_adaptive, int64_t every_ms)
{
    void *state = NULL;
    (void)begin(&state);
    struct world *world = state;
    world->source.is_adaptive = is_adaptive;
    world->source.every_ms = every_ms;
    world->source.page_size = 20; /* 50 pages */
    world->source.budget = (struct rate){60, MINUTE_MS};
    struct outcome outcome = measure(world, seed);
    (void)end(&state);
    return outcome;
}

/* The same number of requests, all of them sweeps that come more often: that is what look-ups have
 * to be better than. */
static void for_the_same_requests_the_wait_is_half_or_less(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct outcome adaptive = measure_anew(seed, true, 10 * MINUTE_MS);
        double every_ms = 50.0 / adaptive.requests_per_hour * (double)HOUR_MS / 1.05; /* jitter */
        struct outcome plain = measure_anew(seed, false, (int64_t)every_ms);
        print_message("seed %d: %.0f requests an hour, %.0f s; without, %.0f, %.0f s\n", (int)seed,
                      adaptive.requests_per_hour, adaptive.mean_ms / 1000, plain.requests_per_hour,
                      plain.mean_ms / 1000);
        assert_true(plain.requests_per_hour > adaptive.requests_per_hour * 0.97);
        assert_true(plain.requests_per_hour < adaptive.requests_per_hour * 1.06);
        assert_true(adaptive.mean_ms * 2 <= plain.mean_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_order_with_an_appointment_soon_is_looked_at_between_sweeps),
        CASE(a_change_is_told_before_the_sweep_and_once),
        CASE(what_came_back_before_the_sweep_is_seen_by_it),
        CASE(off_is_off),
        CASE(without_a_detail_path_there_are_none),
        CASE(what_changed_lately_is_looked_at_again),
        CASE(a_restart_finds_them_again),
        CASE(the_next_appointment_is_found_when_one_is_over),
        CASE(a_failed_look_up_proves_nothing_and_rests_longer_each_time),
        CASE(a_detail_of_another_shape_is_never_told),
        CASE(what_the_list_never_shows_is_not_taken_from_a_detail),
        CASE(a_detail_that_is_ahead_of_its_list_is_given_up),
        CASE(a_look_up_asks_with_the_validator_it_got),
        CASE(no_look_up_makes_a_sweep_late),
        CASE(a_look_up_that_hangs_is_broken_off),
        CASE(a_request_to_slow_down_rests_look_ups),
        CASE(a_mass_change_is_held_though_look_ups_saw_it_first),
        CASE(a_commit_that_fails_is_made_good),
        cmocka_unit_test(for_the_same_requests_the_wait_is_half_or_less),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
