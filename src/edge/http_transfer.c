#include "http_transfer.h"

#include "address_policy.h"
#include "certificate.h"
#include "http_hide.h"
#include "http_options.h"
#include "http_reply.h"

#include <curl/curl.h>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A peer that acknowledges nothing for so long is gone, though the kernel would wait minutes. */
#define UNACKNOWLEDGED_MS_MAX 20000u
/* A good answer that is longer is a page of orders, and is quoted to nobody. */
#define QUOTED_BYTES_MAX ((size_t)64 << 10)

struct http_transfer {
    struct http_transfer *next, *previous;
    http_done_fn *on_done;
    void *arg;
    CURL *easy;
    struct curl_slist *headers; /* may hold secrets: wiped */
    struct http_reply reply;
    int64_t deadline_mono_ms;
    int64_t own_certificate_end_ms; /* 0: none is shown */
    bool allows_private;
    bool is_cancelled, is_restarted;
    bool is_paused;
    CURLcode code;
    char error[CURL_ERROR_SIZE];
    char refused_address[INET6_ADDRSTRLEN]; /* "" unless the policy refused one */
};

/* NOLINTNEXTLINE(readability-non-const-parameter): the type is libcurl's */
static size_t on_header(char *data, size_t size, size_t count, void *arg)
{
    struct http_transfer *transfer = arg;
    struct span line = {.data = data, .size = size * count};
    return http_reply_add_header(&transfer->reply, line) ? line.size : 0;
}

/* A declared length saves the body from growing piece by piece. It may be a lie; that of a packed
 * body tells nothing. */
static void expect_body(struct http_transfer *transfer)
{
    curl_off_t size = 0;
    if (transfer->reply.headers[REPLY_CONTENT_ENCODING] == NULL &&
        curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &size) == CURLE_OK &&
        size > 0) {
        text_expect(&transfer->reply.body, (size_t)size);
    }
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the type is libcurl's */
static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct http_transfer *transfer = arg;
    struct span piece = {.data = data, .size = size * count};
    if (piece.size == 0) {
        return 0;
    }
    if (transfer->reply.body.size == 0) {
        expect_body(transfer);
    }
    switch (http_reply_add_body(&transfer->reply, piece)) {
    case REPLY_TAKEN:
        return piece.size;
    case REPLY_PORTION:
        transfer->is_paused = true;
        return CURL_WRITEFUNC_PAUSE;
    case REPLY_REFUSED:
        break;
    }
    return 0; /* any other number than the one given ends the transfer */
}

static void note_refused_address(struct http_transfer *transfer, const struct sockaddr *address)
{
    char *name = transfer->refused_address;
    socklen_t size = sizeof transfer->refused_address;
    struct sockaddr_in6 address6;
    struct sockaddr_in address4;
    if (address->sa_family == AF_INET6) {
        memcpy(&address6, address, sizeof address6);
        (void)inet_ntop(AF_INET6, &address6.sin6_addr, name, size);
    } else if (address->sa_family == AF_INET) {
        memcpy(&address4, address, sizeof address4);
        (void)inet_ntop(AF_INET, &address4.sin_addr, name, size);
    }
}

static curl_socket_t on_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct http_transfer *transfer = arg;
    (void)purpose;
    if (!transfer->allows_private && !address_is_public(&address->addr, address->addrlen)) {
        note_refused_address(transfer, &address->addr);
        return CURL_SOCKET_BAD;
    }
    /* Helper processes must not inherit it, or the connection outlives its close. */
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd < 0) {
        return CURL_SOCKET_BAD;
    }
    unsigned wait_ms = UNACKNOWLEDGED_MS_MAX;
    if (setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &wait_ms, sizeof wait_ms) != 0) {
        (void)close(fd);
        return CURL_SOCKET_BAD;
    }
    return fd;
}

static void note(struct http_transfer *transfer, CURLcode code)
{
    if (transfer->code == CURLE_OK) {
        transfer->code = code;
    }
}

static void set_callbacks(struct http_transfer *transfer)
{
    CURL *easy = transfer->easy;
    note(transfer, curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer));
    note(transfer, curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error));
    note(transfer, curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header));
    note(transfer, curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer));
    note(transfer, curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body));
    note(transfer, curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer));
    note(transfer, curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket));
    note(transfer, curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer));
}

