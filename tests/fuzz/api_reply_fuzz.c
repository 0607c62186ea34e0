/* Any body as a token reply, as an error and as the source's own state: no token that could change
 * a request, no words that could change a line. */
#include "core/api_error.h"
#include "core/secret.h"
#include "core/source_state.h"
#include "core/token.h"
#include "core/utf8.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_token(struct span body)
{
    struct token token = {0};
    if (token_accept(&token, body, 1000, NULL) == STATUS_OK) {
        struct span value = secret_reveal(token.value);
        CHECK(value.size != 0);
        for (size_t i = 0; i < value.size; i++) {
            CHECK(value.data[i] > ' ' && value.data[i] <= '~');
        }
        CHECK(token.renew_ms > 1000 && token.expires_ms >= token.renew_ms);
    } else {
        CHECK(token.value == NULL);
    }
    token_fini(&token);
}

static void check_error(struct span body, int http_code)
{
    struct api_error error;
    api_error_read(http_code, body, &error);
    struct span words = span_of(error.words);
    CHECK(utf8_is_valid(words));
    CHECK(words.size < sizeof error.words);
    for (size_t i = 0; i < words.size; i++) {
        CHECK((unsigned char)words.data[i] >= 0x20 && words.data[i] != 0x7f);
    }
}

static void check_state(struct span body)
{
    struct source_state state = {0};
    if (source_state_read(&state, body, NULL) == STATUS_OK) {
        struct text again;
        text_init(&again, SOURCE_STATE_BYTES_MAX);
        source_state_add(&state, &again);
        struct source_state second = {0};
        CHECK(again.status != STATUS_OK ||
              source_state_read(&second, text_span(&again), NULL) == STATUS_OK);
        source_state_fini(&second);
        text_fini(&again);
    }
    source_state_fini(&state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span body = {.data = (const char *)data, .size = size};
    check_token(body);
    check_error(body, size != 0 ? 300 + data[0] : 500);
    check_state(body);
    return 0;
}
