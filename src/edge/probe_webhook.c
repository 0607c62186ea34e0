#include "core/date.h"
#include "core/text.h"
#include "edge/http_client.h"
#include "edge/probe.h"
#include "webhook_answer.h"

#include <stdlib.h>

#define DETAIL_BYTES_MAX 512

struct probe {
    probe_done_fn *on_done;
    void *arg;
    bool shows_certificate; /* of this side */
};

static void add_certificate_end(struct text *out, int64_t expires_wall_ms)
{
    if (expires_wall_ms == 0) {
        return;
    }
    const struct date day = {.kind = DATE_DAY, .ms = expires_wall_ms - expires_wall_ms % DAY_MS};
    text_add_text(out, ", certificate valid until ");
    date_add(out, day);
}

static void on_connected(void *arg, struct http_response *response)
{
    struct probe *probe = arg;
    struct text detail;
    text_init(&detail, DETAIL_BYTES_MAX);
    bool is_open = response->status == STATUS_OK;
    if (is_open) {
        bool is_tls = response->certificate_expires_wall_ms != 0;
        text_add_text(&detail, is_tls ? "connected with TLS" : "connected");
        add_certificate_end(&detail, response->certificate_expires_wall_ms);
        text_add_text(&detail, "; nothing sent, so its signature and headers stay untried");
        /* Since TLS 1.3 the receiver judges it after the handshake, with the first request. */
        text_add_text(&detail, probe->shows_certificate && is_tls
                                   ? ", and it may yet refuse tls.cert_file"
                                   : "");
    } else if (response->is_tls_failure) {
        webhook_answer_add_tls_failure(response, &detail);
    } else {
        text_addf(&detail, "no connection: %s; check url, and that the receiver listens",
                  response->detail);
    }
    const struct probe_result result = {.is_open = is_open, .detail = text_cstr(&detail)};
    probe->on_done(probe->arg, &result);
    text_fini(&detail);
    free(probe);
}

void probe_webhook(const struct sink_config *config, const struct sink_environment *environment,
                   probe_done_fn *on_done, void *arg)
{
    struct probe *probe = alloc(sizeof *probe);
    *probe = (struct probe){
        .on_done = on_done, .arg = arg, .shows_certificate = config->webhook.tls.cert_file != NULL};
    const struct http_request request = {.method = "GET",
                                         .url = config->webhook.url,
                                         .timeout_ms = config->webhook.timeout_ms,
                                         .body_bytes_max = 1,
                                         .tls = &config->webhook.tls,
                                         .only_connects = true,
                                         .allows_private = config->webhook.allow_private};
    struct http_port http = http_client_port(environment->http);
    http.start(http.self, &request, on_connected, probe);
}
