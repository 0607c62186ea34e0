/* Time zones from bytes made here: tables, rules, gaps, overlaps, and every kind of damage. */
#include "core/date.h"
#include "core/random.h"
#include "core/text.h"
#include "core/zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* +00 until 1000, then SUM (+1, summer) until 2000, then WIN (+1); from 3000 on the footer. */
struct tzif {
    char version;
    uint32_t leap_count;
    int64_t times[3];
    unsigned char types[3];
    int32_t offset_s;
    unsigned char name_at;
    const char *footer;
};

static const struct tzif good = {.version = '2',
                                 .times = {1000, 2000, 3000},
                                 .types = {1, 2, 0},
                                 .offset_s = 3600,
                                 .name_at = 4,
                                 .footer = "\nCET-1CEST,M3.5.0,M10.5.0/3\n"};

static void add_integer(struct text *out, int64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--) {
        text_add_char(out, (char)((uint64_t)value >> (8 * i)));
    }
}

static void add_header(struct text *out, char version, uint32_t leap_count, uint32_t scale)
{
    text_add_text(out, "TZif");
    text_add_char(out, version);
    text_add(out, (struct span){.data = (const char[15]){0}, .size = 15});
    const uint32_t counts[] = {0, 0, leap_count, 3 * scale, 3 * scale, 12 * scale};
    for (size_t i = 0; i < ARRAY_COUNT(counts); i++) {
        add_integer(out, counts[i], 4);
    }
}

static void add_block(struct text *out, const struct tzif *tzif, int time_bytes)
{
    for (size_t i = 0; i < 3; i++) {
        add_integer(out, tzif->times[i], time_bytes);
    }
    text_add(out, (struct span){.data = (const char *)tzif->types, .size = 3});
    add_integer(out, 0, 4);
    text_add(out, (struct span){.data = "\0\0", .size = 2});
    add_integer(out, tzif->offset_s, 4);
    text_add_char(out, 1);
    text_add_char(out, (char)tzif->name_at);
    add_integer(out, 3600, 4);
    text_add(out, (struct span){.data = "\0\10", .size = 2});
    text_add(out, (struct span){.data = "UTC\0SUM\0WIN", .size = 12});
}

static void build(struct text *out, const struct tzif *tzif)
{
    text_init(out, 4096);
    if (tzif->version == '\0') {
        add_header(out, tzif->version, tzif->leap_count, 1);
        add_block(out, tzif, 4);
        return;
    }
    add_header(out, tzif->version, 0, 0);
    add_header(out, tzif->version, tzif->leap_count, 1);
    add_block(out, tzif, 8);
    text_add_text(out, tzif->footer);
}

static enum status load(const struct tzif *tzif, struct zone **out)
{
    struct text bytes;
    build(&bytes, tzif);
    struct failure why = {0};
    enum status status = zone_from_tzif("Test/Zone", text_span(&bytes), out, &why);
    assert_int_equal(why.status, status);
    text_fini(&bytes);
    return status;
}

static void assert_at(const struct zone *zone, int64_t utc_ms, int32_t offset_s,
                      const char *abbreviation)
{
    struct zone_moment moment = zone_at(zone, utc_ms);
    assert_int_equal(moment.offset_s, offset_s);
    assert_string_equal(moment.abbreviation, abbreviation);
}

static void tables_and_footer_follow_each_other(void **state)
{
    (void)state;
    struct zone *zone = NULL;
    assert_int_equal(load(&good, &zone), STATUS_OK);
    assert_string_equal(zone_name(zone), "Test/Zone");
    assert_at(zone, -1, 0, "UTC");
    assert_at(zone, 999999, 0, "UTC");
    assert_at(zone, 1000000, 3600, "SUM");
    assert_true(zone_at(zone, 1000000).is_dst);
    assert_at(zone, 1999999, 3600, "SUM");
    assert_at(zone, 2000000, 3600, "WIN");
    assert_at(zone, 3000000, 3600, "CET");
    assert_at(zone, date_of("2060-07-01T00:00:00Z").ms, 7200, "CEST");
    zone_destroy(zone);
    zone_destroy(NULL);
}

