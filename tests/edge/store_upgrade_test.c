/* A state of every schema that was ever released: opened, it is of the newest one with all it had;
 * killed in between, it is the old or the new one. tests/edge/state has one for each. */
#include "support/store_fixture.h"

#include "core/history.h"
#include "core/random.h"
#include "core/record.h"
#include "core/text.h"

#include <sqlite3.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define VERSIONS_MAX 100
#define WORDS_MAX ((size_t)1 << 20)
#define STATE_SINKS_MAX 8
#define LATER (INT64_C(1) << 60)

static int setup_closed(void **state)
{
    *state = fixture_create();
    return 0;
}

static const char *path_of(struct fixture *fixture, int version)
{
    return arena_format(fixture->arena, "tests/edge/state/%d.sql", version);
}

/* The last one that has a file: whoever adds a schema adds its file (make state-file). */
static int newest_version(struct fixture *fixture)
{
    int version = 0;
    while (version < VERSIONS_MAX && access(path_of(fixture, version + 1), R_OK) == 0) {
        version++;
    }
    assert_in_range(version, 1, VERSIONS_MAX - 1);
    return version;
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

static void ask(const struct fixture *fixture, const char *sql, sqlite3_callback on_row, void *arg)
{
    sqlite3 *handle = NULL;
    char *words = NULL;
    assert_int_equal(sqlite3_open(fixture->path, &handle), SQLITE_OK);
    if (sqlite3_exec(handle, sql, on_row, arg, &words) != SQLITE_OK) {
        fail_msg("%s", words);
    }
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
}

struct pairs {
    struct arena *arena;
    struct state_sink items[STATE_SINKS_MAX];
    size_t count;
};

static int add_pair(void *arg, int count, char **values, char **names)
{
    struct pairs *pairs = arg;
    (void)names;
    assert_in_range(count, 2, 3);
    assert_in_range(pairs->count, 0, STATE_SINKS_MAX - 1);
    pairs->items[pairs->count++] = (struct state_sink){
        .source_name = arena_text(pairs->arena, span_of(values[0])),
        .sink_name = arena_text(pairs->arena, span_of(values[1])),
        .shape = count == 3 ? (uint64_t)strtoll(values[2], NULL, 10) : 0, /* since schema 2 */
    };
    return 0;
}

/* It is opened with the sinks that the daemon had that made it: to others all would be published
 * anew. */
static void make_state(struct fixture *fixture, int version)
{
    char *sql = read_file(path_of(fixture, version));
    (void)unlink(fixture->path);
    ask(fixture, sql, NULL, NULL);
    free(sql);
    struct pairs *pairs = arena_array(fixture->arena, 1, sizeof *pairs);
    *pairs = (struct pairs){.arena = fixture->arena};
    ask(fixture, "SELECT * FROM state_sinks", add_pair, pairs);
    fixture->state_sinks = pairs->items;
    fixture->state_sink_count = pairs->count;
}

static int add_row(void *arg, int count, char **values, char **names)
{
    struct text *words = arg;
    (void)names;
    assert_int_equal(count, 1);
    text_addf(words, "%s\n", values[0]);
    return 0;
}

/* A question a table: each row as one line, of all columns that the file has now. Not the sources'
 * own retained state, which an opening adds, and what counts that. */
static char *questions_of(const struct fixture *fixture)
{
    static const char sql[] =
        "SELECT 'SELECT ' || quote(t.name) || group_concat(' || '' '' || quote(' || c.name || ')', "
        "'')"
        " || ' AS line FROM ' || t.name"
        " || iif(t.name = 'states', ' WHERE length(order_id) > 0', '') || ' ORDER BY line;'"
        " FROM sqlite_schema t JOIN pragma_table_info(t.name) c"
        " WHERE t.type = 'table' AND t.name NOT IN ('counters', 'sqlite_sequence')"
        " GROUP BY t.name ORDER BY t.name";
    struct text words;
    text_init(&words, WORDS_MAX);
    ask(fixture, sql, add_row, &words);
    return text_take(&words);
}

static char *answers_to(const struct fixture *fixture, const char *questions)
{
    struct text words;
    text_init(&words, WORDS_MAX);
    ask(fixture, questions, add_row, &words);
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
    ask(fixture, sql, keep_number, &number);
    return number;
}

static void test_every_released_state_is_brought_up_to_date(void **state)
{
    struct fixture *fixture = *state;
    int newest = newest_version(fixture);
    for (int version = 1; version <= newest; version++) {
        make_state(fixture, version);
        char *questions = questions_of(fixture);
        char *before = answers_to(fixture, questions);
        assert_non_null(strstr(before, "appointment.rescheduled"));
        assert_int_equal(fixture_open(fixture), STATUS_OK);
        fixture_close(fixture);
        char *after = answers_to(fixture, questions);
        assert_string_equal(before, after);
        assert_int_equal(number_of(fixture, "PRAGMA user_version"), newest);
        assert_int_equal(number_of(fixture, "PRAGMA auto_vacuum"), 2); /* it can shrink now */
        free(questions);
        free(before);
        free(after);
    }
}

static void check_order(struct fixture *fixture, const char *source_name, const char *id)
{
    const struct stored_order *order = fixture_fetch_order(fixture, source_name, id);
    assert_string_equal(order->id, id);
    struct record record;
    struct history history;
    assert_int_equal(record_decode(order->canonical, fixture->arena, &record, &fixture->why),
                     STATUS_OK);
    assert_non_null(record.fields[ORDER_CONTACT_PHONE]);
    assert_int_equal(history_decode(order->history, fixture->arena, &history, &fixture->why),
                     STATUS_OK);
    assert_true(history.status_since_wall_ms != 0);
    assert_true(history.appointment_count != 0);
    assert_non_null(history.appointments[0].first_start);
}

static void count_value(void *arg, const struct stored_value *value)
{
    assert_true(value->value.size > 0);
    ++*(long *)arg;
}

/* Through the port, which knows no tables. */
static void test_what_is_read_of_an_older_state_is_what_was_written(void **state)
{
    struct fixture *fixture = *state;
    int newest = newest_version(fixture);
    for (int version = 1; version <= newest; version++) {
        make_state(fixture, version);
        long deadline_count = number_of(
            fixture, "SELECT count(*) FROM deadlines WHERE source = '" FIXTURE_SOURCE "'");
        long value_count = number_of(fixture, "SELECT count(*) FROM named_values");
        long pending = number_of(fixture, "SELECT pending FROM sinks WHERE name = 'tickets'");
        assert_int_equal(fixture_open(fixture), STATUS_OK);
        check_order(fixture, FIXTURE_SOURCE, "00/12 3");
        assert_int_equal(fixture_fetch_deadlines(fixture, LATER, 1000), STATUS_OK);
        assert_int_equal(fixture->count, deadline_count);
        struct sink_counts counts = fixture_counts(fixture, "tickets");
        assert_int_equal(counts.parked, 1);
        assert_int_equal(counts.pending, pending);
        long told = 0;
        assert_int_equal(
            fixture->port.visit_values(fixture->port.self, count_value, &told, &fixture->why),
            STATUS_OK);
        assert_int_equal(told, value_count);
        fixture_close(fixture);
    }
}

static int add_id(void *arg, int count, char **values, char **names)
{
    struct text *ids = arg;
    (void)names;
    assert_int_equal(count, 1);
    text_add_text(ids, values[0]);
    text_add_char(ids, '\n');
    return 0;
}

/* Each order knows which of the deadlines are its own: written with none, it leaves those of the
 * others. */
static void test_orders_of_an_older_state_end_their_deadlines(void **state)
{
    struct fixture *fixture = *state;
    int newest = newest_version(fixture);
    for (int version = 1; version <= newest; version++) {
        make_state(fixture, version);
        struct text ids;
        text_init(&ids, WORDS_MAX);
        ask(fixture, "SELECT DISTINCT order_id FROM deadlines WHERE source = '" FIXTURE_SOURCE "'",
            add_id, &ids);
        assert_true(ids.size != 0);
        assert_int_equal(fixture_open(fixture), STATUS_OK);
        assert_int_equal(fixture_fetch_deadlines(fixture, LATER, 1000), STATUS_OK);
        size_t left = fixture->count;
        char *rest = text_take(&ids);
        char *position = rest;
        for (const char *id = strsep(&position, "\n"); id[0] != '\0';
             id = strsep(&position, "\n")) {
            const struct due_deadline *known = fixture->deadlines;
            for (size_t i = 0; i < fixture->count; i++) {
                left -= text_equal(known[i].order_id, id) ? 1 : 0;
            }
            struct staged_order order = fixture_order(id, "{}");
            fixture_commit_orders(fixture, &order, 1);
            assert_int_equal(fixture_fetch_deadlines(fixture, LATER, 1000), STATUS_OK);
            assert_int_equal(fixture->count, left);
        }
        assert_int_equal(left, 0);
        free(rest);
        fixture_close(fixture);
    }
}

static void test_there_is_a_state_of_each_schema(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(fixture_open(fixture), STATUS_OK);
    fixture_close(fixture);
    assert_int_equal(number_of(fixture, "PRAGMA user_version"), newest_version(fixture));
}

/* What cannot be migrated stays as it is, to the last row. */
static void test_a_migration_that_fails_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    make_state(fixture, 1);
    ask(fixture, "PRAGMA user_version = 0", NULL,
        NULL); /* the first step finds its tables there already */
    char *questions = questions_of(fixture);
    char *before = answers_to(fixture, questions);
    assert_int_equal(fixture_open(fixture), STATUS_UNAVAILABLE);
    assert_non_null(strstr(fixture->why.detail, fixture->path));
    char *after = answers_to(fixture, questions);
    assert_string_equal(before, after);
    assert_int_equal(number_of(fixture, "PRAGMA user_version"), 0);
    free(questions);
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
    int newest = newest_version(fixture);
    char *questions = questions_of(fixture);
    char *before = answers_to(fixture, questions);
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
        assert_int_equal(number_of(fixture, "PRAGMA user_version"), newest);
        char *after = answers_to(fixture, questions);
        if (i % 2 == 0) {
            assert_string_equal(before, after);
        }
        free(after);
    }
    free(questions);
    free(before);
}

int main(void)
{
#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, setup_closed, fixture_teardown)
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_every_released_state_is_brought_up_to_date),
        STORE_TEST(test_what_is_read_of_an_older_state_is_what_was_written),
        STORE_TEST(test_orders_of_an_older_state_end_their_deadlines),
        STORE_TEST(test_there_is_a_state_of_each_schema),
        STORE_TEST(test_a_migration_that_fails_changes_nothing),
        STORE_TEST(test_killed_in_between_it_is_the_old_or_the_new),
    };
    return cmocka_run_group_tests_name("store_upgrade", tests, NULL, NULL);
}
