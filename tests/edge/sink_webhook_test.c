/* The webhook sink against a real receiver: what it posts, and what it makes of each answer. */
#include "core/secret.h"
#include "edge/helper.h"
#include "edge/http_client.h"
#include "edge/sinks.h"
#include "src/edge/webhook_sign.h"
#include "tests/support/http_peer.h"

#include <uv.h>

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#define BODY "{\"specversion\":\"1.0\",\"id\":\"7f9c0e2ab14d5e6f8a90b1c2d3e4f506\"}"

struct outcome {
    uv_loop_t *uv;
    int done_count;
    struct send_result result;
    char detail[512];
};

struct fixture {
    uv_loop_t uv;
    struct http_client *client;
    struct http_peer peer;
    struct secret *secrets[2];
    struct sink_config config;
    struct sink_port sink;
    bool is_sink_closed, is_client_closed;
};

static void on_done(void *arg, const struct send_result *result)
{
    struct outcome *outcome = arg;
    outcome->done_count++;
    outcome->result = *result;
    (void)snprintf(outcome->detail, sizeof outcome->detail, "%s", result->detail);
    uv_stop(outcome->uv);
}

static void on_closed(void *arg)
{
    *(bool *)arg = true;
}

static int setup(void **state)
{
    struct fixture *fixture = alloc(sizeof *fixture);
    assert_int_equal(0, uv_loop_init(&fixture->uv));
    assert_int_equal(STATUS_OK, http_client_create(&fixture->uv, &fixture->client, NULL));
    fixture->peer = http_peer_start(NULL, 0);
    fixture->secrets[0] = secret_create(span_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
    fixture->secrets[1] = secret_create(span_of("whsec_bmV4dCBrZXkgb2YgdGhlIHJvdGF0aW9u"));
    fixture->config = (struct sink_config){
        .name = "tickets",
        .kind = SINK_WEBHOOK,
        .webhook = {.url = http_peer_url(&fixture->peer, "/echo"),
                    .secret = fixture->secrets[0],
                    .format = "cloudevents",
                    .timeout_ms = 20000,
                    .allow_private = true},
    };
    *state = fixture;
    return 0;
}

static void open_sink(struct fixture *fixture)
{
    struct sink_environment environment = {
        .uv = &fixture->uv, .http = fixture->client, .version = "9.9.9"};
    assert_int_equal(STATUS_OK,
                     sink_webhook_open(&fixture->config, &environment, &fixture->sink, NULL));
    const struct sink_listener nobody = {.arg = NULL};
    fixture->sink.ops->listen(fixture->sink.self, &nobody);
    fixture->is_sink_closed = false;
}

static void run_until(struct fixture *fixture, const bool *is_true)
{
    while (!*is_true) {
        (void)uv_run(&fixture->uv, UV_RUN_NOWAIT);
    }
}

static void close_sink(struct fixture *fixture)
{
    fixture->sink.ops->close(fixture->sink.self, on_closed, &fixture->is_sink_closed);
    run_until(fixture, &fixture->is_sink_closed);
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    http_client_close(fixture->client, on_closed, &fixture->is_client_closed);
    run_until(fixture, &fixture->is_client_closed);
    assert_int_equal(0, uv_loop_close(&fixture->uv));
    process_stop(fixture->peer.process);
    secret_destroy(fixture->secrets[0]);
    secret_destroy(fixture->secrets[1]);
    free(fixture);
    return 0;
}

static void start(struct fixture *fixture, struct outcome *outcome)
{
    const struct event event = {.id = "7f9c0e2ab14d5e6f8a90b1c2d3e4f506",
                                .type = EVENT_ORDER_CREATED,
                                .source_name = "orange",
                                .order_id = "123456",
                                .appointment_id = "",
                                .sequence = 1,
                                .json = span_of(BODY)};
    const struct delivery delivery = {.id = 1,
                                      .last_id = 1,
                                      .sink_name = "tickets",
                                      .progress = "",
                                      .events = &event,
                                      .event_count = 1,
                                      .event_total = 1};
    *outcome = (struct outcome){.uv = &fixture->uv};
    fixture->sink.ops->send(fixture->sink.self, &delivery, on_done, outcome);
    assert_int_equal(0, outcome->done_count);
}

static struct outcome deliver(struct fixture *fixture)
{
    struct outcome outcome;
    open_sink(fixture);
    start(fixture, &outcome);
    while (outcome.done_count == 0) {
        (void)uv_run(&fixture->uv, UV_RUN_DEFAULT);
    }
    close_sink(fixture);
    assert_int_equal(1, outcome.done_count);
    return outcome;
}

static struct outcome deliver_to(struct fixture *fixture, const char *path)
{
    fixture->config.webhook.url = http_peer_url(&fixture->peer, path);
    return deliver(fixture);
}

static void assert_shows(const char *seen, const char *name, const char *value)
{
    char wanted[512];
    (void)snprintf(wanted, sizeof wanted, "\"%s\": \"%s\"", name, value);
    assert_non_null(strstr(seen, wanted));
}

static void the_post_is_what_the_contract_says(void **state)
{
    struct fixture *fixture = *state;
    const struct http_header headers[] = {{"Authorization", "Bearer t0ken"}};
    fixture->config.webhook.headers = headers;
    fixture->config.webhook.header_count = 1;
    fixture->config.webhook.next_secret = fixture->secrets[1];
    struct outcome outcome = deliver(fixture);
    assert_int_equal(SEND_ACCEPTED, outcome.result.outcome);
    char *seen = process_await(fixture->peer.process, "\"target\"");
    assert_shows(seen, "method", "POST");
    assert_shows(seen, "content-type", "application/cloudevents+json; charset=utf-8");
    assert_shows(seen, "user-agent", "orderwatch/9.9.9");
    assert_shows(seen, "authorization", "Bearer t0ken");
    assert_shows(seen, "webhook-id", "7f9c0e2ab14d5e6f8a90b1c2d3e4f506");
    assert_non_null(strstr(seen, "{\\\"specversion\\\":\\\"1.0\\\""));
    const char *time = strstr(seen, "\"webhook-timestamp\": \"");
    assert_non_null(time);
    int64_t time_s = strtoll(time + strlen("\"webhook-timestamp\": \""), NULL, 10);
    int64_t age_s = outcome.result.at.wall_ms / 1000 - time_s;
    assert_true(age_s >= 0 && age_s < 20);
    struct text signatures;
    text_init(&signatures, 256);
    for (size_t i = 0; i < 2; i++) {
        struct webhook_key *key = NULL;
        assert_int_equal(STATUS_OK, webhook_key_create(fixture->secrets[i], &key, NULL));
        text_add_text(&signatures, i == 1 ? " " : "");
        webhook_sign(key, "7f9c0e2ab14d5e6f8a90b1c2d3e4f506", time_s, span_of(BODY), &signatures);
        webhook_key_destroy(key);
    }
    assert_shows(seen, "webhook-signature", text_cstr(&signatures));
    text_fini(&signatures);
    free(seen);
}

static void without_a_secret_there_is_no_signature(void **state)
{
    struct fixture *fixture = *state;
    fixture->config.webhook.secret = NULL;
    struct outcome outcome = deliver(fixture);
    assert_int_equal(SEND_ACCEPTED, outcome.result.outcome);
    char *seen = process_await(fixture->peer.process, "\"target\"");
    assert_null(strstr(seen, "webhook-signature"));
    assert_non_null(strstr(seen, "webhook-id"));
    free(seen);
}

static void credentials_and_the_github_signature_go_along(void **state)
{
    struct fixture *fixture = *state;
    struct webhook_config *webhook = &fixture->config.webhook;
    struct secret *password = secret_create(span_of("pa:ss"));
    webhook->signature = SIGNATURE_GITHUB;
    webhook->username = "watch";
    webhook->password = password;
    assert_int_equal(SEND_ACCEPTED, deliver(fixture).result.outcome);
    char *seen = process_await(fixture->peer.process, "\"target\"");
    assert_shows(seen, "authorization", "Basic d2F0Y2g6cGE6c3M=");
    assert_null(strstr(seen, "webhook-signature"));
    struct text signature;
    text_init(&signature, 128);
    webhook_sign_body(fixture->secrets[0], span_of(BODY), &signature);
    assert_shows(seen, "x-hub-signature-256", text_cstr(&signature));
    text_fini(&signature);
    free(seen);
    webhook->username = NULL;
    webhook->bearer_token = password;
    assert_int_equal(SEND_ACCEPTED, deliver(fixture).result.outcome);
    free(process_await(fixture->peer.process, "Bearer pa:ss"));
    secret_destroy(password);
}

static void each_answer_has_its_outcome(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *path;
        enum send_outcome outcome;
        int64_t retry_after_ms;
        const char *detail;
    } cases[] = {
        {"/status/200", SEND_ACCEPTED, 0, "HTTP 200: No."},
        {"/status/202", SEND_ACCEPTED, 0, "HTTP 202: No."},
        {"/status/204", SEND_ACCEPTED, 0, "HTTP 204"},
        {"/redirect", SEND_REJECTED, 0, "HTTP 302: redirects are not followed"},
        {"/status/400", SEND_REJECTED, 0, "HTTP 400: No."},
        {"/status/401", SEND_REJECTED, 0, "HTTP 401: No."},
        {"/status/404?7", SEND_REJECTED, 0, "HTTP 404: No."},
        {"/status/408", SEND_TRY_LATER, 0, "HTTP 408: No."},
        {"/status/410", SEND_GONE, 0, "HTTP 410: No."},
        {"/status/425", SEND_TRY_LATER, 0, "HTTP 425: No."},
        {"/status/429?120", SEND_TRY_LATER, 120000, "HTTP 429: No."},
        {"/status/429?soon", SEND_TRY_LATER, 0, "HTTP 429: No."},
        {"/status/500", SEND_TRY_LATER, 0, "HTTP 500: No."},
        {"/status/503?3", SEND_TRY_LATER, 3000, "HTTP 503: No."},
        {"/cut", SEND_TRY_LATER, 0, ""},
        {"/reset", SEND_TRY_LATER, 0, ""},
        {"/endless", SEND_ACCEPTED, 0, "HTTP 200: xxx"},
        {"/bomb", SEND_ACCEPTED, 0, "HTTP 200"},
        {"/headers", SEND_TRY_LATER, 0, "the answer's headers"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct outcome outcome = deliver_to(fixture, cases[i].path);
        if (outcome.result.outcome != cases[i].outcome ||
            outcome.result.retry_after_ms != cases[i].retry_after_ms ||
            strncmp(outcome.detail, cases[i].detail, strlen(cases[i].detail)) != 0) {
            fail_msg("%s: outcome %u, retry after %lld ms, %s", cases[i].path,
                     outcome.result.outcome, (long long)outcome.result.retry_after_ms,
                     outcome.detail);
        }
        assert_true(strlen(outcome.detail) <= 256);
        assert_null(strpbrk(outcome.detail, "\x1b\r\n"));
    }
}

static void whose_pause_is_for_all_is_told(void **state)
{
    struct fixture *fixture = *state;
    static const char *const for_all[] = {"/status/429?120", "/status/503?3"};
    static const char *const for_one[] = {"/status/429", "/status/503", "/status/500?3",
                                          "/status/408?3"};
    for (size_t i = 0; i < ARRAY_COUNT(for_all); i++) {
        assert_true(deliver_to(fixture, for_all[i]).result.is_sink_busy);
    }
    for (size_t i = 0; i < ARRAY_COUNT(for_one); i++) {
        assert_false(deliver_to(fixture, for_one[i]).result.is_sink_busy);
    }
}

static void a_receiver_that_is_away_is_no_attempt(void **state)
{
    struct fixture *fixture = *state;
    char url[64];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/", process_free_port());
    fixture->config.webhook.url = url;
    assert_int_equal(SEND_OFFLINE, deliver(fixture).result.outcome);
    fixture->config.webhook.url = "http://name.invalid/";
    assert_int_equal(SEND_OFFLINE, deliver(fixture).result.outcome);
    fixture->config.webhook.allow_private = false;
    struct outcome outcome = deliver_to(fixture, "/echo");
    assert_int_equal(SEND_OFFLINE, outcome.result.outcome);
    assert_non_null(strstr(outcome.detail, "private or local"));
}

static void a_receiver_that_proves_nothing_gets_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct http_peer peer =
        http_peer_start_tls(CERTIFICATES "/server.pem", CERTIFICATES "/server.key");
    fixture->config.webhook.url = http_peer_url(&peer, "/echo");
    struct outcome outcome = deliver(fixture);
    assert_int_equal(SEND_OFFLINE, outcome.result.outcome);
    assert_non_null(strstr(outcome.detail, "TLS refused: "));
    assert_non_null(strstr(outcome.detail, "; check tls.ca_file and the receiver's certificate"));
    fixture->config.webhook.tls.ca_file = CERTIFICATES "/ca.pem";
    assert_int_equal(SEND_ACCEPTED, deliver(fixture).result.outcome);
    process_stop(peer.process);
}

