#include "core/arena.h"
#include "core/log.h"

#include "poller_internal.h"

#include <stdio.h>
#include <string.h>

/* An order is looked for when this complete sweep is the second in a row without it. */
#define MISSES_BEFORE 1

/* --- counting --------------------------------------------------------------------------------- */

static bool is_absent(const struct poller *poller, enum collection_kind kind,
                      const struct index_entry *entry)
{
    return !entry->has_left && entry->seen_in != poller->sweep.marks[kind];
}

void poller_count_absent(struct poller *poller)
{
    struct sweep *sweep = &poller->sweep;
    if (sweep->extent == EXTENT_PARTIAL) {
        return;
    }
    const struct index *known = poller->known[COLLECTION_ORDERS];
    for (uint32_t i = 0; i < index_count(known); i++) {
        const struct index_entry *entry = index_at(known, i);
        if (is_absent(poller, COLLECTION_ORDERS, entry) && entry->misses == 0) {
            sweep->tally.guard.vanished++;
        }
    }
    /* Each element that cannot be read may be one of them. */
    uint64_t unreadable = sweep->reading.unreadable_count;
    uint64_t *vanished = &sweep->tally.guard.vanished;
    *vanished -= unreadable < *vanished ? unreadable : *vanished;
}

void poller_remove_absent_appointments(struct poller *poller)
{
    struct sweep *sweep = &poller->sweep;
    if (!sweep->is_complete[COLLECTION_APPOINTMENTS]) {
        return;
    }
    const struct index *known = poller->known[COLLECTION_APPOINTMENTS];
    struct arena *arena = moved_arena(sweep->moved);
    for (uint32_t i = 0; i < index_count(known); i++) {
        const struct index_entry *entry = index_at(known, i);
        if (is_absent(poller, COLLECTION_APPOINTMENTS, entry) && entry->misses >= MISSES_BEFORE) {
            const char *order_id = NULL;
            const char *appointment_id = NULL;
            moved_split_key(index_id(known, i), arena, &order_id, &appointment_id);
            struct index *changes = sweep->changes[COLLECTION_APPOINTMENTS];
            uint32_t position = index_add(changes, index_id(known, i), 0);
            index_at(changes, position)->has_left = true;
            index_at(changes, position)->owner =
                moved_add(sweep->moved, order_id, appointment_id, NULL);
        }
    }
}

/* --- details ---------------------------------------------------------------------------------- */

static struct work *add_leaving(struct poller *poller, const char *id, enum sighting sighting)
{
    struct batch *batch = &poller->batch;
    struct work *work = &batch->items[batch->count++];
    *work = (struct work){.sighting = sighting, .id = id};
    struct index *changes = poller->sweep.changes[COLLECTION_ORDERS];
    uint32_t position = index_add(changes, id, 0);
    index_at(changes, position)->has_left = true;
    return work;
}

static void add_detail_words(const struct answer *answer, const char *status, struct text *out)
{
    text_addf(out, "{\"http_code\":%d", answer->http_code);
    if (status != NULL) {
        text_add_text(out, ",\"status\":");
        text_add_json_text(out, status);
    } else {
        struct api_error error;
        api_error_read(answer->http_code, answer_body(answer), &error);
        if (error.code != 0) {
            text_addf(out, ",\"code\":%d", error.code);
        }
        if (error.words[0] != '\0') {
            text_add_text(out, ",\"message\":");
            text_add_json_text(out, error.words);
        }
    }
    text_add_char(out, '}');
}

static void add_disappeared(struct poller *poller, const char *id, const char *status)
{
    struct text detail;
    text_init(&detail, 65536);
    add_detail_words(&poller->request.answer, status, &detail);
    struct work *work = add_leaving(poller, id, SIGHTING_DISAPPEARED);
    work->detail_json = (struct span){.data = arena_text(poller->batch.arena, text_span(&detail)),
                                      .size = detail.size};
    text_fini(&detail);
}

static bool is_gone(const struct answer *answer)
{
    return answer->status == STATUS_OK && (answer->http_code == 404 || answer->http_code == 410);
}

/* It is asked for again in the next sweep; until then nothing is told of the order. */
static void log_useless(const struct poller *poller, const struct trouble *trouble)
{
    LOG_WARN("detail_failed", log_text("source", poller->source->name),
             log_text("detail", trouble->detail));
}

/* What the detail proves. An empty list after a full one is no proof of absence: there only a
 * final status counts. Where elements could not be read, the order may be one of them unless its
 * detail is gone, too, at a path that has answered for another one. */
