/* Mail over implicit TLS against a real server: what is said of each end, and that none blocks. */
#include "core/base64.h"
#include "core/secret.h"
#include "edge/http_client.h"
#include "tests/support/smtp_peer.h"

#include <uv.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define HEAD                                                                                       \
    "From: watch@example.com\r\nTo: ann@example.com\r\nDate: Mon, 23 Nov 2026 08:15:30 +0000\r\n"  \
    "Message-ID: <1@example.com>\r\nSubject: hello\r\n"

struct outcome {
    uv_loop_t *uv;
    int done_count;
    struct smtps_response response;
    char detail[480];
};

struct fixture {
    uv_loop_t uv;
    struct http_client *client;
    struct smtp_peer *peer;
    struct secret *password;
    bool is_closed;
    char url[128];
};

static void on_done(void *arg, const struct smtps_response *response)
{
    struct outcome *outcome = arg;
    outcome->done_count++;
    outcome->response = *response;
    (void)snprintf(outcome->detail, sizeof outcome->detail, "%s", response->detail);
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
    fixture->password = secret_create(span_of("s3cret"));
    fixture->peer = peer_start((const char *const[]){"--tls", "implicit", "--cert", PEER_CERT,
                                                     "--key", PEER_KEY, "--user", "watch",
                                                     "--password", "s3cret", "--raw", NULL});
    *state = fixture;
    return 0;
}

static void close_client(struct fixture *fixture)
{
    http_client_close(fixture->client, on_closed, &fixture->is_closed);
    while (uv_run(&fixture->uv, UV_RUN_DEFAULT) != 0) {
    }
    assert_true(fixture->is_closed);
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    if (!fixture->is_closed) {
        close_client(fixture);
    }
    assert_int_equal(0, uv_loop_close(&fixture->uv));
    peer_stop(fixture->peer);
    secret_destroy(fixture->password);
    free(fixture);
    return 0;
}

static struct smtps_request mail_for(struct fixture *fixture)
{
    (void)snprintf(fixture->url, sizeof fixture->url, "smtps://localhost:%u/test.example.com",
                   fixture->peer->port);
    return (struct smtps_request){
        .url = fixture->url,
        .username = "watch",
        .password = fixture->password,
        .from = "watch@example.com",
        .to = "ann@example.com",
        .message = span_of(HEAD "\r\n.dot\r\nbare\nline\rend\r\n.\r\nRSET\r\n"),
        .ca_file = PEER_CERT,
        .timeout_ms = 30000,
    };
}

static void send_mail(struct fixture *fixture, const struct smtps_request *request,
                      struct outcome *outcome)
{
    *outcome = (struct outcome){.uv = &fixture->uv};
    http_client_send_mail(fixture->client, request, on_done, outcome);
    assert_int_equal(0, outcome->done_count);
}

static void await(struct fixture *fixture, const struct outcome *outcome)
{
    while (outcome->done_count == 0) {
        (void)uv_run(&fixture->uv, UV_RUN_DEFAULT);
    }
    assert_int_equal(1, outcome->done_count);
}

static struct outcome deliver(struct fixture *fixture, const struct smtps_request *request)
{
    struct outcome outcome;
    send_mail(fixture, request, &outcome);
    await(fixture, &outcome);
    return outcome;
}

static void a_mail_arrives_whole(void **state)
{
    struct fixture *fixture = *state;
    struct smtps_request request = mail_for(fixture);
    struct outcome outcome = deliver(fixture, &request);
    assert_int_equal(STATUS_OK, outcome.response.status);
    assert_int_equal(250, outcome.response.reply_code);
    char *line = peer_await(fixture->peer, "\"raw\"");
    struct text expected;
    text_init(&expected, 4096);
    base64_add(&expected, span_of(HEAD "\r\n.dot\r\nbare\r\nline\r\nend\r\n.\r\nRSET\r\n"));
    assert_non_null(strstr(line, text_cstr(&expected)));
    text_fini(&expected);
    free(line);
}

static void each_refusal_has_its_code(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *rules;
        int code;
    } cases[] = {
        {"{\"rcpt_replies\": {\"ann@example.com\": \"550 5.1.1 unknown\"}}", 550},
        {"{\"rcpt_replies\": {\"ann@example.com\": \"451 4.7.1 later\"}}", 451},
        {"{\"rcpt_replies\": {}, \"data_reply\": \"452 4.3.1 full\"}", 452},
        {"{\"data_reply\": \"554 5.7.1 no spam\"}", 554},
        {"{\"data_reply\": null, \"mail_reply\": \"421 4.3.2 closing\"}", 421},
    };
    struct smtps_request request = mail_for(fixture);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        peer_set(fixture->peer, cases[i].rules);
        struct outcome outcome = deliver(fixture, &request);
        assert_int_equal(STATUS_OK, outcome.response.status);
        assert_int_equal(cases[i].code, outcome.response.reply_code);
        assert_false(outcome.response.is_session_refused);
        assert_true(strtol(outcome.detail, NULL, 10) == cases[i].code);
    }
}