struct http_transfer *http_transfer_create(const struct http_request *request,
                                           http_done_fn *on_done, void *arg, int64_t now_mono_ms)
{
    CHECK(request->timeout_ms > 0);
    struct http_transfer *transfer = alloc(sizeof *transfer);
    transfer->on_done = on_done;
    transfer->arg = arg;
    /* A proxy is where its owner put it; what lies behind is the proxy's to refuse. */
    transfer->allows_private = request->allows_private || request->proxy != NULL;
    transfer->deadline_mono_ms = now_mono_ms + request->timeout_ms;
    if (request->tls != NULL && request->tls->cert_file != NULL) {
        transfer->own_certificate_end_ms = certificate_file_end_ms(request->tls->cert_file);
    }
    http_reply_init(&transfer->reply, request->body_bytes_max, request->truncates_body);
    transfer->easy = curl_easy_init();
    if (transfer->easy == NULL) {
        transfer->code = CURLE_OUT_OF_MEMORY;
        return transfer;
    }
    set_callbacks(transfer);
    note(transfer, (CURLcode)http_options_set(transfer->easy, request, &transfer->headers));
    return transfer;
}

void *http_transfer_easy(const struct http_transfer *transfer)
{
    return transfer->code == CURLE_OK ? transfer->easy : NULL;
}

void *http_transfer_arg(const struct http_transfer *transfer)
{
    return transfer->arg;
}

void http_transfer_cancel(struct http_transfer *transfer)
{
    transfer->is_cancelled = true;
}

bool http_transfer_is_paused(const struct http_transfer *transfer)
{
    return transfer->is_paused;
}

int http_transfer_go_on(struct http_transfer *transfer)
{
    transfer->is_paused = false;
    http_reply_begin_portion(&transfer->reply);
    return (int)curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
}

void http_transfer_set_code(struct http_transfer *transfer, int curl_code)
{
    transfer->code = (CURLcode)curl_code;
}

static bool is_lost_connection(CURLcode code)
{
    return code == CURLE_GOT_NOTHING || code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR;
}

bool http_transfer_restart(struct http_transfer *transfer, int64_t now_mono_ms)
{
    long connect_count = 1;
    int64_t rest_ms = transfer->deadline_mono_ms - now_mono_ms;
    if (transfer->is_cancelled || transfer->is_restarted || rest_ms <= 0 ||
        !is_lost_connection(transfer->code) || !http_reply_is_empty(&transfer->reply)) {
        return false;
    }
    if (curl_easy_getinfo(transfer->easy, CURLINFO_NUM_CONNECTS, &connect_count) != CURLE_OK ||
        connect_count != 0) {
        return false;
    }
    transfer->is_restarted = true;
    transfer->code = CURLE_OK;
    transfer->error[0] = '\0';
    note(transfer, curl_easy_setopt(transfer->easy, CURLOPT_FRESH_CONNECT, 1L));
    note(transfer, curl_easy_setopt(transfer->easy, CURLOPT_TIMEOUT_MS, (long)rest_ms));
    return transfer->code == CURLE_OK;
}

static bool is_tls_code(CURLcode code)
{
    static const CURLcode codes[] = {
        CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM,
        CURLE_SSL_CIPHER,        CURLE_SSL_CACERT_BADFILE,       CURLE_SSL_CLIENTCERT,
        CURLE_SSL_ISSUER_ERROR,  CURLE_SSL_INVALIDCERTSTATUS,    CURLE_USE_SSL_FAILED,
    };
    for (size_t i = 0; i < ARRAY_COUNT(codes); i++) {
        if (codes[i] == code) {
            return true;
        }
    }
    return false;
}

static bool was_never_sent(const struct http_transfer *transfer)
{
    curl_off_t sent_us = 0;
    return transfer->easy == NULL ||
           (curl_easy_getinfo(transfer->easy, CURLINFO_PRETRANSFER_TIME_T, &sent_us) == CURLE_OK &&
            sent_us == 0);
}

/* OpenSSL's words for the alert of a server that wants another certificate than it was shown;
 * empty: there is none. Since TLS 1.3 it comes after our side's handshake, with the first read. */
