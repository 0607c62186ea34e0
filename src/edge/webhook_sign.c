#include "webhook_sign.h"

#include "core/base64.h"
#include "core/secret.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>

#include <stdlib.h>
#include <string.h>

#define SHARED_PREFIX "whsec_"
#define PRIVATE_PREFIX "whsk_"
#define KEY_BYTES_MAX 1024
#define SIGNED_BYTES_MAX (1u << 20)
#define SEED_SIZE 32
#define SIGNATURE_SIZE 64

struct webhook_key {
    EVP_MAC_CTX *shared; /* ready for a message: each takes a copy; NULL: it is a private one */
    EVP_PKEY *private;
};

/* What follows the prefix, decoded; the caller wipes it. */
static bool decode_after(struct span spelled, const char *prefix, struct text *out)
{
    size_t size = strlen(prefix);
    return spelled.size > size && memcmp(spelled.data, prefix, size) == 0 &&
           base64_decode(out,
                         (struct span){.data = spelled.data + size, .size = spelled.size - size}) &&
           out->status == STATUS_OK && out->size != 0;
}

/* OpenSSL looks algorithms up by name, which costs more than a message: once a key. */
static EVP_MAC_CTX *read_shared(const struct text *bytes)
{
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(mac);
    CHECK(context != NULL &&
          EVP_MAC_init(context, (const unsigned char *)bytes->data, bytes->size, parameters) == 1);
    EVP_MAC_free(mac);
    return context;
}

/* A private key is written as its seed, with or without the public key behind it. */
static EVP_PKEY *read_private(const struct text *bytes)
{
    if (bytes->size != SEED_SIZE && bytes->size != (size_t)2 * SEED_SIZE) {
        return NULL;
    }
    return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, (const unsigned char *)bytes->data,
                                        SEED_SIZE);
}

enum status webhook_key_create(const struct secret *text, struct webhook_key **out,
                               struct failure *why)
{
    struct span spelled = secret_reveal(text);
    struct webhook_key key = {.shared = NULL};
    struct text bytes;
    text_init(&bytes, KEY_BYTES_MAX);
    if (decode_after(spelled, SHARED_PREFIX, &bytes)) {
        key.shared = read_shared(&bytes);
    } else {
        text_clear(&bytes);
        if (decode_after(spelled, PRIVATE_PREFIX, &bytes)) {
            key.private = read_private(&bytes);
        }
    }
    if (bytes.data != NULL) {
        explicit_bzero(bytes.data, bytes.capacity);
    }
    text_fini(&bytes);
    if (key.shared == NULL && key.private == NULL) {
        return fail(why, STATUS_INVALID,
                    "webhook secret: not " SHARED_PREFIX " or " PRIVATE_PREFIX " and base64");
    }
    *out = alloc(sizeof **out);
    **out = key;
    return STATUS_OK;
}

void webhook_key_destroy(struct webhook_key *key)
{
    if (key == NULL) {
        return;
    }
    EVP_MAC_CTX_free(key->shared);
    EVP_PKEY_free(key->private);
    free(key);
}

static size_t sign_shared(const EVP_MAC_CTX *key, struct span bytes,
                          unsigned char digest[static EVP_MAX_MD_SIZE])
{
    size_t size = 0;
    EVP_MAC_CTX *context = EVP_MAC_CTX_dup(key);
    CHECK(context != NULL &&
          EVP_MAC_update(context, (const unsigned char *)bytes.data, bytes.size) == 1 &&
          EVP_MAC_final(context, digest, &size, EVP_MAX_MD_SIZE) == 1);
    EVP_MAC_CTX_free(context);
    return size;
}

static size_t sign_privately(EVP_PKEY *key, struct span bytes,
                             unsigned char signature[static SIGNATURE_SIZE])
{
    size_t size = SIGNATURE_SIZE;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    CHECK(context != NULL && EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1 &&
          EVP_DigestSign(context, signature, &size, (const unsigned char *)bytes.data,
                         bytes.size) == 1);
    EVP_MD_CTX_free(context);
    return size;
}

void webhook_sign(const struct webhook_key *key, const char *id, int64_t time_s, struct span body,
                  struct text *out)
{
    struct text content;
    text_init(&content, SIGNED_BYTES_MAX);
    text_addf(&content, "%s.%lld.", id, (long long)time_s);
    text_add(&content, body);
    CHECK(content.status == STATUS_OK);
    unsigned char signature[EVP_MAX_MD_SIZE];
    _Static_assert(sizeof signature >= SIGNATURE_SIZE, "both kinds fit");
    size_t size = key->shared != NULL
                      ? sign_shared(key->shared, text_span(&content), signature)
                      : sign_privately(key->private, text_span(&content), signature);
    text_add_text(out, key->shared != NULL ? "v1," : "v1a,");
    base64_add(out, (struct span){.data = (const char *)signature, .size = size});
    text_fini(&content);
}

void webhook_sign_body(const struct secret *secret, struct span body, struct text *out)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    struct span key = secret_reveal(secret);
    const char *data = body.size != 0 ? body.data : "";
    unsigned size = 0;
    CHECK(HMAC(EVP_sha256(), key.data, (int)key.size, (const unsigned char *)data, body.size,
               digest, &size) != NULL);
    text_add_text(out, "sha256=");
    for (size_t i = 0; i < size; i++) {
        text_addf(out, "%02x", digest[i]);
    }
}
