/* What is remembered of an order: it survives the store, and it stays within its bounds. */
#include "core/arena.h"
#include "core/history.h"
#include "core/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void move(struct history *history, const struct record *before, const struct record *after,
                 int64_t now_wall_ms, struct arena *arena)
{
    struct diff diff;
    diff_records(before, after, arena, &diff);
    history_advance(history, after, &diff, now_wall_ms, arena);
}

static struct record order(const struct appointment *appointments, size_t count)
{
    return (struct record){.id = "1", .appointments = appointments, .appointment_count = count};
}

static void bytes_come_back_as_they_were(void **state)
{
    (void)state;
    struct arena *arena = arena_create();
    struct appointment slot = {.id = "A", .fields = {[APPOINTMENT_START] = "2027-01-12"}};
    struct record first = order(&slot, 1);
    first.fields[ORDER_COMMITTED_DATE] = "2027-01-01";
    struct record second = order(NULL, 0);
    struct history history = {.baseline_wall_ms = 5};
    move(&history, NULL, &first, 10, arena);
    history_tell_overdue(&history, "2027-01-01");
    move(&history, &first, &second, 20, arena);
    history_tell_reminder(&history.appointments[0], 3600000);
    history.is_stall_told = true;

    struct text bytes;
    struct text again;
    struct failure why;
    text_init(&bytes, 65536);
    text_init(&again, 65536);
    history_encode(&history, &bytes);
    struct history read;
    assert_int_equal(history_decode(text_span(&bytes), arena, &read, &why), STATUS_OK);
    history_encode(&read, &again);
    assert_string_equal(text_cstr(&bytes), text_cstr(&again));
    assert_true(read.appointments[0].is_removed);
    assert_true(history_is_reminded(&read.appointments[0], 3600000));
    assert_true(history_is_overdue_told(&read, "2027-01-01"));
    assert_int_equal(read.dates[ORDER_COMMITTED_DATE].move_count, 1);
    assert_string_equal(read.dates[ORDER_COMMITTED_DATE].first, "2027-01-01");
    assert_int_equal(read.status_since_wall_ms, 10);
    assert_int_equal(read.baseline_wall_ms, 5);
    text_fini(&bytes);
    text_fini(&again);
    arena_destroy(arena);
}

/* Most orders never move; an earlier version wrote that down, too. */
static void what_never_moved_is_not_written(void **state)
{
    (void)state;
    static const char with_zeros[] =
        "{\"status_since\":7,\"dates\":{\"committed_date\":{\"first\":\"2027-01-05\",\"moves\":0}},"
        "\"appointments\":[{\"id\":\"A\",\"first_start\":\"2027-01-02T08:00:00Z\",\"moves\":0,"
        "\"sequence\":0,\"since\":9}]}";
    struct arena *arena = arena_create();
    struct history history = {0};
    assert_int_equal(history_decode(span_of(with_zeros), arena, &history, NULL), STATUS_OK);
    assert_int_equal(history.appointment_count, 1);
    assert_int_equal(history.appointments[0].since_wall_ms, 9);
    assert_int_equal(history.appointments[0].move_count, 0);
    assert_int_equal(history.appointments[0].calendar_sequence, 0);
    struct text bytes;
    text_init(&bytes, SIZE_MAX / 4);
    history_encode(&history, &bytes);
    assert_string_equal(
        text_cstr(&bytes),
        "{\"status_since\":7,\"dates\":{\"committed_date\":{\"first\":\"2027-01-05\"}},"
        "\"appointments\":[{\"id\":\"A\",\"first_start\":\"2027-01-02T08:00:00Z\",\"since\":9}]}");
    text_fini(&bytes);
    arena_destroy(arena);
}

static void damaged_bytes_are_refused(void **state)
{
    (void)state;
    struct arena *arena = arena_create();
    struct history read;
    struct failure why;
    assert_int_equal(history_decode(span_of("{"), arena, &read, &why), STATUS_CORRUPT);
    assert_int_equal(history_decode(span_of("{\"appointments\":[{}]}"), arena, &read, &why),
                     STATUS_CORRUPT);
    assert_int_equal(history_decode(span_of(""), arena, &read, &why), STATUS_OK);
    arena_destroy(arena);
}

static void removed_appointments_are_forgotten_oldest_first(void **state)
{
    (void)state;
    struct arena *arena = arena_create();
    struct history history = {0};
    struct record none = order(NULL, 0);
    for (int i = 0; i < HISTORY_REMOVED_MAX + 10; i++) {
        struct appointment *slot = arena_alloc(arena, sizeof *slot);
        slot->id = arena_format(arena, "A%d", i);
        struct record one = order(slot, 1);
        move(&history, &none, &one, i, arena);
        move(&history, &one, &none, i, arena);
    }
    assert_int_equal(history.appointment_count, HISTORY_REMOVED_MAX);
    assert_null(history_appointment(&history, "A9"));
    assert_non_null(history_appointment(&history, "A10"));
    arena_destroy(arena);
}

static void what_was_told_is_bounded(void **state)
{
    (void)state;
    struct arena *arena = arena_create();
    struct history history = {0};
    struct appointment_history appointment = {.id = "A"};
    for (int i = 0; i < 3 * HISTORY_OVERDUE_MAX; i++) {
        const char *date = arena_format(arena, "2027-01-%02d", i + 1);
        history_tell_overdue(&history, date);
        history_tell_overdue(&history, date);
        history_tell_reminder(&appointment, i);
        history_tell_reminder(&appointment, i);
    }
    assert_int_equal(history.overdue_told_count, HISTORY_OVERDUE_MAX);
    assert_int_equal(appointment.reminded_count, HISTORY_REMINDED_MAX);
    assert_true(history_is_reminded(&appointment, 3 * HISTORY_OVERDUE_MAX - 1));
    assert_false(history_is_reminded(&appointment, 0));
    arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_back_as_they_were),
        cmocka_unit_test(what_never_moved_is_not_written),
        cmocka_unit_test(damaged_bytes_are_refused),
        cmocka_unit_test(removed_appointments_are_forgotten_oldest_first),
        cmocka_unit_test(what_was_told_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
