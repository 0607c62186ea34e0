#include "core/arena.h"
#include "core/hash.h"
#include "core/merge.h"

#include "poller_internal.h"

#include <stdio.h>
#include <string.h>

#define ELEMENT_BYTES_MAX ((size_t)1 << 20)
#define KEY_BYTES_MAX 16384

/* What this page holds is remembered only where it is known and comes once. */
static void note_known(struct poller *poller, uint32_t position)
{
    page_memory_add(poller->pages[poller->sweep.reading.kind], position);
}

/* Which elements there were, in whatever order and however spelt. */
static void note_id(struct poller *poller, uint32_t id_hash)
{
    poller->sweep.reading.page.id_sum += id_hash;
}

/* Learned as the list goes by; a new order between two does not part them. */
static void note_succession(struct poller *poller, uint32_t position)
{
    struct reading *reading = &poller->sweep.reading;
    if (reading->previous != INDEX_NONE) {
        index_at(poller->known[reading->kind], reading->previous)->next = position;
    }
    reading->previous = position;
}

static void take_known(struct poller *poller, uint32_t position, size_t size)
{
    CHECK(size <= ELEMENT_BYTES_MAX);
    note_known(poller, position);
    note_succession(poller, position);
    struct index_entry *entry = index_at(poller->known[poller->sweep.reading.kind], position);
    note_id(poller, entry->id_hash);
    entry->raw_size = size & 0x1fffff;
}

static enum status note_repeated(struct poller *poller)
{
    poller->sweep.reading.page.repeated_count++;
    note_known(poller, INDEX_NONE);
    return STATUS_OK;
}

/* Of bytes that were seen in this sweep already. */
static uint32_t find_change(struct poller *poller, uint64_t raw)
{
    const struct index *changes = poller->sweep.changes[poller->sweep.reading.kind];
    uint32_t position = index_find_raw(changes, raw);
    if (position != INDEX_NONE) {
        note_id(poller, index_at(changes, position)->id_hash);
    }
    return position;
}

static const struct extractor *extractor_of(const struct poller *poller, struct extractor *out)
{
    *out = (struct extractor){.profile = poller->source->profile,
                              .zone = poller->source->zone,
                              .unicode = poller->options.unicode};
    return out;
}

struct extraction *poller_read_detail(struct poller *poller, const char *id, struct failure *why)
{
    struct extractor extractor;
    struct arena *arena = poller->batch.arena;
    struct extraction *extraction = arena_alloc(arena, sizeof *extraction);
    if (extract_order(extractor_of(poller, &extractor), answer_body(&poller->request.answer), arena,
                      extraction, why) != STATUS_OK) {
        return NULL;
    }
    if (strcmp(extraction->record.id, id) != 0) {
        (void)fail(why, STATUS_INVALID, "it is of another order");
        return NULL;
    }
    poller->knows_details = true;
    return extraction;
}

static struct work *add_work(struct poller *poller, const char *id, size_t bytes)
{
    struct batch *batch = &poller->batch;
    CHECK(batch->count < BATCH_COUNT);
    struct work *work = &batch->items[batch->count++];
    *work = (struct work){.sighting = SIGHTING_LISTED, .id = id};
    batch->bytes += bytes;
    work->has_moved = moved_take(poller->sweep.moved, id, batch->arena, &work->moved);
    return work;
}

/* --- orders ----------------------------------------------------------------------------------- */

/* The bytes are known: nothing of the order itself has changed. Its appointments may have, and
 * after a start its record has to be read once for the appointments it has. */
static void take_known_order(struct poller *poller, uint32_t position)
{
    struct index *known = poller->known[COLLECTION_ORDERS];
    struct index_entry *entry = index_at(known, position);
    entry->seen_in = poller->sweep.marks[COLLECTION_ORDERS];
    bool has_moved = moved_holds(poller->sweep.moved, index_id(known, position));
    if (has_moved || poller->is_appointments_cold) {
        struct work *work = add_work(
            poller, arena_text(poller->batch.arena, span_of(index_id(known, position))), 0);
        work->raw_fingerprint = entry->raw_fingerprint;
    }
}