static void a_receiver_that_wants_another_certificate_is_away_and_says_so(void **state)
{
    struct fixture *fixture = *state;
    const char *const options[] = {"--certificate", CERTIFICATES "/server.pem",
                                   "--key",         CERTIFICATES "/server.key",
                                   "--client-ca",   CERTIFICATES "/ca.pem"};
    struct http_peer peer = http_peer_start(options, ARRAY_COUNT(options));
    fixture->config.webhook.url = http_peer_url(&peer, "/echo");
    fixture->config.webhook.tls.ca_file = CERTIFICATES "/ca.pem";
    struct outcome outcome = deliver(fixture);
    assert_int_equal(SEND_OFFLINE, outcome.result.outcome);
    assert_int_equal(0, strncmp(outcome.detail, "TLS refused: ", 13));
    assert_non_null(strstr(outcome.detail, "; check tls.cert_file and tls.key_file"));
    assert_null(strstr(outcome.detail, "OpenSSL"));
    process_stop(peer.process);
}

static void a_slow_receiver_ends_at_the_timeout(void **state)
{
    struct fixture *fixture = *state;
    fixture->config.webhook.timeout_ms = 200;
    assert_int_equal(SEND_TRY_LATER, deliver_to(fixture, "/slow").result.outcome);
}

static void a_format_that_is_not_there_is_named(void **state)
{
    struct fixture *fixture = *state;
    fixture->config.webhook.format = "nothing";
    struct sink_environment environment = {
        .uv = &fixture->uv, .http = fixture->client, .version = "9.9.9"};
    struct failure why;
    assert_int_not_equal(STATUS_OK,
                         sink_webhook_open(&fixture->config, &environment, &fixture->sink, &why));
    assert_non_null(strstr(why.detail, "nothing"));
}

