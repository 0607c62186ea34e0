/* What is remembered of an order: it survives the store, and it stays within its bounds. */
#include "core/arena.h"
#include "core/history.h"
#include "core/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
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

/* No part of it is taken for the whole, and nothing that it may become is read beyond its end. */
static void refuse_parts(struct span bytes)
{
    struct arena *arena = arena_create();
    struct history read;
    for (size_t size = 1; size < bytes.size; size++) {
        char *part = alloc(size); /* so that a sanitizer sees the end */
        memcpy(part, bytes.data, size);
        struct span cut = {.data = part, .size = size};
        assert_int_equal(history_decode(cut, arena, &read, NULL), STATUS_CORRUPT);
        part[size - 1] = (char)~part[size - 1];
        enum status status = history_decode(cut, arena, &read, NULL);
        assert_true(status == STATUS_OK || status == STATUS_CORRUPT);
        free(part);
    }
    arena_destroy(arena);
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
    assert_true(span_equal(text_span(&bytes), text_span(&again)));
    refuse_parts(text_span(&bytes));
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

static void json_of_earlier_versions_is_read(void **state)
{
    (void)state;
    static const char json[] =
        "{\"status_since\":7,\"stall_told\":true,\"baseline\":5,\"pending\":{\"since\":6,\"kind\":"
        "1,"
        "\"status\":\"InProgress\",\"step\":\"A\"},"
        "\"dates\":{\"committed_date\":{\"first\":\"2027-01-05\",\"moves\":2},"
        "\"requested_date\":{\"first\":\"2027-01-04\"}},\"overdue_told\":[\"2027-01-05\"],"
        "\"appointments\":[{\"id\":\"A\",\"first_start\":\"2027-01-02T08:00:00Z\",\"moves\":3,"
        "\"sequence\":4,\"since\":9,\"reminded\":[3600000],\"removed\":true}]}";
    struct arena *arena = arena_create();
    struct history history;
    struct history read;
    struct text bytes;
    text_init(&bytes, SIZE_MAX / 4);
    assert_int_equal(history_decode(span_of(json), arena, &history, NULL), STATUS_OK);
    history_encode(&history, &bytes);
    assert_int_equal(history_decode(text_span(&bytes), arena, &read, NULL), STATUS_OK);
    const struct history *both[] = {&history, &read};
    for (size_t i = 0; i < ARRAY_COUNT(both); i++) {
        assert_int_equal(both[i]->status_since_wall_ms, 7);
        assert_true(both[i]->is_stall_told);
        assert_int_equal(both[i]->baseline_wall_ms, 5);
        assert_int_equal(both[i]->pending.since_wall_ms, 6);
        assert_int_equal(both[i]->pending.kind, ORDER_OPEN);
        assert_string_equal(both[i]->pending.status, "InProgress");
        assert_string_equal(both[i]->pending.step, "A");
        assert_null(both[i]->pending.completed_date);
        assert_string_equal(both[i]->dates[ORDER_COMMITTED_DATE].first, "2027-01-05");
        assert_int_equal(both[i]->dates[ORDER_COMMITTED_DATE].move_count, 2);
        assert_int_equal(both[i]->dates[ORDER_REQUESTED_DATE].move_count, 0);
        assert_int_equal(both[i]->overdue_told_count, 1);
        assert_int_equal(both[i]->appointment_count, 1);
        const struct appointment_history *slot = &both[i]->appointments[0];
        assert_string_equal(slot->first_start, "2027-01-02T08:00:00Z");
        assert_int_equal(slot->move_count, 3);
        assert_int_equal(slot->calendar_sequence, 4);
        assert_int_equal(slot->since_wall_ms, 9);
        assert_int_equal(slot->reminded_count, 1);
        assert_true(slot->is_removed);
    }
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
        cmocka_unit_test(json_of_earlier_versions_is_read),
        cmocka_unit_test(damaged_bytes_are_refused),
        cmocka_unit_test(removed_appointments_are_forgotten_oldest_first),
        cmocka_unit_test(what_was_told_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
