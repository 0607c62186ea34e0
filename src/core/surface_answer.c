#include "core/utf8.h"

#include "surface_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT_DEFAULT 100

static const char *title_of(int code)
{
    static const struct {
        int code;
        const char *title;
    } titles[] = {
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {409, "Conflict"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {421, "Misdirected Request"},
        {422, "Unprocessable Content"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(titles); i++) {
        if (titles[i].code == code) {
            return titles[i].title;
        }
    }
    CHECK(!"a code without a title");
}

void answer_json(struct surface *surface, struct http_exchange *exchange, int code,
                 struct span json)
{
    const struct http_answer answer = {
        .code = code, .content_type = "application/json", .body = json};
    surface->options.responder.answer(exchange, &answer);
}

void answer_kept(struct surface *surface, struct http_exchange *exchange, const char *known,
                 const struct http_answer *answer)
{
    bool is_known = known != NULL && answer->etag != NULL &&
                    (strcmp(known, "*") == 0 || strstr(known, answer->etag) != NULL);
    struct http_answer shown = *answer;
    if (is_known) {
        shown.code = 304;
        shown.body = span_of("");
    }
    surface->options.responder.answer(exchange, &shown);
}

static void add_clean(struct json_writer *writer, const char *name, const char *line)
{
    struct text clean;
    text_init(&clean, 4096);
    utf8_add_clean_line(&clean, span_of(line), 1000);
    json_write_text(writer, name, text_cstr(&clean));
    text_fini(&clean);
}

static void begin_problem(struct json_writer *writer, int code, const char *detail)
{
    json_write_open(writer, NULL, '{');
    json_write_text(writer, "type", "about:blank");
    json_write_text(writer, "title", title_of(code));
    json_write_integer(writer, "status", code);
    add_clean(writer, "detail", detail);
}

static void send_problem(struct surface *surface, struct http_exchange *exchange, int code,
                         const char *detail, const char *allow)
{
    struct text body;
    text_init(&body, 16384);
    struct json_writer writer = {.out = &body};
    begin_problem(&writer, code, detail);
    json_write_close(&writer, '}');
    const struct http_answer answer = {.code = code,
                                       .content_type = "application/problem+json",
                                       .allow = allow,
                                       .asks_for_token = code == 401,
                                       .body = text_span(&body)};
    surface->options.responder.answer(exchange, &answer);
    text_fini(&body);
}

void answer_problems(struct surface *surface, struct http_exchange *exchange, int code,
                     const char *const *problems, size_t count)
{
    char detail[80];
    (void)snprintf(detail, sizeof detail, "%zu %s; the configuration before stays in force", count,
                   count == 1 ? "problem" : "problems");
    struct text body;
    text_init(&body, ANSWER_BYTES_MAX);
    struct json_writer writer = {.out = &body};
    begin_problem(&writer, code, detail);
    json_write_open(&writer, "errors", '[');
    for (size_t i = 0; i < count; i++) {
        add_clean(&writer, NULL, problems[i]);
    }
    json_write_close(&writer, ']');
    json_write_close(&writer, '}');
    const struct http_answer answer = {
        .code = code, .content_type = "application/problem+json", .body = text_span(&body)};
    surface->options.responder.answer(exchange, &answer);
    text_fini(&body);
}

void answer_problem(struct surface *surface, struct http_exchange *exchange, int code,
                    const char *format, ...)
{
    char detail[1200];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    send_problem(surface, exchange, code, detail, NULL);
}

void answer_not_allowed(const struct call *call, const char *allow)
{
    char detail[400];
    (void)snprintf(detail, sizeof detail, "%.20s %.200s: not with this method; accepted: %s",
                   call->query->method, call->query->path, allow);
    send_problem(call->surface, call->exchange, 405, detail, allow);
}

void answer_store_problem(struct surface *surface, struct http_exchange *exchange,
                          enum status status, const char *detail)
{
    answer_problem(surface, exchange, 503, "the state file does not answer (%s): %s",
                   status_name(status), detail);
}

/* --- parameters ------------------------------------------------------------------------------- */

const char *call_parameter(const struct call *call, const char *name)
{
    for (size_t i = 0; i < call->query->parameter_count; i++) {
        if (strcmp(call->query->parameters[i].name, name) == 0) {
            return call->query->parameters[i].value;
        }
    }
    return NULL;
}

static void refuse_parameter(const struct call *call, const char *name, const char *const *names)
{
    struct text accepted;
    text_init(&accepted, 512);
    for (size_t i = 0; names[i] != NULL; i++) {
        text_addf(&accepted, "%s%s", i != 0 ? ", " : "", names[i]);
    }
    answer_problem(call->surface, call->exchange, 400, "parameter %.100s: not known here; %s%s",
                   name, names[0] != NULL ? "accepted: " : "none is accepted",
                   text_cstr(&accepted));
    text_fini(&accepted);
}

bool call_accepts(const struct call *call, const char *const *names)
{
    for (size_t i = 0; i < call->query->parameter_count; i++) {
        const struct http_parameter *parameter = &call->query->parameters[i];
        size_t known = 0;
        while (names[known] != NULL && strcmp(names[known], parameter->name) != 0) {
            known++;
        }
        if (names[known] == NULL) {
            refuse_parameter(call, parameter->name, names);
            return false;
        }
        if (call_parameter(call, parameter->name) != parameter->value) {
            answer_problem(call->surface, call->exchange, 400, "parameter %s: given twice",
                           parameter->name);
            return false;
        }
        if (strlen(parameter->value) > PARAMETER_BYTES_MAX ||
            !utf8_is_valid(span_of(parameter->value))) {
            answer_problem(call->surface, call->exchange, 400,
                           "parameter %s: not text of at most %d bytes in UTF-8", parameter->name,
                           PARAMETER_BYTES_MAX);
            return false;
        }
    }
    return true;
}

bool call_limit(const struct call *call, size_t *out)
{
    const char *text = call_parameter(call, "limit");
    if (text == NULL) {
        *out = LIMIT_DEFAULT;
        return true;
    }
    bool is_number =
        text[0] != '\0' && strlen(text) <= 4 && strspn(text, "0123456789") == strlen(text);
    unsigned long limit = is_number ? strtoul(text, NULL, 10) : 0;
    if (limit < 1 || limit > PAGE_ITEMS_MAX) {
        answer_problem(call->surface, call->exchange, 400,
                       "parameter limit: \"%.40s\" is not accepted; accepted: 1 to %d", text,
                       PAGE_ITEMS_MAX);
        return false;
    }
    *out = limit;
    return true;
}