/* True when this reading has seen the order before: the list moved, or holds it twice. */
static bool is_repeated(struct poller *poller, const char *id)
{
    const struct index *known = poller->known[COLLECTION_ORDERS];
    uint32_t position = index_find_id(known, id);
    bool is_seen = position != INDEX_NONE &&
                   index_at(known, position)->seen_in == poller->sweep.marks[COLLECTION_ORDERS];
    return is_seen || index_find_id(poller->sweep.changes[COLLECTION_ORDERS], id) != INDEX_NONE;
}

static enum status take_changed_order(struct poller *poller, struct span element, uint64_t raw,
                                      struct failure *why)
{
    struct sweep *sweep = &poller->sweep;
    struct arena *arena = poller->batch.arena;
    struct extractor extractor;
    struct extraction *extraction = arena_alloc(arena, sizeof *extraction);
    enum status status =
        extract_order(extractor_of(poller, &extractor), element, arena, extraction, why);
    if (status != STATUS_OK) {
        return status;
    }
    sweep->tally.parsed++;
    poller->tally.parsed_count++;
    sweep->tally.fields_found |= extraction->fields_found | merge_shown(&extraction->record);
    sweep_note_novelties(sweep, &poller->state, extraction->novelties, extraction->novelty_count);
    const char *id = extraction->record.id;
    note_id(poller, index_hash_id(id));
    if (is_repeated(poller, id)) {
        return note_repeated(poller);
    }
    uint32_t position = index_find_id(poller->known[COLLECTION_ORDERS], id);
    if (position != INDEX_NONE) {
        index_at(poller->known[COLLECTION_ORDERS], position)->seen_in =
            sweep->marks[COLLECTION_ORDERS];
        note_succession(poller, position);
    }
    (void)index_add(sweep->changes[COLLECTION_ORDERS], id, raw);
    struct work *work = add_work(poller, id, element.size);
    work->after = &extraction->record;
    work->raw_fingerprint = raw;
    return STATUS_OK;
}

static enum status take_order(struct poller *poller, struct span element, struct failure *why)
{
    struct sweep *sweep = &poller->sweep;
    uint64_t raw = hash64(element);
    uint32_t position = index_find_raw(poller->known[COLLECTION_ORDERS], raw);
    if (position != INDEX_NONE) {
        const struct index_entry *entry = index_at(poller->known[COLLECTION_ORDERS], position);
        if (entry->seen_in == sweep->marks[COLLECTION_ORDERS]) {
            note_id(poller, entry->id_hash);
            return note_repeated(poller);
        }
        CHECK(!entry->has_left); /* those are found by their id alone */
        take_known(poller, position, element.size);
        take_known_order(poller, position);
        return STATUS_OK;
    }
    if (find_change(poller, raw) != INDEX_NONE) {
        return note_repeated(poller);
    }
    note_known(poller, INDEX_NONE);
    return take_changed_order(poller, element, raw, why);
}

/* --- appointments of a collection of their own ------------------------------------------------ */

