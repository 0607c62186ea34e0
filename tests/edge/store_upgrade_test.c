/* A state of every schema that was ever released: opened, it is of the newest one with all it had;
 * killed in between, it is the old or the new one. tests/edge/state has one for each. */
#include "support/store_fixture.h"

#include "core/random.h"

#include <sqlite3.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define VERSION_NEWEST 4 /* add N.sql with schema N */
#define WORDS_MAX ((size_t)1 << 20)

/* As the daemon had them that made the file: another shape would be published anew. */
static const struct state_sink state_sinks[] = {
    [1] = {.source_name = "orange", .sink_name = "noc"},
    [2] = {.source_name = "orange", .sink_name = "noc", .shape = UINT64_C(7352443035706131610)},
    [3] = {.source_name = "orange", .sink_name = "noc", .shape = UINT64_C(7352443035706131610)},
    [4] = {.source_name = "orange", .sink_name = "noc", .shape = UINT64_C(7352443035706131610)},
};

static int setup_closed(void **state)
{
    struct fixture *fixture = fixture_create();
    fixture->state_sink_count = 1;
    fixture->state_sinks = &state_sinks[1];
    *state = fixture;
    return 0;
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    char *bytes = alloc(WORDS_MAX);
    bytes[fread(bytes, 1, WORDS_MAX - 1, file)] = '\0';
    assert_int_equal(fclose(file), 0);
    return bytes;
}

static void run_raw(const struct fixture *fixture, const char *sql)
{
    sqlite3 *handle = NULL;
    assert_int_equal(sqlite3_open(fixture->path, &handle), SQLITE_OK);
    char *words = NULL;
    if (sqlite3_exec(handle, sql, NULL, NULL, &words) != SQLITE_OK) {
        fail_msg("%s", words);
    }
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
}

static void make_state(struct fixture *fixture, int version)
{
    fixture->state_sinks = &state_sinks[version];
    char path[64];
    (void)snprintf(path, sizeof path, "tests/edge/state/%d.sql", version);
    char *sql = read_file(path);
    (void)unlink(fixture->path);
    run_raw(fixture, sql);
    free(sql);
}

static int add_row(void *arg, int count, char **values, char **names)
{
    struct text *words = arg;
    (void)names;
    for (int i = 0; i < count; i++) {
        text_addf(words, "%s|", values[i] != NULL ? values[i] : "NULL");
    }
    text_add_char(words, '\n');
    return 0;
}

/* Everything that an operator or a receiver could miss, as words. */
static char *contents_of(const struct fixture *fixture)
{
    static const char *const questions[] = {
        "SELECT source, o.id, raw_fingerprint, sequence, has_left, hex(canonical), hex(history)"
        " FROM orders o JOIN records r ON r.id = o.record ORDER BY source, o.id",
        "SELECT source, order_id, kind, key, due FROM deadlines ORDER BY 1, 2, 3, 4",
        "SELECT key, hex(value) FROM named_values ORDER BY 1",
        "SELECT id, event_id, source, order_id, appointment_id, type, severity, sequence, wall_ms,"
        " sweep, hex(json), hex(personal), silence_id FROM events ORDER BY id",
        "SELECT id, sink, lane, bundle, event, severity, state, is_head, is_retry, due, first_due,"
        " attempts, created, ended, leader, last_row, progress, detail FROM deliveries ORDER BY id",
        "SELECT delivery, number, wall_ms, detail FROM attempts ORDER BY 1, 2",
        "SELECT name, observed, delivered, pending, parked FROM sinks ORDER BY 1",
        /* Without the sources' own, which each opening adds. */
        "SELECT sink, source, order_id, is_stale, published FROM states WHERE order_id <> ''"
        " ORDER BY 1, 2, 3",
    };
    struct text words;
    text_init(&words, WORDS_MAX);
    sqlite3 *handle = NULL;
    assert_int_equal(sqlite3_open(fixture->path, &handle), SQLITE_OK);
    for (size_t i = 0; i < ARRAY_COUNT(questions); i++) {
        assert_int_equal(sqlite3_exec(handle, questions[i], add_row, &words, NULL), SQLITE_OK);
        text_add_text(&words, "--\n");
    }
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
    return text_take(&words);
}

