/* The mail sink from delivery to a real server's answer, over smtp:// and smtps://. */
#include "core/arena.h"
#include "core/secret.h"
#include "edge/helper.h"
#include "edge/http_client.h"
#include "edge/sinks.h"
#include "tests/support/smtp_peer.h"

#include <uv.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct outcome {
    bool is_done;
    enum send_outcome kind;
    char progress[2000];
    char detail[2000];
};

struct stage {
    uv_loop_t loop;
    uv_timer_t tick;
    struct arena *arena;
    struct http_client *http;
    struct smtp_peer *peer;
    struct secret *password;
    struct sink_config sink;
    struct config config;
    const struct config *config_now;
    struct sink_port port;
    struct event event;
    bool is_sink_closed, is_http_closed;
};

static const char *const recipients[] = {"Ann <ann@example.com>", "bob@example.com"};

static void on_sent(void *arg, const struct send_result *result)
{
    struct outcome *outcome = arg;
    assert_false(outcome->is_done);
    assert_true(result->at.wall_ms > 0);
    outcome->is_done = true;
    outcome->kind = result->outcome;
    (void)snprintf(outcome->progress, sizeof outcome->progress, "%s",
                   result->progress != NULL ? result->progress : "");
    (void)snprintf(outcome->detail, sizeof outcome->detail, "%s", result->detail);
}

static void on_closed(void *arg)
{
    *(bool *)arg = true;
}

static void make_event(struct stage *stage)
{
    const struct event_facts facts = {
        .type = EVENT_ORDER_CREATED,
        .severity = SEVERITY_INFO,
        .source_name = "orange",
        .order_id = "123456",
        .sequence = 1,
        .wall_ms = INT64_C(1795421730123),
        .summary = "new order",
        .order_json = span_of("{\"id\":\"123456\",\"site\":\"Lyon Part-Dieu\"}")};
    event_compose(&facts, stage->arena, &stage->event);
}

static struct stage *stage_open(const char *const *peer_options, bool is_implicit_tls)
{
    struct stage *stage = alloc(sizeof *stage);
    struct failure why;
    stage->arena = arena_create();
    stage->peer = peer_start(peer_options);
    stage->password = secret_create(span_of("s3cret"));
    assert_int_equal(0, uv_loop_init(&stage->loop));
    assert_int_equal(0, uv_timer_init(&stage->loop, &stage->tick));
    assert_int_equal(STATUS_OK, http_client_create(&stage->loop, &stage->http, &why));
    stage->sink = (struct sink_config){.name = "project-managers",
                                       .kind = SINK_EMAIL,
                                       .email = {.server_host = "localhost",
                                                 .server_port = stage->peer->port,
                                                 .is_implicit_tls = is_implicit_tls,
                                                 .is_tls_required = true,
                                                 .ca_file = PEER_CERT,
                                                 .username = "watch",
                                                 .password = stage->password,
                                                 .from = "Order watch <watch@example.com>",
                                                 .to = recipients,
                                                 .to_count = 2,
                                                 .host = "example.com"}};
    stage->config = (struct config){.sinks = &stage->sink, .sink_count = 1};
    stage->config_now = &stage->config;
    const struct sink_environment environment = {
        .uv = &stage->loop, .http = stage->http, .config = &stage->config_now, .version = "0"};
    assert_int_equal(STATUS_OK, sink_mail_open(&stage->sink, &environment, &stage->port, &why));
    make_event(stage);
    return stage;
}

static struct stage *stage_open_starttls(void)
{
    return stage_open((const char *const[]){"--tls", "starttls", "--cert", PEER_CERT, "--key",
                                            PEER_KEY, "--user", "watch", "--password", "s3cret",
                                            NULL},
                      false);
}

/* uv_run looks at the timers first and then waits for the rest: the tick wakes it again. */
static void on_tick(uv_timer_t *tick)
{
    (void)tick;
}

static void run_until(struct stage *stage, const bool *is_done)
{
    CHECK(uv_timer_start(&stage->tick, on_tick, 20, 20) == 0);
    while (!*is_done) {
        (void)uv_run(&stage->loop, UV_RUN_ONCE);
    }
    (void)uv_timer_stop(&stage->tick);
}

static void stage_close(struct stage *stage)
{
    stage->port.ops->close(stage->port.self, on_closed, &stage->is_sink_closed);
    assert_false(stage->is_sink_closed);
    run_until(stage, &stage->is_sink_closed);
    http_client_close(stage->http, on_closed, &stage->is_http_closed);
    run_until(stage, &stage->is_http_closed);
    uv_close((uv_handle_t *)&stage->tick, NULL);
    (void)uv_run(&stage->loop, UV_RUN_DEFAULT);
    assert_int_equal(0, uv_loop_close(&stage->loop));
    peer_stop(stage->peer);
    secret_destroy(stage->password);
    arena_destroy(stage->arena);
    free(stage);
}

