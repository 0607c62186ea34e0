#include "core/date.h"
#include "core/hash.h"
#include "core/json.h"
#include "core/zone.h"

#include "poller_internal.h"

#include <string.h>

/* The API's word that a page has not changed is taken for an hour; then its bytes are read again. A
 * server whose validators lie hides a change no longer than that. */
#define VALIDATOR_TRUSTED_MS HOUR_MS
/* A page may change twice in the second that Last-Modified names, and two clocks may differ: only a
 * date well past is the date of what was read (RFC 9110 8.8.2.2). */
#define LAST_MODIFIED_AGE_MS MINUTE_MS

static struct page_memory *memory_of(const struct poller *poller)
{
    return poller->pages[poller->sweep.reading.kind];
}

static uint64_t url_fingerprint(const struct poller *poller)
{
    return hash64(text_span(&poller->request.url));
}

/* --- a page that need not be cut -------------------------------------------------------------- */

/* Orders whose appointments moved, or are not known yet, have to be looked at one by one. */
static bool may_take_whole_page(const struct poller *poller)
{
    const struct sweep *sweep = &poller->sweep;
    return sweep->reading.kind != COLLECTION_ORDERS ||
           (!poller->is_appointments_cold && moved_order_count(sweep->moved) == 0);
}

bool poller_take_known_page(struct poller *poller)
{
    struct sweep *sweep = &poller->sweep;
    struct reading *reading = &sweep->reading;
    uint32_t number = reading->pager.page_count;
    struct page_elements elements;
    if (!may_take_whole_page(poller) ||
        !page_memory_mark(memory_of(poller), number, reading->page.fingerprint,
                          poller->known[reading->kind], sweep->marks[reading->kind], &elements)) {
        return false;
    }
    reading->page.element_count = elements.count;
    reading->page.id_sum = elements.id_sum;
    reading->previous = page_memory_last(memory_of(poller), number);
    return true;
}

/* --- a page that need not be sent ------------------------------------------------------------- */

static bool recall(const struct poller *poller, struct page_origin *origin, uint64_t *fingerprint)
{
    const struct sweep *sweep = &poller->sweep;
    const struct reading *reading = &sweep->reading;
    return may_take_whole_page(poller) &&
           page_memory_recall(memory_of(poller), reading->pager.page_count,
                              poller->known[reading->kind], sweep->marks[reading->kind], origin,
                              fingerprint) &&
           origin->url_fingerprint == url_fingerprint(poller);
}

/* A second reading is there because the first was in doubt: it takes nobody's word. */
void poller_add_condition(struct poller *poller, struct instant now)
{
    struct page_origin origin;
    uint64_t fingerprint;
    if (poller->sweep.reading.is_second || !recall(poller, &origin, &fingerprint) ||
        now.mono_ms - origin.read_mono_ms >= VALIDATOR_TRUSTED_MS) {
        return;
    }
    poller->request.etag = origin.etag;
    poller->request.last_modified = origin.etag == NULL ? origin.last_modified : NULL;
}

bool poller_take_unchanged_page(struct poller *poller)
{
    const struct answer *answer = &poller->request.answer;
    bool was_asked = poller->request.etag != NULL || poller->request.last_modified != NULL;
    if (!was_asked || answer->status != STATUS_OK || answer->http_code != 304) {
        return false;
    }
    struct page page = {.is_unchanged = true};
    if (!recall(poller, &page.origin, &page.fingerprint)) {
        return false;
    }
    poller->sweep.reading.page = page;
    return poller_take_known_page(poller);
}

/* --- what stands beside the elements ---------------------------------------------------------- */

/* It goes back into a header: nothing that a header cannot hold. */
static const char *sendable(const char *value)
{
    bool is_plain = value != NULL && value[0] != '\0';
    for (size_t i = 0; is_plain && value[i] != '\0'; i++) {
        is_plain = value[i] >= ' ' && value[i] <= '~';
    }
    return is_plain ? value : NULL;
}

