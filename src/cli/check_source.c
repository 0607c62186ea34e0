#include "check_source.h"

#include "core/arena.h"
#include "core/extract.h"
#include "core/pace.h"
#include "core/pager.h"
#include "core/slice.h"
#include "core/source_request.h"

#include <inttypes.h>
#include <string.h>

#define DETAIL_BYTES_MAX 2048

void check_source_init(struct check_source *check, const struct source_config *config,
                       struct http_port http, struct unicode_port unicode)
{
    *check = (struct check_source){.config = config,
                                   .http = http,
                                   .unicode = unicode,
                                   .step = config->oauth2.token_url != NULL ? CHECK_SOURCE_TOKEN
                                                                            : CHECK_SOURCE_PAGE};
    answer_clear(&check->answer);
    text_init(&check->url, PAGER_URL_MAX);
    text_init(&check->detail, DETAIL_BYTES_MAX);
    text_init(&check->warning, DETAIL_BYTES_MAX);
}

void check_source_fini(struct check_source *check)
{
    answer_clear(&check->answer);
    token_fini(&check->token);
    text_fini(&check->url);
    text_fini(&check->detail);
    text_fini(&check->warning);
}

static void on_answer(void *arg, struct http_response *response)
{
    struct check_source *check = arg;
    answer_take(&check->answer, response);
    check->is_answered = true;
}

/* The words begin with "source NAME: ", which the line says already. */
static void end_with(struct check_source *check, const char *words)
{
    struct text prefix;
    text_init(&prefix, DETAIL_BYTES_MAX);
    text_addf(&prefix, "source %s: ", check->config->name);
    bool has_prefix = strncmp(words, text_cstr(&prefix), prefix.size) == 0;
    text_add_text(&check->detail, has_prefix ? words + prefix.size : words);
    text_fini(&prefix);
    check->step = CHECK_SOURCE_DONE;
}

static void start(struct check_source *check, struct source_request *request)
{
    check->is_answered = false;
    check->http.start(check->http.self, &request->http, on_answer, check);
    source_request_fini(request);
}

/* --- the token -------------------------------------------------------------------------------- */

static void ask_token(struct check_source *check)
{
    struct source_request request;
    source_request_init_token(&request, check->config);
    check->step = CHECK_SOURCE_TOKEN_ASKED;
    start(check, &request);
}

static void take_token(struct check_source *check)
{
    const struct source_config *source = check->config;
    const struct answer *answer = &check->answer;
    struct trouble trouble;
    if (answer->status != STATUS_OK || answer->http_code < 200 || answer->http_code > 299) {
        answer_explain(answer, source->name, source->oauth2.token_url, &trouble);
        end_with(check, trouble.detail);
        return;
    }
    struct failure why = {0};
    int64_t now_ms = answer->at.mono_ms;
    if (token_accept(&check->token, answer_body(answer), now_ms, &why) != STATUS_OK) {
        answer_explain_body(answer, source->name, source->oauth2.token_url, why.detail,
                            ANSWER_TOKEN_REMEDY, &trouble);
        end_with(check, trouble.detail);
        return;
    }
    if (check->token.expires_ms == INSTANT_NEVER) {
        text_add_text(&check->detail, "token valid for an unknown time, ");
    } else {
        text_addf(&check->detail, "token valid %" PRId64 " s, ",
                  (check->token.expires_ms - now_ms) / 1000);
    }
    explicit_bzero(check->answer.body, check->answer.body_size);
    check->step = CHECK_SOURCE_PAGE;
}

/* --- the page --------------------------------------------------------------------------------- */

static void ask_page(struct check_source *check)
{
    const struct source_config *source = check->config;
    const struct collection *orders = &source->profile->orders;
    const struct pager_limits limits = {
        .page_size = source->page_size != 0 ? source->page_size : orders->paging.page_size,
        .page_count_max = 1,
        .element_count_max = source->order_count_max};
    struct pager pager;
    struct failure why;
    pager_init(&pager, orders, source->base_url, &limits);
    enum status status = pager_add_url(&pager, &check->url, &why);
    pager_fini(&pager);
    if (status != STATUS_OK) {
        end_with(check, why.detail);
        return;
    }
    struct source_request request;
    source_request_init_get(&request, source, text_cstr(&check->url), &check->token);
    check->step = CHECK_SOURCE_PAGE_ASKED;
    start(check, &request);
}

/* Every element is cut, the first one is read as the profile says. */
static enum status read_page(const struct check_source *check, size_t *count, struct failure *why)
{
    const struct profile *profile = check->config->profile;
    struct span body = answer_body(&check->answer);
    struct slicer slicer;
    enum status status = slice_open(&slicer, body, profile->orders.items_pointer, why);
    struct arena *arena = arena_create();
    struct span element;
    enum slice_result result = SLICE_BROKEN;
    while (status == STATUS_OK && (result = slice_next(&slicer, &element)) == SLICE_ELEMENT) {
        const struct extractor extractor = {
            .profile = profile, .zone = check->config->zone, .unicode = check->unicode};
        struct extraction extraction;
        if (slicer.element_count == 1) {
            status = extract_order(&extractor, element, arena, &extraction, why);
        }
    }
    arena_destroy(arena);
    if (status == STATUS_OK && result == SLICE_BROKEN) {
        return fail(why, STATUS_INVALID, "the page is cut off or no JSON");
    }
    *count = slicer.element_count;
    return status;
}

static void compare_pace(struct check_source *check, uint64_t total)
{
    struct pace pace = pace_of(check->config, total);
    if (!pace.is_kept && pace.page_count > 1) {
        text_addf(&check->warning, "%s: warning: ", check->config->every_place);
        pace_add_words(&pace, check->config, &check->warning);
    }
}

static void take_page(struct check_source *check)
{
    const struct source_config *source = check->config;
    struct trouble trouble;
    struct failure why;
    size_t count = 0;
    if (!answer_is_page(&check->answer)) {
        answer_explain(&check->answer, source->name, text_cstr(&check->url), &trouble);
        text_clear(&check->detail);
        end_with(check, trouble.detail);
        return;
    }
    if (read_page(check, &count, &why) != STATUS_OK) {
        answer_explain_body(&check->answer, source->name, text_cstr(&check->url), why.detail,
                            ANSWER_PAGE_REMEDY, &trouble);
        text_clear(&check->detail);
        end_with(check, trouble.detail);
        return;
    }
    int64_t given = answer_total(&check->answer, &source->profile->orders.paging);
    uint64_t total = given == PAGE_TOTAL_NONE ? PACE_ORDERS_UNKNOWN : (uint64_t)given;
    text_addf(&check->detail, "page of %zu order%s", count, count == 1 ? "" : "s");
    if (total != PACE_ORDERS_UNKNOWN && total > count) {
        text_addf(&check->detail, " of %" PRIu64, total);
    }
    compare_pace(check, total);
    check->is_ok = true;
    check->step = CHECK_SOURCE_DONE;
}

void check_source_turn(struct check_source *check)
{
    if (check->step == CHECK_SOURCE_TOKEN_ASKED && check->is_answered) {
        take_token(check);
    } else if (check->step == CHECK_SOURCE_PAGE_ASKED && check->is_answered) {
        take_page(check);
    }
    if (check->step == CHECK_SOURCE_TOKEN) {
        ask_token(check);
    } else if (check->step == CHECK_SOURCE_PAGE) {
        ask_page(check);
    }
}
