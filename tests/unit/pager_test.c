/* The proof of completeness, against lists that page well and lists that lie. */
#include "core/pager.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct collection collection(enum paging_kind kind)
{
    return (struct collection){.path = "/orders?status=Current",
                               .items_pointer = "",
                               .paging = {.kind = kind,
                                          .offset_parameter = kind == PAGING_PAGE     ? "page"
                                                              : kind == PAGING_CURSOR ? "cursor"
                                                                                      : "offset",
                                          .limit_parameter = "limit",
                                          .first_page = 1}};
}

struct reading {
    struct collection collection;
    struct pager pager;
    struct failure why;
    uint64_t page_seed;
};

static void begin(struct reading *reading, enum paging_kind kind, uint32_t page_size)
{
    *reading = (struct reading){.collection = collection(kind)};
    struct pager_limits limits = {
        .page_size = page_size, .page_count_max = 50, .element_count_max = 1000};
    pager_init(&reading->pager, &reading->collection, "https://api.example.com/v1", &limits);
}

static void check_url(struct reading *reading, const char *expected)
{
    struct text url;
    text_init(&url, PAGER_URL_MAX);
    assert_int_equal(pager_add_url(&reading->pager, &url, &reading->why), STATUS_OK);
    assert_string_equal(text_cstr(&url), expected);
    text_fini(&url);
}

static enum pager_verdict take(struct reading *reading, struct page_facts facts)
{
    if (facts.fingerprint == 0) {
        facts.fingerprint = ++reading->page_seed;
    }
    return pager_take(&reading->pager, &facts, &reading->why);
}

static enum pager_verdict take_counts(struct reading *reading, size_t elements, size_t repeated,
                                      int64_t total)
{
    return take(
        reading,
        (struct page_facts){.element_count = elements, .repeated_count = repeated, .total = total});
}

static void a_short_page_with_its_total_is_the_end(void **state)
{
    (void)state;
    struct reading reading;
    begin(&reading, PAGING_OFFSET, 100);
    check_url(&reading, "https://api.example.com/v1/orders?status=Current&offset=0&limit=100");
    assert_int_equal(take_counts(&reading, 100, 0, 130), PAGER_MORE);
    check_url(&reading, "https://api.example.com/v1/orders?status=Current&offset=100&limit=100");
    assert_int_equal(take_counts(&reading, 30, 0, 130), PAGER_END);
    assert_int_equal(pager_trust(&reading.pager), PAGER_PROVEN);
    pager_fini(&reading.pager);
}

static void a_full_last_page_needs_an_empty_one_behind_it(void **state)
{
    (void)state;
    struct reading reading;
    begin(&reading, PAGING_OFFSET, 100);
    assert_int_equal(take_counts(&reading, 100, 0, 100), PAGER_MORE);
    assert_int_equal(take_counts(&reading, 0, 0, 100), PAGER_END);
    assert_int_equal(pager_trust(&reading.pager), PAGER_PROVEN);
    pager_fini(&reading.pager);
}

static void a_server_with_a_smaller_limit_is_read_to_its_end(void **state)
{
    (void)state;
    struct reading reading;
    begin(&reading, PAGING_OFFSET, 100);
    assert_int_equal(take_counts(&reading, 40, 0, PAGE_TOTAL_NONE), PAGER_MORE);
    check_url(&reading, "https://api.example.com/v1/orders?status=Current&offset=40&limit=100");
    assert_int_equal(take_counts(&reading, 40, 0, PAGE_TOTAL_NONE), PAGER_MORE);
    assert_int_equal(take_counts(&reading, 3, 0, PAGE_TOTAL_NONE), PAGER_MORE);
    assert_int_equal(take_counts(&reading, 0, 0, PAGE_TOTAL_NONE), PAGER_END);
    assert_int_equal(pager_trust(&reading.pager), PAGER_PROVEN);
    assert_int_equal(pager_distinct_count(&reading.pager), 83);
    pager_fini(&reading.pager);
}

static void a_limit_that_is_obeyed_makes_a_short_page_the_end(void **state)
{
    (void)state;
    struct reading reading;
    begin(&reading, PAGING_OFFSET, 100);
    assert_int_equal(take_counts(&reading, 100, 0, PAGE_TOTAL_NONE), PAGER_MORE);
    assert_int_equal(take_counts(&reading, 99, 0, PAGE_TOTAL_NONE), PAGER_END);
    assert_int_equal(pager_trust(&reading.pager), PAGER_PROVEN);
    pager_fini(&reading.pager);
}

