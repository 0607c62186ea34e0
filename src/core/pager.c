#include "core/pager.h"

#include "core/link_header.h"

#include <string.h>

void pager_init(struct pager *pager, const struct collection *collection, const char *base_url,
                const struct pager_limits *limits)
{
    CHECK(limits->page_size >= 1);
    *pager = (struct pager){.collection = collection, .base_url = base_url, .limits = *limits};
    text_init(&pager->next_url, PAGER_URL_MAX);
    text_init(&pager->next_cursor, PAGER_URL_MAX / 4);
    pager_restart(pager);
}

void pager_fini(struct pager *pager)
{
    text_fini(&pager->next_url);
    text_fini(&pager->next_cursor);
}

void pager_restart(struct pager *pager)
{
    text_clear(&pager->next_url);
    text_clear(&pager->next_cursor);
    pager->last_fingerprint = 0;
    pager->page_count = 0;
    pager->element_count = 0;
    pager->repeated_count = 0;
    pager->total = PAGE_TOTAL_NONE;
    pager->is_total_moving = false;
    pager->has_full_page = false;
    pager->id_sum = 0;
}

uint32_t pager_other_size(uint32_t page_size)
{
    return page_size > 1 ? page_size - 1 : page_size + 1;
}

/* --- addresses -------------------------------------------------------------------------------- */

static void add_parameter(struct text *out, const char *name, struct span value)
{
    if (name == NULL) {
        return;
    }
    bool has_query = memchr(out->data, '?', out->size) != NULL;
    text_add_char(out, has_query ? '&' : '?');
    text_add_percent(out, span_of(name));
    text_add_char(out, '=');
    text_add_percent(out, value);
}

static void add_number(struct text *out, const char *name, uint64_t value)
{
    struct text digits;
    text_init(&digits, 32);
    text_addf(&digits, "%llu", (unsigned long long)value);
    add_parameter(out, name, text_span(&digits));
    text_fini(&digits);
}

static void add_position(const struct pager *pager, struct text *out)
{
    const struct paging *paging = &pager->collection->paging;
    switch (paging->kind) {
    case PAGING_OFFSET:
        add_number(out, paging->offset_parameter, pager->element_count);
        break;
    case PAGING_PAGE:
        add_number(out, paging->offset_parameter, (uint64_t)paging->first_page + pager->page_count);
        break;
    case PAGING_CURSOR:
        if (pager->next_cursor.size != 0) {
            add_parameter(out, paging->offset_parameter, text_span(&pager->next_cursor));
        }
        break;
    case PAGING_NONE:
    case PAGING_LINK:
        break;
    }
    if (paging->kind != PAGING_NONE) {
        add_number(out, paging->limit_parameter, pager->limits.page_size);
    }
}

enum status pager_add_url(const struct pager *pager, struct text *out, struct failure *why)
{
    if (pager->next_url.size != 0) {
        text_add(out, text_span(&pager->next_url));
    } else {
        text_add_text(out, pager->base_url);
        text_add_text(out, pager->collection->path);
        add_position(pager, out);
    }
    if (out->status != STATUS_OK) {
        return fail(why, STATUS_TOO_LARGE, "the address of page %u is over %d bytes",
                    pager->page_count + 1, PAGER_URL_MAX);
    }
    return STATUS_OK;
}

/* --- what a page proves ----------------------------------------------------------------------- */

static enum pager_verdict broken(struct failure *why, enum status status, const char *what,
                                 uint64_t number)
{
    (void)fail(why, status, "%s %llu", what, (unsigned long long)number);
    return PAGER_BROKEN;
}

static bool is_counted(const struct pager *pager)
{
    enum paging_kind kind = pager->collection->paging.kind;
    return kind == PAGING_OFFSET || kind == PAGING_PAGE;
}

static bool has_nothing_new(const struct page_facts *facts)
{
    return facts->repeated_count != 0 &&
           facts->repeated_count + facts->unreadable_count == facts->element_count;
}

/* A server that does not page answers every position with the one list it has. It is told from an
 * endless list by a total that agrees, or else by a page that holds another number of elements than
 * was asked for. */
