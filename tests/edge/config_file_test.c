/* From files to the typed configuration: a corpus of good and broken ones, conf.d, variables,
 * secrets, and the printing of it all. */
#include "core/config.h"
#include "core/profile.h"
#include "core/secret.h"
#include "core/text.h"
#include "core/zone.h"
#include "edge/config_file.h"
#include "edge/file_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define CORPUS "tests/edge/config/"
#define SECRET "canary-7f3a"

struct fixture {
    char folder[64];
    struct problem_list problems;
    struct config_file *file;
};

static int set_up(void **state)
{
    struct fixture *fixture = alloc(sizeof *fixture);
    (void)snprintf(fixture->folder, sizeof fixture->folder, "/tmp/orderwatch-config-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    assert_int_equal(setenv("SECRET_OF_TEST", SECRET, 1), 0);
    assert_int_equal(setenv("ORDERWATCH_SHARE", "conf", 1), 0);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    char command[128];
    config_file_close(fixture->file);
    problem_list_clear(&fixture->problems);
    (void)snprintf(command, sizeof command, "rm -rf %s", fixture->folder);
    assert_int_equal(system(command), 0);
    free(fixture);
    return 0;
}

static void path_in(const struct fixture *fixture, const char *name, char out[static 256])
{
    (void)snprintf(out, 256, "%s/%s", fixture->folder, name);
}

static void put(const struct fixture *fixture, const char *name, const char *content)
{
    char path[256];
    path_in(fixture, name, path);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void put_mode(const struct fixture *fixture, const char *name, const char *content,
                     mode_t mode)
{
    char path[256];
    put(fixture, name, content);
    path_in(fixture, name, path);
    assert_int_equal(chmod(path, mode), 0);
}

static enum status load_path(struct fixture *fixture, const char *path)
{
    config_file_close(fixture->file);
    fixture->file = NULL;
    problem_list_clear(&fixture->problems);
    return config_file_load(path, &fixture->problems, &fixture->file);
}

static enum status load(struct fixture *fixture, const char *name)
{
    char path[256];
    path_in(fixture, name, path);
    return load_path(fixture, path);
}

static enum status load_text(struct fixture *fixture, const char *content)
{
    put(fixture, "orderwatch.yaml", content);
    return load(fixture, "orderwatch.yaml");
}

static char *joined_problems(const struct fixture *fixture)
{
    struct text lines;
    text_init(&lines, 1 << 20);
    for (const struct problem *problem = fixture->problems.first; problem != NULL;
         problem = problem->next) {
        text_addf(&lines, "%s\n", problem->line_text);
    }
    return text_take(&lines);
}

static void assert_problems(const struct fixture *fixture, const char *expected)
{
    char *lines = joined_problems(fixture);
    assert_string_equal(lines, expected);
    free(lines);
}

static void assert_mentioned(const struct fixture *fixture, const char *wanted)
{
    char *lines = joined_problems(fixture);
    if (strstr(lines, wanted) == NULL) {
        fail_msg("%s is not in:\n%s", wanted, lines);
    }
    free(lines);
}

/* --- the corpus ----------------------------------------------------------------------------- */

/* NAME.yaml has exactly the problems of NAME.expected; without one it has none. */
static void the_corpus_has_the_expected_problems(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *name;
        bool is_valid;
    } cases[] = {
        {"minimal", true},       {"everything", true},     {"haste", true},
        {"unknown_keys", false}, {"wrong_values", false},  {"insecure", false},
        {"private", false},      {"sinks", false},         {"mqtt", false},
        {"routes", false},       {"yaml_features", false}, {"tab", false},
        {"indent", false},       {"quote", false},         {"second_document", false},
        {"nothing", false},      {"list", false},          {"not_utf8", false},
        {"list_as_key", false},  {"variables", false},     {"no_sources", false},
        {"hub", false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char path[128];
        struct text expected;
        text_init(&expected, 1 << 20);
        (void)snprintf(path, sizeof path, CORPUS "%s.expected", cases[i].name);
        if (access(path, F_OK) == 0) {
            assert_int_equal(file_read(path, &expected, NULL), STATUS_OK);
        }
        (void)snprintf(path, sizeof path, CORPUS "%s.yaml", cases[i].name);
        enum status status = load_path(fixture, path);
        assert_problems(fixture, text_cstr(&expected));
        assert_int_equal(status, cases[i].is_valid ? STATUS_OK : STATUS_INVALID);
        text_fini(&expected);
    }
}

static void no_problem_shows_a_secret(void **state)
{
    struct fixture *fixture = *state;
    static const char *const names[] = {"insecure", "variables", "sinks"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        char path[128];
        (void)snprintf(path, sizeof path, CORPUS "%s.yaml", names[i]);
        assert_int_equal(load_path(fixture, path), STATUS_INVALID);
        char *lines = joined_problems(fixture);
        assert_null(strstr(lines, SECRET));
        assert_null(strstr(lines, "hunter2"));
        free(lines);
    }
}

/* --- values --------------------------------------------------------------------------------- */

static void what_is_not_said_has_its_default(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(load_path(fixture, CORPUS "minimal.yaml"), STATUS_OK);
    const struct config *config = config_file_config(fixture->file);
    assert_string_equal(config->file, CORPUS "minimal.yaml");
    assert_string_equal(config->database_path, "/var/lib/orderwatch/state.db");
    assert_int_equal(config->keep_events_ms, 400 * DAY_MS);
    assert_string_equal(config->http_listen, "127.0.0.1:9475");
    assert_int_equal(config->shutdown_grace_ms, 10000);
    const struct source_config *source = config_source(config, "orange");
    assert_non_null(source);
    assert_string_equal(source->base_url, "http://127.0.0.1:8080/v1");
    assert_string_equal(source->profile->name, "orange-order-tracking");
    assert_null(source->oauth2.token_url);
    assert_null(source->api_key.header);
    assert_int_equal(source->every_ms, 5 * MINUTE_MS);
    assert_int_equal(source->budget.count, 60);
    assert_int_equal(source->budget.window_ms, MINUTE_MS);
    assert_string_equal(source->language, "fr");
    assert_string_equal(zone_name(source->zone), "Europe/Paris");
    assert_null(source->proxy);
    assert_int_equal(source->page_size, 0);
    assert_true(source->is_adaptive);
    assert_int_equal(source->stalled_after_ms, 14 * DAY_MS);
    assert_int_equal(source->remind_count, 1);
    assert_int_equal(source->remind_ms[0], DAY_MS);
    assert_int_equal(source->settle_ms, 0);
    assert_int_equal(source->guard.changed_percent, 50);
    assert_int_equal(source->guard.vanished_percent, 20);
    assert_int_equal(source->guard.hold_ms, HOUR_MS);
    assert_int_equal(source->guard.policy, GUARD_HOLD);
    assert_int_equal(source->timeout_ms, 60000);
    assert_int_equal(source->body_bytes_max, 16 * 1024 * 1024);
    assert_int_equal(source->page_count_max, 25000);
    assert_int_equal(source->order_count_max, 1000000);
    assert_null(config_source(config, "other"));
}

static void a_source_is_what_is_written(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(load_path(fixture, CORPUS "everything.yaml"), STATUS_OK);
    const struct config *config = config_file_config(fixture->file);
    assert_string_equal(config->database_path, CORPUS "state.db"); /* beside the file */
    assert_string_equal(config->http_listen, "0.0.0.0:9475");
    assert_true(config->is_log_json);
    const struct source_config *source = &config->sources[0];
    assert_string_equal(secret_reveal_text(source->oauth2.client_secret), SECRET);
    assert_string_equal(source->oauth2.scope, "b2b:order-tracking b2b:readonly");
    assert_int_equal(source->oauth2.secret_issued.ms, INT64_C(1769817600000));
    assert_string_equal(source->api_key.header, "X-Api-Key");
    assert_int_equal(source->api_key.valid_for_ms, 730 * DAY_MS);
    assert_int_equal(source->budget.window_ms, HOUR_MS);
    assert_int_equal(source->page_size, 50);
    assert_false(source->is_adaptive);
    assert_int_equal(source->remind_count, 3); /* longest first */
    assert_int_equal(source->remind_ms[0], 7 * DAY_MS);
    assert_int_equal(source->remind_ms[2], 2 * HOUR_MS);
    assert_int_equal(source->guard.policy, GUARD_TELL);
    assert_int_equal(source->maintenance_count, 2);
    /* 22:00 in La Réunion, four hours east; a plain day counts to its end. */
    assert_int_equal(source->maintenance[0].from_wall_ms, INT64_C(1796148000000));
    assert_int_equal(source->maintenance[1].to_wall_ms - source->maintenance[1].from_wall_ms,
                     3 * DAY_MS);
    assert_int_equal(source->holiday_count, 2);
    assert_int_equal(source->body_bytes_max, 1024 * 1024);
}

static void sinks_are_what_is_written(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(load_path(fixture, CORPUS "everything.yaml"), STATUS_OK);
    const struct config *config = config_file_config(fixture->file);
    const struct sink_config *mail = config_sink(config, "mail");
    assert_int_equal(mail->kind, SINK_EMAIL);
    assert_string_equal(mail->email.server_host, "2001:db8::25");
    assert_int_equal(mail->email.server_port, 465);
    assert_true(mail->email.is_implicit_tls);
    assert_string_equal(mail->email.host, "example.com");
    assert_int_equal(mail->email.to_count, 2);
    assert_int_equal(mail->email.calendar, CALENDAR_REQUEST);
    assert_int_equal(mail->fields.count, 4);
    assert_string_equal(mail->fallback, "noc");
    assert_int_equal(mail->in_flight_max, 2);
    assert_int_equal(mail->failing_after_ms, 0);
    const struct sink_config *noc = config_sink(config, "noc");
    assert_int_equal(noc->kind, SINK_MQTT);
    assert_int_equal(noc->mqtt.brokers[0].port, 1883);
    assert_int_equal(noc->mqtt.protocol, 4);
    assert_false(noc->mqtt.has_state);
    assert_int_equal(noc->in_flight_max, 20);
    assert_int_equal(noc->retry.first_ms, 5000);
    assert_null(noc->fields.names);
    const struct sink_config *tickets = config_sink(config, "tickets");
    assert_int_equal(tickets->kind, SINK_WEBHOOK);
    assert_int_equal(tickets->webhook.header_count, 2);
    assert_string_equal(tickets->webhook.headers[0].value, "Bearer " SECRET);
    assert_string_equal(tickets->webhook.headers[1].value, "$5");
    assert_string_equal(tickets->webhook.format, "cloudevents");
    assert_int_equal(tickets->in_flight_max, 4);
}

static void routes_are_what_is_written(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(load_path(fixture, CORPUS "everything.yaml"), STATUS_OK);
    const struct config *config = config_file_config(fixture->file);
    assert_int_equal(config->route_count, 3);
    const struct route_config *nights = &config->routes[0];
    assert_string_equal(nights->name, "nights");
    assert_int_equal(nights->type_count, 2);
    assert_int_equal(nights->severity, SEVERITY_WARNING);
    assert_int_equal(nights->where_count, 4);
    assert_string_equal(nights->where[0].pattern, "Lyon*");
    assert_int_equal(nights->sink_count, 1);
    assert_int_equal(nights->sinks[0], 0);
    assert_true(nights->quiet.is_set);
    assert_int_equal(nights->quiet.from_minute, 20 * 60);
    assert_int_equal(nights->quiet.to_minute, 7 * 60);
    assert_int_equal(nights->quiet.days, 0x60);
    assert_true(nights->quiet.has_exception);
    assert_int_equal(nights->quiet.exception, SEVERITY_CRITICAL);
    const struct route_config *rest = &config->routes[1];
    assert_null(rest->name);
    assert_string_equal(rest->types[0], "*");
    assert_int_equal(rest->sink_count, 4);
    assert_int_equal(rest->sinks[1], 2);
    assert_false(rest->quiet.is_set);
    assert_string_equal(config->routes[2].types[0], "source.*"); /* one text for a list */
}

/* --- printing ------------------------------------------------------------------------------- */

static char *print(const struct fixture *fixture)
{
    struct text yaml;
    text_init(&yaml, 1 << 20);
    config_print(config_file_config(fixture->file), &yaml);
    return text_take(&yaml);
}

/* Only secrets do not survive; what stands in for them must be one as well. */
static char *with_secrets(const char *yaml)
{
    static const char shown[] = "<secret>";
    static const char key[] = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz";
    struct text out;
    text_init(&out, 1 << 20);
    for (const char *found = NULL; (found = strstr(yaml, shown)) != NULL;) {
        text_add(&out, (struct span){.data = yaml, .size = (size_t)(found - yaml)});
        text_add_text(&out, key);
        yaml = found + sizeof shown - 1;
    }
    text_add_text(&out, yaml);
    return text_take(&out);
}

static void what_is_printed_reads_back_as_the_same(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(load_path(fixture, CORPUS "everything.yaml"), STATUS_OK);
    char *first = print(fixture);
    char *complete = with_secrets(first);
    assert_int_equal(load_text(fixture, complete), STATUS_OK);
    char *second = print(fixture);
    /* The state file is beside the file that names it, so its path is the only difference. */
    assert_string_equal(strstr(second, "keep_events"), strstr(first, "keep_events"));
    free(first);
    free(complete);
    free(second);
}

static void nothing_secret_is_printed(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(load_path(fixture, CORPUS "everything.yaml"), STATUS_OK);
    char *yaml = print(fixture);
    assert_null(strstr(yaml, SECRET));
    assert_null(strstr(yaml, "whsec_"));
    assert_null(strstr(yaml, "pass word"));
    assert_null(strstr(yaml, "0123456789abcdef"));
    assert_non_null(strstr(yaml, "client_secret: <secret>"));
    free(yaml);
    assert_int_equal(load_text(fixture,
                               "sources:\n"
                               "  - {name: a, profile: tmf622, base_url: 'https://a.test'}\n"
                               "sinks:\n"
                               "  - name: h\n"
                               "    webhook: {url: 'https://h.test/${SECRET_OF_TEST}'}\n"
                               "routes: [{sinks: [h]}]\n"),
                     STATUS_OK);
    yaml = print(fixture);
    assert_null(strstr(yaml, SECRET));
    assert_non_null(strstr(yaml, "url: https://h.test/<secret>"));
    free(yaml);
}

/* --- several files -------------------------------------------------------------------------- */

#define SOURCE(name) "{name: " name ", profile: orange-order-tracking, base_url: 'https://a.test'}"

static void make_folder(const struct fixture *fixture, const char *name)
{
    char path[256];
    path_in(fixture, name, path);
    assert_int_equal(mkdir(path, 0700), 0);
}

static void files_of_conf_d_append_and_merge_in_their_order(void **state)
{
    struct fixture *fixture = *state;
    make_folder(fixture, "conf.d");
    put(fixture, "conf.d/20-b.yaml", "sources: [" SOURCE("third") "]\nlog: {format: json}\n");
    put(fixture, "conf.d/10-a.yaml", "sources: [" SOURCE("second") "]\nstate: {keep_events: 1d}\n");
    put(fixture, "conf.d/15-empty.yaml", "# to come\n");
    put(fixture, "conf.d/not-yaml.txt", "{{{");
    put(fixture, "conf.d/.hidden.yaml", "{{{");
    assert_int_equal(load_text(fixture, "log: {level: debug}\nsources: [" SOURCE("first") "]\n"),
                     STATUS_OK);
    const struct config *config = config_file_config(fixture->file);
    assert_int_equal(config->source_count, 3);
    assert_string_equal(config->sources[0].name, "first");
    assert_string_equal(config->sources[1].name, "second");
    assert_string_equal(config->sources[2].name, "third");
    assert_true(config->is_log_json);
    assert_int_equal(config->keep_events_ms, DAY_MS);
}

static void a_scalar_in_two_files_names_both_places(void **state)
{
    struct fixture *fixture = *state;
    char expected[512];
    make_folder(fixture, "conf.d");
    put(fixture, "conf.d/a.yaml", "\nlog: {level: info}\nsources: {}\n");
    assert_int_equal(load_text(fixture, "log: {level: debug}\nsources: [" SOURCE("first") "]\n"),
                     STATUS_INVALID);
    (void)snprintf(expected, sizeof expected,
                   "%s/conf.d/a.yaml:2:14: log.level: is set at %s/orderwatch.yaml:1:14 too; "
                   "accepted: once, in one of the files\n"
                   "%s/conf.d/a.yaml:3:10: sources: is set at %s/orderwatch.yaml:2:10 too; "
                   "accepted: once, in one of the files\n",
                   fixture->folder, fixture->folder, fixture->folder, fixture->folder);
    assert_problems(fixture, expected);
}

static void a_broken_file_is_told_without_what_follows_from_it(void **state)
{
    struct fixture *fixture = *state;
    make_folder(fixture, "conf.d");
    put(fixture, "conf.d/a.yaml", "a: [\n");
    put(fixture, "conf.d/b.yaml", "b: ]\n");
    assert_int_equal(load_text(fixture, "log: {}\n"), STATUS_INVALID);
    assert_int_equal(fixture->problems.error_count, 2);
}

static void a_missing_file_is_named(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(load_path(fixture, "/nowhere/orderwatch.yaml"), STATUS_INVALID);
    assert_problems(fixture, "/nowhere/orderwatch.yaml: cannot be read: No such file or directory; "
                             "accepted: a file that this user can read\n");
    assert_int_equal(load_path(fixture, fixture->folder), STATUS_INVALID);
    assert_mentioned(fixture, "Is a directory");
}

static void a_profile_of_ones_own_is_beside_the_file(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, "mine.yaml", "orders: {list: /mine}\n");
    static const char *const names[] = {"mine.yaml", "./mine.yaml"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        char content[128];
        (void)snprintf(content, sizeof content,
                       "sources: [{name: a, base_url: 'https://a.test', profile: %s}]\n", names[i]);
        assert_int_equal(load_text(fixture, content), STATUS_OK);
        const struct config *config = config_file_config(fixture->file);
        assert_string_equal(config->sources[0].profile->orders.path, "/mine");
    }
    put(fixture, "mine.yaml", "orders: {list: mine}\n");
    assert_int_equal(load_text(fixture, "sources:\n"
                                        "  - {name: a, base_url: 'https://a.test', profile: "
                                        "mine.yaml}\n"
                                        "  - {name: b, base_url: 'https://a.test', profile: "
                                        "mine.yaml}\n"),
                     STATUS_INVALID);
    /* The profile's own problem once, and each source that names it. */
    assert_mentioned(fixture, "mine.yaml:1:16: orders.list: \"mine\" is not a path below base_url");
    assert_mentioned(fixture, "sources[1].profile: the profile ");
    assert_int_equal(fixture->problems.error_count, 3);
}

static void a_byte_order_mark_and_line_ends_of_windows_are_fine(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(
        load_text(fixture,
                  "\xef\xbb\xbfhttp:\r\n  listen: off\r\nsources:\r\n  - " SOURCE("a") "\r\n"),
        STATUS_OK);
    assert_null(config_file_config(fixture->file)->http_listen);
}

/* --- secrets -------------------------------------------------------------------------------- */

#define WITH_KEY                                                                                   \
    "sources:\n"                                                                                   \
    "  - name: a\n"                                                                                \
    "    profile: orange-order-tracking\n"                                                         \
    "    base_url: https://a.test\n"                                                               \
    "    api_key: {value_file: the.key}\n"

static void a_secret_is_the_first_line_of_its_file(void **state)
{
    struct fixture *fixture = *state;
    put_mode(fixture, "the.key", "line one\r\nline two\n", 0400);
    assert_int_equal(load_text(fixture, WITH_KEY), STATUS_OK);
    const struct config *config = config_file_config(fixture->file);
    assert_string_equal(secret_reveal_text(config->sources[0].api_key.value), "line one");
}

static void a_secret_that_others_can_read_is_refused(void **state)
{
    struct fixture *fixture = *state;
    static const mode_t modes[] = {0644, 0640, 0604, 0620, 0660};
    for (size_t i = 0; i < ARRAY_COUNT(modes); i++) {
        char wanted[128];
        put_mode(fixture, "the.key", "secret\n", modes[i]);
        assert_int_equal(load_text(fixture, WITH_KEY), STATUS_INVALID);
        (void)snprintf(wanted, sizeof wanted,
                       "/the.key: has mode %04o, so that others than its owner can use it; "
                       "accepted: mode 0600 or 0400",
                       (unsigned)modes[i]);
        assert_mentioned(fixture, "orderwatch.yaml:5:27: sources[0].api_key.value_file: ");
        assert_mentioned(fixture, wanted);
    }
}

static void a_credential_of_systemd_may_show_group_bits(void **state)
{
    struct fixture *fixture = *state;
    put_mode(fixture, "the.key", "secret\n", 0440);
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", fixture->folder, 1), 0);
    enum status status = load_text(fixture, WITH_KEY);
    put_mode(fixture, "the.key", "secret\n", 0444);
    enum status open_status = load_text(fixture, WITH_KEY);
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(open_status, STATUS_INVALID);
}

static void a_secret_without_content_is_refused(void **state)
{
    struct fixture *fixture = *state;
    put_mode(fixture, "the.key", "\nsecond\n", 0600);
    assert_int_equal(load_text(fixture, WITH_KEY), STATUS_INVALID);
    assert_mentioned(fixture, "has an empty first line");
    put_mode(fixture, "the.key", "", 0600);
    assert_int_equal(load_text(fixture, WITH_KEY), STATUS_INVALID);
    put_mode(fixture, "the.key", "a\tb\n", 0600);
    assert_int_equal(load_text(fixture, WITH_KEY), STATUS_INVALID);
    assert_mentioned(fixture, "control character");
}

static void a_secret_is_given_once(void **state)
{
    struct fixture *fixture = *state;
    put_mode(fixture, "the.key", "k\n", 0600);
    assert_int_equal(load_text(fixture, WITH_KEY "    oauth2:\n"
                                                 "      token_url: https://a.test/t\n"
                                                 "      client_id: i\n"
                                                 "      client_secret: a\n"
                                                 "      client_secret_file: the.key\n"),
                     STATUS_INVALID);
    assert_mentioned(fixture,
                     ":10:27: sources[0].oauth2.client_secret_file: client_secret is there "
                     "too; accepted: one of the two");
}

/* --- bombs ---------------------------------------------------------------------------------- */

/* libyaml alone needs seconds to minutes for these; the bound is generous for slow machines. */
static void bombs_end_at_once(void **state)
{
    struct fixture *fixture = *state;
    static const char *const units[] = {"[",       "{a: ", "- ",   "? ",   "[\n",
                                        "{a: [\n", "&a [", "!a [", "- &a "};
    for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
        struct text bomb;
        text_init(&bomb, 1 << 20);
        while (bomb.size < 250000) {
            text_add_text(&bomb, units[i]);
        }
        clock_t before = clock();
        assert_int_equal(load_text(fixture, text_cstr(&bomb)), STATUS_INVALID);
        assert_true((double)(clock() - before) / CLOCKS_PER_SEC < 5.0);
        text_fini(&bomb);
    }
}

