/* every against budget: the arithmetic and its words. */
#include "tests/support/order_world.h"

#include "core/pace.h"
#include "core/profile.h"
#include "core/text.h"

/* The world's source, with pages. */
static struct source_config paged(const struct world *world, struct profile *profile)
{
    struct source_config source = world->source;
    *profile = *source.profile;
    profile->orders.paging.kind = PAGING_OFFSET;
    source.profile = profile;
    return source;
}

static void needs(void **state)
{
    (void)state;
    static const struct {
        uint64_t orders;
        uint32_t page_size, budget;
        int64_t window_ms, every_ms;
        uint64_t pages;
        int64_t best_ms;
        bool is_kept;
    } rows[] = {
        {1200, 40, 60, 60000, 30000, 30, 30000, true},
        {1200, 40, 60, 60000, 29999, 30, 30000, false},
        {1201, 40, 60, 60000, 30000, 31, 31000, false},
        {0, 40, 60, 60000, 1000, 1, 1000, true},
        {PACE_ORDERS_UNKNOWN, 40, 60, 60000, 1000, 1, 1000, true},
        {PACE_ORDERS_UNKNOWN, 40, 30, 60000, 1000, 1, 2000, false},
        {1, 40, 7, 60000, 8572, 1, 9000, true}, /* the words round up, the judgement does not */
        {UINT64_MAX - 1, 1, UINT32_MAX, 1, 1000, UINT64_C(1) << 32, 1000, true},
    };
    struct world world;
    world_init(&world);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct profile profile;
        struct source_config source = paged(&world, &profile);
        source.page_size = rows[i].page_size;
        source.budget = (struct rate){.count = rows[i].budget, .window_ms = rows[i].window_ms};
        source.every_ms = rows[i].every_ms;
        struct pace pace = pace_of(&source, rows[i].orders);
        if (pace.page_count != rows[i].pages || pace.best_ms != rows[i].best_ms ||
            pace.is_kept != rows[i].is_kept) {
            fail_msg("row %zu: %llu pages, %lld ms, %d", i, (unsigned long long)pace.page_count,
                     (long long)pace.best_ms, pace.is_kept);
        }
    }
    world_fini(&world);
}

static void words(void **state)
{
    (void)state;
    static const struct {
        uint64_t orders;
        const char *text;
    } rows[] = {
        {1200, "1,200 orders need 30 pages; 60/min allows a sweep each 30 s at best; every is 10s; "
               "accepted: 30s or more, larger pages, or a larger budget"},
        {1, "1 order needs 1 page; 60/min allows a sweep each 1 s at best; every is 10s; accepted: "
            "1s or more, larger pages, or a larger budget"},
        {1234567, "1,234,567 orders need 30,865 pages; 60/min allows a sweep each 8h34m25s at "
                  "best; every is 10s; accepted: 8h34m25s or more, larger pages, or a larger "
                  "budget"},
        {PACE_ORDERS_UNKNOWN,
         "the smallest sweep needs 1 page; 60/min allows a sweep each 1 s at best; every is 10s; "
         "accepted: 1s or more, larger pages, or a larger budget"},
    };
    struct world world;
    world_init(&world);
    struct profile profile;
    struct source_config source = paged(&world, &profile);
    source.page_size = 40;
    source.budget = (struct rate){.count = 60, .window_ms = 60000};
    source.every_ms = 10000;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct pace pace = pace_of(&source, rows[i].orders);
        struct text text;
        text_init(&text, 512);
        pace_add_words(&pace, &source, &text);
        assert_string_equal(text_cstr(&text), rows[i].text);
        text_fini(&text);
    }
    world_fini(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(needs), cmocka_unit_test(words)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
