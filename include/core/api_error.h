/* What an answer that is not the wanted one means: the API's error model as a table. */
#ifndef CORE_API_ERROR_H
#define CORE_API_ERROR_H

#include "core/base.h"

enum api_action {
    API_RETRY,       /* the API's trouble: back off, try again */
    API_SLOW_DOWN,   /* too many requests: wait as told, use less of the budget */
    API_RENEW_TOKEN, /* the token has expired: get another, once */
    API_REFUSED,     /* credentials or access: slow probes, call the operator */
    API_FIX,         /* the request is wrong: configuration or profile; no fast retry */
};

#define API_WORDS_MAX 240

struct api_error {
    enum api_action action;
    int http_code;
    int code;                      /* the API's own; 0: none given */
    const char *meaning;           /* static: what it is */
    const char *remedy;            /* static: what to do */
    char words[API_WORDS_MAX + 8]; /* the operator's own, cleaned; "" if none */
};

/* Accepts {code, message, description}, code as number or text, a list of such, TMF's reason,
 * OAuth's error and error_description, and RFC 9457's title and detail; the same inside error or
 * fault. The words of a web page are its text. Any body is fine. */
void api_error_read(int http_code, struct span body, struct api_error *out);

#endif
