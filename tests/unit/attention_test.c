/* The policy of look-ups: who comes first, how often, and what is left for everything else. */
#include "core/attention.h"
#include "core/date.h"
#include "core/record.h"
#include "core/zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOW_MS INT64_C(1795000000000) /* 2026-11-18T11:06:40Z */
#define NOW_MIN ((uint32_t)(NOW_MS / MINUTE_MS))
#define EVERY_MS (5 * MINUTE_MS)

static struct attention_room usual_room(void)
{
    return (struct attention_room){.every_ms = EVERY_MS,
                                   .window_ms = MINUTE_MS,
                                   .limit = 60,
                                   .left = 60,
                                   .sweep_count = 10,
                                   .due_in_ms = EVERY_MS,
                                   .answer_ms_max = MINUTE_MS};
}

static uint32_t start_of(const char *start, enum appointment_kind kind, enum order_kind order)
{
    struct appointment slot = {.id = "A", .fields = {[APPOINTMENT_START] = start}, .kind = kind};
    struct record record = {
        .id = "1", .kind = order, .appointments = &slot, .appointment_count = 1};
    return attention_start_min(&record, zone_utc(), NOW_MS);
}

static void an_appointment_counts_while_it_may_take_place(void **state)
{
    (void)state;
    uint32_t tomorrow = start_of("2026-11-19T11:00:00Z", APPOINTMENT_CONFIRMED, ORDER_OPEN);
    assert_true(attention_is_near(tomorrow, NOW_MS));
    assert_true(
        attention_is_near(start_of("2026-11-20T11:06:00Z", APPOINTMENT_NEW, ORDER_OPEN), NOW_MS));
    assert_false(
        attention_is_near(start_of("2026-11-20T11:08:00Z", APPOINTMENT_NEW, ORDER_OPEN), NOW_MS));
    assert_true(attention_is_near(
        start_of("2026-11-18T00:00:00Z", APPOINTMENT_CONFIRMED, ORDER_OPEN), NOW_MS));
    assert_true(
        attention_is_near(start_of("2026-11-18", APPOINTMENT_CONFIRMED, ORDER_OPEN), NOW_MS));
    assert_int_equal(start_of("2026-11-17T22:00:00Z", APPOINTMENT_CONFIRMED, ORDER_OPEN),
                     ATTENTION_NONE);
    assert_int_equal(start_of("2026-11-19T11:00:00Z", APPOINTMENT_CANCELLED, ORDER_OPEN),
                     ATTENTION_NONE);
    assert_int_equal(start_of("2026-11-19T11:00:00Z", APPOINTMENT_CONFIRMED, ORDER_COMPLETED),
                     ATTENTION_NONE);
    assert_int_equal(start_of("soon", APPOINTMENT_CONFIRMED, ORDER_OPEN), ATTENTION_NONE);
    assert_int_equal(start_of(NULL, APPOINTMENT_CONFIRMED, ORDER_OPEN), ATTENTION_NONE);
    assert_false(attention_is_near(ATTENTION_NONE, NOW_MS));
    assert_false(attention_is_near(ATTENTION_UNKNOWN, NOW_MS));
    assert_false(attention_is_over(ATTENTION_UNKNOWN, NOW_MS));
    assert_false(attention_is_over(tomorrow, NOW_MS));
    assert_true(attention_is_over(tomorrow, NOW_MS + 2 * DAY_MS));
}

/* Lets an hour pass and counts who is looked at. */
static void count_looks(struct attention *attention, struct attention_room room, int64_t ms,
                        uint32_t *counts)
{
    struct instant now = {.mono_ms = 0, .wall_ms = NOW_MS};
    uint32_t made = 0;
    for (; now.mono_ms < ms; now.mono_ms += 100, now.wall_ms += 100) {
        if (now.mono_ms % room.every_ms == 0) {
            attention->swept_ms = now.mono_ms;
            made = 0;
        }
        struct attention_item *item = NULL;
        room.due_in_ms = room.every_ms - now.mono_ms % room.every_ms;
        (void)attention_next(attention, &room, now, &item);
        if (item != NULL && made < attention_allowance(&room)) {
            made++;
            counts[item->position]++;
            item->looked_ms = now.mono_ms;
            attention->looked_ms = now.mono_ms;
        }
    }
}

static void near_ones_come_before_recent_ones_and_recent_before_none(void **state)
{
    (void)state;
    struct attention *attention = alloc(sizeof *attention);
    uint32_t counts[8] = {0};
    attention_note_start(attention, 1, NOW_MIN + 60, NOW_MS);
    attention_note_start(attention, 2, NOW_MIN + 47 * 60, NOW_MS);
    attention_note_start(attention, 3, NOW_MIN + 100 * 60, NOW_MS); /* not near */
    attention_note_changed(attention, 4, 0);
    attention_note_changed(attention, 1, 0); /* already near */
    count_looks(attention, usual_room(), HOUR_MS, counts);
    assert_int_equal(counts[0] + counts[3] + counts[5], 0);
    assert_in_range(counts[1], 12 * 4, 12 * 5);
    assert_in_range(counts[2], 12 * 4, 12 * 5);
    assert_in_range(counts[4], 12, 12 * 2);
    free(attention);
}

