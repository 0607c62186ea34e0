/* What a format may make of hostile data: whatever its output, the request is one request, to the
 * configured receiver. */
#include "core/arena.h"
#include "core/header_name.h"
#include "core/shaped_request.h"
#include "core/text.h"

#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BASE "https://desk.example.com/api"

static bool is_among(const char *method)
{
    static const char *const methods[] = {"POST", "PUT", "PATCH", "DELETE"};
    for (size_t i = 0; i < ARRAY_COUNT(methods); i++) {
        if (strcmp(methods[i], method) == 0) {
            return true;
        }
    }
    return false;
}

static void check_line(const char *text)
{
    for (const char *byte = text; *byte != '\0'; byte++) {
        CHECK((unsigned char)*byte >= 0x20 && (unsigned char)*byte < 0x7f);
    }
}

static void check_url(const char *url)
{
    size_t base_size = strlen(BASE);
    check_line(url);
    CHECK(strncmp(url, BASE, base_size) == 0);
    CHECK(url[base_size] == '/' || url[base_size] == '?');
    CHECK(strchr(url, ' ') == NULL && strchr(url, '#') == NULL && strchr(url, '\\') == NULL);
    const char *query = strchr(url, '?');
    const char *step = strstr(url, "/../");
    CHECK(step == NULL || (query != NULL && step > query));
    CHECK(strstr(query != NULL ? query : url, "token=t") != NULL); /* what is configured stays */
}

static void check(const struct shaped_request *request)
{
    CHECK(is_among(request->method));
    check_url(request->url);
    check_line(request->content_type);
    CHECK(request->header_count >= 1 && strcmp(request->headers[0].value, "mine") == 0);
    for (size_t i = 0; i < request->header_count; i++) {
        const struct http_header *header = &request->headers[i];
        check_line(header->value);
        CHECK(header_name_fault(header->name) == NULL);
        CHECK(i == 0 || strcasecmp(header->name, "Authorization") != 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct http_header configured[] = {{"Authorization", "mine"}};
    const struct webhook_config webhook = {
        .url = BASE "?token=t", .headers = configured, .header_count = ARRAY_COUNT(configured)};
    struct arena *arena = arena_create();
    struct shaped_request request;
    struct failure why;
    struct span json = {.data = (const char *)data, .size = size};
    if (shaped_request_read(json, &webhook, arena, &request, &why) == STATUS_OK) {
        check(&request);
    } else {
        CHECK(why.detail[0] != '\0');
    }
    arena_destroy(arena);
    return 0;
}
