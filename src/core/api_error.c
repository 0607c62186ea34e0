#include "core/api_error.h"

#include "core/json.h"
#include "core/text.h"
#include "core/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct row {
    int http_low, http_high; /* 0, 0: any */
    int code_low, code_high; /* 0, 0: any, also none */
    enum api_action action;
    const char *meaning, *remedy;
};

#define WORDS_BYTES_MAX 4096
#define ANY 0, 0
#define WAIT_REMEDY "nothing to do, it is tried again"
#define KEY_REMEDY                                                                                 \
    "check the api_key and its header name; renew it if it is older than its validity"
#define ACCESS_REMEDY "check the subscription, the scope and the api_key with the API's provider"
#define PROFILE_REMEDY "check the profile's path and query parameters"

/* The first row that fits decides. Code 53 comes first: it is throttling under any status. */
static const struct row rows[] = {
    {ANY, 53, 53, API_SLOW_DOWN, "too many requests", "lower the budget or raise every"},
    {429, 429, ANY, API_SLOW_DOWN, "too many requests", "lower the budget or raise every"},
    {304, 304, ANY, API_RETRY, "not modified, which nobody asked", WAIT_REMEDY},
    {300, 399, ANY, API_FIX, "redirected elsewhere",
     "set base_url or token_url to the final address"},
    {400, 400, 20, 20, API_FIX, "invalid URL parameter value", PROFILE_REMEDY},
    {400, 400, 28, 28, API_FIX, "invalid query parameter value", PROFILE_REMEDY},
    {400, 400, 21, 24, API_FIX, "invalid request body", "report this as a bug of orderwatch"},
    {400, 400, 25, 25, API_REFUSED, "a header is missing", KEY_REMEDY},
    {400, 400, 26, 26, API_REFUSED, "a header is invalid", KEY_REMEDY},
    {400, 400, 27, 27, API_FIX, "a query parameter is missing", PROFILE_REMEDY},
    {400, 400, ANY, API_FIX, "bad request", PROFILE_REMEDY},
    {401, 401, 40, 40, API_REFUSED, "credentials missing", "check oauth2 and the api_key"},
    {401, 401, 41, 41, API_REFUSED, "invalid credentials", "check client_id and client_secret"},
    {401, 401, 42, 42, API_RENEW_TOKEN, "expired credentials", "check this host's clock"},
    {401, 401, ANY, API_REFUSED, "not authorized",
     "check client_id, client_secret and the api_key"},
    {403, 403, 50, 50, API_REFUSED, "access denied", ACCESS_REMEDY},
    {403, 403, 51, 51, API_REFUSED, "forbidden requester", ACCESS_REMEDY},
    {403, 403, 52, 52, API_REFUSED, "forbidden user", ACCESS_REMEDY},
    {403, 403, ANY, API_REFUSED, "forbidden", ACCESS_REMEDY},
    {404, 404, ANY, API_FIX, "no such resource", "check base_url and the profile's path"},
    {405, 405, ANY, API_FIX, "method not allowed", "check base_url and the profile's path"},
    {406, 406, ANY, API_FIX, "not acceptable", "check the profile's accept"},
    {407, 407, ANY, API_FIX, "the proxy wants credentials", "check the source's proxy"},
    {408, 408, ANY, API_RETRY, "request timed out", WAIT_REMEDY},
    {410, 410, ANY, API_FIX, "gone for good", "ask the API's provider for its successor"},
    {415, 415, ANY, API_FIX, "unsupported media type", "check the profile's accept"},
    {422, 422, ANY, API_FIX, "functional error", "narrow the profile's query as the words say"},
    {425, 425, ANY, API_RETRY, "too early", WAIT_REMEDY},
    {400, 499, ANY, API_FIX, "the request is refused", "check base_url and the profile"},
    {500, 500, ANY, API_RETRY, "internal error of the API", WAIT_REMEDY},
    {503, 503, 6, 6, API_RETRY, "over capacity", WAIT_REMEDY},
    {503, 503, ANY, API_RETRY, "service unavailable", WAIT_REMEDY},
    {504, 504, ANY, API_RETRY, "gateway timed out", WAIT_REMEDY},
    {500, 599, ANY, API_RETRY, "error of the API", WAIT_REMEDY},
    {ANY, ANY, API_RETRY, "unexpected answer", "check base_url"},
};

/* The token endpoint's own words (RFC 6749 5.2) weigh more than its status. */
static const struct {
    const char *error;
    enum api_action action;
    const char *meaning, *remedy;
} oauth_rows[] = {
    {"invalid_client", API_REFUSED, "invalid client", "check client_id and client_secret"},
    {"unauthorized_client", API_REFUSED, "unauthorized client", ACCESS_REMEDY},
    {"invalid_grant", API_REFUSED, "grant refused", ACCESS_REMEDY},
    {"access_denied", API_REFUSED, "access denied", ACCESS_REMEDY},
    {"invalid_scope", API_REFUSED, "invalid scope", "check oauth2.scope"},
    {"invalid_token", API_RENEW_TOKEN, "invalid or expired token", "check this host's clock"},
    {"invalid_request", API_FIX, "invalid token request", "check token_url"},
    {"unsupported_grant_type", API_FIX, "client credentials not supported", "check token_url"},
};

static bool is_within(int value, int low, int high)
{
    return (low == 0 && high == 0) || (value >= low && value <= high);
}

