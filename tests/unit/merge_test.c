/* What several answers say of one order, put together. */
#include "core/arena.h"
#include "core/merge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void a_detail_is_silent_about_what_it_lacks(void **state)
{
    (void)state;
    struct note note = {.text = "kept"};
    struct appointment slot = {.id = "A"};
    struct record before = {.id = "1",
                            .fields = {[ORDER_STATUS] = "Held", [ORDER_SITE] = "Lyon"},
                            .kind = ORDER_HELD,
                            .notes = &note,
                            .note_count = 1,
                            .older_note_count = 2,
                            .appointments = &slot,
                            .appointment_count = 1};
    struct record detail = {.id = "1", .fields = {[ORDER_SITE] = "Paris"}};
    struct record merged = merge_detail(&before, &detail);
    assert_string_equal(merged.fields[ORDER_STATUS], "Held");
    assert_string_equal(merged.fields[ORDER_SITE], "Paris");
    assert_int_equal(merged.kind, ORDER_HELD);
    assert_int_equal(merged.note_count, 1);
    assert_int_equal(merged.older_note_count, 2);
    assert_int_equal(merged.appointment_count, 1);

    detail.fields[ORDER_STATUS] = "Whatever";
    assert_int_equal(merge_detail(&before, &detail).kind, ORDER_UNKNOWN);
}

static void appointments_are_replaced_removed_and_added(void **state)
{
    (void)state;
    struct arena *arena = arena_create();
    struct appointment known[] = {{.id = "A"}, {.id = "B"}, {.id = "C"}};
    struct appointment others[] = {
        {.id = "D"}, {.id = "B", .kind = APPOINTMENT_CONFIRMED}, {.id = "0"}, {.id = "D"}};
    static const char *const gone[] = {"A", "unknown"};
    struct record record = {.id = "1", .appointments = known, .appointment_count = 3};
    merge_appointments(&record, others, 4, gone, 2, arena);
    static const char *const ids[] = {"0", "B", "C", "D"};
    assert_int_equal(record.appointment_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(record.appointments[i].id, ids[i]);
    }
    assert_int_equal(record.appointments[1].kind, APPOINTMENT_CONFIRMED);
    arena_destroy(arena);
}

static struct record looked_up(const struct record *before, const struct record *detail,
                               const struct record *of_the_list, struct arena *arena)
{
    return merge_look_up(before, detail, merge_shown(of_the_list), arena);
}

/* What the list shows of some order is taken, absent or not; what it never shows is not. */
static void a_look_up_counts_for_what_the_list_shows(void **state)
{
    (void)state;
    struct arena *arena = arena_create();
    struct extra priority = {.name = "priority", .value = "1"};
    struct extra both[] = {{.name = "colour", .value = "red"}, {.name = "priority", .value = "2"}};
    struct note note = {.text = "only in the detail"};
    struct appointment slot = {
        .id = "A", .fields = {[APPOINTMENT_START] = "2027-01-12"}, .kind = APPOINTMENT_NEW};
    struct appointment slots[] = {
        {.id = "A",
         .fields = {[APPOINTMENT_START] = "2027-01-13", [APPOINTMENT_LOCATION] = "cellar"},
         .kind = APPOINTMENT_CONFIRMED,
         .extras = both,
         .extra_count = 2},
        {.id = "B"}};
    struct record before = {
        .id = "1",
        .fields = {[ORDER_STATUS] = "Held", [ORDER_STEP] = "STUDY", [ORDER_URL] = "https://x/1"},
        .kind = ORDER_HELD,
        .extras = &priority,
        .extra_count = 1,
        .appointments = &slot,
        .appointment_count = 1};
    struct record detail = {.id = "1",
                            .fields = {[ORDER_STATUS] = "InProgress", [ORDER_SITE] = "Lyon"},
                            .kind = ORDER_OPEN,
                            .notes = &note,
                            .note_count = 1,
                            .extras = both,
                            .extra_count = 2,
                            .appointments = slots,
                            .appointment_count = 2};
    struct record merged = looked_up(&before, &detail, &before, arena);
    assert_string_equal(merged.fields[ORDER_STATUS], "InProgress");
    assert_int_equal(merged.kind, ORDER_OPEN);
    assert_null(merged.fields[ORDER_STEP]);
    assert_null(merged.fields[ORDER_URL]);
    assert_null(merged.fields[ORDER_SITE]);
    assert_int_equal(merged.note_count, 0);
    assert_int_equal(merged.extra_count, 1);
    assert_string_equal(merged.extras[0].value, "2");
    assert_int_equal(merged.appointment_count, 2);
    assert_string_equal(merged.appointments[0].fields[APPOINTMENT_START], "2027-01-13");
    assert_null(merged.appointments[0].fields[APPOINTMENT_LOCATION]);
    assert_int_equal(merged.appointments[0].extra_count, 0);
    assert_int_equal(merged.appointments[0].kind, APPOINTMENT_CONFIRMED);

    struct record bare = {.id = "1", .fields = {[ORDER_STATUS] = "Held"}, .kind = ORDER_HELD};
    merged = looked_up(&bare, &detail, &bare, arena);
    assert_int_equal(merged.appointment_count, 0); /* no list of it has any */
    merged = looked_up(&bare, &detail, &detail, arena);
    assert_int_equal(merged.appointment_count, 2);
    assert_int_equal(merged.note_count, 1);
    assert_string_equal(merged.fields[ORDER_SITE], "Lyon");
    arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_detail_is_silent_about_what_it_lacks),
        cmocka_unit_test(appointments_are_replaced_removed_and_added),
        cmocka_unit_test(a_look_up_counts_for_what_the_list_shows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
