#include "http_options.h"

#include <curl/curl.h>

#include <ctype.h>
#include <string.h>

#define CONNECT_MS_MAX 20000
#define DNS_CACHE_SECONDS 60L
#define CONNECTION_SECONDS_MAX 300L /* then a new look-up: services move */
#define HEADER_BYTES_MAX 65536
/* Portions of libcurl's own 16 KiB cost more than what they carry: each is a turn of the loop with
 * its polls. Of a page in clear one is read a turn; over TLS a read is a record, whatever is asked.
 */
#define LARGE_BODY_BYTES ((size_t)1 << 20)
#define LARGE_READ_BYTES (256L << 10)

struct options {
    CURL *easy;
    struct curl_slist *headers;
    CURLcode code; /* the first error sticks */
};

static void note(struct options *options, CURLcode code)
{
    if (options->code == CURLE_OK) {
        options->code = code;
    }
}

/* Nothing but what the configuration names is ever talked to. */
static void set_confinement(struct options *options, const char *proxy)
{
    CURL *easy = options->easy;
    note(options, curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https"));
    note(options, curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L));
    note(options, curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED));
    /* An empty proxy also turns the environment's off. */
    note(options, curl_easy_setopt(easy, CURLOPT_PROXY, proxy != NULL ? proxy : ""));
    note(options, curl_easy_setopt(easy, CURLOPT_NOPROXY, proxy != NULL ? "" : "*"));
    note(options, curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L));
}

static void set_connection(struct options *options)
{
    CURL *easy = options->easy;
    note(options, curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L));
    /* Without it a look-up that hangs is joined, and the loop hangs with it. */
    note(options, curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L));
    note(options, curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS));
    note(options, curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, DNS_CACHE_SECONDS));
    note(options, curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, CONNECTION_SECONDS_MAX));
    note(options, curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L));
    note(options, curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 30L));
    note(options, curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 10L));
}

static void set_limits(struct options *options, const struct http_request *request)
{
    CURL *easy = options->easy;
    int64_t connect_ms =
        request->timeout_ms < CONNECT_MS_MAX ? request->timeout_ms : CONNECT_MS_MAX;
    note(options, curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms));
    note(options, curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms));
    /* The declared length is only the first guard: http_reply.c counts what was unpacked. */
    if (!request->truncates_body) {
        note(options, curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE,
                                       (curl_off_t)request->body_bytes_max));
    }
    if (request->body_bytes_max >= LARGE_BODY_BYTES) {
        note(options, curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, LARGE_READ_BYTES));
    }
    /* Of all packings the one with a check sum. It is unpacked as the body comes, in portions:
     * libcurl unpacks a read at once, and keeps all of it while the transfer is paused. */
    note(options, curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip"));
    note(options, curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L));
}

static void set_tls(struct options *options, const struct tls_config *tls)
{
    CURL *easy = options->easy;
    note(options, curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L));
    note(options, curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L));
    note(options, curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2));
    note(options, curl_easy_setopt(easy, CURLOPT_CERTINFO, 1L));
    if (tls == NULL) {
        return;
    }
    if (tls->ca_file != NULL) {
        note(options, curl_easy_setopt(easy, CURLOPT_CAINFO, tls->ca_file));
        /* A private CA replaces the public ones; the folder would keep them. */
        note(options, curl_easy_setopt(easy, CURLOPT_CAPATH, NULL));
    }
    if (tls->cert_file != NULL) {
        note(options, curl_easy_setopt(easy, CURLOPT_SSLCERT, tls->cert_file));
        note(options, curl_easy_setopt(easy, CURLOPT_SSLKEY,
                                       tls->key_file != NULL ? tls->key_file : tls->cert_file));
    }
}

static bool is_token(const char *name)
{
    for (const char *byte = name; *byte != '\0'; byte++) {
        if (!isalnum((unsigned char)*byte) && strchr("!#$%&'*+-.^_`|~", *byte) == NULL) {
            return false;
        }
    }
    return *name != '\0';
}

static void add_header_line(struct options *options, const char *line)
{
    struct curl_slist *longer = curl_slist_append(options->headers, line);
    note(options, longer != NULL ? CURLE_OK : CURLE_OUT_OF_MEMORY);
    options->headers = longer != NULL ? longer : options->headers;
}

static void add_header(struct options *options, const struct http_header *header)
{
    if (!is_token(header->name) || strpbrk(header->value, "\r\n") != NULL) {
        note(options, CURLE_BAD_FUNCTION_ARGUMENT);
        return;
    }
    struct text line;
    text_init(&line, HEADER_BYTES_MAX);
    text_add_text(&line, header->name);
    /* A header without a value is spelled with a semicolon in libcurl. */
    text_add_text(&line, *header->value != '\0' ? ": " : ";");
    text_add_text(&line, header->value);
    note(options, line.status == STATUS_OK ? CURLE_OK : CURLE_BAD_FUNCTION_ARGUMENT);
    add_header_line(options, text_cstr(&line));
    if (line.data != NULL) {
        explicit_bzero(line.data, line.size);
    }
    text_fini(&line);
}

static void set_request(struct options *options, const struct http_request *request)
{
    CURL *easy = options->easy;
    bool has_body = !text_equal(request->method, "GET");
    note(options, curl_easy_setopt(easy, CURLOPT_URL, request->url));
    note(options, curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, request->only_connects ? 1L : 0L));
    if (has_body) {
        note(options, curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method));
        note(options,
             curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.size));
        note(options, curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS,
                                       request->body.size != 0 ? request->body.data : ""));
        /* No extra round trip, and no server that answers it wrongly. */
        add_header_line(options, "Expect:");
    }
    for (size_t i = 0; i < request->header_count; i++) {
        add_header(options, &request->headers[i]);
    }
    note(options, curl_easy_setopt(easy, CURLOPT_HTTPHEADER, options->headers));
}

int http_options_set_tls(void *easy, const struct tls_config *tls)
{
    struct options options = {.easy = easy};
    set_tls(&options, tls);
    return (int)options.code;
}

int http_options_set(void *easy, const struct http_request *request, struct curl_slist **headers)
{
    struct options options = {.easy = easy};
    set_confinement(&options, request->proxy);
    set_connection(&options);
    set_limits(&options, request);
    set_tls(&options, request->tls);
    set_request(&options, request);
    *headers = options.headers;
    return (int)options.code;
}

void http_options_free_headers(struct curl_slist *headers)
{
    for (struct curl_slist *line = headers; line != NULL; line = line->next) {
        explicit_bzero(line->data, strlen(line->data));
    }
    curl_slist_free_all(headers);
}
