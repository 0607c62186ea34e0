/* The mail helper as a real process against a real server: what it says of each recipient. */
#include "core/arena.h"
#include "edge/helper.h"
#include "src/edge/mail_job.h"
#include "tests/support/smtp_peer.h"

#include <uv.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct outcome {
    bool is_done;
    enum status status;
    struct mail_answer answer;
    struct arena *arena;
    char detail[480];
};

static void on_done(void *arg, const struct helper_result *result)
{
    struct outcome *outcome = arg;
    assert_false(outcome->is_done);
    outcome->is_done = true;
    outcome->status = result->status;
    (void)snprintf(outcome->detail, sizeof outcome->detail, "%s", result->detail);
    if (result->status == STATUS_OK) {
        struct failure why;
        assert_int_equal(
            STATUS_OK, mail_answer_decode(result->result, outcome->arena, &outcome->answer, &why));
    }
}

static void on_closed(void *arg)
{
    *(bool *)arg = true;
}

static const char *const two_recipients[] = {"ann@example.com", "bob@example.com"};

static struct mail_job job_for(const struct smtp_peer *peer)
{
    return (struct mail_job){
        .host = "localhost",
        .port = peer->port,
        .is_tls_required = true,
        .ca_file = PEER_CERT,
        .username = "watch",
        .password = span_of("s3cret"),
        .hello_name = "test.example.com",
        .from = "watch@example.com",
        .envelope_id = "7f9c0e2ab14d5e6f8a90b1c2d3e4f506",
        .to = two_recipients,
        .to_count = 2,
        .message = span_of("From: watch@example.com\r\nTo: ann@example.com\r\n"
                           "Date: Mon, 23 Nov 2026 08:15:30 +0000\r\n"
                           "Message-ID: <1@example.com>\r\nSubject: hello\r\n\r\n"
                           ".starts with a dot\r\n..\r\nend\r\n"),
        .timeout_ms = 10000,
    };
}

static struct outcome run_job(struct arena *arena, const struct mail_job *job, int64_t deadline_ms)
{
    uv_loop_t loop;
    assert_int_equal(0, uv_loop_init(&loop));
    struct helper *helper = helper_create(&loop, "mail");
    struct text bytes;
    mail_job_encode(job, &bytes);
    struct outcome outcome = {.arena = arena};
    helper_start(helper, text_span(&bytes), deadline_ms, on_done, &outcome);
    mail_job_wipe(&bytes);
    assert_false(outcome.is_done);
    while (!outcome.is_done) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    assert_true(helper_is_idle(helper));
    bool is_closed = false;
    helper_close(helper, on_closed, &is_closed);
    assert_false(is_closed);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_true(is_closed);
    assert_int_equal(0, uv_loop_close(&loop));
    return outcome;
}

static struct smtp_peer *start_good_peer(void)
{
    return peer_start((const char *const[]){"--tls", "starttls", "--cert", PEER_CERT, "--key",
                                            PEER_KEY, "--user", "watch", "--password", "s3cret",
                                            NULL});
}

static void accepted_by_both(void **state)
{
    (void)state;
    struct smtp_peer *peer = start_good_peer();
    struct arena *arena = arena_create();
    struct mail_job job = job_for(peer);
    struct outcome outcome = run_job(arena, &job, 30000);
    assert_int_equal(STATUS_OK, outcome.status);
    assert_string_equal("", outcome.answer.text);
    assert_int_equal(MAIL_ANSWERED, outcome.answer.stage);
    assert_int_equal(2, outcome.answer.reply_count);
    assert_int_equal(250, outcome.answer.replies[0].code);
    assert_int_equal(250, outcome.answer.replies[1].code);
    char *name = peer_await(peer, "server_name");
    assert_non_null(strstr(name, "localhost"));
    char *mail = peer_await(peer, "\"mail\"");
    assert_non_null(strstr(mail, "\"tls\": \"TLSv1.2\""));
    assert_non_null(strstr(mail, "\"user\": \"watch\""));
    assert_non_null(strstr(mail, "\"ENVID\": \"7f9c0e2ab14d5e6f8a90b1c2d3e4f506\""));
    assert_non_null(strstr(mail, "\"NOTIFY\": [\"FAILURE\", \"FAILURE\"]"));
    assert_non_null(strstr(mail, ".starts with a dot\\n..\\nend\\n"));
    assert_non_null(strstr(mail, "\"faults\": []"));
    free(name);
    free(mail);
    arena_destroy(arena);
    peer_stop(peer);
}

