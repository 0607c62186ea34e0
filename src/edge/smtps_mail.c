#include "smtps_mail.h"

#include "core/secret.h"
#include "http_options.h"

#include <curl/curl.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAIL_BYTES_MAX (32u << 20)
#define REPLY_LINE_MAX 240
#define REPLY_TO_QUIT 221
#define REPLY_TO_DATA 354

struct smtps_mail {
    char *url, *username, *from, *to, *ca_file;
    struct secret *password; /* NULL: no login */
    struct text message;
    long timeout_ms;
};

/* One attempt; lives on the stack of its thread. */
struct attempt {
    const struct smtps_mail *mail;
    const atomic_bool *is_cancelled;
    int64_t deadline_mono_ms;
    size_t sent_bytes;
    int reply_code; /* of the latest whole reply; 0: none yet */
    bool was_asked_for_data;
    char reply_line[REPLY_LINE_MAX];
    char error[CURL_ERROR_SIZE];
    CURLcode code;
};

/* A lone CR or LF is taken for a line end by some servers and not by others: what one of them sees
 * as text, another may see as the end of the mail and a new command. */
static void add_with_crlf(struct text *out, struct span message)
{
    size_t from = 0;
    for (size_t i = 0; i < message.size; i++) {
        char byte = message.data[i];
        if (byte != '\r' && byte != '\n') {
            continue;
        }
        text_add(out, (struct span){.data = message.data + from, .size = i - from});
        text_add_text(out, "\r\n");
        if (byte == '\r' && i + 1 < message.size && message.data[i + 1] == '\n') {
            i++;
        }
        from = i + 1;
    }
    text_add(out, (struct span){.data = message.data + from, .size = message.size - from});
}

struct smtps_mail *smtps_mail_create(const struct smtps_request *request)
{
    CHECK(request->timeout_ms > 0);
    struct smtps_mail *mail = alloc(sizeof *mail);
    mail->url = alloc_text(request->url);
    mail->username = alloc_text(request->username);
    mail->from = alloc_text(request->from);
    mail->to = alloc_text(request->to);
    mail->ca_file = alloc_text(request->ca_file);
    if (request->password != NULL) {
        mail->password = secret_create(secret_reveal(request->password));
    }
    mail->timeout_ms = (long)request->timeout_ms;
    text_init(&mail->message, MAIL_BYTES_MAX);
    add_with_crlf(&mail->message, request->message);
    return mail;
}

void smtps_mail_destroy(struct smtps_mail *mail)
{
    if (mail == NULL) {
        return;
    }
    free(mail->url);
    free(mail->username);
    free(mail->from);
    free(mail->to);
    free(mail->ca_file);
    secret_destroy(mail->password);
    text_fini(&mail->message);
    free(mail);
}

static size_t on_read(char *buffer, size_t size, size_t count, void *arg)
{
    struct attempt *attempt = arg;
    const struct text *message = &attempt->mail->message;
    size_t rest = message->size - attempt->sent_bytes;
    size_t portion = size * count < rest ? size * count : rest;
    if (portion != 0) {
        memcpy(buffer, message->data + attempt->sent_bytes, portion);
        attempt->sent_bytes += portion;
    }
    return portion;
}

/* Every line that the server says comes here, commands' replies included. */
static size_t on_reply_line(char *data, size_t size, size_t count, void *arg)
{
    struct attempt *attempt = arg;
    size_t line_size = size * count;
    bool has_code = line_size >= 3 && isdigit((unsigned char)data[0]) &&
                    isdigit((unsigned char)data[1]) && isdigit((unsigned char)data[2]);
    if (!has_code || (line_size > 3 && data[3] == '-')) {
        return line_size;
    }
    int code = (data[0] - '0') * 100 + (data[1] - '0') * 10 + (data[2] - '0');
    if (code == REPLY_TO_QUIT) {
        return line_size; /* libcurl says QUIT after a refusal, which is what counts */
    }
    attempt->reply_code = code;
    attempt->was_asked_for_data = attempt->was_asked_for_data || code == REPLY_TO_DATA;
    size_t kept = line_size < REPLY_LINE_MAX ? line_size : REPLY_LINE_MAX - 1;
    memcpy(attempt->reply_line, data, kept);
    while (kept != 0 && isspace((unsigned char)attempt->reply_line[kept - 1])) {
        kept--;
    }
    attempt->reply_line[kept] = '\0';
    return line_size;
}

static int64_t mono_now_ms(void)
{
    struct timespec now;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* libcurl's own deadline does not cover QUIT after a refusal: it would wait two minutes. */
static int on_progress(void *arg, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                       curl_off_t up)
{
    const struct attempt *attempt = arg;
    (void)down_total;
    (void)down;
    (void)up_total;
    (void)up;
    return atomic_load(attempt->is_cancelled) || mono_now_ms() > attempt->deadline_mono_ms ? 1 : 0;
}

static curl_socket_t on_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)arg;
    (void)purpose;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static void note(struct attempt *attempt, CURLcode code)
{
    if (attempt->code == CURLE_OK) {
        attempt->code = code;
    }
}

static void set_callbacks(CURL *easy, struct attempt *attempt)
{
    note(attempt, curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, attempt->error));
    note(attempt, curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read));
    note(attempt, curl_easy_setopt(easy, CURLOPT_READDATA, attempt));
    note(attempt, curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_reply_line));
    note(attempt, curl_easy_setopt(easy, CURLOPT_HEADERDATA, attempt));
    note(attempt, curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L));
    note(attempt, curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress));
    note(attempt, curl_easy_setopt(easy, CURLOPT_XFERINFODATA, attempt));
    note(attempt, curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket));
}