static int keep_number(void *arg, int count, char **values, char **names)
{
    (void)names;
    assert_int_equal(count, 1);
    *(long *)arg = strtol(values[0], NULL, 10);
    return 0;
}

static long number_of(const struct fixture *fixture, const char *sql)
{
    long number = -1;
    sqlite3 *handle = NULL;
    assert_int_equal(sqlite3_open(fixture->path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, sql, keep_number, &number, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
    return number;
}

static void test_every_released_state_is_brought_up_to_date(void **state)
{
    struct fixture *fixture = *state;
    for (int version = 1; version <= VERSION_NEWEST; version++) {
        make_state(fixture, version);
        char *before = contents_of(fixture);
        assert_non_null(strstr(before, "appointment.rescheduled"));
        assert_int_equal(fixture_open(fixture), STATUS_OK);
        assert_int_equal(fixture_counts(fixture, "tickets").parked, 1);
        fixture_close(fixture);
        char *after = contents_of(fixture);
        assert_string_equal(before, after);
        assert_int_equal(number_of(fixture, "PRAGMA user_version"), VERSION_NEWEST);
        assert_int_equal(number_of(fixture, "PRAGMA auto_vacuum"), 2); /* it can shrink now */
        free(before);
        free(after);
    }
}

/* A file for each schema: whoever adds one adds its file here. */
static void test_there_is_a_state_of_each_schema(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(fixture_open(fixture), STATUS_OK);
    fixture_close(fixture);
    assert_int_equal(number_of(fixture, "PRAGMA user_version"), VERSION_NEWEST);
}

/* What cannot be migrated stays as it is, to the last row. */
static void test_a_migration_that_fails_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    make_state(fixture, 1);
    run_raw(fixture, "PRAGMA user_version = 0"); /* the first step finds its tables there already */
    char *before = contents_of(fixture);
    assert_int_equal(fixture_open(fixture), STATUS_UNAVAILABLE);
    assert_non_null(strstr(fixture->why.detail, fixture->path));
    char *after = contents_of(fixture);
    assert_string_equal(before, after);
    assert_int_equal(number_of(fixture, "PRAGMA user_version"), 0);
    free(before);
    free(after);
}

static void open_and_kill(struct fixture *fixture, useconds_t after_us)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        uv_loop_t loop;
        struct store *store = NULL;
        struct failure why;
        const struct store_options options = {.uv = &loop,
                                              .path = fixture->path,
                                              .state_sinks = fixture->state_sinks,
                                              .state_sink_count = fixture->state_sink_count};
        (void)uv_loop_init(&loop);
        if (store_open(&options, &store, &why) == STATUS_OK) {
            (void)pause();
        }
        _exit(1);
    }
    (void)usleep(after_us);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

/* Into an old file, and into none. */
static void test_killed_in_between_it_is_the_old_or_the_new(void **state)
{
    struct fixture *fixture = *state;
    struct random random = {.state = 4};
    make_state(fixture, 1);
    char *before = contents_of(fixture);
    for (int i = 0; i < 30; i++) {
        if (i % 2 == 0) {
            make_state(fixture, 1);
        } else {
            (void)unlink(fixture->path);
        }
        open_and_kill(fixture, (useconds_t)random_below(&random, 12000));
        assert_int_equal(fixture_open(fixture),
                         STATUS_OK); /* checks the pages: it was not closed */
        fixture_close(fixture);
        assert_int_equal(number_of(fixture, "PRAGMA user_version"), VERSION_NEWEST);
        char *after = contents_of(fixture);
        if (i % 2 == 0) {
            assert_string_equal(before, after);
        }
        free(after);
    }
    free(before);
}

int main(void)
{
#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, setup_closed, fixture_teardown)
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_every_released_state_is_brought_up_to_date),
        STORE_TEST(test_there_is_a_state_of_each_schema),
        STORE_TEST(test_a_migration_that_fails_changes_nothing),
        STORE_TEST(test_killed_in_between_it_is_the_old_or_the_new),
    };
    return cmocka_run_group_tests_name("store_upgrade", tests, NULL, NULL);
}
