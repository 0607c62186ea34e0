#include "webhook_sign.h"

#include "core/base64.h"
#include "core/secret.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <string.h>

#define SECRET_PREFIX "whsec_"
#define KEY_BYTES_MAX 1024
#define SIGNED_BYTES_MAX (1u << 20)

enum status webhook_key_create(const struct secret *text, struct secret **out, struct failure *why)
{
    struct span spelled = secret_reveal(text);
    size_t prefix_size = strlen(SECRET_PREFIX);
    struct text key;
    text_init(&key, KEY_BYTES_MAX);
    bool is_key = spelled.size > prefix_size &&
                  memcmp(spelled.data, SECRET_PREFIX, prefix_size) == 0 &&
                  base64_decode(&key, (struct span){.data = spelled.data + prefix_size,
                                                    .size = spelled.size - prefix_size}) &&
                  key.status == STATUS_OK && key.size != 0;
    if (is_key) {
        *out = secret_create(text_span(&key));
    }
    if (key.data != NULL) {
        explicit_bzero(key.data, key.size);
    }
    text_fini(&key);
    return is_key ? STATUS_OK
                  : fail(why, STATUS_INVALID, "webhook secret: not " SECRET_PREFIX " and base64");
}

void webhook_sign(const struct secret *key, const char *id, int64_t time_s, struct span body,
                  struct text *out)
{
    struct text content;
    text_init(&content, SIGNED_BYTES_MAX);
    text_addf(&content, "%s.%lld.", id, (long long)time_s);
    text_add(&content, body);
    CHECK(content.status == STATUS_OK);
    struct span bytes = secret_reveal(key);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_size = 0;
    CHECK(HMAC(EVP_sha256(), bytes.data, (int)bytes.size, (const unsigned char *)content.data,
               content.size, digest, &digest_size) != NULL);
    text_add_text(out, "v1,");
    base64_add(out, (struct span){.data = (const char *)digest, .size = digest_size});
    text_fini(&content);
}