static void set_session(CURL *easy, struct attempt *attempt)
{
    const struct smtps_mail *mail = attempt->mail;
    const struct tls_config tls = {.ca_file = mail->ca_file};
    note(attempt, curl_easy_setopt(easy, CURLOPT_URL, mail->url));
    note(attempt, curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtps"));
    note(attempt, curl_easy_setopt(easy, CURLOPT_PROXY, ""));
    note(attempt, curl_easy_setopt(easy, CURLOPT_NOPROXY, "*"));
    note(attempt, curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED));
    note(attempt, curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L));
    note(attempt, curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L));
    note(attempt, curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, mail->timeout_ms));
    note(attempt, curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, mail->timeout_ms));
    note(attempt, (CURLcode)http_options_set_tls(easy, &tls));
    if (mail->username != NULL && mail->password != NULL) {
        note(attempt, curl_easy_setopt(easy, CURLOPT_USERNAME, mail->username));
        note(attempt, curl_easy_setopt(easy, CURLOPT_PASSWORD, secret_reveal_text(mail->password)));
    }
}

static struct curl_slist *set_envelope(CURL *easy, struct attempt *attempt)
{
    const struct smtps_mail *mail = attempt->mail;
    if (mail->to == NULL) {
        note(attempt, curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "NOOP"));
        note(attempt, curl_easy_setopt(easy, CURLOPT_NOBODY, 1L)); /* its reply is a header */
        return NULL;
    }
    struct text path;
    text_init(&path, 1024);
    text_addf(&path, "<%s>", mail->from);
    note(attempt, curl_easy_setopt(easy, CURLOPT_MAIL_FROM, text_cstr(&path)));
    text_clear(&path);
    text_addf(&path, "<%s>", mail->to);
    struct curl_slist *to = curl_slist_append(NULL, text_cstr(&path));
    text_fini(&path);
    note(attempt, to != NULL ? CURLE_OK : CURLE_OUT_OF_MEMORY);
    note(attempt, curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, to));
    note(attempt, curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L));
    note(attempt, curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)mail->message.size));
    return to;
}

/* libcurl says QUIT when it closes, and waits up to two minutes for the answer. Nobody needs that
 * answer: with our reading side shut, QUIT still leaves and the wait ends at once. */
static void stop_listening(CURL *easy)
{
    curl_socket_t socket = CURL_SOCKET_BAD;
    if (curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &socket) == CURLE_OK &&
        socket != CURL_SOCKET_BAD) {
        (void)shutdown(socket, SHUT_RD);
    }
}

static bool is_address(const char *text)
{
    for (const char *byte = text; *byte != '\0'; byte++) {
        if ((unsigned char)*byte <= ' ' || *byte == 0x7f || *byte == '<' || *byte == '>') {
            return false;
        }
    }
    return *text != '\0' && strlen(text) <= 512;
}

static bool is_tls_failure(CURLcode code)
{
    return code == CURLE_SSL_CONNECT_ERROR || code == CURLE_PEER_FAILED_VERIFICATION ||
           code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_CERTPROBLEM ||
           code == CURLE_SSL_CIPHER;
}

static void conclude(const struct attempt *attempt, struct smtps_outcome *out)
{
    CURLcode code = attempt->code;
    bool has_ended_by_reply = code == CURLE_OK || attempt->reply_code >= 400;
    if (atomic_load(attempt->is_cancelled) && !has_ended_by_reply) {
        out->status = fail(&out->why, STATUS_UNAVAILABLE, "cancelled");
        return;
    }
    if (has_ended_by_reply) {
        out->status = STATUS_OK;
        out->reply_code = attempt->reply_code;
        out->is_session_refused =
            code == CURLE_LOGIN_DENIED || code == CURLE_REMOTE_ACCESS_DENIED ||
            (code == CURLE_WEIRD_SERVER_REPLY && !attempt->was_asked_for_data);
        (void)fail(&out->why, STATUS_OK, "%s", attempt->reply_line);
        return;
    }
    out->is_tls_failure = is_tls_failure(code);
    out->is_connect_failure = attempt->reply_code == 0;
    out->status = fail(&out->why, STATUS_UNAVAILABLE, "%s",
                       attempt->error[0] != '\0' ? attempt->error : curl_easy_strerror(code));
}

void smtps_mail_send(struct smtps_mail *mail, const atomic_bool *is_cancelled,
                     struct smtps_outcome *out)
{
    struct attempt attempt = {.mail = mail,
                              .is_cancelled = is_cancelled,
                              .deadline_mono_ms = mono_now_ms() + mail->timeout_ms};
    bool has_address = is_address(mail->from) && (mail->to == NULL || is_address(mail->to));
    if (!has_address || mail->message.status != STATUS_OK) {
        out->status =
            fail(&out->why, STATUS_INVALID,
                 "the mail has an address that is none, or is over %u bytes", MAIL_BYTES_MAX);
        return;
    }
    CURL *easy = curl_easy_init();
    if (easy == NULL) {
        out->status = fail(&out->why, STATUS_UNAVAILABLE, "libcurl has no memory");
        return;
    }
    set_callbacks(easy, &attempt);
    set_session(easy, &attempt);
    struct curl_slist *to = set_envelope(easy, &attempt);
    if (attempt.code == CURLE_OK) {
        attempt.code = curl_easy_perform(easy);
    }
    conclude(&attempt, out);
    stop_listening(easy);
    curl_easy_cleanup(easy);
    curl_slist_free_all(to);
}
