/* A page is known as a whole only while everything on it is still what it was. */
#include "core/page_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct fixture {
    struct index *index;
    struct page_memory *memory;
};

static void collect(struct fixture *fixture, uint32_t page_number, uint64_t fingerprint,
                    const uint32_t *positions, size_t count)
{
    page_memory_begin(fixture->memory);
    for (size_t i = 0; i < count; i++) {
        page_memory_add(fixture->memory, positions[i]);
    }
    page_memory_end(fixture->memory, page_number, fingerprint, fixture->index);
}

static size_t mark(struct fixture *fixture, uint32_t page_number, uint64_t fingerprint,
                   uint32_t reading)
{
    struct page_elements elements = {0};
    bool is_known = page_memory_mark(fixture->memory, page_number, fingerprint, fixture->index,
                                     reading, &elements);
    assert_int_equal(is_known, elements.id_sum != 0);
    assert_int_equal(is_known, elements.count != 0);
    return elements.count;
}

static int begin(void **state)
{
    struct fixture *fixture = alloc(sizeof *fixture);
    fixture->index = index_create();
    fixture->memory = page_memory_create();
    (void)index_add(fixture->index, "a", 11);
    (void)index_add(fixture->index, "b", 12);
    (void)index_add(fixture->index, "c", 13);
    *state = fixture;
    return 0;
}

static int end(void **state)
{
    struct fixture *fixture = *state;
    index_destroy(fixture->index);
    page_memory_destroy(fixture->memory);
    free(fixture);
    return 0;
}

static void the_same_bytes_mark_the_same_elements(void **state)
{
    struct fixture *fixture = *state;
    collect(fixture, 3, 99, (const uint32_t[]){0, 2}, 2);
    assert_int_equal(mark(fixture, 3, 98, 5), 0);
    assert_int_equal(mark(fixture, 2, 99, 5), 0);
    assert_int_equal(mark(fixture, 4, 99, 5), 0);
    assert_int_equal(mark(fixture, 3, 99, 5), 2);
    assert_int_equal(index_at(fixture->index, 0)->seen_in, 5);
    assert_int_equal(index_at(fixture->index, 1)->seen_in, 0);
    assert_int_equal(index_at(fixture->index, 2)->seen_in, 5);
    assert_int_equal(mark(fixture, 3, 99, 5), 0); /* twice in one reading: a list that repeats */
    assert_int_equal(mark(fixture, 3, 99, 6), 2);
}

static void what_has_changed_since_is_looked_at_again(void **state)
{
    struct fixture *fixture = *state;
    collect(fixture, 0, 99, (const uint32_t[]){0, 1}, 2);
    index_set_raw(fixture->index, 1, 77);
    assert_int_equal(mark(fixture, 0, 99, 5), 0);
    assert_int_equal(index_at(fixture->index, 0)->seen_in, 0); /* not even half of it */
    index_set_raw(fixture->index, 1, 12);
    assert_int_equal(mark(fixture, 0, 99, 5), 2);
    index_at(fixture->index, 0)->has_left = true;
    assert_int_equal(mark(fixture, 0, 99, 6), 0);
}

static void pages_with_something_new_are_not_kept(void **state)
{
    struct fixture *fixture = *state;
    collect(fixture, 0, 99, (const uint32_t[]){0, INDEX_NONE, 1}, 3);
    assert_int_equal(mark(fixture, 0, 99, 5), 0);
    collect(fixture, 0, 98, NULL, 0);
    assert_int_equal(mark(fixture, 0, 98, 5), 0);
    collect(fixture, 0, 97, (const uint32_t[]){0}, 1);
    assert_int_equal(mark(fixture, 0, 97, 5), 1);
    collect(fixture, 0, 96, (const uint32_t[]){INDEX_NONE}, 1);
    assert_int_equal(mark(fixture, 0, 97, 6), 0); /* the page is another one now */
}

static void a_page_is_recalled_while_it_is_whole(void **state)
{
    struct fixture *fixture = *state;
    struct page_origin origin = {
        .url_fingerprint = 7, .etag = "\"x\"", .cursor = {"next", 4}, .total = 2};
    struct page_origin found;
    uint64_t fingerprint = 0;
    page_memory_set_origin(fixture->memory, 1, &origin); /* not kept: nothing happens */
    collect(fixture, 1, 99, (const uint32_t[]){0, 1}, 2);
    assert_false(page_memory_recall(fixture->memory, 1, fixture->index, 5, &found, &fingerprint));
    page_memory_set_origin(fixture->memory, 1, &origin);
    page_memory_set_origin(fixture->memory, 1, &origin);
    assert_true(page_memory_recall(fixture->memory, 1, fixture->index, 5, &found, &fingerprint));
    assert_int_equal(fingerprint, 99);
    assert_string_equal(found.etag, "\"x\"");
    assert_null(found.last_modified);
    assert_true(span_equal(found.cursor, span_of("next")));
    index_set_raw(fixture->index, 1, 77);
    assert_false(page_memory_recall(fixture->memory, 1, fixture->index, 5, &found, &fingerprint));
    index_set_raw(fixture->index, 1, 12);
    assert_int_equal(mark(fixture, 1, 99, 5), 2);
    assert_false(page_memory_recall(fixture->memory, 1, fixture->index, 5, &found, &fingerprint));
    collect(fixture, 1, 98, (const uint32_t[]){0, 1}, 2);
    assert_false(page_memory_recall(fixture->memory, 1, fixture->index, 6, &found, &fingerprint));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_same_bytes_mark_the_same_elements, begin, end),
        cmocka_unit_test_setup_teardown(what_has_changed_since_is_looked_at_again, begin, end),
        cmocka_unit_test_setup_teardown(pages_with_something_new_are_not_kept, begin, end),
        cmocka_unit_test_setup_teardown(a_page_is_recalled_while_it_is_whole, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
