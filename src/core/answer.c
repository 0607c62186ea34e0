#include "core/answer.h"

#include "core/date.h"
#include "core/json.h"
#include "core/pager.h"
#include "core/slice.h"
#include "core/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINK_BYTES_MAX 8192
#define VALIDATOR_BYTES_MAX 256

static void clean_into(char *out, size_t size, const char *value)
{
    struct text cleaned;
    text_init(&cleaned, size - 1);
    if (value != NULL) {
        utf8_add_clean_line(&cleaned, span_of(value), size - 8);
    }
    memcpy(out, text_cstr(&cleaned), cleaned.size + 1);
    text_fini(&cleaned);
}

static int64_t total_of(struct span digits)
{
    int64_t total = 0;
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9' || total > INT64_MAX / 100) {
            return PAGE_TOTAL_NONE;
        }
        total = total * 10 + (digits.data[i] - '0');
    }
    return digits.size != 0 ? total : PAGE_TOTAL_NONE;
}

static int64_t wait_of(const char *value, int64_t now_wall_ms)
{
    int64_t wait_ms = 0;
    if (value == NULL || !retry_after_parse(span_of(value), now_wall_ms, &wait_ms) ||
        wait_ms <= 0) {
        return 0;
    }
    return wait_ms < RETRY_AFTER_MAX_MS ? wait_ms : RETRY_AFTER_MAX_MS;
}

static char *copy_header(const char *value, size_t bytes_max)
{
    return value != NULL && strlen(value) <= bytes_max ? alloc_text(value) : NULL;
}

/* Where a redirect leads, without what may be a secret. */
static void keep_location(struct answer *answer, const char *value)
{
    if (value == NULL || answer->http_code < 300 || answer->http_code > 399) {
        return;
    }
    char *plain = alloc_text(value);
    plain[strcspn(plain, "?#")] = '\0';
    char *authority = strstr(plain, "//");
    authority = authority != NULL ? authority + 2 : plain;
    size_t authority_size = strcspn(authority, "/");
    char *at = memrchr(authority, '@', authority_size);
    if (at != NULL) {
        memmove(authority, at + 1, strlen(at + 1) + 1);
    }
    clean_into(answer->location, sizeof answer->location, plain);
    free(plain);
}

void answer_take(struct answer *answer, struct http_response *response)
{
    answer_clear(answer);
    answer->at = response->at;
    answer->status = response->status;
    answer->is_tls_failure = response->is_tls_failure;
    answer->is_own_certificate_refused = response->is_own_certificate_refused;
    clean_into(answer->detail, sizeof answer->detail, response->detail);
    if (response->status != STATUS_OK) {
        return;
    }
    answer->http_code = response->http_code;
    answer->total = total_of(span_of(response->total_count));
    answer->wait_ms = wait_of(response->retry_after, response->at.wall_ms);
    answer->certificate_expires_wall_ms = response->certificate_expires_wall_ms;
    answer->own_certificate_expires_wall_ms = response->own_certificate_expires_wall_ms;
    clean_into(answer->request_id, sizeof answer->request_id, response->request_id);
    clean_into(answer->content_type, sizeof answer->content_type, response->content_type);
    keep_location(answer, response->location);
    answer->link = copy_header(response->link, LINK_BYTES_MAX);
    answer->etag = copy_header(response->etag, VALIDATOR_BYTES_MAX);
    answer->last_modified = copy_header(response->last_modified, VALIDATOR_BYTES_MAX);
    if (response->body != NULL) {
        answer->body_size = response->body->size;
        answer->body = text_take(response->body);
    }
}

void answer_clear(struct answer *answer)
{
    free(answer->body);
    free(answer->link);
    free(answer->etag);
    free(answer->last_modified);
    *answer = (struct answer){.total = PAGE_TOTAL_NONE};
}

bool answer_is_page(const struct answer *answer)
{
    return answer->status == STATUS_OK && (answer->http_code == 200 || answer->http_code == 206);
}

struct span answer_body(const struct answer *answer)
{
    return (struct span){.data = answer->body, .size = answer->body_size};
}

struct json *answer_value_at(const struct answer *answer, const char *pointer)
{
    struct span bytes;
    struct json *value = NULL;
    if (pointer == NULL || slice_find(answer_body(answer), pointer, &bytes, NULL) != STATUS_OK ||
        json_parse(bytes, &value, NULL) != STATUS_OK) {
        return NULL;
    }
    return value;
}

int64_t answer_total(const struct answer *answer, const struct paging *paging)
{
    struct json *value = answer_value_at(answer, paging->total_pointer);
    if (value == NULL) {
        return paging->total_header != NULL ? answer->total : PAGE_TOTAL_NONE;
    }
    bool is_number = json_kind(value) == JSON_NUMBER;
    int64_t total = is_number ? total_of(json_text(value)) : PAGE_TOTAL_NONE;
    json_destroy(value);
    return total;
}

