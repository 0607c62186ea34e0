/* The event that makes a digest leave when nothing changed: planned for its sink alone, one digest
 * ahead, in the same transaction as the memory of it. So it is there once, whatever happens. */
#ifndef CORE_DIGEST_SEED_H
#define CORE_DIGEST_SEED_H

#include "core/ports.h"
#include "core/sink_news.h"

/* Whether the sink wants such mails, and its next digest has none yet. */
bool digest_seed_is_due(const struct sink_config *sink, const struct sink_memory *memory,
                        int64_t now_wall_ms);
/* When to ask again; INSTANT_NEVER: it wants none. */
int64_t digest_seed_next_mono_ms(const struct sink_config *sink, const struct sink_memory *memory,
                                 struct instant now);
/* *after goes on from what it is. The texts live in arena. */
void digest_seed_compose(const struct config *config, size_t sink_index, int64_t now_wall_ms,
                         struct arena *arena, struct sink_memory *after, struct new_event *out);

#endif