/* --- formats -------------------------------------------------------------------------------- */

#define FORMAT_PATH "/tmp/orderwatch-test-format.%d.jq"

static void write_format(struct fixture *fixture, char path[static 64], const char *program)
{
    (void)snprintf(path, 64, FORMAT_PATH, getpid());
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(program, file) >= 0);
    assert_int_equal(0, fclose(file));
    fixture->config.webhook.format = path;
}

static struct outcome deliver_through(struct fixture *fixture, const char *program)
{
    char path[64];
    write_format(fixture, path, program);
    struct outcome outcome = deliver(fixture);
    (void)unlink(path);
    return outcome;
}

static void a_format_makes_the_request(void **state)
{
    struct fixture *fixture = *state;
    const struct format_setting settings[] = {{"queue", "7"}};
    const struct http_header headers[] = {{"Authorization", "Bearer t0ken"}};
    fixture->config.webhook.settings = settings;
    fixture->config.webhook.setting_count = 1;
    fixture->config.webhook.headers = headers;
    fixture->config.webhook.header_count = 1;
    struct outcome outcome = deliver_through(
        fixture,
        "# a comment\n{method: \"PUT\", path: \"/ticket/\\($settings.queue)\",\n"
        " headers: {\"X-Kind\": \"order\", authorization: \"mine\"},\n"
        " body: {subject: .id, key: $ticket.key, action: $ticket.action, to: $sink}} # end");
    assert_int_equal(SEND_ACCEPTED, outcome.result.outcome);
    char *seen = process_await(fixture->peer.process, "\"target\"");
    assert_shows(seen, "method", "PUT");
    assert_shows(seen, "target", "/echo/ticket/7");
    assert_shows(seen, "content-type", "application/json");
    assert_shows(seen, "x-kind", "order");
    assert_shows(seen, "authorization", "Bearer t0ken");
    assert_non_null(strstr(seen,
                           "{\\\"action\\\":\\\"open\\\",\\\"key\\\":\\\"orange/123456/"
                           "order\\\",\\\"subject\\\":\\\"7f9c0e2ab14d5e6f8a90b1c2d3e4f506\\\""
                           ",\\\"to\\\":\\\"tickets\\\"}"));
    assert_non_null(strstr(seen, "webhook-signature"));
    free(seen);
}

