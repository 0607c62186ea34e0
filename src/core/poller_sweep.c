#include "core/arena.h"
#include "core/hash.h"

#include "poller_internal.h"

#include <stdio.h>
#include <string.h>

static step_fn step_ask_page, step_work, step_page_done, step_read_again, step_read_resized;

/* --- beginning and ending badly --------------------------------------------------------------- */

static const struct collection *collection_of(const struct profile *profile,
                                              enum collection_kind kind)
{
    return kind == COLLECTION_ORDERS ? &profile->orders : &profile->appointments;
}

static uint32_t page_size_of(const struct poller *poller, enum collection_kind kind)
{
    const struct source_config *source = poller->source;
    uint32_t size = source->page_size != 0 ? source->page_size
                                           : collection_of(source->profile, kind)->paging.page_size;
    size = size != 0 ? size : 100;
    return poller->is_resized[kind] ? pager_other_size(size) : size;
}

static void begin_reading(struct poller *poller, enum collection_kind kind)
{
    const struct source_config *source = poller->source;
    struct reading *reading = &poller->sweep.reading;
    if (reading->collection != NULL) {
        pager_fini(&reading->pager);
    }
    const struct collection *collection = collection_of(source->profile, kind);
    *reading = (struct reading){.kind = kind, .collection = collection, .previous = INDEX_NONE};
    struct pager_limits limits = {.page_size = page_size_of(poller, kind),
                                  .page_count_max = source->page_count_max,
                                  .element_count_max = source->order_count_max,
                                  .ignores_total = poller->state.totals[kind].is_unreliable};
    pager_init(&reading->pager, collection, source->base_url, &limits);
    poller->sweep.marks[kind] = ++poller->reading_mark;
    poller->step = step_ask_page;
}

struct guard_counts poller_guard_counts(const struct poller *poller)
{
    return (struct guard_counts){.known = poller->listed_count[COLLECTION_ORDERS],
                                 .changed = poller->look.changed_count};
}

void poller_begin_sweep(struct poller *poller, struct instant now)
{
    const struct profile *profile = poller->source->profile;
    struct sweep *sweep = &poller->sweep;
    sweep_reset(sweep);
    sweep->is_running = true;
    sweep->started = now;
    bool is_read_otherwise = poller->state.profile_fingerprint != profile->fingerprint ||
                             poller_has_other_locale(poller);
    sweep->is_baseline = !poller->state.is_baselined || is_read_otherwise;
    sweep->tally.guard = poller_guard_counts(poller);
    source_state_begin_adopting(&poller->state);
    if (is_read_otherwise) {
        /* What the bytes mean has changed: each element is read again. */
        index_forget_raw(poller->known[COLLECTION_ORDERS]);
        index_forget_raw(poller->known[COLLECTION_APPOINTMENTS]);
    }
    begin_reading(poller, profile->has_appointments_collection ? COLLECTION_APPOINTMENTS
                                                               : COLLECTION_ORDERS);
}

/* What could not be discarded must not slip into a later commit: idle discards it first. */
static bool step_discarded(struct poller *poller, struct instant now)
{
    (void)now;
    if (poller->stored.status == STATUS_OK) {
        poller->sweep.has_staged = false;
    } else if (poller->batch.after == step_read_again || poller->batch.after == step_read_resized) {
        return poller_fail_store(poller, "discarding a reading");
    } else {
        poller_note_store_failure(poller, "discarding a sweep");
    }
    poller->step = poller->batch.after;
    return true;
}

bool poller_discard(struct poller *poller, step_fn *after)
{
    poller->batch.count = 0;
    poller->batch.bytes = 0;
    poller->batch.after = after;
    arena_reset(poller->batch.arena);
    if (!poller->sweep.has_staged) {
        poller->step = after;
        return true;
    }
    struct store_port store = poller->options.store;
    (void)poller_wait_store(poller, step_discarded);
    store.discard(store.self, poller->source->name, poller_on_stored, poller);
    return false;
}