static void take_detail(struct poller *poller, const char *id)
{
    const struct answer *answer = &poller->request.answer;
    enum sweep_extent extent = poller->sweep.extent;
    bool is_list_proven = extent == EXTENT_COMPLETE;
    bool is_detail_proof = extent == EXTENT_UNREADABLE && poller->knows_details;
    if (is_gone(answer) && (is_list_proven || is_detail_proof)) {
        add_disappeared(poller, id, NULL);
    }
    if (!answer_is_page(answer)) {
        return;
    }
    struct failure why;
    struct extraction *extraction = poller_read_detail(poller, id, &why);
    if (extraction == NULL) {
        struct trouble trouble;
        answer_explain_body(answer, poller->source->name, text_cstr(&poller->request.url),
                            why.detail, ANSWER_PAGE_REMEDY, &trouble);
        log_useless(poller, &trouble);
        return;
    }
    if (order_kind_is_final(extraction->record.kind)) {
        add_leaving(poller, id, SIGHTING_CLOSED)->after = &extraction->record;
    } else if (is_list_proven) {
        add_disappeared(poller, id, extraction->record.fields[ORDER_STATUS]);
    }
}

/* A refusal or a limit concerns every request: the sweep ends with what it has. */
static bool ends_details(const struct poller *poller, struct trouble *trouble)
{
    const struct answer *answer = &poller->request.answer;
    if (answer_is_page(answer)) {
        return false;
    }
    answer_explain(answer, poller->source->name, text_cstr(&poller->request.url), trouble);
    if (!is_gone(answer)) {
        log_useless(poller, trouble);
    }
    return trouble->wait_ms > 0 || trouble->action == API_SLOW_DOWN ||
           trouble->action == API_REFUSED || trouble->action == API_RENEW_TOKEN;
}

static bool step_detail_answered(struct poller *poller, struct instant now)
{
    struct sweep *sweep = &poller->sweep;
    struct trouble trouble;
    if (ends_details(poller, &trouble)) {
        poller_note_limits(poller, &trouble, now);
        sweep->detail_count = DETAILS_PER_SWEEP;
    } else {
        const struct index *known = poller->known[COLLECTION_ORDERS];
        uint32_t position = (poller->absent_position - 1) % (uint32_t)index_count(known);
        take_detail(poller, arena_text(poller->batch.arena, span_of(index_id(known, position))));
    }
    answer_clear(&poller->request.answer);
    return poller_flush_batch(poller, poller_step_absent);
}

/* An id of dots alone would be taken for a step in the path. */
static void add_id(struct text *url, const char *id)
{
    if (id[strspn(id, ".")] != '\0') {
        text_add_percent(url, span_of(id));
        return;
    }
    for (; *id != '\0'; id++) {
        text_add_text(url, "%2E");
    }
}

void poller_set_detail_url(struct poller *poller, const char *id)
{
    const struct source_config *source = poller->source;
    const char *path = source->profile->orders.detail_path;
    const char *place = strstr(path, "{id}");
    struct text *url = &poller->request.url;
    text_clear(url);
    text_add_text(url, source->base_url);
    text_add(url, (struct span){.data = path,
                                .size = place != NULL ? (size_t)(place - path) : strlen(path)});
    if (place != NULL) {
        add_id(url, id);
        text_add_text(url, place + strlen("{id}"));
    }
}

static bool ask_detail(struct poller *poller, const char *id)
{
    poller_set_detail_url(poller, id);
    poller->sweep.detail_count++;
    return poller_ask(poller, step_detail_answered);
}

/* Where the list is proven, absence counts from the second sweep on. Where it is suspiciously
 * empty, few orders are looked for at once, and many are left to the operator. */
static bool is_looked_for(const struct poller *poller, const struct index_entry *entry)
{
    bool is_empty = poller->sweep.extent == EXTENT_EMPTY;
    return is_absent(poller, COLLECTION_ORDERS, entry) &&
           (is_empty || entry->misses >= MISSES_BEFORE);
}

static bool may_look(const struct poller *poller)
{
    const struct sweep *sweep = &poller->sweep;
    bool has_detail = poller->source->profile->orders.detail_path != NULL;
    if (sweep->is_baseline || sweep->detail_count >= DETAILS_PER_SWEEP) {
        return false;
    }
    if (sweep->extent == EXTENT_EMPTY) {
        return has_detail && !guard_exceeds_vanished(&poller->source->guard, &sweep->tally.guard);
    }
    return has_detail || sweep->extent == EXTENT_COMPLETE;
}

bool poller_step_absent(struct poller *poller, struct instant now)
{
    (void)now;
    struct sweep *sweep = &poller->sweep;
    const struct index *known = poller->known[COLLECTION_ORDERS];
    bool has_detail = poller->source->profile->orders.detail_path != NULL;
    uint32_t count = (uint32_t)index_count(known);
    while (may_look(poller) && sweep->absent_count < count) {
        /* On from where the last sweep's look-ups ended, so that each gets its turn. */
        uint32_t position = poller->absent_position++ % count;
        sweep->absent_count++;
        if (!is_looked_for(poller, index_at(known, position))) {
            continue;
        }
        if (has_detail) {
            return ask_detail(poller, index_id(known, position));
        }
        add_leaving(poller, arena_text(poller->batch.arena, span_of(index_id(known, position))),
                    SIGHTING_DISAPPEARED);
        if (poller->batch.count == BATCH_COUNT) {
            return poller_flush_batch(poller, poller_step_absent);
        }
    }
    return poller_flush_batch(poller, poller_step_finish);
}