static void start_send(struct stage *stage, const char *progress, struct outcome *outcome)
{
    const struct delivery delivery = {.id = 1,
                                      .sink_name = "project-managers",
                                      .lane = "orange/123456",
                                      .created_wall_ms = INT64_C(1795421730123),
                                      .first_due_wall_ms = INT64_C(1795421730123),
                                      .progress = progress,
                                      .events = &stage->event,
                                      .event_count = 1,
                                      .event_total = 1,
                                      .severity_counts = {1}};
    *outcome = (struct outcome){.is_done = false};
    stage->port.ops->send(stage->port.self, &delivery, on_sent, outcome);
    assert_false(outcome->is_done);
}

static struct outcome send_once(struct stage *stage, const char *progress)
{
    struct outcome outcome;
    start_send(stage, progress, &outcome);
    run_until(stage, &outcome.is_done);
    return outcome;
}

static char *message_id_of(const char *mail)
{
    const char *start = strstr(mail, "[\"Message-Id\", \"");
    assert_non_null(start);
    return strndup(start, 120);
}

static void delivered(void **state)
{
    (void)state;
    struct stage *stage = stage_open_starttls();
    struct outcome outcome = send_once(stage, "");
    assert_string_equal("250 2.0.0 taken", outcome.detail);
    assert_int_equal(SEND_ACCEPTED, outcome.kind);
    char *mail = peer_await(stage->peer, "\"mail\"");
    assert_non_null(strstr(mail, "\"rcpt_to\": [\"ann@example.com\", \"bob@example.com\"]"));
    assert_non_null(strstr(mail, "\"mail_from\": \"watch@example.com\""));
    assert_non_null(strstr(mail, "Order 123456 (Lyon Part-Dieu): new order"));
    assert_non_null(strstr(mail, stage->event.id));
    assert_non_null(strstr(mail, "\"faults\": []"));
    assert_non_null(strstr(mail, "\"defects\": []"));
    free(mail);
    stage_close(stage);
}

static void refused_recipients_are_named(void **state)
{
    (void)state;
    struct stage *stage = stage_open_starttls();
    peer_set(stage->peer, "{\"rcpt_replies\": {\"ann@example.com\": \"550 5.1.1 no such user\"}}");
    struct outcome outcome = send_once(stage, "");
    assert_int_equal(SEND_REJECTED, outcome.kind);
    assert_string_equal("1 of 2 recipients refused: ann@example.com: 550 5.1.1 no such user",
                        outcome.detail);
    char *mail = peer_await(stage->peer, "\"mail\"");
    assert_non_null(strstr(mail, "\"rcpt_to\": [\"bob@example.com\"]"));
    free(mail);
    stage_close(stage);
}

static void a_retry_goes_to_those_left(void **state)
{
    (void)state;
    struct stage *stage = stage_open_starttls();
    peer_set(stage->peer, "{\"rcpt_replies\": {\"bob@example.com\": \"451 4.7.1 greylisted\"}}");
    struct outcome outcome = send_once(stage, "");
    assert_int_equal(SEND_TRY_LATER, outcome.kind);
    assert_string_equal("bob@example.com: 451 4.7.1 greylisted", outcome.detail);
    char *first = peer_await(stage->peer, "\"mail\"");
    assert_non_null(strstr(first, "\"rcpt_to\": [\"ann@example.com\"]"));
    peer_set(stage->peer, "{\"rcpt_replies\": {}}");
    struct outcome again = send_once(stage, outcome.progress);
    assert_int_equal(SEND_ACCEPTED, again.kind);
    char *second = peer_await(stage->peer, "\"mail\"");
    assert_non_null(strstr(second, "\"rcpt_to\": [\"bob@example.com\"]"));
    free(first);
    free(second);
    stage_close(stage);
}

static void a_parked_mail_asks_those_who_refused_again(void **state)
{
    (void)state;
    struct stage *stage = stage_open_starttls();
    peer_set(stage->peer, "{\"rcpt_replies\": {\"ann@example.com\": \"550 5.1.1 no such user\"}}");
    struct outcome outcome = send_once(stage, "");
    assert_int_equal(SEND_REJECTED, outcome.kind);
    char *first = peer_await(stage->peer, "\"mail\"");
    assert_non_null(strstr(first, "\"rcpt_to\": [\"bob@example.com\"]"));
    peer_set(stage->peer, "{\"rcpt_replies\": {}}");
    struct outcome again = send_once(stage, outcome.progress);
    assert_int_equal(SEND_ACCEPTED, again.kind);
    char *second = peer_await(stage->peer, "\"mail\"");
    assert_non_null(strstr(second, "\"rcpt_to\": [\"ann@example.com\"]"));
    free(first);
    free(second);
    stage_close(stage);
}

