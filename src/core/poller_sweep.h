/* What one sweep has in hand: a page, a batch of orders, and what its commit will make true. */
#ifndef CORE_POLLER_SWEEP_H
#define CORE_POLLER_SWEEP_H

#include "core/answer.h"
#include "core/event_tally.h"
#include "core/extract.h"
#include "core/moved.h"
#include "core/page_memory.h"
#include "core/pager.h"
#include "core/reconcile.h"
#include "core/slice.h"
#include "core/source_state.h"

struct poller;
struct index;

/* One step of the machine. True: go on at once; false: a port was asked, or the turn is full. */
typedef bool step_fn(struct poller *poller, struct instant now);

#define BATCH_COUNT 64                  /* changed orders worked on in one turn */
#define BATCH_BYTES 262144u             /* of their elements, likewise */
#define PORTION_BYTES ((size_t)1 << 20) /* of a page, looked at in one turn */
#define DETAILS_PER_SWEEP 50

/* One order to be reconciled. Everything in it lives in the batch's arena. */
struct work {
    enum sighting sighting;
    const char *id;
    const struct record *after; /* NULL: gone without a detail, or only appointments moved */
    uint64_t raw_fingerprint;
    struct moved_set moved;
    bool has_moved;
    struct span detail_json;
    const struct stored_order *before; /* set by the fetch; NULL: not known */
    struct deadline deadline;          /* of poller_deadline.c */
};

struct batch {
    struct arena *arena;
    struct work items[BATCH_COUNT];
    size_t count, bytes;
    size_t asked[BATCH_COUNT]; /* items whose before was asked for */
    step_fn *reconcile, *after;
};

struct novelty_seen {
    enum novelty_kind kind;
    char *key, *sample;
};

enum sweep_extent {
    EXTENT_COMPLETE,
    EXTENT_UNREADABLE, /* all pages, but of some elements it cannot be said whose they are */
    EXTENT_PARTIAL,
    EXTENT_EMPTY,
};

struct page {
    struct slicer slicer;
    uint64_t fingerprint, id_sum;
    size_t element_count, repeated_count;
    size_t unreadable_count;
    char unreadable[200];      /* what is wrong with the first of them */
    bool is_unchanged;         /* the API said so, and sent no bytes */
    struct page_origin origin; /* if so: as remembered */
};

/* The reading of one collection, at most twice. */
struct reading {
    enum collection_kind kind;
    const struct collection *collection;
    struct pager pager;
    struct page page;
    uint32_t previous; /* the latest known element's position in the index; INDEX_NONE: none yet */
    bool is_second;
    uint64_t first_id_sum; /* of the first reading: the same elements, however they are spelt */
    uint64_t unreadable_count;
    char unreadable[200]; /* as in the page */
};

struct tally {
    struct guard_counts guard;
    uint64_t parsed, events;
    struct event_tally types; /* of what is staged */
    uint32_t fields_found;
};

struct sweep {
    bool is_running, is_baseline, has_staged;
    bool has_asked, has_renewed_token, has_partial_appointments;
    bool lacks_elements, lacks_pages; /* why it is not complete: what cannot be read, all else */
    struct instant started;
    struct reading reading;
    uint32_t marks[COLLECTION_COUNT]; /* in index_entry.seen_in: seen in this reading */
    bool is_complete[COLLECTION_COUNT];
    enum sweep_extent extent;
    struct index *changes[COLLECTION_COUNT]; /* what the commit makes true of the index */
    struct moved *moved;
    struct tally tally;
    uint32_t absent_count, detail_count, request_count;
    struct trouble trouble; /* why it is not complete */
    struct novelty_seen *novelties;
    size_t novelty_count;
};

enum reading_verdict { READING_COMPLETE, READING_AGAIN, READING_PARTIAL, READING_EMPTY };

/* What a reading that came to its end is worth; known_count elements were on the list before.
 * Counts contradictions of the total; *is_declared is set when that makes it unreliable. */
enum reading_verdict sweep_judge(const struct reading *reading, uint64_t known_count,
                                 struct total_trust *total, bool *is_declared);

void sweep_init(struct sweep *sweep);
void sweep_fini(struct sweep *sweep);
void sweep_reset(struct sweep *sweep);
void sweep_note_novelties(struct sweep *sweep, const struct source_state *state,
                          const struct novelty *novelties, size_t count);

#endif
