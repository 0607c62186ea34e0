#include "http_hide.h"

#include "core/base64.h"

#include <curl/curl.h>

#include <string.h>
#include <strings.h>

/* Anything shorter may be a word of the answer's own: in an error's words that costs a word, in a
 * good answer, whose values are used, it would change what was said. */
#define ERROR_BYTES_MIN 6
#define CREDENTIAL_BYTES_MIN 12 /* of a header whose name says what it holds */
#define VALUE_BYTES_MIN 16
#define PLAIN_BYTES_MAX ((size_t)256 << 10)

struct hiding {
    struct text *body;
    size_t bytes_min;
};

static bool has_name(const char *const *names, size_t count, struct span name)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(names[i]) == name.size && strncasecmp(names[i], name.data, name.size) == 0) {
            return true;
        }
    }
    return false;
}

static bool contains_word(struct span name, const char *word)
{
    size_t size = strlen(word);
    for (size_t i = 0; i + size <= name.size; i++) {
        if (strncasecmp(name.data + i, word, size) == 0) {
            return true;
        }
    }
    return false;
}

/* How long what this header holds must be to be hidden. */
static size_t bytes_min_of(struct span name, bool is_good_answer)
{
    static const char *const words[] = {"auth", "key", "token", "secret", "password", "cookie"};
    static const char *const plain[] = {"accept",        "accept-language",   "content-type",
                                        "user-agent",    "webhook-id",        "webhook-timestamp",
                                        "if-none-match", "if-modified-since", "expect"};
    if (has_name(plain, ARRAY_COUNT(plain), name)) {
        return SIZE_MAX;
    }
    if (!is_good_answer) {
        return ERROR_BYTES_MIN;
    }
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (contains_word(name, words[i])) {
            return CREDENTIAL_BYTES_MIN;
        }
    }
    return VALUE_BYTES_MIN;
}

static void write_over(const struct hiding *hiding, struct span secret)
{
    char *at = hiding->body->data;
    size_t left = hiding->body->size;
    if (secret.size < hiding->bytes_min) {
        return;
    }
    for (char *found;
         left >= secret.size && (found = memmem(at, left, secret.data, secret.size)) != NULL;) {
        memset(found, '*', secret.size);
        left -= (size_t)(found - at) + secret.size;
        at = found + secret.size;
    }
}

/* The password that Basic encodes, as the operator wrote it and as OAuth spells it. */
static void write_over_password(const struct hiding *hiding, struct span encoded)
{
    struct text pair;
    text_init(&pair, PLAIN_BYTES_MAX);
    const char *colon =
        base64_decode(&pair, encoded) ? memchr(text_cstr(&pair), ':', pair.size) : NULL;
    if (colon != NULL) {
        int size = 0;
        char *password = curl_easy_unescape(NULL, colon + 1, 0, &size);
        write_over(hiding, span_of(colon + 1));
        if (password != NULL) {
            write_over(hiding, (struct span){.data = password, .size = (size_t)size});
            explicit_bzero(password, (size_t)size);
        }
        curl_free(password);
    }
    if (pair.data != NULL) {
        explicit_bzero(pair.data, pair.capacity);
    }
    text_fini(&pair);
}

static void hide_value(const struct hiding *hiding, const char *value)
{
    const char *space = strrchr(value, ' '); /* after the scheme */
    write_over(hiding, span_of(value));
    if (space != NULL) {
        write_over(hiding, span_of(space + 1));
    }
    if (strncasecmp(value, "Basic ", 6) == 0) {
        write_over_password(hiding, span_of(space + 1));
    }
}

void http_hide(const struct curl_slist *headers, bool is_good_answer, struct text *body)
{
    for (; headers != NULL && body->size != 0; headers = headers->next) {
        const char *colon = strstr(headers->data, ": ");
        if (colon != NULL) {
            struct span name = {.data = headers->data, .size = (size_t)(colon - headers->data)};
            const struct hiding hiding = {.body = body,
                                          .bytes_min = bytes_min_of(name, is_good_answer)};
            hide_value(&hiding, colon + 2);
        }
    }
}
