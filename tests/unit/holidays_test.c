/* French public holidays and the counting of business days. */
#include "core/holidays.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static int64_t day(const char *text)
{
    struct date date = date_of(text);
    assert_int_equal(date.kind, DATE_DAY);
    return date.ms / DAY_MS;
}

static void the_movable_ones_follow_easter(void **state)
{
    (void)state;
    /* Easter Monday, Ascension, Whit Monday. */
    static const char *const rows[][3] = {
        {"1981-04-20", "1981-05-28", "1981-06-08"}, {"2000-04-24", "2000-06-01", "2000-06-12"},
        {"2008-03-24", "2008-05-01", "2008-05-12"}, {"2024-04-01", "2024-05-09", "2024-05-20"},
        {"2025-04-21", "2025-05-29", "2025-06-09"}, {"2026-04-06", "2026-05-14", "2026-05-25"},
        {"2027-03-29", "2027-05-06", "2027-05-17"}, {"2038-04-26", "2038-06-03", "2038-06-14"},
        {"2049-04-19", "2049-05-27", "2049-06-07"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        for (size_t j = 0; j < 3; j++) {
            assert_true(holidays_is_french(day(rows[i][j])));
        }
    }
}

static void a_year_has_eleven(void **state)
{
    (void)state;
    int count = 0;
    for (int64_t i = day("2026-01-01"); i < day("2027-01-01"); i++) {
        count += holidays_is_french(i) ? 1 : 0;
    }
    assert_int_equal(count, 11);
    assert_true(holidays_is_french(day("2026-07-14")));
    assert_false(holidays_is_french(day("2026-12-26")));
}

static void business_days_skip_what_nobody_works_on(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
        int64_t count;
    } rows[] = {
        {"2027-01-12", "2027-01-17", 3}, /* Wednesday to Friday; the rest is weekend */
        {"2027-01-17", "2027-01-12", -3}, {"2027-01-12", "2027-01-12", 0},
        {"2026-12-24", "2026-12-28", 1}, /* Christmas Day, a weekend, Monday */
        {"2027-03-26", "2027-03-30", 1}, /* Good Friday is worked, Easter Monday is not */
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int64_t count = 99;
        assert_true(holidays_business_days(day(rows[i].from), day(rows[i].to), NULL, 0, &count));
        assert_int_equal(count, rows[i].count);
    }
    struct date bridge = date_of("2027-01-15");
    int64_t count = 0;
    assert_true(holidays_business_days(day("2027-01-12"), day("2027-01-17"), &bridge, 1, &count));
    assert_int_equal(count, 2);
}

static void a_thousand_years_are_not_counted(void **state)
{
    (void)state;
    int64_t count = 0;
    assert_false(holidays_business_days(day("1027-01-12"), day("2027-01-17"), NULL, 0, &count));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_movable_ones_follow_easter),
        cmocka_unit_test(a_year_has_eleven),
        cmocka_unit_test(business_days_skip_what_nobody_works_on),
        cmocka_unit_test(a_thousand_years_are_not_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
