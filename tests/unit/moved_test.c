/* Appointments wait for their order, whatever its id looks like. */
#include "core/moved.h"

#include "core/arena.h"
#include "core/text.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void an_order_gets_its_own_and_only_those(void **state)
{
    (void)state;
    struct moved *moved = moved_create();
    struct arena *arena = arena_create();
    struct appointment appointment = {.id = "A-1", .kind = APPOINTMENT_CONFIRMED};
    uint32_t first = moved_add(moved, "1", "A-1", &appointment);
    uint32_t second = moved_add(moved, "2", "B-1", NULL);
    assert_int_equal(moved_add(moved, "1", "A-2", NULL), first);
    struct moved_set set;
    assert_false(moved_take(moved, "3", arena, &set));
    assert_true(moved_holds(moved, "1"));
    assert_true(moved_take(moved, "1", arena, &set));
    assert_int_equal(set.appointment_count, 1);
    assert_string_equal(set.appointments[0].id, "A-1");
    assert_int_equal(set.removed_count, 1);
    assert_string_equal(set.removed_ids[0], "A-2");
    assert_true(moved_is_taken(moved, first));
    assert_false(moved_is_taken(moved, second));
    moved_untake(moved);
    assert_false(moved_is_taken(moved, first));
    moved_clear(moved);
    assert_false(moved_take(moved, "1", arena, &set));
    arena_destroy(arena);
    moved_destroy(moved);
}

static void keys_cannot_be_mistaken(void **state)
{
    (void)state;
    struct arena *arena = arena_create();
    static const char *const pairs[][2] = {
        {"1", "23"}, {"12", "3"}, {"", "x"}, {"3:abc", "4:"}, {"a\x1f", ":\n"}};
    struct text keys[ARRAY_COUNT(pairs)];
    for (size_t i = 0; i < ARRAY_COUNT(pairs); i++) {
        text_init(&keys[i], 256);
        moved_add_key(&keys[i], pairs[i][0], pairs[i][1]);
        const char *order_id = NULL;
        const char *appointment_id = NULL;
        moved_split_key(text_cstr(&keys[i]), arena, &order_id, &appointment_id);
        assert_string_equal(order_id, pairs[i][0]);
        assert_string_equal(appointment_id, pairs[i][1]);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(text_cstr(&keys[i]), text_cstr(&keys[j]));
        }
    }
    for (size_t i = 0; i < ARRAY_COUNT(pairs); i++) {
        text_fini(&keys[i]);
    }
    arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_gets_its_own_and_only_those),
        cmocka_unit_test(keys_cannot_be_mistaken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
