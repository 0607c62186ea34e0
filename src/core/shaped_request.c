#include "core/shaped_request.h"

#include "core/address.h"
#include "core/arena.h"
#include "core/header_name.h"
#include "core/json.h"
#include "core/text.h"

#include <string.h>
#include <strings.h>

#define BODY_BYTES_MAX ((size_t)256 << 10)
#define URL_BYTES_MAX 4096
#define HEADER_COUNT_MAX 32

static bool is_member_known(const char *name)
{
    static const char *const known[] = {"body", "method", "path", "headers", "content_type"};
    for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
        if (strcmp(name, known[i]) == 0) {
            return true;
        }
    }
    return false;
}

static enum status check_members(const struct json *request, struct failure *why)
{
    for (const struct json *member = json_first(request); member != NULL;
         member = json_next(member)) {
        if (!is_member_known(json_key(member))) {
            return fail(why, STATUS_INVALID,
                        "a request has no member %.60s; accepted: body, method, path, headers, "
                        "content_type",
                        json_key(member));
        }
    }
    return STATUS_OK;
}

/* A text without NUL; NULL: it is absent. */
static enum status read_text(const struct json *request, const char *name, struct arena *arena,
                             const char **out, struct failure *why)
{
    const struct json *member = json_member(request, name);
    if (member == NULL || json_kind(member) == JSON_NULL) {
        return STATUS_OK;
    }
    if (json_kind(member) != JSON_STRING) {
        return fail(why, STATUS_INVALID, "%s is not a text", name);
    }
    *out = arena_text(arena, json_text(member));
    return STATUS_OK;
}

/* --- method and body ------------------------------------------------------------------------ */

static enum status read_method(const struct json *request, struct arena *arena,
                               struct shaped_request *out, struct failure *why)
{
    static const char *const methods[] = {"POST", "PUT", "PATCH", "DELETE"};
    const char *wanted = methods[0];
    enum status status = read_text(request, "method", arena, &wanted, why);
    if (status != STATUS_OK) {
        return status;
    }
    for (size_t i = 0; i < ARRAY_COUNT(methods); i++) {
        if (strcmp(wanted, methods[i]) == 0) {
            out->method = methods[i];
            return STATUS_OK;
        }
    }
    return fail(why, STATUS_INVALID, "method %.20s; accepted: POST, PUT, PATCH, DELETE", wanted);
}

static enum status read_body(const struct json *body, struct arena *arena,
                             struct shaped_request *out, struct failure *why)
{
    out->content_type = "application/json";
    if (json_kind(body) == JSON_NULL) {
        return STATUS_OK; /* DELETE, most of all */
    }
    struct text text;
    text_init(&text, BODY_BYTES_MAX);
    if (json_kind(body) == JSON_STRING) {
        out->content_type = "text/plain; charset=utf-8";
        text_add(&text, json_text(body));
    } else {
        json_add(&text, body);
    }
    enum status status = text.status;
    out->body = (struct span){.data = arena_text(arena, text_span(&text)), .size = text.size};
    text_fini(&text);
    return status == STATUS_OK
               ? STATUS_OK
               : fail(why, status, "the body is over %zu KiB", BODY_BYTES_MAX >> 10);
}

static enum status read_content_type(const struct json *request, struct arena *arena,
                                     struct shaped_request *out, struct failure *why)
{
    enum status status = read_text(request, "content_type", arena, &out->content_type, why);
    if (status != STATUS_OK) {
        return status;
    }
    bool is_type = strchr(out->content_type, '/') != NULL && strlen(out->content_type) <= 200 &&
                   header_value_fault(out->content_type) == NULL;
    return is_type ? STATUS_OK
                   : fail(why, STATUS_INVALID,
                          "content_type is not a media type such as "
                          "application/json");
}

/* --- the URL -------------------------------------------------------------------------------- */

static bool is_path_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || strchr("-._~!$&'()*+,;=:@/?%", byte) != NULL;
}

/* "." and "..", however they are spelled: a receiver's server would leave the folder with them. */
static bool is_dot_segment(struct span segment)
{
    size_t dots = 0;
    for (size_t i = 0; i < segment.size; i++) {
        if (segment.data[i] == '%' && segment.size - i >= 3 && segment.data[i + 1] == '2' &&
            (segment.data[i + 2] == 'e' || segment.data[i + 2] == 'E')) {
            i += 2;
        } else if (segment.data[i] != '.') {
            return false;
        }
        dots++;
    }
    return dots == 1 || dots == 2;
}

static enum status check_path(const char *path, struct failure *why)
{
    for (const char *byte = path; *byte != '\0'; byte++) {
        if (!is_path_byte(*byte)) {
            return fail(why, STATUS_INVALID,
                        "path %.200s: has what no URL may have; encode it with @uri", path);
        }
    }
    size_t size = strcspn(path, "?");
    for (size_t from = 0; from <= size;) {
        size_t segment_size = 0;
        while (from + segment_size < size && path[from + segment_size] != '/') {
            segment_size++;
        }
        if (is_dot_segment((struct span){.data = path + from, .size = segment_size})) {
            return fail(why, STATUS_INVALID, "path %.200s: leaves the configured URL", path);
        }
        from += segment_size + 1;
    }
    return STATUS_OK;
}