static bool is_unpaged_repeat(const struct pager *pager, const struct page_facts *facts)
{
    bool has_total = pager->total != PAGE_TOTAL_NONE && !pager->limits.ignores_total;
    bool is_whole = has_total ? (uint64_t)pager->total == facts->element_count
                              : facts->element_count != pager->limits.page_size;
    return is_counted(pager) && pager->page_count == 2 && is_whole &&
           facts->element_count == pager->element_count;
}

/* The pages so far were all full, and no total says that there are more elements. */
static bool is_full_throughout(const struct pager *pager, uint32_t page_count)
{
    uint64_t listed = pager->element_count;
    bool has_total = pager->total != PAGE_TOTAL_NONE && !pager->limits.ignores_total;
    return listed == (uint64_t)page_count * pager->limits.page_size &&
           (!has_total || (uint64_t)pager->total == listed);
}

bool pager_is_undecided(const struct pager *pager)
{
    return is_counted(pager) && !pager->limits.is_resized && pager->page_count != 0 &&
           is_full_throughout(pager, pager->page_count);
}

/* A whole list of just page_size elements, or the head of a longer one whose server ignores the
 * position; or a list whose server answers a position behind its end with a page from before:
 * pages of another size tell. */
static bool is_undecided_repeat(const struct pager *pager, const struct page_facts *facts)
{
    if (!is_counted(pager) || pager->limits.is_resized || pager->page_count < 2) {
        return false;
    }
    bool has_total = pager->total != PAGE_TOTAL_NONE && !pager->limits.ignores_total;
    return pager->page_count == 2 ? !has_total && facts->element_count == pager->element_count &&
                                        facts->fingerprint == pager->last_fingerprint
                                  : is_full_throughout(pager, pager->page_count - 1);
}

/* A short page of nothing new is the end of a list that moved; a full one is a list without end. */
static bool is_repeat(const struct pager *pager, const struct page_facts *facts)
{
    if (pager->page_count < 2 || facts->element_count == 0) {
        return false;
    }
    bool is_short = is_counted(pager) && facts->element_count < pager->limits.page_size;
    return facts->fingerprint == pager->last_fingerprint || (has_nothing_new(facts) && !is_short);
}

/* A short page ends the list if the server is known to fill pages as asked, or if its total agrees.
 * Otherwise it may have a smaller limit of its own: the next page has to be empty. */
static bool is_last_by_size(const struct pager *pager, const struct page_facts *facts)
{
    if (facts->element_count == 0) {
        return true;
    }
    if (facts->element_count >= pager->limits.page_size) {
        return false;
    }
    if (pager->total != PAGE_TOTAL_NONE && !pager->limits.ignores_total) {
        return (uint64_t)pager->total <= pager->element_count;
    }
    return pager->has_full_page;
}

static enum pager_verdict follow_link(struct pager *pager, const struct page_facts *facts,
                                      struct failure *why)
{
    struct text page_url;
    text_init(&page_url, PAGER_URL_MAX);
    struct text next;
    text_init(&next, PAGER_URL_MAX);
    enum status status = pager_add_url(pager, &page_url, why);
    if (status == STATUS_OK) {
        status =
            link_header_add_next(facts->link, pager->base_url, text_cstr(&page_url), &next, why);
    }
    enum pager_verdict verdict = status == STATUS_NOT_FOUND ? PAGER_END : PAGER_BROKEN;
    if (status == STATUS_OK && next.status != STATUS_OK) {
        verdict =
            broken(why, STATUS_TOO_LARGE, "the Link header is too long on page", pager->page_count);
    } else if (status == STATUS_OK && span_equal(text_span(&next), text_span(&page_url))) {
        verdict = broken(why, STATUS_INVALID,
                         "the Link header leads to its own page, which is page", pager->page_count);
    } else if (status == STATUS_OK) {
        text_clear(&pager->next_url);
        text_add(&pager->next_url, text_span(&next));
        verdict = PAGER_MORE;
    }
    text_fini(&page_url);
    text_fini(&next);
    return verdict;
}

