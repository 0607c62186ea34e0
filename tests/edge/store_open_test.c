/* What a start accepts and refuses, and the plan of every statement. */
#include "support/store_fixture.h"

#include "src/edge/store_statements.h"

#include <sqlite3.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int setup_closed(void **state)
{
    *state = fixture_create();
    return 0;
}

static sqlite3 *open_raw(const struct fixture *fixture)
{
    sqlite3 *handle = NULL;
    assert_int_equal(sqlite3_open(fixture->path, &handle), SQLITE_OK);
    return handle;
}

static void run_raw(const struct fixture *fixture, const char *sql)
{
    sqlite3 *handle = open_raw(fixture);
    assert_int_equal(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
}

static void make_state(struct fixture *fixture)
{
    assert_int_equal(fixture_open(fixture), STATUS_OK);
    struct staged_order order = fixture_order("1", "one");
    fixture_commit_orders(fixture, &order, 1);
    for (uint64_t i = 1; i <= 50; i++) {
        fixture_plan(fixture, i, "orange/1", NULL, FIXTURE_NOW);
    }
    fixture_close(fixture);
}

static size_t read_whole(const struct fixture *fixture, char **out)
{
    struct stat facts;
    assert_int_equal(stat(fixture->path, &facts), 0);
    size_t size = (size_t)facts.st_size;
    *out = alloc(size);
    int file = open(fixture->path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(file, *out, size), size);
    assert_int_equal(close(file), 0);
    return size;
}

/* Opens, expects a refusal that names the file, and that not a byte has changed. */
static void refuses_untouched(struct fixture *fixture, enum status status)
{
    char *before;
    char *after;
    size_t size = read_whole(fixture, &before);
    assert_int_equal(fixture_open(fixture), status);
    assert_non_null(strstr(fixture->why.detail, fixture->path));
    assert_int_equal(read_whole(fixture, &after), size);
    assert_memory_equal(before, after, size);
    free(before);
    free(after);
}

static void test_files_are_private(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(fixture_open(fixture), STATUS_OK);
    struct staged_order order = fixture_order("1", "one");
    fixture_commit_orders(fixture, &order, 1);
    static const char *const endings[] = {"", "-wal", ".lock", ".reserve"};
    for (size_t i = 0; i < ARRAY_COUNT(endings); i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s%s", fixture->path, endings[i]);
        struct stat facts;
        assert_int_equal(stat(path, &facts), 0);
        assert_int_equal(facts.st_mode & 0777, 0600);
    }
}

static void test_a_second_daemon_is_refused(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(fixture_open(fixture), STATUS_OK);
    struct store_options options = {.uv = &fixture->loop, .path = fixture->path};
    struct store *second = NULL;
    struct failure why;
    assert_int_equal(store_open(&options, &second, &why), STATUS_BUSY);
    assert_null(second);
    assert_non_null(strstr(why.detail, "state.db.lock"));
    fixture_reopen(fixture); /* the lock goes with the store */
}

static void test_a_newer_state_is_refused_untouched(void **state)
{
    struct fixture *fixture = *state;
    make_state(fixture);
    run_raw(fixture, "PRAGMA user_version = 1000000");
    refuses_untouched(fixture, STATUS_INVALID);
    assert_non_null(strstr(fixture->why.detail, "newer"));
}

static void test_what_is_not_ours_is_refused_untouched(void **state)
{
    struct fixture *fixture = *state;
    run_raw(fixture, "CREATE TABLE theirs(x)");
    refuses_untouched(fixture, STATUS_CORRUPT);
    FILE *file = fopen(fixture->path, "we");
    assert_non_null(file);
    for (int i = 0; i < 1000; i++) {
        (void)fputs("this is no database\n", file);
    }
    assert_int_equal(fclose(file), 0);
    refuses_untouched(fixture, STATUS_CORRUPT);
    assert_non_null(strstr(fixture->why.detail, "backup"));
}

static void test_a_damaged_page_is_found(void **state)
{
    struct fixture *fixture = *state;
    make_state(fixture);
    struct stat facts;
    assert_int_equal(stat(fixture->path, &facts), 0);
    int file = open(fixture->path, O_RDWR | O_CLOEXEC);
    char garbage[4096];
    memset(garbage, 0xa5, sizeof garbage);
    for (off_t page = 4; page < facts.st_size / 4096; page += 3) {
        assert_int_equal(pwrite(file, garbage, sizeof garbage, page * 4096), sizeof garbage);
    }
    assert_int_equal(close(file), 0);
    refuses_untouched(fixture, STATUS_CORRUPT);
}

static void test_a_truncated_file_is_found(void **state)
{
    struct fixture *fixture = *state;
    make_state(fixture);
    struct stat facts;
    assert_int_equal(stat(fixture->path, &facts), 0);
    assert_int_equal(truncate(fixture->path, facts.st_size / 2), 0);
    refuses_untouched(fixture, STATUS_CORRUPT);
}

static void test_a_missing_folder_is_named(void **state)
{
    struct fixture *fixture = *state;
    (void)snprintf(fixture->path, sizeof fixture->path, "%s/none/state.db", fixture->folder);
    assert_int_equal(fixture_open(fixture), STATUS_UNAVAILABLE);
    assert_non_null(strstr(fixture->why.detail, "none/state.db"));
}

static void test_memory_needs_no_file(void **state)
{
    struct fixture *fixture = *state;
    (void)snprintf(fixture->path, sizeof fixture->path, ":memory:");
    assert_int_equal(fixture_open(fixture), STATUS_OK);
    fixture_plan(fixture, 1, "orange/1", NULL, FIXTURE_NOW);
    fixture_fetch(fixture, FIXTURE_NOW);
    assert_int_equal(fixture->count, 1);
}

static void test_wrong_counts_are_corrected(void **state)
{
    struct fixture *fixture = *state;
    make_state(fixture);
    run_raw(fixture, "UPDATE sinks SET pending = 7, parked = 1, observed = 9");
    assert_int_equal(fixture_open(fixture), STATUS_OK);
    struct sink_counts counts = fixture_counts(fixture, FIXTURE_SINK);
    assert_int_equal(counts.observed, 50);
    assert_int_equal(counts.pending, 50);
    assert_int_equal(counts.parked, 0);
}

/* The lines of a plan, joined. */
static void explain(sqlite3 *handle, const char *sql, char *out, size_t size)
{
    char *question = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql);
    sqlite3_stmt *row = NULL;
    assert_int_equal(sqlite3_prepare_v2(handle, question, -1, &row, NULL), SQLITE_OK);
    size_t used = 0;
    out[0] = '\0';
    while (sqlite3_step(row) == SQLITE_ROW) {
        used += (size_t)snprintf(out + used, size - used, "%s%s", used != 0 ? "; " : "",
                                 (const char *)sqlite3_column_text(row, 3));
        assert_true(used < size);
    }
    assert_int_equal(sqlite3_finalize(row), SQLITE_OK);
    sqlite3_free(question);
}