static void apply_row(struct api_error *out)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct row *row = &rows[i];
        if (is_within(out->http_code, row->http_low, row->http_high) &&
            is_within(out->code, row->code_low, row->code_high)) {
            out->action = row->action;
            out->meaning = row->meaning;
            out->remedy = row->remedy;
            return;
        }
    }
    CHECK(!"a table whose last row does not fit everything");
}

static void apply_oauth(struct api_error *out, const char *error)
{
    if (error == NULL || out->action == API_SLOW_DOWN) {
        return;
    }
    for (size_t i = 0; i < ARRAY_COUNT(oauth_rows); i++) {
        if (strcmp(error, oauth_rows[i].error) == 0) {
            out->action = oauth_rows[i].action;
            out->meaning = oauth_rows[i].meaning;
            out->remedy = oauth_rows[i].remedy;
            return;
        }
    }
}

static int read_code(const struct json *node)
{
    if (node == NULL || (json_kind(node) != JSON_NUMBER && json_kind(node) != JSON_STRING)) {
        return 0;
    }
    struct span digits = json_text(node);
    int code = 0;
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9' || code > 99999) {
            return 0;
        }
        code = code * 10 + (digits.data[i] - '0');
    }
    return code;
}

/* Descriptions often repeat the message. */
static bool says_more(struct span words, const struct text *said)
{
    while (words.size != 0 && words.data[words.size - 1] == '.') {
        words.size--;
    }
    return words.size != 0 &&
           (said->size == 0 || memmem(said->data, said->size, words.data, words.size) == NULL);
}

static void set_words(const struct text *words, struct api_error *out)
{
    struct text cut;
    text_init(&cut, sizeof out->words - 1);
    utf8_add_clean_line(&cut, text_span(words), API_WORDS_MAX);
    memcpy(out->words, text_cstr(&cut), cut.size + 1);
    text_fini(&cut);
}

static void read_words(const struct json *body, struct api_error *out)
{
    static const char *const names[] = {"message", "reason",           "error",
                                        "title",   "faultstring",      "description",
                                        "detail",  "error_description"};
    struct text words;
    text_init(&words, WORDS_BYTES_MAX);
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        const struct json *node = json_member(body, names[i]);
        if (node != NULL && json_kind(node) == JSON_STRING && says_more(json_text(node), &words)) {
            text_add_text(&words, words.size != 0 ? ": " : "");
            utf8_add_clean_line(&words, json_text(node), API_WORDS_MAX / 2);
        }
    }
    set_words(&words, out);
    text_fini(&words);
}

/* Gateways in front of an API wrap the error once more. */
static const struct json *unwrapped(const struct json *body)
{
    static const char *const names[] = {"error", "fault"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        const struct json *inner = json_member(body, names[i]);
        if (inner != NULL && json_kind(inner) == JSON_OBJECT) {
            return inner;
        }
    }
    return body;
}

static bool is_at(struct span body, size_t at, const char *text)
{
    size_t size = strlen(text);
    return body.size - at >= size && strncasecmp(body.data + at, text, size) == 0;
}

static size_t find_end(struct span body, size_t from, const char *text)
{
    for (size_t at = from; at < body.size; at++) {
        if (is_at(body, at, text)) {
            return at + strlen(text);
        }
    }
    return body.size;
}

/* The end of a part that is not to be read: a tag, a comment, or a script or style with its tags.
 */
static size_t skip_markup(struct span body, size_t from)
{
    static const struct {
        const char *start, *end;
    } parts[] = {{"<!--", "-->"}, {"<script", "</script>"}, {"<style", "</style>"}, {"<", ">"}};
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        if (is_at(body, from, parts[i].start)) {
            return find_end(body, from, parts[i].end);
        }
    }
    return from;
}

/* What a web page or a plain text says: proxies and firewalls answer so, with a number to quote. */
static void read_plain_words(struct span body, struct api_error *out)
{
    struct text words;
    text_init(&words, WORDS_BYTES_MAX);
    bool is_apart = false;
    for (size_t i = 0; i < body.size && words.size < WORDS_BYTES_MAX / 2;) {
        size_t end = skip_markup(body, i);
        bool is_space = end != i || (unsigned char)body.data[i] <= ' ';
        if (!is_space) {
            text_add_text(&words, is_apart && words.size != 0 ? " " : "");
            text_add_char(&words, body.data[i]);
        }
        is_apart = is_space;
        i = end != i ? end : i + 1;
    }
    set_words(&words, out);
    text_fini(&words);
}

static bool may_be_json(struct span body)
{
    size_t i = 0;
    while (i < body.size && (unsigned char)body.data[i] <= ' ') {
        i++;
    }
    return i == body.size || body.data[i] == '{' || body.data[i] == '[';
}

void api_error_read(int http_code, struct span body, struct api_error *out)
{
    *out = (struct api_error){.http_code = http_code};
    struct json *root = NULL;
    const struct json *object = NULL;
    if (json_parse(body, &root, NULL) == STATUS_OK) {
        object = json_kind(root) == JSON_LIST ? json_first(root) : root;
    } else if (!may_be_json(body)) {
        read_plain_words(body, out);
    }
    if (object != NULL && json_kind(object) == JSON_OBJECT) {
        const struct json *inner = unwrapped(object);
        out->code = read_code(json_member(inner, "code"));
        read_words(inner, out);
    }
    apply_row(out);
    if (object != NULL) {
        apply_oauth(out, json_member_text(object, "error"));
    }
    json_destroy(root);
}