static void a_drop_after_the_dot_repeats_the_same_mail(void **state)
{
    (void)state;
    struct stage *stage = stage_open_starttls();
    peer_set(stage->peer, "{\"drop_after_dot\": 1}");
    struct outcome outcome = send_once(stage, "");
    assert_int_equal(SEND_TRY_LATER, outcome.kind);
    struct outcome again = send_once(stage, outcome.progress);
    assert_int_equal(SEND_ACCEPTED, again.kind);
    char *first = peer_await(stage->peer, "\"mail\"");
    char *second = peer_await(stage->peer, "\"mail\"");
    char *first_id = message_id_of(first);
    char *second_id = message_id_of(second);
    assert_string_equal(first_id, second_id);
    free(first);
    free(second);
    free(first_id);
    free(second_id);
    stage_close(stage);
}

static void a_server_that_is_away_is_offline(void **state)
{
    (void)state;
    struct stage *stage = stage_open_starttls();
    stage->sink.email.username = "somebody";
    struct outcome outcome = send_once(stage, "");
    assert_int_equal(SEND_OFFLINE, outcome.kind);
    assert_non_null(strstr(outcome.detail, "login refused: 535"));
    stage->sink.email.ca_file = PEER_OTHER_CERT;
    outcome = send_once(stage, "");
    assert_int_equal(SEND_OFFLINE, outcome.kind);
    assert_non_null(strstr(outcome.detail, "TLS refused: certificate of localhost"));
    stage->sink.email.server_port = 1; /* nobody listens there */
    outcome = send_once(stage, "");
    assert_int_equal(SEND_OFFLINE, outcome.kind);
    assert_non_null(strstr(outcome.detail, "mail server localhost:1: no session"));
    stage_close(stage);
}

static void an_appointment_comes_with_its_calendar(void **state)
{
    (void)state;
    struct stage *stage = stage_open_starttls();
    const struct event_facts facts = {
        .type = EVENT_APPOINTMENT_CONFIRMED,
        .severity = SEVERITY_NOTICE,
        .source_name = "orange",
        .order_id = "123456",
        .appointment_id = "A-1",
        .sequence = 2,
        .wall_ms = INT64_C(1795421730123),
        .summary = "appointment confirmed",
        .order_json = span_of("{\"id\":\"123456\",\"site\":\"Lyon Part-Dieu\"}"),
        .appointment_json = span_of("{\"id\":\"A-1\",\"status_kind\":\"confirmed\","
                                    "\"start\":\"2027-01-16T08:00:00Z\"}"),
        .extra_json = span_of("\"calendar\":{\"sequence\":3}")};
    event_compose(&facts, stage->arena, &stage->event);
    stage->sink.email.calendar = CALENDAR_REQUEST;
    struct outcome outcome = send_once(stage, "");
    assert_int_equal(SEND_ACCEPTED, outcome.kind);
    char *mail = peer_await(stage->peer, "\"mail\"");
    assert_non_null(strstr(mail, "\"type\": \"text/calendar\""));
    assert_non_null(strstr(mail, "\"method\": \"REQUEST\""));
    assert_non_null(strstr(mail, "SEQUENCE:3"));
    assert_non_null(strstr(mail, "ATTENDEE:mailto:bob@example.com"));
    assert_non_null(strstr(mail, "DTSTART:20270116T080000Z"));
    assert_non_null(strstr(mail, "\"defects\": []"));
    free(mail);
    stage_close(stage);
}

static void sends_wait_for_their_turn(void **state)
{
    (void)state;
    struct stage *stage = stage_open_starttls();
    struct outcome outcomes[3];
    for (size_t i = 0; i < ARRAY_COUNT(outcomes); i++) {
        start_send(stage, "", &outcomes[i]);
    }
    for (size_t i = 0; i < ARRAY_COUNT(outcomes); i++) {
        run_until(stage, &outcomes[i].is_done);
        assert_int_equal(SEND_ACCEPTED, outcomes[i].kind);
    }
    stage_close(stage);
}