/* --- in words --------------------------------------------------------------------------------- */

static int shown_size(const char *url)
{
    size_t size = strcspn(url, "?#");
    return (int)(size < 200 ? size : 200);
}

static const char *transport_remedy(const struct answer *answer)
{
    if (answer->status == STATUS_TOO_LARGE) {
        return "lower page, or raise limits.body, if the answer is right";
    }
    if (answer->is_own_certificate_refused) {
        return "check tls.cert_file and tls.key_file, this side's certificate";
    }
    return answer->is_tls_failure ? "check tls.ca_file and the server's certificate"
                                  : "check base_url, the network and a proxy if it stays so";
}

static void explain_transport(const struct answer *answer, const char *source_name, const char *url,
                              struct trouble *out)
{
    out->action = API_RETRY;
    bool is_tls = answer->is_tls_failure;
    bool is_too_large = answer->status == STATUS_TOO_LARGE;
    (void)snprintf(out->code, sizeof out->code, "%s",
                   is_tls         ? "tls"
                   : is_too_large ? "too_large"
                                  : "network");
    (void)snprintf(out->detail, sizeof out->detail, "source %s: %.*s %s: %s; %s", source_name,
                   shown_size(url), url, is_too_large ? "cannot be read" : "gave no answer",
                   answer->detail[0] != '\0' ? answer->detail : status_name(answer->status),
                   transport_remedy(answer));
}

static void explain_error(const struct answer *answer, const struct api_error *error,
                          struct trouble *out)
{
    out->action = error->action;
    out->wait_ms = answer->wait_ms;
    memcpy(out->request_id, answer->request_id, sizeof out->request_id);
    if (error->code != 0) {
        (void)snprintf(out->code, sizeof out->code, "%d/%d", error->http_code, error->code);
    } else {
        (void)snprintf(out->code, sizeof out->code, "%d", error->http_code);
    }
}

static void add_answer(const struct answer *answer, const struct api_error *error, struct text *out)
{
    text_addf(out, " answered %d", error->http_code);
    if (error->code != 0) {
        text_addf(out, ", code %d", error->code);
    }
    text_addf(out, " (%s)", error->meaning);
    if (answer->location[0] != '\0') {
        text_addf(out, " to %s", answer->location);
    }
    if (error->words[0] != '\0') {
        text_addf(out, ": \"%s\"", error->words);
    }
    if (answer->request_id[0] != '\0') {
        text_addf(out, "; request id %s", answer->request_id);
    }
    if (answer->wait_ms > 0) {
        text_addf(out, "; it asks to wait %lld s", (long long)((answer->wait_ms + 999) / 1000));
    }
    text_addf(out, "; %s", error->remedy);
}

static void copy_line(const struct text *line, struct trouble *out)
{
    clean_into(out->detail, sizeof out->detail, text_cstr(line));
}

void answer_explain(const struct answer *answer, const char *source_name, const char *url,
                    struct trouble *out)
{
    *out = (struct trouble){0};
    if (answer->status != STATUS_OK) {
        explain_transport(answer, source_name, url, out);
        return;
    }
    struct api_error error;
    api_error_read(answer->http_code, answer_body(answer), &error);
    explain_error(answer, &error, out);
    struct text line;
    text_init(&line, 4096);
    text_addf(&line, "source %s: %.*s", source_name, shown_size(url), url);
    add_answer(answer, &error, &line);
    copy_line(&line, out);
    text_fini(&line);
}

/* Only a small body can be an error in disguise; a large page is not parsed for it. */
#define DISGUISE_BYTES_MAX 65536

void answer_explain_body(const struct answer *answer, const char *source_name, const char *url,
                         const char *reason, const char *remedy, struct trouble *out)
{
    *out = (struct trouble){0};
    struct api_error error = {.http_code = answer->http_code};
    if (answer->body_size <= DISGUISE_BYTES_MAX) {
        api_error_read(answer->http_code, answer_body(answer), &error);
    }
    bool is_disguised = error.code != 0 || error.action == API_REFUSED;
    error.action = is_disguised ? error.action : API_RETRY;
    error.meaning = is_disguised ? error.meaning : "not usable";
    error.remedy = is_disguised ? error.remedy : remedy;
    explain_error(answer, &error, out);
    if (!is_disguised) {
        (void)snprintf(out->code, sizeof out->code, "body");
        error.words[0] = '\0';
    }
    struct text line;
    text_init(&line, 4096);
    text_addf(&line, "source %s: %.*s", source_name, shown_size(url), url);
    text_addf(&line, " (%s)", reason);
    add_answer(answer, &error, &line);
    if (answer->content_type[0] != '\0') {
        text_addf(&line, "; sent as %s", answer->content_type);
    }
    copy_line(&line, out);
    text_fini(&line);
}
