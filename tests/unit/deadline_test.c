/* Events that time causes: once each, recomputed on every move, never late without saying so. */
#include "tests/support/order_world.h"

#define MS(text) (date_of(text).ms)
#define SLOT(start)                                                                                \
    "{'id':'1','status':'InProgress','appointments':[{'id':'A "                                    \
    "1','status':'Confirmed','start':'" start "'}]}"

static bool has(const struct world *world, enum deadline_kind kind)
{
    for (size_t i = 0; i < world->deadline_count; i++) {
        if (world->deadlines[i].kind == kind) {
            return true;
        }
    }
    return false;
}

static struct deadline get(const struct world *world, enum deadline_kind kind)
{
    size_t index = 0;
    assert_true(has(world, kind));
    while (world->deadlines[index].kind != kind) {
        index++;
    }
    return world->deadlines[index];
}

static void come(struct world *world, const struct deadline *deadline, int64_t now_wall_ms)
{
    struct deadline due = *deadline;
    struct failure why;
    world->context.now_wall_ms = now_wall_ms;
    assert_int_equal(reconcile_deadline(&world->context, &world->known, &due, world->arena,
                                        &world->result, &why),
                     STATUS_OK);
    world_commit(world);
}

static void a_reminder_comes_once_and_in_time(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world_show(&world, SLOT("2026-12-01T09:00:00Z"));
    struct deadline first = get(&world, DEADLINE_REMINDER);
    assert_int_equal(first.due_wall_ms, MS("2026-11-30T09:00:00Z"));
    world.context.as_of_wall_ms = MS("2026-11-30T08:58:00Z");
    come(&world, &first, first.due_wall_ms + 100);
    expect_told(&world, "appointment.reminder/notice");
    assert_true(world.result.is_changed);
    expect_has(world_event_json(&world, 0), "\"reminder\":{\"before\":\"1d\"}");
    expect_has(world_event_json(&world, 0), "\"as_of\":\"2026-11-30T08:58:00Z\"");
    expect_has_not(world_event_json(&world, 0), "\"late\"");
    expect_has(world_event_json(&world, 0), "appointment in 1d: Tue 1 Dec 10:00");
    assert_false(has(&world, DEADLINE_REMINDER));
    come(&world, &first, first.due_wall_ms + 200);
    expect_told(&world, "");
    assert_false(world.result.is_changed);
    world_fini(&world);
}

static void a_move_moves_the_reminder(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world_show(&world, SLOT("2026-12-01T09:00:00Z"));
    struct deadline old = get(&world, DEADLINE_REMINDER);
    world_show(&world, SLOT("2026-12-03T09:00:00Z"));
    assert_int_equal(get(&world, DEADLINE_REMINDER).due_wall_ms, MS("2026-12-02T09:00:00Z"));
    come(&world, &old, old.due_wall_ms);
    expect_told(&world, "");
    assert_true(has(&world, DEADLINE_REMINDER));
    world_fini(&world);
}

static void a_cancelled_appointment_reminds_nobody(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world_show(&world, SLOT("2026-12-01T09:00:00Z"));
    struct deadline old = get(&world, DEADLINE_REMINDER);
    world_show(&world, "{'id':'1','status':'InProgress','appointments':[{'id':'A 1',"
                       "'status':'Cancelled','start':'2026-12-01T09:00:00Z'}]}");
    assert_false(has(&world, DEADLINE_REMINDER));
    come(&world, &old, old.due_wall_ms);
    expect_told(&world, "");
    world_fini(&world);
}

static void a_late_reminder_says_so_or_is_dropped(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world_show(&world, SLOT("2026-12-01T09:00:00Z"));
    struct deadline late = get(&world, DEADLINE_REMINDER);
    come(&world, &late, MS("2026-12-01T06:00:00Z"));
    expect_told(&world, "appointment.reminder/notice");
    expect_has(world_event_json(&world, 0), "\"late\":true");
    expect_has(world_event_json(&world, 0), "appointment in 3h (late reminder)");
    world_fini(&world);

    world_init(&world);
    world_show(&world, SLOT("2026-12-01T09:00:00Z"));
    late = get(&world, DEADLINE_REMINDER);
    come(&world, &late, MS("2026-12-01T09:00:00Z"));
    expect_told(&world, "");
    assert_false(has(&world, DEADLINE_REMINDER));
    world_fini(&world);
}

static void a_due_reminder_survives_another_change(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world_show(&world, SLOT("2026-12-01T09:00:00Z"));
    world.context.now_wall_ms = MS("2026-11-30T10:00:00Z"); /* it is due, but was not told yet */
    world_show(&world, "{'id':'1','status':'InProgress','site':'Lyon','appointments':[{'id':'A 1',"
                       "'status':'Confirmed','start':'2026-12-01T09:00:00Z'}]}");
    expect_told(&world, "order.updated/info");
    assert_true(has(&world, DEADLINE_REMINDER));
    world_fini(&world);
}

/* A clock that is set to December and back: what was told then is told. */
static void a_clock_set_back_repeats_no_reminder(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world_show(&world, SLOT("2026-12-01T09:00:00Z"));
    struct deadline reminder = get(&world, DEADLINE_REMINDER);
    come(&world, &reminder, reminder.due_wall_ms + HOUR_MS);
    expect_told(&world, "appointment.reminder/notice");
    world.context.now_wall_ms = WORLD_NOW_MS;
    world_show(&world, "{'id':'1','status':'InProgress','site':'Lyon','appointments':[{'id':'A 1',"
                       "'status':'Confirmed','start':'2026-12-01T09:00:00Z'}]}");
    expect_told(&world, "order.updated/info");
    assert_false(has(&world, DEADLINE_REMINDER));
    come(&world, &reminder, reminder.due_wall_ms);
    expect_told(&world, "");

    /* Another start is another reminder. */
    world.context.now_wall_ms = WORLD_NOW_MS;
    world_show(&world, SLOT("2026-12-04T09:00:00Z"));
    reminder = get(&world, DEADLINE_REMINDER);
    come(&world, &reminder, reminder.due_wall_ms);
    expect_told(&world, "appointment.reminder/notice");
    world_fini(&world);
}