static void a_total_that_agrees_proves_a_full_page_that_comes_again(void **state)
{
    (void)state;
    struct reading reading;
    begin(&reading, PAGING_OFFSET, 100);
    assert_int_equal(take_counts(&reading, 100, 0, 100), PAGER_MORE);
    assert_int_equal(take_counts(&reading, 100, 100, 100), PAGER_END);
    assert_int_equal(pager_trust(&reading.pager), PAGER_PROVEN);
    pager_fini(&reading.pager);
}

static void what_cannot_be_read_is_nothing_new(void **state)
{
    (void)state;
    struct reading reading;
    begin(&reading, PAGING_OFFSET, 100);
    struct page_facts facts = {
        .element_count = 12, .unreadable_count = 1, .total = PAGE_TOTAL_NONE};
    assert_int_equal(take(&reading, facts), PAGER_MORE);
    facts.repeated_count = 11;
    assert_int_equal(take(&reading, facts), PAGER_END);
    pager_fini(&reading.pager);
}

static void a_server_that_does_not_page_is_understood(void **state)
{
    (void)state;
    struct reading reading;
    begin(&reading, PAGING_OFFSET, 100);
    struct page_facts whole = {.fingerprint = 7, .element_count = 150, .total = PAGE_TOTAL_NONE};
    assert_int_equal(take(&reading, whole), PAGER_MORE);
    whole.repeated_count = 150;
    assert_int_equal(take(&reading, whole), PAGER_END);
    assert_int_equal(pager_trust(&reading.pager), PAGER_PROVEN);
    assert_int_equal(pager_distinct_count(&reading.pager), 150);
    pager_fini(&reading.pager);
}

/* Without a total a list that is just as long as a page may be the head of a longer one. */
static void a_list_as_long_as_a_page_is_told_by_pages_of_another_size(void **state)
{
    (void)state;
    struct reading reading;
    begin(&reading, PAGING_PAGE, 100);
    for (uint32_t size = 99; size <= 100; size++) { /* the API obeys the size, or does not */
        struct page_facts first = {
            .fingerprint = 7, .element_count = 100, .total = PAGE_TOTAL_NONE};
        reading.pager.limits.page_size = 100;
        reading.pager.limits.is_resized = false;
        pager_restart(&reading.pager);
        assert_int_equal(take(&reading, first), PAGER_MORE);
        first.repeated_count = 100;
        assert_int_equal(take(&reading, first), PAGER_RESIZE);

        pager_restart(&reading.pager);
        reading.pager.limits.page_size = pager_other_size(100);
        reading.pager.limits.is_resized = true;
        struct page_facts second = {
            .fingerprint = 8, .element_count = size, .total = PAGE_TOTAL_NONE};
        assert_int_equal(take(&reading, second), PAGER_MORE);
        second.repeated_count = size;
        assert_int_equal(take(&reading, second), size == 100 ? PAGER_END : PAGER_BROKEN);
    }
    assert_int_equal(pager_distinct_count(&reading.pager), 100);
    assert_int_equal(pager_other_size(1), 2);
    pager_fini(&reading.pager);
}

/* A server may answer a position behind the end with a page from before. */
static void a_last_page_that_is_full_and_comes_again_is_told_by_pages_of_another_size(void **state)
{
    (void)state;
    for (int64_t total = PAGE_TOTAL_NONE; total <= 201; total = total < 0 ? 200 : total + 1) {
        struct reading reading;
        begin(&reading, PAGING_OFFSET, 100);
        assert_int_equal(take_counts(&reading, 100, 0, total), PAGER_MORE);
        assert_int_equal(take_counts(&reading, 100, 0, total), PAGER_MORE);
        assert_int_equal(pager_is_undecided(&reading.pager), total != 201);
        assert_int_equal(take_counts(&reading, 100, 100, total),
                         total != 201 ? PAGER_RESIZE : PAGER_BROKEN);

        pager_restart(&reading.pager);
        assert_false(pager_is_undecided(&reading.pager));
        reading.pager.limits.page_size = 99;
        reading.pager.limits.is_resized = true;
        assert_int_equal(take_counts(&reading, 99, 0, total), PAGER_MORE);
        assert_int_equal(take_counts(&reading, 99, 0, total), PAGER_MORE);
        assert_false(pager_is_undecided(&reading.pager)); /* it is tried once */
        assert_int_equal(take_counts(&reading, 99, 99, total), PAGER_BROKEN);
        pager_fini(&reading.pager);
    }
}

