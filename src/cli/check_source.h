/* One source tried: a token if it uses one, and the first page of its orders. */
#ifndef CLI_CHECK_SOURCE_H
#define CLI_CHECK_SOURCE_H

#include "core/answer.h"
#include "core/text.h"
#include "core/token.h"

enum check_source_step {
    CHECK_SOURCE_TOKEN, /* to be asked for */
    CHECK_SOURCE_TOKEN_ASKED,
    CHECK_SOURCE_PAGE,
    CHECK_SOURCE_PAGE_ASKED,
    CHECK_SOURCE_DONE,
};

struct check_source {
    const struct source_config *config;
    struct http_port http;
    struct unicode_port unicode;
    enum check_source_step step;
    bool is_answered; /* what was asked for is in answer */
    struct answer answer;
    struct token token;
    struct text url;     /* of the page */
    struct text detail;  /* its line, when it is done */
    struct text warning; /* every against budget; empty: none */
    bool is_ok;
};

void check_source_init(struct check_source *check, const struct source_config *config,
                       struct http_port http, struct unicode_port unicode);
void check_source_turn(struct check_source *check); /* at most two requests in all */
void check_source_fini(struct check_source *check);

#endif