static void each_recipient_has_its_own_answer(void **state)
{
    (void)state;
    struct smtp_peer *peer = start_good_peer();
    struct arena *arena = arena_create();
    struct mail_job job = job_for(peer);
    peer_set(peer, "{\"rcpt_replies\": {\"ann@example.com\": \"550 5.1.1 no such user\"}}");
    struct outcome outcome = run_job(arena, &job, 30000);
    assert_int_equal(MAIL_ANSWERED, outcome.answer.stage);
    assert_int_equal(550, outcome.answer.replies[0].code);
    assert_string_equal("550 5.1.1 no such user", outcome.answer.replies[0].text);
    assert_int_equal(250, outcome.answer.replies[1].code);

    peer_set(peer, "{\"rcpt_replies\": {\"ann@example.com\": \"451 4.7.1 greylisted\", "
                   "\"bob@example.com\": \"550 5.7.1 no\"}}");
    outcome = run_job(arena, &job, 30000);
    assert_int_equal(451, outcome.answer.replies[0].code);
    assert_int_equal(550, outcome.answer.replies[1].code);

    peer_set(peer, "{\"rcpt_replies\": {\"ann@example.com\": \"550 5.1.1 no\"}, "
                   "\"data_reply\": \"554 5.6.0 too ugly\"}");
    outcome = run_job(arena, &job, 30000);
    assert_string_equal("550 5.1.1 no", outcome.answer.replies[0].text);
    assert_string_equal("554 5.6.0 too ugly", outcome.answer.replies[1].text);

    peer_set(peer, "{\"rcpt_replies\": {}, \"data_reply\": null, "
                   "\"mail_reply\": \"552 5.3.4 too big\"}");
    outcome = run_job(arena, &job, 30000);
    assert_int_equal(MAIL_SENDER_REFUSED, outcome.answer.stage);
    assert_int_equal(552, outcome.answer.code);
    arena_destroy(arena);
    peer_stop(peer);
}

static void a_drop_after_the_dot_is_no_answer(void **state)
{
    (void)state;
    struct smtp_peer *peer = start_good_peer();
    struct arena *arena = arena_create();
    struct mail_job job = job_for(peer);
    peer_set(peer, "{\"drop_after_dot\": 1}");
    struct outcome outcome = run_job(arena, &job, 30000);
    assert_int_equal(MAIL_ANSWERED, outcome.answer.stage);
    assert_int_equal(0, outcome.answer.replies[0].code);
    assert_int_equal(0, outcome.answer.replies[1].code);
    arena_destroy(arena);
    peer_stop(peer);
}

static void a_refused_login_sends_nothing(void **state)
{
    (void)state;
    /* This server would take mail without a login too. */
    struct smtp_peer *peer = peer_start(
        (const char *const[]){"--tls", "starttls", "--cert", PEER_CERT, "--key", PEER_KEY, "--user",
                              "watch", "--password", "other", "--auth-optional", NULL});
    struct arena *arena = arena_create();
    struct mail_job job = job_for(peer);
    struct outcome outcome = run_job(arena, &job, 30000);
    assert_int_equal(MAIL_LOGIN_REFUSED, outcome.answer.stage);
    assert_non_null(strstr(outcome.answer.text, "535"));
    job.username = "";
    outcome = run_job(arena, &job, 30000);
    assert_int_equal(MAIL_ANSWERED, outcome.answer.stage);
    arena_destroy(arena);
    peer_stop(peer);
}

static void a_demanded_login_is_named(void **state)
{
    (void)state;
    struct smtp_peer *peer = start_good_peer();
    struct arena *arena = arena_create();
    struct mail_job job = job_for(peer);
    job.username = "";
    struct outcome outcome = run_job(arena, &job, 30000);
    assert_int_equal(MAIL_LOGIN_REFUSED, outcome.answer.stage);
    assert_non_null(strstr(outcome.answer.text, "530"));
    arena_destroy(arena);
    peer_stop(peer);
}

