/* What is to be told about one sink to the others, and the little of it that must survive. */
#ifndef CORE_SINK_NEWS_H
#define CORE_SINK_NEWS_H

#include "core/ports.h"

struct arena;

/* Durable as value sink/NAME. */
struct sink_memory {
    uint64_t sequence;    /* of its latest event */
    uint64_t parked_told; /* how many parked deliveries the others know of */
    bool is_failing_told;
    bool is_disabled;           /* the receiver answered 410 */
    int64_t held_until_wall_ms; /* it asked for a pause; 0: none */
    int64_t held_from_wall_ms;  /* when that was known: before it, the clock has gone back */
    int64_t digest_wall_ms;     /* up to which its digests have an event of their own */
};

/* How the sink is now. */
struct sink_condition {
    const char *sink_name;
    const char *detail;           /* the receiver's latest refusal; "" if none */
    struct instant failing_since; /* wall_ms 0: it works */
    int64_t failing_after_ms;
    uint64_t parked_count;
    int64_t parked_told_mono_ms; /* INT64_MIN: not since start */
    bool has_answered;           /* since start */
    bool is_disabled;
    int64_t held_until_wall_ms; /* 0: nobody asks for a pause now */
};

#define PARKED_TOLD_EVERY_MS (10 * MINUTE_MS)
#define SINK_NEWS_MAX 3

bool sink_news_is_due(const struct sink_memory *memory, const struct sink_condition *condition,
                      struct instant now);
/* What differs between memory and condition, as finished events in the order they are told; *after
 * is the memory once they are committed. The texts live in arena. Nothing to tell can still be a
 * memory to write. */
size_t sink_news_compose(const struct sink_memory *memory, const struct sink_condition *condition,
                         struct instant now, struct arena *arena,
                         struct event events[static SINK_NEWS_MAX], struct sink_memory *after);
/* The mono ms at which news would be due if nothing else changes; INSTANT_NEVER. */
int64_t sink_news_next_mono_ms(const struct sink_memory *memory,
                               const struct sink_condition *condition);

void sink_memory_encode(const struct sink_memory *memory, struct text *out);
enum status sink_memory_decode(struct span bytes, struct sink_memory *out,
                               struct failure *why) MUST_CHECK;

#endif