/* The path goes between that of the configured URL and its query. */
static enum status join_url(const char *base, const char *path, struct arena *arena,
                            const char **out, struct failure *why)
{
    size_t base_size = strcspn(base, "?");
    const char *base_query = base[base_size] == '?' ? base + base_size + 1 : "";
    size_t path_size = strcspn(path, "?");
    const char *query = path[path_size] == '?' ? path + path_size + 1 : "";
    while (base_size != 0 && base[base_size - 1] == '/') {
        base_size--;
    }
    struct text url;
    text_init(&url, URL_BYTES_MAX);
    text_add(&url, (struct span){.data = base, .size = base_size});
    if (path_size != 0) {
        text_add_text(&url, path[0] == '/' ? "" : "/");
        text_add(&url, (struct span){.data = path, .size = path_size});
    }
    const char *joint = "?";
    const char *const queries[] = {base_query, query};
    for (size_t i = 0; i < ARRAY_COUNT(queries); i++) {
        if (queries[i][0] != '\0') {
            text_addf(&url, "%s%s", joint, queries[i]);
            joint = "&";
        }
    }
    *out = arena_text(arena, text_span(&url));
    enum status status = url.status;
    text_fini(&url);
    return status == STATUS_OK ? STATUS_OK : fail(why, status, "the URL with its path is too long");
}

static enum status read_path(const struct json *request, const struct webhook_config *webhook,
                             struct arena *arena, struct shaped_request *out, struct failure *why)
{
    const char *path = "";
    enum status status = read_text(request, "path", arena, &path, why);
    if (status != STATUS_OK || path[0] == '\0') {
        return status;
    }
    status = check_path(path, why);
    return status == STATUS_OK ? join_url(webhook->url, path, arena, &out->url, why) : status;
}

/* --- headers -------------------------------------------------------------------------------- */

static bool is_configured(const struct webhook_config *webhook, const char *name)
{
    for (size_t i = 0; i < webhook->header_count; i++) {
        if (strcasecmp(webhook->headers[i].name, name) == 0) {
            return true;
        }
    }
    bool has_credentials = webhook->username != NULL || webhook->bearer_token != NULL;
    return has_credentials && strcasecmp(name, "Authorization") == 0;
}

static enum status read_header(const struct json *member, struct arena *arena,
                               struct http_header *out, struct failure *why)
{
    out->name = arena_text(arena, span_of(json_key(member)));
    const char *fault = header_name_fault(out->name);
    if (fault != NULL) {
        return fail(why, STATUS_INVALID, "headers: %.60s %s", out->name, fault);
    }
    if (json_kind(member) != JSON_STRING) {
        return fail(why, STATUS_INVALID, "headers: %.60s is not a text", out->name);
    }
    out->value = arena_text(arena, json_text(member));
    fault = header_value_fault(out->value);
    return fault == NULL ? STATUS_OK
                         : fail(why, STATUS_INVALID, "headers: %.60s %s", out->name, fault);
}

static enum status read_headers(const struct json *request, const struct webhook_config *webhook,
                                struct arena *arena, struct shaped_request *out,
                                struct failure *why)
{
    const struct json *map = json_member(request, "headers");
    if (map == NULL || json_kind(map) == JSON_NULL) {
        return STATUS_OK;
    }
    if (json_kind(map) != JSON_OBJECT || json_count(map) > HEADER_COUNT_MAX) {
        return fail(why, STATUS_INVALID, "headers is not an object of up to %d texts",
                    HEADER_COUNT_MAX);
    }
    struct http_header *headers =
        arena_array(arena, webhook->header_count + json_count(map), sizeof *headers);
    for (size_t i = 0; i < webhook->header_count; i++) {
        headers[i] = webhook->headers[i];
    }
    out->headers = headers;
    for (const struct json *member = json_first(map); member != NULL; member = json_next(member)) {
        struct http_header header;
        enum status status = read_header(member, arena, &header, why);
        if (status != STATUS_OK) {
            return status;
        }
        if (!is_configured(webhook, header.name)) {
            headers[out->header_count++] = header;
        }
    }
    return STATUS_OK;
}

static enum status read_request(const struct json *output, const struct webhook_config *webhook,
                                struct arena *arena, struct shaped_request *out,
                                struct failure *why)
{
    const struct json *body = json_kind(output) == JSON_OBJECT ? json_member(output, "body") : NULL;
    if (body == NULL) {
        return read_body(output, arena, out, why);
    }
    enum status status = check_members(output, why);
    if (status == STATUS_OK) {
        status = read_method(output, arena, out, why);
    }
    if (status == STATUS_OK) {
        status = read_body(body, arena, out, why);
    }
    if (status == STATUS_OK) {
        status = read_content_type(output, arena, out, why);
    }
    if (status == STATUS_OK) {
        status = read_path(output, webhook, arena, out, why);
    }
    return status == STATUS_OK ? read_headers(output, webhook, arena, out, why) : status;
}

enum status shaped_request_read(struct span json, const struct webhook_config *webhook,
                                struct arena *arena, struct shaped_request *out,
                                struct failure *why)
{
    struct json *output = NULL;
    enum status status = json_parse(json, &output, why);
    if (status != STATUS_OK) {
        return status;
    }
    struct shaped_request request = {.method = "POST",
                                     .url = webhook->url,
                                     .headers = webhook->headers,
                                     .header_count = webhook->header_count};
    status = read_request(output, webhook, arena, &request, why);
    json_destroy(output);
    if (status == STATUS_OK) {
        *out = request;
    }
    return status;
}