static void a_file_has_limits(void **state)
{
    struct fixture *fixture = *state;
    struct text huge;
    text_init(&huge, 1 << 20);
    while (huge.size <= (size_t)256 * 1024) {
        text_add_text(&huge, "# filling\n");
    }
    assert_int_equal(load_text(fixture, text_cstr(&huge)), STATUS_INVALID);
    assert_mentioned(fixture, "is too large; accepted: up to 262144 bytes");
    text_clear(&huge);
    for (int i = 0; i < 2500; i++) {
        text_addf(&huge, "k%d: 1\n", i);
    }
    assert_int_equal(load_text(fixture, text_cstr(&huge)), STATUS_INVALID);
    assert_mentioned(fixture, "too many keys; accepted: up to 2000 in a map");
    text_clear(&huge);
    text_add_text(&huge, "a: [");
    for (int i = 0; i < 60000; i++) {
        text_add_text(&huge, "1, ");
    }
    assert_int_equal(load_text(fixture, text_cstr(&huge)), STATUS_INVALID);
    assert_mentioned(fixture, "too many values; accepted: up to 50000 in a file");
    text_fini(&huge);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_corpus_has_the_expected_problems),
        TEST(no_problem_shows_a_secret),
        TEST(what_is_not_said_has_its_default),
        TEST(a_source_is_what_is_written),
        TEST(sinks_are_what_is_written),
        TEST(routes_are_what_is_written),
        TEST(what_is_printed_reads_back_as_the_same),
        TEST(nothing_secret_is_printed),
        TEST(files_of_conf_d_append_and_merge_in_their_order),
        TEST(a_scalar_in_two_files_names_both_places),
        TEST(a_broken_file_is_told_without_what_follows_from_it),
        TEST(a_missing_file_is_named),
        TEST(a_profile_of_ones_own_is_beside_the_file),
        TEST(a_byte_order_mark_and_line_ends_of_windows_are_fine),
        TEST(a_secret_is_the_first_line_of_its_file),
        TEST(a_secret_that_others_can_read_is_refused),
        TEST(a_credential_of_systemd_may_show_group_bits),
        TEST(a_secret_without_content_is_refused),
        TEST(a_secret_is_given_once),
        TEST(bombs_end_at_once),
        TEST(a_file_has_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