static void a_refused_login_is_not_the_mails_fault(void **state)
{
    struct fixture *fixture = *state;
    struct secret *wrong = secret_create(span_of("guess"));
    struct smtps_request request = mail_for(fixture);
    request.password = wrong;
    struct outcome outcome = deliver(fixture, &request);
    assert_int_equal(STATUS_OK, outcome.response.status);
    assert_int_equal(535, outcome.response.reply_code);
    assert_true(outcome.response.is_session_refused);
    secret_destroy(wrong);
}

static void a_certificate_that_nobody_vouches_for_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct smtps_request request = mail_for(fixture);
    request.ca_file = PEER_OTHER_CERT;
    struct outcome outcome = deliver(fixture, &request);
    assert_int_equal(STATUS_UNAVAILABLE, outcome.response.status);
    assert_true(outcome.response.is_tls_failure && outcome.response.is_connect_failure);
}

static void a_silent_server_ends_at_the_deadline(void **state)
{
    struct fixture *fixture = *state;
    static const char *const steps[] = {"GREETING", "EHLO", "MAIL", "DATA"};
    for (size_t i = 0; i < ARRAY_COUNT(steps); i++) {
        char rule[64];
        (void)snprintf(rule, sizeof rule, "{\"silent_at\": \"%s\"}", steps[i]);
        peer_set(fixture->peer, rule);
        struct smtps_request request = mail_for(fixture);
        request.timeout_ms = 700;
        struct outcome outcome = deliver(fixture, &request);
        assert_int_equal(STATUS_UNAVAILABLE, outcome.response.status);
        assert_int_equal(0, outcome.response.reply_code);
    }
}

static void a_server_that_never_lets_go_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    peer_set(fixture->peer, "{\"silent_at\": \"QUIT\"}");
    struct smtps_request request = mail_for(fixture);
    request.timeout_ms = 5000;
    struct outcome outcome = deliver(fixture, &request);
    assert_int_equal(250, outcome.response.reply_code);
    peer_set(fixture->peer, "{\"rcpt_replies\": {\"ann@example.com\": \"550 5.1.1 unknown\"}}");
    uint64_t start_ms = uv_hrtime() / 1000000;
    outcome = deliver(fixture, &request);
    assert_int_equal(550, outcome.response.reply_code);
    assert_true(uv_hrtime() / 1000000 - start_ms < 60000); /* libcurl alone waits 120 s */
}

static void an_answer_that_never_comes_is_no_answer(void **state)
{
    struct fixture *fixture = *state;
    peer_set(fixture->peer, "{\"drop_after_dot\": 1}");
    struct smtps_request request = mail_for(fixture);
    struct outcome outcome = deliver(fixture, &request);
    assert_int_equal(STATUS_UNAVAILABLE, outcome.response.status);
    assert_false(outcome.response.is_connect_failure);
}

static void addresses_cannot_carry_commands(void **state)
{
    struct fixture *fixture = *state;
    static const char *const addresses[] = {"a@b>\r\nRCPT TO:<c@d", "a b@c", "<a@b>", ""};
    for (size_t i = 0; i < ARRAY_COUNT(addresses); i++) {
        struct smtps_request request = mail_for(fixture);
        request.to = addresses[i];
        struct outcome outcome = deliver(fixture, &request);
        assert_int_equal(STATUS_INVALID, outcome.response.status);
    }
}

static void a_cancelled_mail_ends_soon(void **state)
{
    struct fixture *fixture = *state;
    peer_set(fixture->peer, "{\"silent_at\": \"EHLO\"}");
    struct smtps_request request = mail_for(fixture);
    struct outcome outcome;
    send_mail(fixture, &request, &outcome);
    http_client_cancel_mail(fixture->client, &outcome);
    await(fixture, &outcome);
    assert_int_equal(STATUS_UNAVAILABLE, outcome.response.status);
    assert_string_equal("cancelled", outcome.detail);
}

static void closing_ends_each_mail_once(void **state)
{
    struct fixture *fixture = *state;
    peer_set(fixture->peer, "{\"silent_at\": \"DATA\"}");
    struct smtps_request request = mail_for(fixture);
    struct outcome outcomes[3];
    for (size_t i = 0; i < ARRAY_COUNT(outcomes); i++) {
        send_mail(fixture, &request, &outcomes[i]);
    }
    close_client(fixture);
    for (size_t i = 0; i < ARRAY_COUNT(outcomes); i++) {
        assert_int_equal(1, outcomes[i].done_count);
        assert_int_equal(STATUS_UNAVAILABLE, outcomes[i].response.status);
    }
}

static int make_certificates(void **state)
{
    (void)state;
    peer_make_certificates();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_mail_arrives_whole),
        TEST(each_refusal_has_its_code),
        TEST(a_refused_login_is_not_the_mails_fault),
        TEST(a_certificate_that_nobody_vouches_for_is_refused),
        TEST(a_silent_server_ends_at_the_deadline),
        TEST(a_server_that_never_lets_go_changes_nothing),
        TEST(an_answer_that_never_comes_is_no_answer),
        TEST(addresses_cannot_carry_commands),
        TEST(a_cancelled_mail_ends_soon),
        TEST(closing_ends_each_mail_once),
    };
    return cmocka_run_group_tests(tests, make_certificates, NULL);
}
