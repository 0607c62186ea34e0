/* What came back of one request, kept past its done, and what is wrong with it in words. */
#ifndef CORE_ANSWER_H
#define CORE_ANSWER_H

#include "core/api_error.h"
#include "core/ports.h"

#define RETRY_AFTER_MAX_MS INT64_C(86400000) /* no API may silence a monitor for longer */
#define REQUEST_ID_MAX 128

struct json;
struct paging;

struct answer {
    struct instant at;
    enum status status;
    int http_code;
    char *body;
    size_t body_size;
    char *link, *etag, *last_modified; /* NULL: none, or longer than any can be */
    int64_t total;                     /* X-Total-Count; PAGE_TOTAL_NONE: absent or not a number */
    int64_t wait_ms;                   /* Retry-After, capped; 0: none */
    int64_t certificate_expires_wall_ms, own_certificate_expires_wall_ms;
    bool is_tls_failure, is_own_certificate_refused;
    char request_id[REQUEST_ID_MAX + 8], content_type[96], detail[256]; /* cleaned */
    char location[208]; /* of a redirect: cleaned, without query and credentials */
};

void answer_take(struct answer *answer, struct http_response *response);
void answer_clear(struct answer *answer);
bool answer_is_page(const struct answer *answer); /* 200 or 206: it has a body to read */
struct span answer_body(const struct answer *answer);
/* A small value that stands beside the list; NULL: none. The caller destroys it. */
struct json *answer_value_at(const struct answer *answer, const char *pointer);
/* How many elements there are in all, by header or body, as the paging says; PAGE_TOTAL_NONE. */
int64_t answer_total(const struct answer *answer, const struct paging *paging);

/* Why a request or a whole sweep did not give what was wanted. */
struct trouble {
    enum api_action action;
    bool is_ours;    /* the store, not the API */
    bool is_partial; /* what was seen until then counts */
    int64_t wait_ms; /* the API's own wish; 0: none */
    char code[24];   /* short and stable: 503, 403/50, tls, timeout */
    char request_id[REQUEST_ID_MAX + 8];
    char detail[480]; /* one line for a human */
};

/* Anything but a good answer, in words: source, address without query, code, the operator's own
 * words, request id, remedy. */
void answer_explain(const struct answer *answer, const char *source_name, const char *url,
                    struct trouble *out);
/* A 2xx whose body is not what it should be: reason says what; the body may still be an error in
 * disguise, and then its words and its action count. */
#define ANSWER_PAGE_REMEDY "check base_url and the profile if it stays so"
#define ANSWER_TOKEN_REMEDY "check token_url if it stays so"
void answer_explain_body(const struct answer *answer, const char *source_name, const char *url,
                         const char *reason, const char *remedy, struct trouble *out);

#endif