static void an_endless_list_is_broken(void **state)
{
    (void)state;
    struct reading reading;
    begin(&reading, PAGING_OFFSET, 100);
    struct page_facts same = {.fingerprint = 7, .element_count = 100, .total = PAGE_TOTAL_NONE};
    same.total = 300;
    assert_int_equal(take(&reading, same), PAGER_MORE);
    same.repeated_count = 100;
    assert_int_equal(take(&reading, same), PAGER_BROKEN);
    assert_non_null(strstr(reading.why.detail, "repeats itself"));
    assert_non_null(strstr(reading.why.detail, "'offset'"));

    pager_restart(&reading.pager);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(take_counts(&reading, 100, 0, PAGE_TOTAL_NONE), PAGER_MORE);
    }
    assert_int_equal(take_counts(&reading, 100, 0, PAGE_TOTAL_NONE), PAGER_BROKEN);
    assert_non_null(strstr(reading.why.detail, "limit of 1000"));

    pager_restart(&reading.pager);
    for (int i = 0; i < 49; i++) {
        assert_int_equal(take_counts(&reading, 1, 0, 1000), PAGER_MORE);
    }
    assert_int_equal(take_counts(&reading, 1, 0, 1000), PAGER_BROKEN);
    assert_non_null(strstr(reading.why.detail, "limit of 50"));
    pager_fini(&reading.pager);
}

static void totals_lower_trust_and_never_raise_it(void **state)
{
    (void)state;
    struct reading reading;
    begin(&reading, PAGING_OFFSET, 100);
    /* It moved between pages. */
    assert_int_equal(take_counts(&reading, 100, 0, 130), PAGER_MORE);
    assert_int_equal(take_counts(&reading, 29, 0, 129), PAGER_END);
    assert_int_equal(pager_trust(&reading.pager), PAGER_CONTRADICTED);
    /* It promises more than there is: the short page is not believed, the empty one is the end. */
    pager_restart(&reading.pager);
    assert_int_equal(take_counts(&reading, 25, 0, 106), PAGER_MORE);
    assert_int_equal(take_counts(&reading, 0, 0, 106), PAGER_END);
    assert_int_equal(pager_trust(&reading.pager), PAGER_CONTRADICTED);
    /* It promises less: the list is read to its end all the same. */
    pager_restart(&reading.pager);
    assert_int_equal(take_counts(&reading, 100, 0, 25), PAGER_MORE);
    assert_int_equal(take_counts(&reading, 6, 0, 25), PAGER_END);
    assert_int_equal(pager_trust(&reading.pager), PAGER_CONTRADICTED);
    /* Once found unreliable, it counts for nothing. */
    reading.pager.limits.ignores_total = true;
    assert_int_equal(pager_trust(&reading.pager), PAGER_PROVEN);
    pager_fini(&reading.pager);
}

static void repeated_elements_tell_of_a_shift(void **state)
{
    (void)state;
    struct reading reading;
    begin(&reading, PAGING_OFFSET, 100);
    assert_int_equal(take_counts(&reading, 100, 0, PAGE_TOTAL_NONE), PAGER_MORE);
    assert_int_equal(take_counts(&reading, 1, 1, PAGE_TOTAL_NONE), PAGER_END);
    assert_int_equal(pager_trust(&reading.pager), PAGER_SHIFTED);
    pager_fini(&reading.pager);
}

static void readings_of_the_same_elements_have_the_same_sum(void **state)
{
    (void)state;
    struct reading reading;
    begin(&reading, PAGING_OFFSET, 1);
    uint64_t seen[3];
    for (size_t i = 0; i < 3; i++) {
        pager_restart(&reading.pager); /* each reading spells its pages otherwise */
        struct page_facts page = {
            .element_count = 1, .id_sum = i == 2 ? 8 : 7, .total = PAGE_TOTAL_NONE};
        assert_int_equal(take(&reading, page), PAGER_MORE);
        assert_int_equal(take_counts(&reading, 0, 0, PAGE_TOTAL_NONE), PAGER_END);
        seen[i] = reading.pager.id_sum;
    }
    assert_true(seen[0] == seen[1]);
    assert_true(seen[1] != seen[2]);
    pager_fini(&reading.pager);
}