static struct span certificate_alert(const struct http_transfer *transfer)
{
    static const char *const alerts[] = {
        " alert certificate required", " alert bad certificate",
        " alert certificate unknown",  " alert certificate expired",
        " alert certificate revoked",  " alert unknown ca",
        " alert handshake failure",    " alert unsupported certificate",
        " alert access denied",
    };
    static const char before[] = "SSL routines::";
    const char *words = strstr(transfer->error, before);
    for (size_t i = 0; i < ARRAY_COUNT(alerts) && words != NULL; i++) {
        if (strstr(words, alerts[i]) != NULL) {
            words += sizeof before - 1;
            return (struct span){.data = words, .size = strcspn(words, ",")};
        }
    }
    return (struct span){.size = 0};
}

/* Or it has closed the connection before we read, and libcurl has no other words than for the first
 * call that met this: before the request was sent, or as the alert was read. */
static bool is_closed_after_handshake(const struct http_transfer *transfer)
{
    CURL *easy = transfer->easy;
    curl_off_t handshake_us = 0;
    long connect_count = 0;
    long sent_bytes = 0;
    bool is_new = curl_easy_getinfo(easy, CURLINFO_APPCONNECT_TIME_T, &handshake_us) == CURLE_OK &&
                  curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connect_count) == CURLE_OK &&
                  curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &sent_bytes) == CURLE_OK &&
                  handshake_us != 0 && connect_count != 0;
    bool is_unsent = transfer->code == CURLE_SEND_ERROR && sent_bytes == 0;
    /* The words are of the sending, which met it first; the second are OpenSSL's. */
    bool is_of_sending =
        strncmp(transfer->error, "Send failure", strlen("Send failure")) == 0 ||
        strncmp(transfer->error, "SSL_write() error", strlen("SSL_write() error")) == 0;
    bool is_alert_lost = transfer->code == CURLE_RECV_ERROR && is_of_sending;
    return is_new && (is_unsent || is_alert_lost);
}

static bool is_own_certificate_refused(const struct http_transfer *transfer)
{
    if (transfer->easy == NULL || transfer->is_cancelled ||
        !http_reply_is_empty(&transfer->reply)) {
        return false;
    }
    return is_closed_after_handshake(transfer) || certificate_alert(transfer).size != 0;
}

static int64_t certificate_end_ms(const struct curl_slist *certificate)
{
    static const char key[] = "Expire date:";
    for (; certificate != NULL; certificate = certificate->next) {
        if (strncmp(certificate->data, key, sizeof key - 1) == 0) {
            time_t end = curl_getdate(certificate->data + sizeof key - 1, NULL);
            return end > 0 ? (int64_t)end * 1000 : 0;
        }
    }
    return 0;
}

/* Known of the transfer that made the connection; later ones on it show nothing. */
static int64_t peer_certificate_end_ms(const struct http_transfer *transfer)
{
    struct curl_certinfo *chain = NULL;
    if (curl_easy_getinfo(transfer->easy, CURLINFO_CERTINFO, &chain) != CURLE_OK || chain == NULL ||
        chain->num_of_certs < 1) {
        return 0;
    }
    return certificate_end_ms(chain->certinfo[0]);
}

/* A server may answer before it has read the request's body, to refuse it for instance. libcurl
 * 7.88 takes that for an error of HTTP/2 as it goes on to send: one without a reason of its own,
 * which each other end of a stream has. The answer is whole, and it is the answer. */
static bool is_early_answer(const struct http_transfer *transfer)
{
    long http_code = 0;
    return transfer->code == CURLE_HTTP2_STREAM && transfer->error[0] == '\0' &&
           curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &http_code) == CURLE_OK &&
           http_code >= 200;
}

/* Without its body, too: where it is only quoted, or the code says what is to be done. */
static bool is_answer_enough(const struct http_transfer *transfer)
{
    long http_code = 0;
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &http_code);
    return transfer->reply.truncates_body || http_code < 200 || http_code > 299;
}

/* The answer is there, but what it is packed into may be broken. */
static enum status explain_packing(struct http_transfer *transfer, struct failure *why)
{
    enum status status = http_reply_check_packing(&transfer->reply, why);
    if (status != STATUS_OK && is_answer_enough(transfer)) {
        text_clear(&transfer->reply.body); /* half a secret would not be found in it */
        status = STATUS_OK;
    }
    if (status == STATUS_OK) {
        (void)fail(why, STATUS_OK, "%s", "");
    }
    return status;
}

