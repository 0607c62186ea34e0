#include "mail_tls.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <string.h>

static void note(struct mail_tls *notes, const char *what, const char *name, const char *reason)
{
    struct failure why;
    (void)fail(&why, STATUS_UNAVAILABLE, "%s %s: %s", what, name, reason);
    memcpy(notes->reason, why.detail, sizeof notes->reason - 1);
}

/* libesmtp compares with the canonical DNS name, cannot do addresses, and shows no reason: the
 * check against the configured name is OpenSSL's, and this notes what it found. */
static int on_verify(X509_STORE_CTX *store, void *arg)
{
    struct mail_tls *notes = arg;
    int is_good = X509_verify_cert(store);
    if (is_good <= 0) {
        note(notes, "certificate of", notes->host,
             X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)));
    }
    return is_good;
}

/* The library sends no server name; this is the last moment before its first message. */
static void on_info(const SSL *ssl, int where, int code)
{
    (void)code;
    if ((where & SSL_CB_HANDSHAKE_START) == 0) {
        return;
    }
    struct mail_tls *notes = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    union {
        const SSL *lent;
        SSL *ours;
    } tls = {.lent = ssl};
    (void)SSL_set_tlsext_host_name(tls.ours, notes->host);
}

static bool expect_peer(SSL_CTX *tls, struct mail_tls *notes)
{
    X509_VERIFY_PARAM *expected = SSL_CTX_get0_param(tls);
    X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (X509_VERIFY_PARAM_set1_ip_asc(expected, notes->host) == 1) {
        return true;
    }
    SSL_CTX_set_app_data(tls, notes);
    SSL_CTX_set_info_callback(tls, on_info);
    return X509_VERIFY_PARAM_set1_host(expected, notes->host, 0) == 1;
}

/* Not 1.3: its session tickets come after the handshake, and then the library waits for an answer
 * to what it has not yet sent. */
struct ssl_ctx_st *mail_tls_create(struct mail_tls *notes, const char *ca_file)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    CHECK(tls != NULL);
    bool is_set = SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) == 1 &&
                  SSL_CTX_set_max_proto_version(tls, TLS1_2_VERSION) == 1 &&
                  SSL_CTX_set_cipher_list(tls, "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM") == 1 &&
                  expect_peer(tls, notes);
    CHECK(is_set);
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(tls, on_verify, notes);
    int is_loaded = ca_file[0] != '\0' ? SSL_CTX_load_verify_file(tls, ca_file)
                                       : SSL_CTX_set_default_verify_paths(tls);
    if (is_loaded != 1) {
        note(notes, "CA file", ca_file, "cannot be read");
    }
    return tls;
}
