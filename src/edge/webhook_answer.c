#include "webhook_answer.h"

#include "core/arena.h"
#include "core/json.h"
#include "core/ticket.h"
#include "core/utf8.h"
#include "edge/http_client.h"

#include <string.h>

#define REPLY_SHOWN_MAX 200

static enum send_outcome outcome_of(int http_code)
{
    if (http_code >= 200 && http_code <= 299) {
        return SEND_ACCEPTED;
    }
    if (http_code == 410) {
        return SEND_GONE;
    }
    bool is_passing = http_code == 408 || http_code == 425 || http_code == 429 || http_code >= 500;
    return is_passing ? SEND_TRY_LATER : SEND_REJECTED;
}

/* Of these codes Retry-After is about the sender's rate or about the whole service; of others,
 * about the one request. RFC 6585 4, RFC 9110 10.2.3. */
static bool speaks_for_all(int http_code)
{
    return http_code == 429 || http_code == 503;
}

static void describe_answer(const struct http_response *response, struct text *out)
{
    text_addf(out, "HTTP %d", response->http_code);
    if (response->http_code >= 300 && response->http_code <= 399) {
        text_add_text(out, ": redirects are not followed; configure the final URL");
        return;
    }
    struct span line = text_span(response->body);
    size_t size = 0;
    while (size < line.size && line.data[size] != '\n' && line.data[size] != '\r') {
        size++;
    }
    if (size != 0) {
        text_add_text(out, ": ");
        utf8_add_clean_line(out, (struct span){.data = line.data, .size = size}, REPLY_SHOWN_MAX);
    }
}

static enum send_outcome outcome_without_answer(const struct http_response *response)
{
    /* A request that cannot be built is the sink's configuration, not this event's fault. */
    bool is_sink_away = response->is_connect_failure || response->status == STATUS_INVALID;
    return is_sink_away ? SEND_OFFLINE : SEND_TRY_LATER;
}

void webhook_answer_add_tls_failure(const struct http_response *response, struct text *out)
{
    text_addf(out, "TLS refused: %s; check %s", response->detail,
              response->is_own_certificate_refused
                  ? "tls.cert_file and tls.key_file, this side's certificate"
                  : "tls.ca_file and the receiver's certificate");
}

void webhook_answer_judge(const struct http_response *response, struct send_result *result,
                          struct text *detail)
{
    result->at = response->at;
    if (response->status == STATUS_OK) {
        result->outcome = outcome_of(response->http_code);
        describe_answer(response, detail);
        if (response->retry_after != NULL && result->outcome == SEND_TRY_LATER) {
            (void)retry_after_parse(span_of(response->retry_after), response->at.wall_ms,
                                    &result->retry_after_ms);
            result->is_sink_busy =
                speaks_for_all(response->http_code) && result->retry_after_ms > 0;
        }
    } else {
        result->outcome = outcome_without_answer(response);
        if (response->is_tls_failure) {
            webhook_answer_add_tls_failure(response, detail);
        } else {
            text_add_text(detail, response->detail);
        }
    }
}

void webhook_answer_divide(size_t event_count, int http_code, struct send_result *result)
{
    bool is_refused = result->outcome == SEND_REJECTED && (http_code == 0 || http_code >= 400);
    if (event_count > 1 && is_refused) {
        result->outcome = SEND_DIVIDE;
        result->part_max = http_code == 413 ? event_count / 2 : 1;
    }
}

bool webhook_answer_says_lost(const struct http_response *response)
{
    return response->status == STATUS_OK &&
           (response->http_code == 404 || response->http_code == 410);
}

/* A receiver's server would leave the folder with it, however it is spelled. */
static bool is_dots(const char *id)
{
    return strcmp(id, ".") == 0 || strcmp(id, "..") == 0;
}

static const char *find_ticket_id(const struct json *json, const char *pointer, struct arena *arena)
{
    const struct json *found = json_at(json, pointer);
    bool is_id = found != NULL &&
                 (json_kind(found) == JSON_STRING || json_kind(found) == JSON_NUMBER) &&
                 json_text(found).size <= TICKET_ID_BYTES_MAX;
    return is_id ? arena_text(arena, json_text(found)) : "";
}

const char *webhook_answer_ticket_id(const struct http_response *response, const char *pointer,
                                     struct arena *arena, struct text *detail)
{
    struct json *json = NULL;
    const char *id = "";
    if (json_parse(text_span(response->body), &json, NULL) == STATUS_OK) {
        id = find_ticket_id(json, pointer, arena);
        json_destroy(json);
    }
    if (id[0] != '\0' && !is_dots(id)) {
        return id;
    }
    text_addf(detail, " (no ticket id at %.100s%s%s)", pointer,
              id[0] != '\0' ? " that a URL can have: " : "", id);
    return "";
}