static bool step_failed(struct poller *poller, struct instant now)
{
    struct trouble trouble = poller->sweep.trouble;
    poller->sweep.is_running = false;
    poller_roll_back(poller);
    poller_note_trouble(poller, &trouble, now);
    poller_schedule_next(poller, now);
    poller->step = poller_step_idle;
    return true;
}

bool poller_fail_sweep(struct poller *poller, const struct trouble *trouble)
{
    poller->sweep.trouble = *trouble;
    answer_clear(&poller->request.answer);
    return poller_discard(poller, step_failed);
}

bool poller_fail_store(struct poller *poller, const char *doing)
{
    poller_note_store_failure(poller, doing);
    if (!poller->sweep.is_running) {
        poller->look.is_running = false;
        return poller_discard(poller, poller_step_idle);
    }
    poller->schedule.is_sweep_unstored = true;
    /* What the API asked for in the same sweep holds all the same. */
    const struct trouble *earlier = &poller->sweep.trouble;
    if (earlier->action == API_REFUSED) {
        struct trouble refused = *earlier;
        return poller_fail_sweep(poller, &refused);
    }
    struct trouble trouble = {.action =
                                  earlier->action == API_SLOW_DOWN ? API_SLOW_DOWN : API_RETRY,
                              .wait_ms = earlier->wait_ms,
                              .is_ours = true,
                              .code = "store"};
    (void)snprintf(trouble.detail, sizeof trouble.detail, "source %s: %s: the store says %s: %s",
                   poller->source->name, doing, status_name(poller->stored.status),
                   poller->stored.detail);
    return poller_fail_sweep(poller, &trouble);
}

static bool step_abandoned(struct poller *poller, struct instant now)
{
    poller_schedule_next(poller, now);
    poller->step = poller_step_idle;
    return true;
}

bool poller_abandon_sweep(struct poller *poller)
{
    poller->sweep.is_running = false;
    poller_roll_back(poller);
    answer_clear(&poller->request.answer);
    budget_answered(&poller->budget, poller->now_ms);
    return poller_discard(poller, step_abandoned);
}

/* --- pages ------------------------------------------------------------------------------------ */

/* A page that cannot be had or read after others leaves what they showed: each order is whole by
 * itself. A list over its limits spoils the sweep: it may be one without end. */
static bool end_by_page(struct poller *poller, const struct trouble *trouble)
{
    struct sweep *sweep = &poller->sweep;
    bool has_orders =
        sweep->reading.kind == COLLECTION_ORDERS && sweep->reading.pager.page_count != 0;
    if (!has_orders) {
        return poller_fail_sweep(poller, trouble);
    }
    sweep->trouble = *trouble;
    sweep->lacks_pages = true;
    sweep->extent = EXTENT_PARTIAL;
    return poller_flush_batch(poller, poller_step_finish);
}

/* number: of the page, from 1 on. */
static bool fail_page(struct poller *poller, uint32_t number, const char *reason, bool is_spoilt)
{
    struct trouble trouble;
    struct text line;
    text_init(&line, 1024);
    text_addf(&line, "page %u: %s", number, reason);
    answer_explain_body(&poller->request.answer, poller->source->name,
                        text_cstr(&poller->request.url), text_cstr(&line), ANSWER_PAGE_REMEDY,
                        &trouble);
    text_fini(&line);
    return is_spoilt ? poller_fail_sweep(poller, &trouble) : end_by_page(poller, &trouble);
}

/* One order that cannot be read delays no other. It is no part of what is remembered of the page,
 * so that it is looked at in every sweep. */
static void skip_unreadable(struct poller *poller, const char *reason)
{
    struct page *page = &poller->sweep.reading.page;
    if (page->unreadable_count++ == 0) {
        (void)snprintf(page->unreadable, sizeof page->unreadable, "%.*s",
                       (int)sizeof page->unreadable - 1, reason);
    }
    poller_note_unreadable(poller, page->unreadable);
}