static void version_1_ends_with_its_table(void **state)
{
    (void)state;
    struct tzif old = good;
    old.version = '\0';
    struct zone *zone = NULL;
    assert_int_equal(load(&old, &zone), STATUS_OK);
    assert_at(zone, 2500000, 3600, "WIN");
    assert_at(zone, date_of("2060-07-01T00:00:00Z").ms, 0, "UTC");
    zone_destroy(zone);
}

static void an_empty_footer_leaves_the_table(void **state)
{
    (void)state;
    struct tzif table = good;
    table.footer = "\n\n";
    struct zone *zone = NULL;
    assert_int_equal(load(&table, &zone), STATUS_OK);
    assert_at(zone, 4000000, 0, "UTC");
    zone_destroy(zone);
}

static void contradictions_are_refused(void **state)
{
    (void)state;
    struct tzif rows[] = {good, good, good, good, good, good, good, good, good, good};
    rows[0].leap_count = 1;
    rows[1].times[1] = 1000;
    rows[2].types[2] = 3;
    rows[3].offset_s = 100000;
    rows[4].name_at = 12;
    rows[5].footer = "";
    rows[6].footer = "\nCET-1CEST\n";
    rows[7].footer = "\nCET-1";
    rows[8].footer = "CET-1\n";
    rows[9].offset_s = INT32_MIN;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct zone *zone = NULL;
        assert_int_equal(load(&rows[i], &zone), STATUS_INVALID);
        assert_null(zone);
    }
}

/* Whatever is cut off or changed, it is refused or it answers; the sanitizers watch. */
static void damage_never_breaks_the_reader(void **state)
{
    (void)state;
    struct text bytes;
    build(&bytes, &good);
    for (size_t size = 0; size < bytes.size; size++) {
        struct zone *zone = NULL;
        char *exact = alloc(size); /* its own block, so that a read past the end is seen */
        memcpy(exact, bytes.data, size);
        assert_int_equal(
            zone_from_tzif("x", (struct span){.data = exact, .size = size}, &zone, NULL),
            STATUS_INVALID);
        free(exact);
    }
    struct random random = {.state = 20270112};
    for (int i = 0; i < 20000; i++) {
        size_t at = (size_t)random_below(&random, (int64_t)bytes.size);
        char kept = bytes.data[at];
        bytes.data[at] = (char)random_below(&random, 256);
        struct zone *zone = NULL;
        if (zone_from_tzif("x", text_span(&bytes), &zone, NULL) == STATUS_OK) {
            (void)zone_at(zone, INT64_MIN);
            (void)zone_to_utc(zone, INT64_MAX);
            (void)zone_to_utc(zone, (int64_t)random_next(&random));
        }
        zone_destroy(zone);
        bytes.data[at] = kept;
    }
    text_fini(&bytes);
}

static struct zone *zone_of(const char *rule)
{
    struct zone *zone = NULL;
    struct failure why;
    if (zone_from_rule("Test/Rule", rule, &zone, &why) != STATUS_OK) {
        fail_msg("%s", why.detail);
    }
    return zone;
}

