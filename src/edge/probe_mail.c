#include "core/arena.h"
#include "core/secret.h"
#include "core/text.h"
#include "edge/helper.h"
#include "edge/http_client.h"
#include "edge/mime.h"
#include "edge/probe.h"
#include "mail_server.h"

#include <uv.h>

#include <stdlib.h>

#define DEADLINE_MS 30000
#define STEP_MS 10000
#define DETAIL_BYTES_MAX 1024
#define ADDRESS_BYTES_MAX 512

struct probe {
    const struct sink_config *config;
    struct helper *helper; /* smtp:// */
    uv_timer_t later;      /* its close tells what was refused at once */
    struct arena *arena;
    bool is_open;
    struct text detail;
    probe_done_fn *on_done;
    void *arg;
};

static void end(void *arg)
{
    struct probe *probe = arg;
    const struct probe_result result = {.is_open = probe->is_open,
                                        .detail = text_cstr(&probe->detail)};
    probe->on_done(probe->arg, &result);
    text_fini(&probe->detail);
    arena_destroy(probe->arena);
    free(probe);
}

static void refuse(struct probe *probe, const char *what, const char *words, const char *remedy)
{
    const struct email_config *email = &probe->config->email;
    struct failure line; /* one clean line */
    (void)fail(&line, STATUS_UNAVAILABLE, "%s:%u: %s: %s; %s", email->server_host,
               email->server_port, what, words, remedy);
    text_add_text(&probe->detail, line.detail);
}

static void let_in(struct probe *probe)
{
    const struct email_config *email = &probe->config->email;
    probe->is_open = true;
    text_add_text(&probe->detail, "connected");
    if (email->is_implicit_tls || email->is_tls_required) {
        text_add_text(&probe->detail, " with TLS");
    }
    text_add_text(&probe->detail, email->username != NULL ? ", logged in" : "");
    text_add_text(&probe->detail, "; no mail sent, so sender and recipients stay untried");
}

static void judge(struct probe *probe, const struct mail_answer *answer)
{
    switch (answer->stage) {
    case MAIL_ANSWERED:
        let_in(probe);
        return;
    case MAIL_NOT_CONNECTED:
        refuse(probe, "no session", answer->text, "check server, and that it listens there");
        return;
    case MAIL_TLS_REFUSED:
        refuse(probe, "TLS refused", answer->text, "check ca_file and the server's certificate");
        return;
    case MAIL_LOGIN_REFUSED:
        refuse(probe, "login refused", answer->text, "check username and password_file");
        return;
    case MAIL_SENDER_REFUSED:
    case MAIL_STAGE_COUNT:
        break;
    }
    CHECK(!"a stage that a probe comes to");
}

static void on_helper_done(void *arg, const struct helper_result *result)
{
    struct probe *probe = arg;
    struct mail_answer answer;
    struct failure why;
    if (result->status != STATUS_OK) {
        refuse(probe, "no session", result->detail, "check server and firewalls");
    } else if (mail_answer_decode(result->result, probe->arena, &answer, &why) != STATUS_OK) {
        refuse(probe, "no session", why.detail, "report this");
    } else {
        judge(probe, &answer);
    }
    helper_close(probe->helper, end, probe);
}

static void on_transfer_done(void *arg, const struct smtps_response *response)
{
    struct probe *probe = arg;
    if (response->is_tls_failure) {
        refuse(probe, "TLS refused", response->detail, "check ca_file and the certificate");
    } else if (response->is_connect_failure) {
        refuse(probe, "no session", response->detail, "check server, and that it listens there");
    } else if (response->status != STATUS_OK || response->is_session_refused ||
               response->reply_code >= 400) {
        refuse(probe, "session refused", response->detail, "check username and password_file");
    } else {
        let_in(probe);
    }
    end(probe);
}

static void start_helper(struct probe *probe, const char *from,
                         const struct sink_environment *environment)
{
    struct mail_job job = mail_server_job(&probe->config->email);
    job.hello_name = mail_server_hello_name(probe->arena);
    job.from = from;
    job.envelope_id = "check";
    job.to = &from;
    job.to_count = 1;
    job.message = span_of("");
    job.timeout_ms = STEP_MS;
    job.is_probe = true;
    struct text bytes;
    mail_job_encode(&job, &bytes);
    probe->helper = helper_create(environment->uv, "mail");
    helper_start(probe->helper, text_span(&bytes), DEADLINE_MS, on_helper_done, probe);
    mail_job_wipe(&bytes);
}

static void start_transfer(struct probe *probe, const char *from,
                           const struct sink_environment *environment)
{
    const struct email_config *email = &probe->config->email;
    const char *hello_name = mail_server_hello_name(probe->arena);
    const struct smtps_request request = {.url = mail_server_url(email, hello_name, probe->arena),
                                          .username = email->username,
                                          .password = email->password,
                                          .from = from,
                                          .message = span_of(""),
                                          .ca_file = email->ca_file,
                                          .timeout_ms = DEADLINE_MS};
    http_client_send_mail(environment->http, &request, on_transfer_done, probe);
}

static void on_later(uv_handle_t *handle)
{
    end(handle->data);
}

static enum status find_from(struct probe *probe, const char **from, struct failure *why)
{
    struct text address;
    text_init(&address, ADDRESS_BYTES_MAX);
    enum status status = mime_check_mailbox(probe->config->email.from, &address, why);
    if (status == STATUS_OK) {
        *from = arena_text(probe->arena, text_span(&address));
    }
    text_fini(&address);
    return status;
}

void probe_mail(const struct sink_config *config, const struct sink_environment *environment,
                probe_done_fn *on_done, void *arg)
{
    struct probe *probe = alloc(sizeof *probe);
    *probe =
        (struct probe){.config = config, .arena = arena_create(), .on_done = on_done, .arg = arg};
    text_init(&probe->detail, DETAIL_BYTES_MAX);
    struct failure why;
    const char *from = NULL;
    if (find_from(probe, &from, &why) != STATUS_OK) {
        text_add_text(&probe->detail, why.detail);
        CHECK(uv_timer_init(environment->uv, &probe->later) == 0);
        probe->later.data = probe;
        uv_close((uv_handle_t *)&probe->later, on_later);
    } else if (config->email.is_implicit_tls) {
        start_transfer(probe, from, environment);
    } else {
        start_helper(probe, from, environment);
    }
}
