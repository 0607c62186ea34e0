/* The log as its readers get it: one line a decision, and no value breaks out of its place. */
#include "core/date.h"
#include "core/json.h"
#include "core/text.h"
#include "core/zone.h"
#include "edge/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define EVIL "a\"b=c\\ \n\r\t\x01\x1b[31m\x7f\xc2\x85\xe2\x80\xa8\xe2\x80\xae\xff}"

/* NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): as the log's own state is */
static char received[1 << 17];

/* What the lines of one info and one debug decision look like on stderr. */
static const char *capture(enum log_level level, bool is_json, const char *value)
{
    int ends[2];
    int kept = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
    log_configure(level, is_json);
    LOG_INFO("thing_happened", log_text("source", "orange"), log_number("count", -42),
             log_text("value", value));
    LOG_DEBUG("detail", log_number("n", INT64_MAX));
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    (void)close(kept);
    (void)close(ends[1]);
    size_t size = 0;
    for (ssize_t got = 1; got > 0; size += (size_t)got) {
        got = read(ends[0], received + size, sizeof received - 1 - size);
        assert_true(got >= 0);
    }
    received[size] = '\0';
    (void)close(ends[0]);
    return received;
}

static size_t line_count(const char *text)
{
    size_t count = 0;
    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++) {
        count++;
    }
    return count;
}

static void logfmt_shows_plain_values_plainly(void **state)
{
    (void)state;
    const char *line = capture(LOG_LEVEL_INFO, false, "https://example.com/a?b");
    assert_int_equal(line_count(line), 1);
    assert_memory_equal(line, "ts=", 3);
    struct date moment;
    assert_true(date_parse((struct span){.data = line + 3, .size = 24}, zone_utc(), &moment));
    assert_int_equal(moment.kind, DATE_INSTANT);
    assert_string_equal(line + 27, " level=info event=thing_happened source=orange count=-42 "
                                   "value=https://example.com/a?b\n");
}

static void logfmt_quotes_what_is_not_plain(void **state)
{
    (void)state;
    static const struct {
        const char *value, *shown;
    } rows[] = {
        {"", "value=\"\"\n"},
        {"two words", "value=\"two words\"\n"},
        {"a=b", "value=\"a=b\"\n"},
        {"a\\b", "value=\"a\\\\b\"\n"},
        {"\xc3\xa9", "value=\"\xc3\xa9\"\n"},
        {"\xf3\xa0\x81\x81", "value=\"\\udb40\\udc41\"\n"},
        {EVIL, "value=\"a\\\"b=c\\\\ \\n\\r\\t\\u0001\\u001b[31m\\u007f\\u0085\\u2028\\u202e"
               "\xef\xbf\xbd}\"\n"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const char *line = capture(LOG_LEVEL_INFO, false, rows[i].value);
        assert_int_equal(line_count(line), 1);
        assert_string_equal(strstr(line, "value="), rows[i].shown);
    }
}

static void json_lines_are_json_whatever_comes(void **state)
{
    (void)state;
    const char *lines = capture(LOG_LEVEL_DEBUG, true, EVIL);
    assert_int_equal(line_count(lines), 2);
    struct json *root = NULL;
    struct failure why = {0};
    struct span first = {.data = lines, .size = (size_t)(strchr(lines, '\n') - lines)};
    if (json_parse(first, &root, &why) != STATUS_OK) {
        fail_msg("%s: %s", why.detail, lines);
    }
    assert_string_equal(json_member_text(root, "level"), "info");
    assert_string_equal(json_member_text(root, "event"), "thing_happened");
    assert_int_equal(json_member_integer(root, "count", 0), -42);
    assert_string_equal(json_member_text(root, "value"),
                        "a\"b=c\\ \n\r\t\x01\x1b[31m\x7f\xc2\x85\xe2\x80\xa8\xe2\x80\xae"
                        "\xef\xbf\xbd}");
    json_destroy(root);
    assert_non_null(strstr(lines, "\"event\":\"detail\",\"n\":9223372036854775807}\n"));
}

static void long_values_are_cut(void **state)
{
    (void)state;
    char *value = alloc(100001);
    memset(value, 'x', 100000);
    for (int is_json = 0; is_json < 2; is_json++) {
        const char *line = capture(LOG_LEVEL_INFO, is_json == 1, value);
        assert_true(strlen(line) < 1300);
        assert_non_null(strstr(line, is_json ? "x\xe2\x80\xa6\"}\n" : "x\xe2\x80\xa6\"\n"));
    }
    free(value);
}

static void less_urgent_lines_are_left_out(void **state)
{
    (void)state;
    assert_string_equal(capture(LOG_LEVEL_WARN, false, "x"), "");
    assert_string_equal(capture(LOG_LEVEL_ERROR, true, "x"), "");
    assert_int_equal(line_count(capture(LOG_LEVEL_DEBUG, false, "x")), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logfmt_shows_plain_values_plainly),
        cmocka_unit_test(logfmt_quotes_what_is_not_plain),
        cmocka_unit_test(json_lines_are_json_whatever_comes),
        cmocka_unit_test(long_values_are_cut),
        cmocka_unit_test(less_urgent_lines_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