static void rules_change_at_their_second(void **state)
{
    (void)state;
    static const struct {
        const char *rule, *instant, *abbreviation;
        int32_t offset_s;
    } rows[] = {
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2027-03-28T00:59:59Z", "CET", 3600},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2027-03-28T01:00:00Z", "CEST", 7200},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2027-10-31T00:59:59Z", "CEST", 7200},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2027-10-31T01:00:00Z", "CET", 3600},
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2027-01-01T00:00:00Z", "AEDT", 39600},
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-12-31T13:59:59Z", "AEDT", 39600},
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2027-07-01T00:00:00Z", "AEST", 36000},
        {"IST-1GMT0,M10.5.0,M3.5.0/1", "2027-01-01T00:00:00Z", "GMT", 0},
        {"IST-1GMT0,M10.5.0,M3.5.0/1", "2027-07-01T00:00:00Z", "IST", 3600},
        {"EST5EDT,0/0,J365/25", "2027-12-31T23:59:59Z", "EDT", -14400},
        {"<-03>3<-02>,J60/0,J300/0", "2024-03-01T03:00:00Z", "-02", -7200},
        {"<-03>3<-02>,J60/0,J300/0", "2024-03-01T02:59:59Z", "-03", -10800},
        {"<-03>3<-02>,59/0,299/0", "2023-03-01T03:00:00Z", "-02", -7200},
        {"<+0545>-5:45", "2027-01-01T00:00:00Z", "+0545", 20700},
        {"XXX-1:00:30", "2027-01-01T00:00:00Z", "XXX", 3630},
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2027-03-28T01:00:00Z", "-01", -3600},
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2027-03-28T00:59:59Z", "-02", -7200},
        {"CET-1CEST,M2.5.0,M11.5.0", "2027-02-28T01:00:00Z", "CEST", 7200},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct zone *zone = zone_of(rows[i].rule);
        assert_at(zone, date_of(rows[i].instant).ms, rows[i].offset_s, rows[i].abbreviation);
        zone_destroy(zone);
    }
}

static void broken_rules_are_refused(void **state)
{
    (void)state;
    const char *const rows[] = {
        "",
        "CET",
        "C-1",
        "CE-1",
        "<CET-1",
        "<>-1",
        "CET-25",
        "CET-1:60",
        "CET-1x",
        "CET-1CEST",
        "CET-1CEST,M3.5.0",
        "CET-1CEST,M13.5.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0",
        "CET-1CEST,M3.0.0,M10.5.0",
        "CET-1CEST,M3.5.7,M10.5.0",
        "CET-1CEST,J0,J300",
        "CET-1CEST,J366,J300",
        "CET-1CEST,366,300",
        "CET-1CEST,M3.5.0/168,M10.5.0",
        "CET-1CEST,M3.5.0,M10.5.0,",
        "CET-1CEST,M3.5.0,M10.5.0/",
        ":Europe/Paris",
        "CET-1 CEST,M3.5.0,M10.5.0",
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct zone *zone = NULL;
        if (zone_from_rule("x", rows[i], &zone, NULL) != STATUS_INVALID || zone != NULL) {
            fail_msg("%s is not a rule", rows[i]);
        }
    }
}

static void local_times_find_their_instant(void **state)
{
    (void)state;
    static const struct {
        const char *local, *utc;
    } rows[] = {
        {"2027-03-28T01:59:59Z", "2027-03-28T00:59:59Z"},
        {"2027-03-28T02:00:00Z", "2027-03-28T01:00:00Z"}, /* the gap: shown as 03:00 */
        {"2027-03-28T02:30:00Z", "2027-03-28T01:30:00Z"},
        {"2027-03-28T03:00:00Z", "2027-03-28T01:00:00Z"},
        {"2027-10-31T01:59:59Z", "2027-10-30T23:59:59Z"},
        {"2027-10-31T02:00:00Z", "2027-10-31T00:00:00Z"}, /* the overlap: the earlier one */
        {"2027-10-31T02:59:59Z", "2027-10-31T00:59:59Z"},
        {"2027-10-31T03:00:00Z", "2027-10-31T02:00:00Z"},
        {"2027-01-01T00:00:00Z", "2026-12-31T23:00:00Z"},
    };
    struct zone *zone = zone_of("CET-1CEST,M3.5.0,M10.5.0/3");
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        assert_true(zone_to_utc(zone, date_of(rows[i].local).ms) == date_of(rows[i].utc).ms);
    }
    zone_destroy(zone);
    assert_true(zone_to_utc(zone_utc(), 12345) == 12345);
    assert_at(zone_utc(), 0, 0, "UTC");
    assert_string_equal(zone_name(zone_utc()), "UTC");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_and_footer_follow_each_other),
        cmocka_unit_test(version_1_ends_with_its_table),
        cmocka_unit_test(an_empty_footer_leaves_the_table),
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test(damage_never_breaks_the_reader),
        cmocka_unit_test(rules_change_at_their_second),
        cmocka_unit_test(broken_rules_are_refused),
        cmocka_unit_test(local_times_find_their_instant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