static bool is_ended(const struct http_transfer *transfer)
{
    const struct http_reply *reply = &transfer->reply;
    return transfer->code == CURLE_OK || (reply->is_body_full && reply->truncates_body) ||
           reply->is_packing_damaged || is_early_answer(transfer);
}

static enum status explain(struct http_transfer *transfer, struct failure *why)
{
    const struct http_reply *reply = &transfer->reply;
    if (transfer->is_cancelled) {
        return fail(why, STATUS_UNAVAILABLE, "cancelled");
    }
    if (is_ended(transfer)) {
        return explain_packing(transfer, why);
    }
    if (reply->is_body_full || transfer->code == CURLE_FILESIZE_EXCEEDED) {
        return fail(why, STATUS_TOO_LARGE, "the answer is larger than %zu bytes",
                    reply->body.size_max);
    }
    /* libcurl has no other word for a header that is longer than it holds back. */
    if (reply->is_header_full ||
        (transfer->code == CURLE_OUT_OF_MEMORY && transfer->easy != NULL)) {
        return fail(why, STATUS_TOO_LARGE, "the answer's headers are larger than %d bytes",
                    REPLY_HEADERS_BYTES_MAX);
    }
    if (transfer->code == CURLE_BAD_FUNCTION_ARGUMENT) {
        return fail(why, STATUS_INVALID, "a request header's name or value cannot be sent");
    }
    if (transfer->code == CURLE_COULDNT_CONNECT && transfer->refused_address[0] != '\0') {
        return fail(why, STATUS_UNAVAILABLE,
                    "address %s is private or local, and allow_private is off",
                    transfer->refused_address);
    }
    struct span alert = certificate_alert(transfer);
    if (alert.size != 0) {
        return fail(why, STATUS_UNAVAILABLE, "%.*s", (int)alert.size, alert.data);
    }
    if (is_closed_after_handshake(transfer)) {
        return fail(why, STATUS_UNAVAILABLE, "closed by the server right after the handshake");
    }
    bool is_bad_url =
        transfer->code == CURLE_URL_MALFORMAT || transfer->code == CURLE_UNSUPPORTED_PROTOCOL;
    return fail(why, is_bad_url ? STATUS_INVALID : STATUS_UNAVAILABLE, "%s",
                transfer->error[0] != '\0' ? transfer->error : curl_easy_strerror(transfer->code));
}

void http_transfer_end(struct http_transfer *transfer, struct instant at)
{
    struct failure why;
    struct http_response response = {.at = at, .status = explain(transfer, &why)};
    response.detail = why.detail;
    http_reply_show(&transfer->reply, &response);
    if (response.status == STATUS_OK) {
        long http_code = 0;
        (void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &http_code);
        response.http_code = (int)http_code;
        bool is_good = http_code >= 200 && http_code <= 299;
        if (!is_good || transfer->reply.body.size <= QUOTED_BYTES_MAX) {
            http_hide(transfer->headers, is_good, &transfer->reply.body);
        }
        response.certificate_expires_wall_ms = peer_certificate_end_ms(transfer);
        response.own_certificate_expires_wall_ms = transfer->own_certificate_end_ms;
    } else {
        response.is_own_certificate_refused = is_own_certificate_refused(transfer);
        response.is_tls_failure =
            is_tls_code(transfer->code) || response.is_own_certificate_refused;
        response.is_connect_failure =
            was_never_sent(transfer) || response.is_own_certificate_refused;
    }
    transfer->on_done(transfer->arg, &response);
    curl_easy_cleanup(transfer->easy);
    http_options_free_headers(transfer->headers);
    http_reply_fini(&transfer->reply);
    free(transfer);
}

void http_transfer_list_add(struct http_transfer_list *list, struct http_transfer *transfer)
{
    CHECK(transfer->next == NULL && transfer->previous == NULL);
    transfer->previous = list->last;
    if (list->last != NULL) {
        list->last->next = transfer;
    } else {
        list->first = transfer;
    }
    list->last = transfer;
}

void http_transfer_list_remove(struct http_transfer_list *list, struct http_transfer *transfer)
{
    *(transfer->previous != NULL ? &transfer->previous->next : &list->first) = transfer->next;
    *(transfer->next != NULL ? &transfer->next->previous : &list->last) = transfer->previous;
    transfer->next = NULL;
    transfer->previous = NULL;
}

struct http_transfer *http_transfer_next(const struct http_transfer *transfer)
{
    return transfer->next;
}