static void a_format_that_fails_parks_with_its_message(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *program, *detail;
    } cases[] = {
        {"empty", "gave nothing for this event"},
        {"null", "gave nothing for this event"},
        {"error(\"no such order\")", "no such order"},
        {"{a: 1", "syntax error"},
        {".a + ", "syntax error"},
        {"\n\n.x | nothing_like_this", "line 3"},
        {"halt", "it halts"},
        {"input", "a program is given one event"},
        {".id.x", "Cannot index"},
        {"def forever: forever; forever", "within 2000 ms"},
        {"reduce range(1e9) as $i (\"x\"; . + .)", "format /tmp/"},
        {"{body: {}, target: 1}", "no member target"},
        {"{body: {}, method: \"GET\"}", "accepted: POST, PUT, PATCH, DELETE"},
        {"{body: {}, path: \"/a/../b\"}", "leaves the configured URL"},
        {"{body: {}, path: \"/a/%2e%2E\"}", "leaves the configured URL"},
        {"{body: {}, path: \"a b\"}", "no URL may have"},
        {"{body: {}, headers: {Host: \"example.com\"}}", "sets itself"},
        {"{body: {}, headers: {\"X-A\": \"a\\r\\nb\"}}", "not visible ASCII"},
        {"{body: {}, content_type: \"json\\n\"}", "content_type"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct outcome outcome = deliver_through(fixture, cases[i].program);
        if (outcome.result.outcome != SEND_REJECTED ||
            strstr(outcome.detail, cases[i].detail) == NULL) {
            fail_msg("%s: outcome %u, %s", cases[i].program, outcome.result.outcome,
                     outcome.detail);
        }
    }
}