static bool end_page(struct poller *poller)
{
    struct reading *reading = &poller->sweep.reading;
    struct page *page = &reading->page;
    page->element_count = page->slicer.element_count;
    if (page->unreadable_count != 0 && page->unreadable_count == page->element_count) {
        return fail_page(poller, reading->pager.page_count + 1, page->unreadable, false);
    }
    if (page->unreadable_count != 0 && reading->unreadable_count == 0) {
        memcpy(reading->unreadable, page->unreadable, sizeof reading->unreadable);
    }
    reading->unreadable_count += page->unreadable_count;
    page_memory_end(poller->pages[reading->kind], reading->pager.page_count,
                    reading->page.fingerprint, poller->known[reading->kind]);
    /* What changed in it waits for more: a question to the store costs more than it asks for. */
    poller->step = step_page_done;
    return true;
}

/* As a first answer: a list of nothing, believed as far as one that is spelled []. */
static bool is_no_content(const struct answer *answer)
{
    return answer->status == STATUS_OK && answer->http_code == 204;
}

/* No page where one was asked for behind full ones. */
static bool end_by_answer(struct poller *poller)
{
    struct trouble trouble;
    answer_explain(&poller->request.answer, poller->source->name, text_cstr(&poller->request.url),
                   &trouble);
    bool is_refusal = trouble.action == API_FIX || is_no_content(&poller->request.answer);
    if (is_refusal && pager_is_undecided(&poller->sweep.reading.pager)) {
        answer_clear(&poller->request.answer);
        return poller_discard(poller, step_read_resized);
    }
    return end_by_page(poller, &trouble);
}

static bool step_page_answered(struct poller *poller, struct instant now)
{
    (void)now;
    const struct answer *answer = &poller->request.answer;
    if (poller_take_unchanged_page(poller)) {
        poller->tally.unchanged_count++;
        poller->step = step_page_done;
        return true;
    }
    struct reading *reading = &poller->sweep.reading;
    if (is_no_content(answer) && reading->pager.page_count == 0) {
        reading->page = (struct page){.fingerprint = hash64(span_of(""))};
        poller->step = step_page_done;
        return true;
    }
    if (!answer_is_page(answer)) {
        return end_by_answer(poller);
    }
    struct failure why = {0};
    reading->page = (struct page){.fingerprint = hash64(answer_body(answer))};
    if (poller_take_known_page(poller)) {
        poller->tally.known_count++;
        poller->step = step_page_done;
        return true;
    }
    poller->tally.cut_count++;
    page_memory_begin(poller->pages[reading->kind]);
    if (slice_open(&reading->page.slicer, answer_body(answer), reading->collection->items_pointer,
                   &why) != STATUS_OK) {
        return fail_page(poller, reading->pager.page_count + 1, why.detail, false);
    }
    poller->step = step_work;
    return true;
}

static bool step_ask_page(struct poller *poller, struct instant now)
{
    struct failure why = {0};
    text_clear(&poller->request.url);
    if (pager_add_url(&poller->sweep.reading.pager, &poller->request.url, &why) != STATUS_OK) {
        struct trouble trouble = {.action = API_FIX, .code = "url"};
        (void)snprintf(trouble.detail, sizeof trouble.detail, "source %s: %.400s",
                       poller->source->name, why.detail);
        return poller_fail_sweep(poller, &trouble);
    }
    bool goes_on = poller_ask(poller, step_page_answered);
    poller_add_condition(poller, now);
    return goes_on;
}

/* A portion of the page: as much as keeps a turn of the loop short. */
static bool step_work(struct poller *poller, struct instant now)
{
    (void)now;
    struct slicer *slicer = &poller->sweep.reading.page.slicer;
    size_t start = slicer->position;
    uint64_t parsed = poller->sweep.tally.parsed;
    struct failure why = {0};
    while (slicer->position - start < PORTION_BYTES && poller->batch.count < BATCH_COUNT &&
           poller->sweep.tally.parsed - parsed < BATCH_COUNT) {
        if (poller_take_expected(poller)) {
            continue;
        }
        struct span element;
        enum slice_result result = slice_next(slicer, &element);
        if (result == SLICE_BROKEN) {
            return fail_page(poller, poller->sweep.reading.pager.page_count + 1,
                             "its JSON is broken or cut off", false);
        }
        if (result == SLICE_END) {
            return end_page(poller);
        }
        if (poller_take_element(poller, element, &why) != STATUS_OK) {
            skip_unreadable(poller, why.detail);
        }
    }
    if (poller->batch.count == BATCH_COUNT || poller->batch.bytes >= BATCH_BYTES) {
        return poller_flush_batch(poller, step_work);
    }
    return false;
}