static enum pager_verdict follow_cursor(struct pager *pager, const struct page_facts *facts,
                                        struct failure *why)
{
    if (facts->cursor.size == 0) {
        return PAGER_END;
    }
    if (span_equal(facts->cursor, text_span(&pager->next_cursor))) {
        return broken(why, STATUS_INVALID, "the cursor does not move after page",
                      pager->page_count);
    }
    text_clear(&pager->next_cursor);
    text_add(&pager->next_cursor, facts->cursor);
    if (pager->next_cursor.status != STATUS_OK) {
        return broken(why, STATUS_TOO_LARGE, "the cursor is too long after page",
                      pager->page_count);
    }
    return PAGER_MORE;
}

static enum pager_verdict follow(struct pager *pager, const struct page_facts *facts,
                                 struct failure *why)
{
    switch (pager->collection->paging.kind) {
    case PAGING_NONE:
        return PAGER_END;
    case PAGING_OFFSET:
    case PAGING_PAGE:
        return is_last_by_size(pager, facts) ? PAGER_END : PAGER_MORE;
    case PAGING_LINK:
        return follow_link(pager, facts, why);
    case PAGING_CURSOR:
        return follow_cursor(pager, facts, why);
    }
    CHECK(!"a paging kind that does not exist");
}

static void count_page(struct pager *pager, const struct page_facts *facts)
{
    pager->id_sum += facts->id_sum;
    pager->element_count += facts->element_count;
    pager->repeated_count += facts->repeated_count;
    if (facts->total != PAGE_TOTAL_NONE) {
        pager->is_total_moving = pager->is_total_moving ||
                                 (pager->total != PAGE_TOTAL_NONE && pager->total != facts->total);
        pager->total = facts->total;
    }
    if (facts->element_count == pager->limits.page_size) {
        pager->has_full_page = true;
    }
}

static enum pager_verdict fail_repeat(const struct pager *pager, const struct page_facts *facts,
                                      struct failure *why)
{
    const char *parameter = pager->collection->paging.offset_parameter;
    bool is_position_ignored = is_counted(pager) && pager->page_count == 2 && parameter != NULL &&
                               facts->fingerprint == pager->last_fingerprint;
    if (!is_position_ignored) {
        return broken(why, STATUS_INVALID, "the list repeats itself: nothing new on page",
                      pager->page_count);
    }
    (void)fail(why, STATUS_INVALID,
               "the list repeats itself: it is the first page again, as if the API did not know "
               "'%.60s' (orders.paging of the profile)",
               parameter);
    return PAGER_BROKEN;
}

enum pager_verdict pager_take(struct pager *pager, const struct page_facts *facts,
                              struct failure *why)
{
    CHECK(facts->repeated_count + facts->unreadable_count <= facts->element_count);
    pager->page_count++;
    if (has_nothing_new(facts) && is_unpaged_repeat(pager, facts)) {
        return PAGER_END;
    }
    if (has_nothing_new(facts) && is_undecided_repeat(pager, facts)) {
        return PAGER_RESIZE;
    }
    if (is_repeat(pager, facts)) {
        return fail_repeat(pager, facts, why);
    }
    count_page(pager, facts);
    if (pager->element_count > pager->limits.element_count_max) {
        return broken(why, STATUS_TOO_LARGE, "more orders than the limit of",
                      pager->limits.element_count_max);
    }
    enum pager_verdict verdict = follow(pager, facts, why);
    if (verdict == PAGER_MORE && pager->page_count >= pager->limits.page_count_max) {
        return broken(why, STATUS_TOO_LARGE, "more pages than the limit of",
                      pager->limits.page_count_max);
    }
    pager->last_fingerprint = facts->fingerprint;
    return verdict;
}

uint64_t pager_distinct_count(const struct pager *pager)
{
    return pager->element_count - pager->repeated_count;
}

enum pager_trust pager_trust(const struct pager *pager)
{
    if (!pager->limits.ignores_total && pager->total != PAGE_TOTAL_NONE) {
        uint64_t total = (uint64_t)pager->total;
        bool agrees = total == pager_distinct_count(pager) || total == pager->element_count;
        if (pager->is_total_moving || !agrees) {
            return PAGER_CONTRADICTED;
        }
    }
    return pager->repeated_count != 0 ? PAGER_SHIFTED : PAGER_PROVEN;
}