static void await(struct fixture *fixture, const struct outcome *outcome)
{
    while (outcome->done_count == 0) {
        (void)uv_run(&fixture->uv, UV_RUN_DEFAULT);
    }
}

/* A path loses it, so that what follows would be parked for ever. */
static void a_ticket_id_that_no_path_can_have_is_none(void **state)
{
    struct fixture *fixture = *state;
    char path[64];
    write_format(fixture, path,
                 "if $ticket.id == null then {path: \"\", body: $ticket}"
                 " else {path: \"/\\($ticket.id | @uri)\", body: $ticket, method: \"PUT\"} end");
    fixture->config.webhook.url = http_peer_url(&fixture->peer, "/ticket-dots");
    fixture->config.webhook.ticket_id = "/id";
    open_sink(fixture);
    for (size_t i = 0; i < 2; i++) {
        struct outcome outcome;
        start(fixture, &outcome);
        await(fixture, &outcome);
        assert_int_equal(SEND_ACCEPTED, outcome.result.outcome);
        assert_non_null(strstr(outcome.detail, "(no ticket id at /id that a URL can have: ..)"));
    }
    close_sink(fixture);
    (void)unlink(path);
}

/* Two lanes may have events of one order: what quiet hours let through overtakes. */
static void two_events_of_an_order_at_once_open_one_ticket(void **state)
{
    struct fixture *fixture = *state;
    char path[64];
    write_format(fixture, path,
                 "if $ticket.id == null then {path: \"\", body: $ticket}"
                 " else {path: \"/\\($ticket.id)\", body: $ticket, method: \"PUT\"} end");
    fixture->config.webhook.url = http_peer_url(&fixture->peer, "/ticket");
    fixture->config.webhook.ticket_id = "/id";
    open_sink(fixture);
    struct outcome outcomes[3];
    for (size_t i = 0; i < ARRAY_COUNT(outcomes); i++) {
        start(fixture, &outcomes[i]);
    }
    for (size_t i = 0; i < ARRAY_COUNT(outcomes); i++) {
        await(fixture, &outcomes[i]);
        assert_int_equal(SEND_ACCEPTED, outcomes[i].result.outcome);
    }
    close_sink(fixture);
    (void)unlink(path);
    static const char *const wanted[][2] = {
        {"POST", "/ticket"}, {"PUT", "/ticket/1"}, {"PUT", "/ticket/1"}};
    for (size_t i = 0; i < ARRAY_COUNT(wanted); i++) {
        char *seen = process_await(fixture->peer.process, "\"target\"");
        assert_shows(seen, "method", wanted[i][0]);
        assert_shows(seen, "target", wanted[i][1]);
        free(seen);
    }
}