/* --- the end of a page, of a reading ---------------------------------------------------------- */

static bool step_read_again(struct poller *poller, struct instant now)
{
    (void)now;
    struct sweep *sweep = &poller->sweep;
    struct reading *reading = &sweep->reading;
    reading->is_second = true;
    reading->previous = INDEX_NONE;
    reading->first_id_sum = reading->pager.id_sum;
    reading->unreadable_count = 0;
    pager_restart(&reading->pager);
    sweep->marks[reading->kind] = ++poller->reading_mark;
    index_clear(sweep->changes[reading->kind]);
    if (reading->kind == COLLECTION_ORDERS) {
        sweep->tally = (struct tally){.guard = poller_guard_counts(poller)};
        moved_untake(sweep->moved);
    } else {
        moved_clear(sweep->moved);
    }
    poller->step = step_ask_page;
    return true;
}

/* The size that decided it is asked for in the next sweep, too. */
static bool step_read_resized(struct poller *poller, struct instant now)
{
    struct reading *reading = &poller->sweep.reading;
    poller->is_resized[reading->kind] = !poller->is_resized[reading->kind];
    reading->pager.limits.page_size = page_size_of(poller, reading->kind);
    reading->pager.limits.is_resized = true;
    return step_read_again(poller, now);
}

static bool end_reading(struct poller *poller, enum sweep_extent extent)
{
    struct sweep *sweep = &poller->sweep;
    if (sweep->reading.kind == COLLECTION_APPOINTMENTS) {
        sweep->is_complete[COLLECTION_APPOINTMENTS] = extent == EXTENT_COMPLETE;
        sweep->has_partial_appointments = extent != EXTENT_COMPLETE;
        poller_remove_absent_appointments(poller);
        begin_reading(poller, COLLECTION_ORDERS);
        return true;
    }
    if (extent == EXTENT_COMPLETE && sweep->has_partial_appointments) {
        extent = sweep->lacks_pages ? EXTENT_PARTIAL : EXTENT_UNREADABLE;
    }
    sweep->extent = extent;
    sweep->is_complete[COLLECTION_ORDERS] = extent == EXTENT_COMPLETE;
    poller_count_absent(poller);
    poller->step = extent == EXTENT_PARTIAL ? poller_step_finish : poller_step_absent;
    return true;
}

static void note_reading_trouble(struct poller *poller, const char *code, const char *what)
{
    struct trouble *trouble = &poller->sweep.trouble;
    *trouble = (struct trouble){.action = API_RETRY, .is_partial = true};
    (void)snprintf(trouble->code, sizeof trouble->code, "%s", code);
    const struct pager *pager = &poller->sweep.reading.pager;
    char total[40] = "";
    if (pager->total != PAGE_TOTAL_NONE) {
        (void)snprintf(total, sizeof total, ", total %lld", (long long)pager->total);
    }
    (void)snprintf(trouble->detail, sizeof trouble->detail,
                   "source %s: %s: %s (%llu read%s); what is missing counts for nothing",
                   poller->source->name, poller->sweep.reading.collection->path, what,
                   (unsigned long long)pager_distinct_count(pager), total);
}