static void test_every_statement_has_its_plan(void **state)
{
    struct fixture *fixture = *state;
    make_state(fixture);
    sqlite3 *handle = open_raw(fixture);
    assert_int_equal(sqlite3_exec(handle,
                                  "CREATE TEMP TABLE staged(id INTEGER PRIMARY KEY, bytes BLOB)",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    int wrong_count = 0;
    for (int i = STATEMENT_ORDER_VISIT; i < STATEMENT_COUNT; i++) {
        const struct statement_text *text = statement_text((enum statement)i);
        char plan[1024];
        explain(handle, text->sql, plan, sizeof plan);
        if (strcmp(plan, text->plan) != 0) {
            print_error("%s\n  has %s\n  not %s\n", text->sql, plan, text->plan);
            wrong_count++;
        }
        /* Nothing is sorted but the deliveries of one order, and the few events whose ids begin
         * alike. */
        bool sorts_few = i == STATEMENT_DELIVERY_LIST_ORDER || i == STATEMENT_EVENT_LIST_ID;
        assert_true(sorts_few || strstr(plan, "TEMP B-TREE") == NULL);
    }
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
    assert_int_equal(wrong_count, 0);
}

int main(void)
{
#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, setup_closed, fixture_teardown)
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_files_are_private),
        STORE_TEST(test_a_second_daemon_is_refused),
        STORE_TEST(test_a_newer_state_is_refused_untouched),
        STORE_TEST(test_what_is_not_ours_is_refused_untouched),
        STORE_TEST(test_a_damaged_page_is_found),
        STORE_TEST(test_a_truncated_file_is_found),
        STORE_TEST(test_a_missing_folder_is_named),
        STORE_TEST(test_memory_needs_no_file),
        STORE_TEST(test_wrong_counts_are_corrected),
        STORE_TEST(test_every_statement_has_its_plan),
    };
    return cmocka_run_group_tests_name("store_open", tests, NULL, NULL);
}