static void closing_ends_every_send_once(void **state)
{
    (void)state;
    struct stage *stage = stage_open_starttls();
    peer_set(stage->peer, "{\"silent_at\": \"DATA\"}");
    struct outcome outcomes[2];
    start_send(stage, "", &outcomes[0]);
    start_send(stage, "", &outcomes[1]);
    while (stage->peer->size == 0) { /* until the server sees the first one */
        (void)uv_run(&stage->loop, UV_RUN_NOWAIT);
        peer_take(stage->peer, 10);
    }
    stage_close(stage);
    assert_true(outcomes[0].is_done);
    assert_true(outcomes[1].is_done);
    assert_int_equal(SEND_TRY_LATER, outcomes[0].kind);
    assert_int_equal(SEND_TRY_LATER, outcomes[1].kind);
}

static void what_cannot_be_read_is_rejected(void **state)
{
    (void)state;
    struct stage *stage = stage_open_starttls();
    stage->event.json = span_of("{");
    struct outcome outcome = send_once(stage, "");
    assert_int_equal(SEND_REJECTED, outcome.kind);
    assert_non_null(strstr(outcome.detail, stage->event.id));
    stage_close(stage);
}

static void over_implicit_tls(void **state)
{
    (void)state;
    struct stage *stage =
        stage_open((const char *const[]){"--tls", "implicit", "--cert", PEER_CERT, "--key",
                                         PEER_KEY, "--user", "watch", "--password", "s3cret", NULL},
                   true);
    struct outcome outcome = send_once(stage, "");
    assert_int_equal(SEND_ACCEPTED, outcome.kind);
    free(peer_await(stage->peer, "\"rcpt_to\": [\"ann@example.com\"]"));
    free(peer_await(stage->peer, "\"rcpt_to\": [\"bob@example.com\"]"));
    peer_set(stage->peer, "{\"rcpt_replies\": {\"ann@example.com\": \"550 5.1.1 no such user\", "
                          "\"bob@example.com\": \"451 4.7.1 later\"}}");
    outcome = send_once(stage, "");
    assert_int_equal(SEND_TRY_LATER, outcome.kind);
    peer_set(stage->peer, "{\"rcpt_replies\": {}}");
    outcome = send_once(stage, outcome.progress);
    assert_int_equal(SEND_REJECTED, outcome.kind);
    assert_non_null(strstr(outcome.detail, "1 of 2 recipients refused: ann@example.com: 550"));
    free(peer_await(stage->peer, "\"rcpt_to\": [\"bob@example.com\"]"));
    peer_set(stage->peer, "{\"drop_after_dot\": 1}");
    outcome = send_once(stage, "");
    assert_int_equal(SEND_TRY_LATER, outcome.kind);
    stage->sink.email.username = "somebody";
    outcome = send_once(stage, "");
    assert_int_equal(SEND_OFFLINE, outcome.kind);
    stage->sink.email.ca_file = PEER_OTHER_CERT;
    outcome = send_once(stage, "");
    assert_int_equal(SEND_OFFLINE, outcome.kind);
    stage_close(stage);
}

static void bad_addresses_do_not_open(void **state)
{
    (void)state;
    static const char *const bad[] = {"a@b.example\r\nBcc: c@d.example"};
    struct sink_config sink = {.name = "x",
                               .email = {.from = "a@b.example", .to = bad, .to_count = 1}};
    uv_loop_t loop;
    assert_int_equal(0, uv_loop_init(&loop));
    const struct config config = {.sink_count = 1};
    const struct config *config_now = &config;
    const struct sink_environment environment = {
        .uv = &loop, .config = &config_now, .version = "0"};
    struct sink_port port;
    struct failure why;
    assert_int_equal(STATUS_INVALID, sink_mail_open(&sink, &environment, &port, &why));
    sink.email.to = recipients;
    sink.email.server_host = "::1";
    assert_int_equal(STATUS_INVALID, sink_mail_open(&sink, &environment, &port, &why));
    assert_non_null(strstr(why.detail, "give its host name"));
    assert_int_equal(0, uv_loop_close(&loop));
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
        cmocka_unit_test(delivered),
        cmocka_unit_test(refused_recipients_are_named),
        cmocka_unit_test(a_retry_goes_to_those_left),
        cmocka_unit_test(a_parked_mail_asks_those_who_refused_again),
        cmocka_unit_test(a_drop_after_the_dot_repeats_the_same_mail),
        cmocka_unit_test(a_server_that_is_away_is_offline),
        cmocka_unit_test(an_appointment_comes_with_its_calendar),
        cmocka_unit_test(sends_wait_for_their_turn),
        cmocka_unit_test(closing_ends_every_send_once),
        cmocka_unit_test(what_cannot_be_read_is_rejected),
        cmocka_unit_test(over_implicit_tls),
        cmocka_unit_test(bad_addresses_do_not_open),
    };
    return cmocka_run_group_tests(tests, make_certificates, NULL);
}