static bool end_complete(struct poller *poller)
{
    const struct reading *reading = &poller->sweep.reading;
    if (reading->unreadable_count == 0) {
        return end_reading(poller, EXTENT_COMPLETE);
    }
    char what[300];
    (void)snprintf(what, sizeof what, "%llu cannot be read, the first because: %s",
                   (unsigned long long)reading->unreadable_count, reading->unreadable);
    note_reading_trouble(poller, "unreadable", what);
    poller->sweep.lacks_elements = true;
    return end_reading(poller, poller->sweep.lacks_pages ? EXTENT_PARTIAL : EXTENT_UNREADABLE);
}

static void declare_total(struct poller *poller)
{
    struct text extra;
    text_init(&extra, 1024);
    const struct pager *pager = &poller->sweep.reading.pager;
    text_addf(&extra,
              "\"novelty\":{\"kind\":\"total\",\"key\":\"total\","
              "\"sample\":\"total %lld, read %llu\"}",
              (long long)pager->total, (unsigned long long)pager_distinct_count(pager));
    notice_add(&poller->notices, EVENT_SOURCE_SCHEMA_CHANGED,
               "The total that the API gives contradicts its own list; it is ignored from now on",
               &extra);
    text_fini(&extra);
}

/* How many are known, against which an empty list is suspect, unless somebody said that it is true.
 * A few appointments may well have been the last ones: they are missed like any other that a
 * complete list lacks. */
static uint64_t suspect_count(const struct poller *poller)
{
    enum collection_kind kind = poller->sweep.reading.kind;
    uint64_t known = poller->listed_count[kind];
    if (kind == COLLECTION_ORDERS && poller->schedule.is_empty_believed) {
        return 0;
    }
    return kind == COLLECTION_APPOINTMENTS && known <= GUARD_VANISHED_MIN ? 0 : known;
}

static void add_release(struct poller *poller)
{
    if (poller->sweep.reading.kind == COLLECTION_ORDERS) {
        struct trouble *trouble = &poller->sweep.trouble;
        size_t size = strlen(trouble->detail);
        (void)snprintf(trouble->detail + size, sizeof trouble->detail - size,
                       "; if it is true: orderwatch release %s", poller->source->name);
    }
}

static bool step_judge(struct poller *poller, struct instant now)
{
    (void)now;
    struct reading *reading = &poller->sweep.reading;
    bool is_declared = false;
    enum reading_verdict verdict = sweep_judge(reading, suspect_count(poller),
                                               &poller->state.totals[reading->kind], &is_declared);
    if (is_declared) {
        declare_total(poller);
    }
    if (reading->kind == COLLECTION_ORDERS && verdict != READING_AGAIN) {
        poller->schedule.is_empty_doubted = verdict == READING_EMPTY;
        poller->schedule.is_empty_believed &= pager_distinct_count(&reading->pager) == 0;
    }
    switch (verdict) {
    case READING_COMPLETE:
        return end_complete(poller);
    case READING_AGAIN:
        return poller_discard(poller, step_read_again);
    case READING_PARTIAL:
        poller->sweep.lacks_pages = true;
        note_reading_trouble(poller, "shifting",
                             pager_trust(&reading->pager) == PAGER_CONTRADICTED
                                 ? "the total says otherwise"
                                 : "the list moves while it is read");
        return end_reading(poller, EXTENT_PARTIAL);
    case READING_EMPTY:
        poller->sweep.lacks_pages = true;
        note_reading_trouble(poller, "empty", "an empty list after one that was not");
        add_release(poller);
        return end_reading(poller, EXTENT_EMPTY);
    }
    CHECK(!"a verdict that does not exist");
}

static bool step_page_done(struct poller *poller, struct instant now)
{
    (void)now;
    struct failure why = {0};
    enum pager_verdict verdict = poller_take_page(poller, &why);
    if (verdict == PAGER_BROKEN) {
        return fail_page(poller, poller->sweep.reading.pager.page_count, why.detail,
                         why.status == STATUS_TOO_LARGE);
    }
    answer_clear(&poller->request.answer);
    if (verdict == PAGER_RESIZE) {
        return poller_discard(poller, step_read_resized);
    }
    poller->step = step_ask_page;
    return verdict == PAGER_MORE || poller_flush_batch(poller, step_judge);
}
