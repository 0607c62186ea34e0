#include "core/index.h"

#include "poller_sweep.h"

#include <stdlib.h>
#include <string.h>

#define CONTRADICTIONS_MAX 3

void sweep_init(struct sweep *sweep)
{
    *sweep = (struct sweep){0};
    for (size_t i = 0; i < COLLECTION_COUNT; i++) {
        sweep->changes[i] = index_create();
    }
    sweep->moved = moved_create();
}

static void forget_novelties(struct sweep *sweep)
{
    for (size_t i = 0; i < sweep->novelty_count; i++) {
        free(sweep->novelties[i].key);
        free(sweep->novelties[i].sample);
    }
    free(sweep->novelties);
    sweep->novelties = NULL;
    sweep->novelty_count = 0;
}

static void close_reading(struct sweep *sweep)
{
    if (sweep->reading.collection != NULL) {
        pager_fini(&sweep->reading.pager);
    }
    sweep->reading = (struct reading){0};
}

void sweep_fini(struct sweep *sweep)
{
    forget_novelties(sweep);
    close_reading(sweep);
    for (size_t i = 0; i < COLLECTION_COUNT; i++) {
        index_destroy(sweep->changes[i]);
    }
    moved_destroy(sweep->moved);
}

void sweep_reset(struct sweep *sweep)
{
    forget_novelties(sweep);
    close_reading(sweep);
    moved_clear(sweep->moved);
    struct sweep fresh = {.moved = sweep->moved};
    for (size_t i = 0; i < COLLECTION_COUNT; i++) {
        index_clear(sweep->changes[i]);
        fresh.changes[i] = sweep->changes[i];
    }
    *sweep = fresh;
}

static bool is_noted(const struct sweep *sweep, const struct source_state *state, const char *key)
{
    for (size_t i = 0; i < state->novelty_count; i++) {
        if (source_state_is_same_novelty(state->novelties[i], key)) {
            return true;
        }
    }
    for (size_t i = 0; i < sweep->novelty_count; i++) {
        if (source_state_is_same_novelty(sweep->novelties[i].key, key)) {
            return true;
        }
    }
    return false;
}

void sweep_note_novelties(struct sweep *sweep, const struct source_state *state,
                          const struct novelty *novelties, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool is_full = sweep->novelty_count + state->novelty_count >= NOVELTIES_MAX;
        if (is_full || is_noted(sweep, state, novelties[i].key)) {
            continue;
        }
        sweep->novelties =
            alloc_resize(sweep->novelties, sweep->novelty_count + 1, sizeof *sweep->novelties);
        sweep->novelties[sweep->novelty_count++] =
            (struct novelty_seen){.kind = novelties[i].kind,
                                  .key = alloc_text(novelties[i].key),
                                  .sample = alloc_text(novelties[i].sample)};
    }
}

/* The total counts what is known, and the list holds fewer: the pages end too early. Much nearer to
 * the one than to the other, so that orders that come or go meanwhile do not hide it. */
static bool ends_early(const struct pager *pager, uint64_t known_count)
{
    uint64_t total = (uint64_t)pager->total;
    uint64_t listed = pager_distinct_count(pager);
    if (pager->is_total_moving || total <= listed || known_count <= listed) {
        return false;
    }
    uint64_t apart = total > known_count ? total - known_count : known_count - total;
    return apart * 4 < total - listed;
}

/* A total below what there is hides nothing: two equal readings are believed against it. One above
 * has to repeat itself before it is taken for a defect of the API. */
static enum reading_verdict judge_contradiction(const struct reading *reading, uint64_t known_count,
                                                struct total_trust *total, bool *is_declared)
{
    if (ends_early(&reading->pager, known_count)) {
        return READING_PARTIAL;
    }
    total->contradiction_count++;
    if (total->contradiction_count >= CONTRADICTIONS_MAX) {
        total->is_unreliable = true;
        *is_declared = true;
        return READING_COMPLETE;
    }
    const struct pager *pager = &reading->pager;
    bool is_low = !pager->is_total_moving && (uint64_t)pager->total < pager_distinct_count(pager);
    return is_low ? READING_COMPLETE : READING_PARTIAL;
}

enum reading_verdict sweep_judge(const struct reading *reading, uint64_t known_count,
                                 struct total_trust *total, bool *is_declared)
{
    const struct pager *pager = &reading->pager;
    enum pager_trust trust = pager_trust(pager);
    if (trust != PAGER_PROVEN && !reading->is_second) {
        return READING_AGAIN;
    }
    if (pager_distinct_count(pager) == 0 && known_count != 0) {
        return READING_EMPTY;
    }
    bool is_stable = reading->is_second && pager->id_sum == reading->first_id_sum;
    switch (trust) {
    case PAGER_PROVEN:
        total->contradiction_count = 0;
        return READING_COMPLETE;
    case PAGER_SHIFTED: /* the same twice: the list itself has elements twice */
        return is_stable ? READING_COMPLETE : READING_PARTIAL;
    case PAGER_CONTRADICTED:
        return is_stable ? judge_contradiction(reading, known_count, total, is_declared)
                         : READING_PARTIAL;
    }
    CHECK(!"a trust that does not exist");
}