static enum status take_changed_appointment(struct poller *poller, struct span element,
                                            uint64_t raw, struct failure *why)
{
    struct sweep *sweep = &poller->sweep;
    struct arena *arena = moved_arena(sweep->moved);
    struct extractor extractor;
    struct appointment_extraction *extraction = arena_alloc(arena, sizeof *extraction);
    enum status status =
        extract_appointment(extractor_of(poller, &extractor), element, arena, extraction, why);
    if (status != STATUS_OK) {
        return status;
    }
    sweep->tally.parsed++;
    poller->tally.parsed_count++;
    sweep_note_novelties(sweep, &poller->state, extraction->novelties, extraction->novelty_count);
    struct text key;
    text_init(&key, KEY_BYTES_MAX);
    moved_add_key(&key, extraction->order_id, extraction->appointment.id);
    note_id(poller, index_hash_id(text_cstr(&key)));
    struct index *changes = sweep->changes[COLLECTION_APPOINTMENTS];
    if (index_find_id(changes, text_cstr(&key)) != INDEX_NONE) {
        sweep->reading.page.repeated_count++;
    } else {
        uint32_t order = moved_add(sweep->moved, extraction->order_id, extraction->appointment.id,
                                   &extraction->appointment);
        uint32_t position = index_add(changes, text_cstr(&key), raw);
        index_at(changes, position)->owner = order;
        uint32_t known = index_find_id(poller->known[COLLECTION_APPOINTMENTS], text_cstr(&key));
        if (known != INDEX_NONE) {
            index_at(poller->known[COLLECTION_APPOINTMENTS], known)->seen_in =
                sweep->marks[COLLECTION_APPOINTMENTS];
            note_succession(poller, known);
        }
    }
    text_fini(&key);
    return STATUS_OK;
}

static enum status take_appointment(struct poller *poller, struct span element, struct failure *why)
{
    struct sweep *sweep = &poller->sweep;
    uint64_t raw = hash64(element);
    struct index *known = poller->known[COLLECTION_APPOINTMENTS];
    uint32_t position = index_find_raw(known, raw);
    if (position != INDEX_NONE && !index_at(known, position)->has_left) {
        struct index_entry *entry = index_at(known, position);
        if (entry->seen_in == sweep->marks[COLLECTION_APPOINTMENTS]) {
            note_id(poller, entry->id_hash);
            return note_repeated(poller);
        }
        take_known(poller, position, element.size);
        entry->seen_in = sweep->marks[COLLECTION_APPOINTMENTS];
        return STATUS_OK;
    }
    if (find_change(poller, raw) != INDEX_NONE) {
        return note_repeated(poller);
    }
    note_known(poller, INDEX_NONE);
    return take_changed_appointment(poller, element, raw, why);
}

/* --- what comes as it came before ------------------------------------------------------------- */

bool poller_take_expected(struct poller *poller)
{
    struct reading *reading = &poller->sweep.reading;
    const struct index *known = poller->known[reading->kind];
    uint32_t position =
        reading->previous != INDEX_NONE ? index_at(known, reading->previous)->next : INDEX_NONE;
    if (position == INDEX_NONE) {
        return false;
    }
    struct index_entry *entry = index_at(known, position);
    if (entry->raw_size == 0 || entry->has_left ||
        entry->seen_in == poller->sweep.marks[reading->kind] ||
        !slice_next_known(&reading->page.slicer, entry->raw_size, entry->raw_fingerprint)) {
        return false;
    }
    take_known(poller, position, entry->raw_size);
    if (reading->kind == COLLECTION_ORDERS) {
        take_known_order(poller, position);
    } else {
        entry->seen_in = poller->sweep.marks[COLLECTION_APPOINTMENTS];
    }
    return true;
}

void poller_note_unreadable(struct poller *poller, const char *reason)
{
    const struct novelty novelty = {.kind = NOVELTY_UNREADABLE,
                                    .key = poller->sweep.reading.kind == COLLECTION_ORDERS
                                               ? "order:unreadable"
                                               : "appointment:unreadable",
                                    .sample = reason};
    note_known(poller, INDEX_NONE);
    sweep_note_novelties(&poller->sweep, &poller->state, &novelty, 1);
}

enum status poller_take_element(struct poller *poller, struct span element, struct failure *why)
{
    if (element.size > ELEMENT_BYTES_MAX) {
        return fail(why, STATUS_TOO_LARGE, "an element of %zu bytes; the limit is %zu",
                    element.size, ELEMENT_BYTES_MAX);
    }
    return poller->sweep.reading.kind == COLLECTION_ORDERS ? take_order(poller, element, why)
                                                           : take_appointment(poller, element, why);
}
