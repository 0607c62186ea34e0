/* Private to dispatcher.c and dispatcher_change.c. */
#ifndef CORE_DISPATCHER_INTERNAL_H
#define CORE_DISPATCHER_INTERNAL_H

#include "core/dispatcher.h"
#include "core/outlet.h"
#include "core/sink_news.h"

struct arena;

/* One sink: its way out, and what the others are told about it. */
struct branch {
    const struct sink_config *config;
    const char *kind;
    struct outlet *outlet;
    struct sink_counts counts;
    struct sink_memory memory, memory_after; /* after: once the commit under way is durable */
    bool has_begun;                          /* its memory is what it is: no more restoring */
    bool is_restored;                        /* from the store, and this is not yet heeded */
    bool is_in_commit;
    int64_t parked_told_mono_ms;
    uint64_t parked_news_seen, settled_seen;
};

struct dispatcher {
    struct dispatcher_options options;
    struct branch *branches;
    size_t branch_count;
    struct random random;
    struct instant now;
    bool has_turned, is_stopping, is_flushing;

    struct sink_counts *strangers; /* sinks that are not configured, with open deliveries */
    size_t stranger_count;
    struct arena *stranger_arena;
    bool is_counting, wants_count, has_counted, are_books_broken;
    uint32_t count_failures; /* in a row */
    int64_t count_due_mono_ms;

    struct arena *arena; /* of the commit under way */
    struct event_tally committing, told;
    bool is_committing;
    uint32_t commit_failures; /* in a row */
    int64_t commit_retry_mono_ms;
};

/* dispatcher_change */
struct branch *dispatcher_find_branch(struct dispatcher *dispatcher, const char *sink_name);
void dispatcher_note_strangers(struct dispatcher *dispatcher, const struct sink_counts *counts,
                               size_t count);
void branch_init(struct branch *branch, struct dispatcher *dispatcher, const struct config *config,
                 size_t index);

#endif