static void what_waits_for_another_ends_with_the_sink(void **state)
{
    struct fixture *fixture = *state;
    struct outcome outcomes[3];
    fixture->config.webhook.url = http_peer_url(&fixture->peer, "/slow");
    fixture->config.webhook.ticket_id = "/id";
    open_sink(fixture);
    for (size_t i = 0; i < ARRAY_COUNT(outcomes); i++) {
        start(fixture, &outcomes[i]);
    }
    close_sink(fixture);
    for (size_t i = 0; i < ARRAY_COUNT(outcomes); i++) {
        assert_int_equal(1, outcomes[i].done_count);
        assert_int_not_equal(SEND_ACCEPTED, outcomes[i].result.outcome);
    }
}

static void closing_ends_each_send_once(void **state)
{
    struct fixture *fixture = *state;
    struct outcome outcomes[3];
    fixture->config.webhook.url = http_peer_url(&fixture->peer, "/slow");
    open_sink(fixture);
    for (size_t i = 0; i < ARRAY_COUNT(outcomes); i++) {
        start(fixture, &outcomes[i]);
    }
    close_sink(fixture);
    for (size_t i = 0; i < ARRAY_COUNT(outcomes); i++) {
        assert_int_equal(1, outcomes[i].done_count);
        assert_int_not_equal(SEND_ACCEPTED, outcomes[i].result.outcome);
    }
}

static int make_certificates(void **state)
{
    (void)state;
    http_peer_make_certificates();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "helper") == 0) {
        return helper_shape_main();
    }
    const struct CMUnitTest tests[] = {
        TEST(the_post_is_what_the_contract_says),
        TEST(without_a_secret_there_is_no_signature),
        TEST(credentials_and_the_github_signature_go_along),
        TEST(each_answer_has_its_outcome),
        TEST(whose_pause_is_for_all_is_told),
        TEST(a_receiver_that_is_away_is_no_attempt),
        TEST(a_receiver_that_proves_nothing_gets_nothing),
        TEST(a_receiver_that_wants_another_certificate_is_away_and_says_so),
        TEST(a_slow_receiver_ends_at_the_timeout),
        TEST(a_format_that_is_not_there_is_named),
        TEST(a_format_makes_the_request),
        TEST(a_format_that_fails_parks_with_its_message),
        TEST(a_ticket_id_that_no_path_can_have_is_none),
        TEST(two_events_of_an_order_at_once_open_one_ticket),
        TEST(what_waits_for_another_ends_with_the_sink),
        TEST(closing_ends_each_send_once),
    };
    return cmocka_run_group_tests(tests, make_certificates, NULL);
}