static void page_numbers_count_pages(void **state)
{
    (void)state;
    struct reading reading;
    begin(&reading, PAGING_PAGE, 10);
    check_url(&reading, "https://api.example.com/v1/orders?status=Current&page=1&limit=10");
    assert_int_equal(take_counts(&reading, 10, 0, 11), PAGER_MORE);
    check_url(&reading, "https://api.example.com/v1/orders?status=Current&page=2&limit=10");
    assert_int_equal(take_counts(&reading, 1, 0, 11), PAGER_END);
    pager_fini(&reading.pager);
}

static void links_are_followed_to_their_end(void **state)
{
    (void)state;
    struct reading reading;
    begin(&reading, PAGING_LINK, 10);
    check_url(&reading, "https://api.example.com/v1/orders?status=Current&limit=10");
    struct page_facts first = {
        .element_count = 2, .total = 3, .link = "</v1/orders?after=2>; rel=\"next\""};
    assert_int_equal(take(&reading, first), PAGER_MORE);
    check_url(&reading, "https://api.example.com/v1/orders?after=2");
    assert_int_equal(take(&reading, (struct page_facts){.element_count = 1, .total = 3}),
                     PAGER_END);
    assert_int_equal(pager_trust(&reading.pager), PAGER_PROVEN);

    pager_restart(&reading.pager);
    assert_int_equal(take(&reading, first), PAGER_MORE);
    assert_int_equal(take(&reading, first), PAGER_BROKEN); /* to itself */

    pager_restart(&reading.pager);
    first.link = "<https://elsewhere.example.net/>; rel=next";
    assert_int_equal(take(&reading, first), PAGER_BROKEN);
    pager_fini(&reading.pager);
}

static void cursors_must_move(void **state)
{
    (void)state;
    struct reading reading;
    begin(&reading, PAGING_CURSOR, 10);
    check_url(&reading, "https://api.example.com/v1/orders?status=Current&limit=10");
    struct page_facts facts = {
        .element_count = 10, .total = PAGE_TOTAL_NONE, .cursor = span_of("a/b=")};
    assert_int_equal(take(&reading, facts), PAGER_MORE);
    check_url(&reading,
              "https://api.example.com/v1/orders?status=Current&cursor=a%2Fb%3D&limit=10");
    assert_int_equal(take(&reading, facts), PAGER_BROKEN);

    pager_restart(&reading.pager);
    assert_int_equal(take(&reading, facts), PAGER_MORE);
    facts.cursor = (struct span){0};
    assert_int_equal(take(&reading, facts), PAGER_END);
    pager_fini(&reading.pager);
}

static void a_list_without_pages_is_one_page(void **state)
{
    (void)state;
    struct reading reading;
    begin(&reading, PAGING_NONE, 10);
    check_url(&reading, "https://api.example.com/v1/orders?status=Current");
    assert_int_equal(take_counts(&reading, 700, 0, PAGE_TOTAL_NONE), PAGER_END);
    assert_int_equal(pager_trust(&reading.pager), PAGER_PROVEN);
    pager_fini(&reading.pager);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_page_with_its_total_is_the_end),
        cmocka_unit_test(a_full_last_page_needs_an_empty_one_behind_it),
        cmocka_unit_test(a_server_with_a_smaller_limit_is_read_to_its_end),
        cmocka_unit_test(a_limit_that_is_obeyed_makes_a_short_page_the_end),
        cmocka_unit_test(a_total_that_agrees_proves_a_full_page_that_comes_again),
        cmocka_unit_test(what_cannot_be_read_is_nothing_new),
        cmocka_unit_test(a_server_that_does_not_page_is_understood),
        cmocka_unit_test(a_list_as_long_as_a_page_is_told_by_pages_of_another_size),
        cmocka_unit_test(a_last_page_that_is_full_and_comes_again_is_told_by_pages_of_another_size),
        cmocka_unit_test(an_endless_list_is_broken),
        cmocka_unit_test(totals_lower_trust_and_never_raise_it),
        cmocka_unit_test(repeated_elements_tell_of_a_shift),
        cmocka_unit_test(readings_of_the_same_elements_have_the_same_sum),
        cmocka_unit_test(page_numbers_count_pages),
        cmocka_unit_test(links_are_followed_to_their_end),
        cmocka_unit_test(cursors_must_move),
        cmocka_unit_test(a_list_without_pages_is_one_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