static const char *settled_date(const char *value, int64_t now_wall_ms)
{
    struct date date;
    bool is_settled = sendable(value) != NULL && date_parse(span_of(value), zone_utc(), &date) &&
                      date.kind == DATE_INSTANT && date.ms <= now_wall_ms - LAST_MODIFIED_AGE_MS;
    return is_settled ? value : NULL;
}

const char *poller_validator(const struct answer *answer, bool *is_date)
{
    const char *etag = sendable(answer->etag);
    *is_date = etag == NULL;
    return etag != NULL ? etag : settled_date(answer->last_modified, answer->at.wall_ms);
}

static void read_origin(const struct poller *poller, const struct json *cursor,
                        struct page_origin *out)
{
    const struct answer *answer = &poller->request.answer;
    *out = (struct page_origin){
        .url_fingerprint = url_fingerprint(poller),
        .read_mono_ms = poller->request.started.mono_ms,
        .etag = sendable(answer->etag),
        .last_modified = settled_date(answer->last_modified, answer->at.wall_ms),
        .link = answer->link,
        .total = answer_total(answer, &poller->sweep.reading.collection->paging)};
    if (cursor != NULL) {
        out->cursor = json_text(cursor);
    }
}

/* Headers may be fresher than the page: those that came with the 304 count. */
static void refresh_origin(const struct poller *poller, struct page_origin *origin)
{
    const struct answer *answer = &poller->request.answer;
    const struct paging *paging = &poller->sweep.reading.collection->paging;
    if (answer->link != NULL) {
        origin->link = answer->link;
    }
    bool is_total_a_header = paging->total_header != NULL && paging->total_pointer == NULL;
    if (is_total_a_header && answer->total != PAGE_TOTAL_NONE) {
        origin->total = answer->total;
    }
}

static enum pager_verdict take(struct poller *poller, const struct page_origin *origin,
                               struct failure *why)
{
    struct reading *reading = &poller->sweep.reading;
    struct page_facts facts = {.fingerprint = reading->page.fingerprint,
                               .id_sum = reading->page.id_sum,
                               .element_count = reading->page.element_count,
                               .repeated_count = reading->page.repeated_count,
                               .unreadable_count = reading->page.unreadable_count,
                               .total = origin->total,
                               .link = origin->link,
                               .cursor = origin->cursor};
    return pager_take(&reading->pager, &facts, why);
}

/* NULL: this page says that it is the last. What is neither text nor number is not understood, and
 * is the end of nothing. */
static enum status read_cursor(const struct poller *poller, struct json **out, struct failure *why)
{
    const char *pointer = poller->sweep.reading.collection->paging.cursor_pointer;
    struct span bytes;
    *out = NULL;
    if (pointer == NULL ||
        slice_find(answer_body(&poller->request.answer), pointer, &bytes, NULL) != STATUS_OK) {
        return STATUS_OK;
    }
    struct json *cursor = NULL;
    enum status status = json_parse(bytes, &cursor, why);
    if (status != STATUS_OK) {
        return status;
    }
    enum json_kind kind = json_kind(cursor);
    bool is_end = kind == JSON_NULL || (kind == JSON_BOOL && span_is(json_text(cursor), "false"));
    if (kind == JSON_STRING || kind == JSON_NUMBER) {
        *out = cursor;
        return STATUS_OK;
    }
    json_destroy(cursor);
    return is_end ? STATUS_OK
                  : fail(why, STATUS_INVALID, "the cursor at \"%.100s\" is neither text nor number",
                         pointer);
}

enum pager_verdict poller_take_page(struct poller *poller, struct failure *why)
{
    struct reading *reading = &poller->sweep.reading;
    if (reading->page.is_unchanged) {
        struct page_origin origin = reading->page.origin;
        refresh_origin(poller, &origin);
        return take(poller, &origin, why);
    }
    struct json *cursor = NULL;
    if (read_cursor(poller, &cursor, why) != STATUS_OK) {
        reading->pager.page_count++; /* it is this page's */
        return PAGER_BROKEN;
    }
    struct page_origin origin;
    read_origin(poller, cursor, &origin);
    page_memory_set_origin(memory_of(poller), reading->pager.page_count, &origin);
    enum pager_verdict verdict = take(poller, &origin, why);
    json_destroy(cursor);
    return verdict;
}