static void what_had_passed_before_it_was_known_is_not_told(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world_show(&world, SLOT("2026-11-23T20:00:00Z")); /* within the lead time of the baseline */
    assert_false(has(&world, DEADLINE_REMINDER));
    world_fini(&world);

    world_init(&world);
    world_show(&world, "{'id':'1','status':'InProgress','committedDate':'2026-11-20'}");
    assert_false(has(&world, DEADLINE_OVERDUE));
    world_show(&world, "{'id':'1','status':'InProgress','committedDate':'2026-11-21'}");
    assert_false(has(&world, DEADLINE_OVERDUE));
    world_show(&world, "{'id':'1','status':'InProgress','committedDate':'2026-11-23'}");
    assert_true(has(&world, DEADLINE_OVERDUE));
    world_fini(&world);
}

static void overdue_comes_once_per_committed_date(void **state)
{
    (void)state;
    static const char first[] = "{'id':'1','status':'InProgress','committedDate':'2026-12-01'}";
    static const char second[] = "{'id':'1','status':'InProgress','committedDate':'2026-12-05'}";
    struct world world;
    world_init(&world);
    world_show(&world, first);
    struct deadline overdue = get(&world, DEADLINE_OVERDUE);
    assert_int_equal(overdue.due_wall_ms, MS("2026-12-01T23:00:00Z")); /* the day's end in Paris */
    come(&world, &overdue, overdue.due_wall_ms);
    expect_told(&world, "order.date.overdue/warning");
    expect_has(world_event_json(&world, 0),
               "\"overdue\":{\"field\":\"committed_date\",\"date\":\"2026-12-01\"}");
    assert_false(has(&world, DEADLINE_OVERDUE));
    world_show(&world, second);
    assert_int_equal(get(&world, DEADLINE_OVERDUE).due_wall_ms, MS("2026-12-05T23:00:00Z"));
    world_show(&world, first);
    assert_false(has(&world, DEADLINE_OVERDUE));
    world_show(&world, "{'id':'1','status':'Completed','committedDate':'2026-12-05'}");
    assert_false(has(&world, DEADLINE_OVERDUE));
    world_fini(&world);
}

static void an_order_without_a_move_is_stalled_once(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world_show(&world, "{'id':'1','status':'InProgress'}");
    struct deadline stalled = get(&world, DEADLINE_STALLED);
    assert_int_equal(stalled.due_wall_ms, WORLD_NOW_MS + 14 * DAY_MS);
    world.context.now_wall_ms += DAY_MS;
    world_show(&world, "{'id':'1','status':'InProgress','site':'Lyon'}"); /* no status move */
    assert_int_equal(get(&world, DEADLINE_STALLED).due_wall_ms, stalled.due_wall_ms);
    world_show(&world, "{'id':'1','status':'InProgress','site':'Lyon','step':'Survey'}");
    assert_int_equal(get(&world, DEADLINE_STALLED).due_wall_ms, stalled.due_wall_ms + DAY_MS);
    come(&world, &stalled, stalled.due_wall_ms);
    expect_told(&world, "");
    stalled = get(&world, DEADLINE_STALLED);
    come(&world, &stalled, stalled.due_wall_ms);
    expect_told(&world, "order.stalled/warning");
    expect_has(world_event_json(&world, 0), "has not moved for 14d");
    assert_false(has(&world, DEADLINE_STALLED));
    world_fini(&world);
}

static void another_configuration_counts(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world_show(&world, SLOT("2026-12-20T09:00:00Z"));
    struct deadline reminder = get(&world, DEADLINE_REMINDER);
    struct deadline stalled = get(&world, DEADLINE_STALLED);
    world.source.remind_count = 0;
    world.source.stalled_after_ms = 20 * DAY_MS;
    come(&world, &reminder, reminder.due_wall_ms);
    expect_told(&world, "");
    world.context.now_wall_ms = stalled.due_wall_ms;
    come(&world, &stalled, stalled.due_wall_ms);
    expect_told(&world, "");
    assert_int_equal(get(&world, DEADLINE_STALLED).due_wall_ms, WORLD_NOW_MS + 20 * DAY_MS);
    world_fini(&world);
}

static void an_order_that_left_waits_for_nothing(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world_show(&world, SLOT("2026-12-01T09:00:00Z"));
    struct deadline reminder = get(&world, DEADLINE_REMINDER);
    struct reconcile_input gone = {.sighting = SIGHTING_DISAPPEARED};
    world_step(&world, &gone);
    assert_int_equal(world.deadline_count, 0);
    come(&world, &reminder, reminder.due_wall_ms);
    expect_told(&world, "");
    world_fini(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reminder_comes_once_and_in_time),
        cmocka_unit_test(a_move_moves_the_reminder),
        cmocka_unit_test(a_cancelled_appointment_reminds_nobody),
        cmocka_unit_test(a_late_reminder_says_so_or_is_dropped),
        cmocka_unit_test(a_due_reminder_survives_another_change),
        cmocka_unit_test(a_clock_set_back_repeats_no_reminder),
        cmocka_unit_test(what_had_passed_before_it_was_known_is_not_told),
        cmocka_unit_test(overdue_comes_once_per_committed_date),
        cmocka_unit_test(an_order_without_a_move_is_stalled_once),
        cmocka_unit_test(another_configuration_counts),
        cmocka_unit_test(an_order_that_left_waits_for_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