static void certificates_are_verified(void **state)
{
    (void)state;
    struct smtp_peer *peer = start_good_peer();
    struct arena *arena = arena_create();
    struct mail_job job = job_for(peer);
    job.ca_file = PEER_OTHER_CERT;
    struct outcome outcome = run_job(arena, &job, 30000);
    assert_int_equal(MAIL_TLS_REFUSED, outcome.answer.stage);
    assert_non_null(strstr(outcome.answer.text, "certificate of localhost: self"));
    job.ca_file = "/nowhere/ca.pem";
    outcome = run_job(arena, &job, 30000);
    assert_int_equal(MAIL_TLS_REFUSED, outcome.answer.stage);
    assert_non_null(strstr(outcome.answer.text, "/nowhere/ca.pem"));
    job.ca_file = PEER_CERT;
    job.host = "127.0.0.1"; /* by its address in the certificate */
    outcome = run_job(arena, &job, 30000);
    assert_int_equal(MAIL_ANSWERED, outcome.answer.stage);
    peer_stop(peer);

    peer = peer_start((const char *const[]){"--tls", "starttls", "--cert", PEER_OTHER_CERT, "--key",
                                            PEER_OTHER_KEY, NULL});
    job = job_for(peer);
    job.username = "";
    job.ca_file = PEER_OTHER_CERT;
    outcome = run_job(arena, &job, 30000);
    assert_int_equal(MAIL_TLS_REFUSED, outcome.answer.stage);
    assert_non_null(strstr(outcome.answer.text, "ostname mismatch"));
    arena_destroy(arena);
    peer_stop(peer);
}

static void tls_is_required_unless_told(void **state)
{
    (void)state;
    struct smtp_peer *peer = peer_start((const char *const[]){"--tls", "none", NULL});
    struct arena *arena = arena_create();
    struct mail_job job = job_for(peer);
    job.username = "";
    struct outcome outcome = run_job(arena, &job, 30000);
    assert_int_equal(MAIL_TLS_REFUSED, outcome.answer.stage);
    assert_non_null(strstr(outcome.answer.text, "STARTTLS"));
    job.is_tls_required = false;
    outcome = run_job(arena, &job, 30000);
    assert_int_equal(MAIL_ANSWERED, outcome.answer.stage);
    assert_int_equal(250, outcome.answer.replies[0].code);
    arena_destroy(arena);
    peer_stop(peer);
}

static void nobody_there(void **state)
{
    (void)state;
    struct smtp_peer *peer = start_good_peer();
    struct arena *arena = arena_create();
    struct mail_job job = job_for(peer);
    peer_stop(peer);
    struct outcome outcome = run_job(arena, &job, 30000);
    assert_int_equal(MAIL_NOT_CONNECTED, outcome.answer.stage);
    assert_non_null(strstr(outcome.answer.text, "refused"));
    arena_destroy(arena);
}

static void silence_ends_at_the_step_and_at_the_deadline(void **state)
{
    (void)state;
    struct smtp_peer *peer = start_good_peer();
    struct arena *arena = arena_create();
    struct mail_job job = job_for(peer);
    peer_set(peer, "{\"silent_at\": \"GREETING\"}");
    job.timeout_ms = 300;
    struct outcome outcome = run_job(arena, &job, 60000);
    assert_int_equal(STATUS_OK, outcome.status);
    assert_int_equal(MAIL_NOT_CONNECTED, outcome.answer.stage);
    job.timeout_ms = 60000;
    outcome = run_job(arena, &job, 500);
    assert_int_equal(STATUS_UNAVAILABLE, outcome.status);
    assert_non_null(strstr(outcome.detail, "no result within 500 ms"));
    arena_destroy(arena);
    peer_stop(peer);
}

static int make_certificates(void **state)
{
    (void)state;
    peer_make_certificates();
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && text_equal(argv[1], "helper")) {
        return helper_mail_main();
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepted_by_both),
        cmocka_unit_test(each_recipient_has_its_own_answer),
        cmocka_unit_test(a_drop_after_the_dot_is_no_answer),
        cmocka_unit_test(a_refused_login_sends_nothing),
        cmocka_unit_test(a_demanded_login_is_named),
        cmocka_unit_test(certificates_are_verified),
        cmocka_unit_test(tls_is_required_unless_told),
        cmocka_unit_test(nobody_there),
        cmocka_unit_test(silence_ends_at_the_step_and_at_the_deadline),
    };
    return cmocka_run_group_tests(tests, make_certificates, NULL);
}