static void what_changed_long_ago_is_forgotten_and_who_moved_away_too(void **state)
{
    (void)state;
    struct attention *attention = alloc(sizeof *attention);
    struct attention_room room = usual_room();
    uint32_t counts[8] = {0};
    attention_note_changed(attention, 4, 0);
    attention_note_start(attention, 1, NOW_MIN + 60, NOW_MS);
    attention_note_start(attention, 1, NOW_MIN + 100 * 60, NOW_MS); /* it was moved */
    count_looks(attention, room, 4 * HOUR_MS, counts);
    assert_int_equal(counts[1], 0);
    assert_in_range(counts[4], 24, 48); /* for two hours of the four */
    attention_note_changed(attention, 5, 4 * HOUR_MS);
    attention_forget(attention, 5);
    struct attention_item *item = NULL;
    struct instant later = {.mono_ms = 5 * HOUR_MS, .wall_ms = NOW_MS + 5 * HOUR_MS};
    assert_int_equal(attention_next(attention, &room, later, &item), INSTANT_NEVER);
    assert_null(item);
    free(attention);
}

/* More of them than the allowance has room for: each gets its turn, none gets all. */
static void many_share_what_there_is(void **state)
{
    (void)state;
    struct attention *attention = alloc(sizeof *attention);
    uint32_t counts[400] = {0};
    for (uint32_t i = 0; i < 300; i++) {
        attention_note_start(attention, i, NOW_MIN + 600 - i, NOW_MS);
    }
    assert_int_equal(attention->near_count, ATTENTION_NEAR_MAX);
    for (uint32_t i = 0; i < 300 - ATTENTION_NEAR_MAX; i++) {
        counts[i] = 1000; /* the farthest are left out */
    }
    struct attention_room room = usual_room();
    count_looks(attention, room, 24 * HOUR_MS, counts);
    uint32_t total = 0;
    for (uint32_t i = 300 - ATTENTION_NEAR_MAX; i < 300; i++) {
        assert_in_range(counts[i], 1, 30);
        total += counts[i];
    }
    assert_in_range(total, 200, 288 * attention_allowance(&room));
    free(attention);
}

static void the_allowance_follows_the_sweep_and_leaves_half(void **state)
{
    (void)state;
    struct attention_room room = usual_room();
    assert_int_equal(attention_allowance(&room), 20); /* as many again, and ten */
    room.sweep_count = 1;
    assert_int_equal(attention_allowance(&room), 11);
    room.limit = 12; /* 60 in five minutes */
    room.sweep_count = 40;
    assert_int_equal(attention_allowance(&room), 9); /* half of the 60 - 40 - 2 */
    room.sweep_count = 60;
    assert_int_equal(attention_allowance(&room), 0); /* the sweep needs it all */
}

static void the_next_sweep_finds_the_room_that_it_needs(void **state)
{
    (void)state;
    struct attention_room room = usual_room();
    room.left = 8;
    assert_true(attention_has_room(&room)); /* long before the sweep */
    room.left = 7;
    assert_false(attention_has_room(&room)); /* the reserve */
    room.left = 18;
    room.due_in_ms = 2 * MINUTE_MS;
    assert_true(attention_has_room(&room));
    room.left = 17; /* it may still be in the window when the sweep begins */
    assert_false(attention_has_room(&room));
}

static void whoever_sweeps_fast_needs_no_look_ups(void **state)
{
    (void)state;
    static const int64_t every_ms[] = {1000, 5000, 10000};
    for (size_t i = 0; i < ARRAY_COUNT(every_ms); i++) {
        struct attention *attention = alloc(sizeof *attention);
        uint32_t counts[8] = {0};
        struct attention_room room = usual_room();
        room.every_ms = every_ms[i];
        room.sweep_count = 1;
        room.limit = 6000;
        attention_note_start(attention, 1, NOW_MIN + 60, NOW_MS);
        count_looks(attention, room, HOUR_MS, counts);
        assert_int_equal(counts[1], 0);
        free(attention);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_appointment_counts_while_it_may_take_place),
        cmocka_unit_test(near_ones_come_before_recent_ones_and_recent_before_none),
        cmocka_unit_test(what_changed_long_ago_is_forgotten_and_who_moved_away_too),
        cmocka_unit_test(many_share_what_there_is),
        cmocka_unit_test(the_allowance_follows_the_sweep_and_leaves_half),
        cmocka_unit_test(the_next_sweep_finds_the_room_that_it_needs),
        cmocka_unit_test(whoever_sweeps_fast_needs_no_look_ups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
