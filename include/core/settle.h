/* A status that moved may come back: for the time of `settle` it is kept from being told. */
#ifndef CORE_SETTLE_H
#define CORE_SETTLE_H

#include "core/classify.h"

struct source_config;

/* The record with the status that was told last, if another one waits. */
void settle_rewind(const struct history *history, struct record *record);

/* Decides what diff, from the status told last to after, tells of the status: all of it, or, while
 * it may come back, nothing yet. True: it came back, which is an event of its own. */
bool settle_judge(const struct source_config *source, const struct record *told,
                  int64_t now_wall_ms, struct history *history, struct diff *diff);

/* Time is up for the status that waits: gives what is to be told, and nothing waits any more.
 * False: it is not up yet, or nothing waits. */
bool settle_come(const struct source_config *source, const struct record *after,
                 int64_t now_wall_ms, struct history *history, struct arena *arena,
                 struct finding *out);

#endif
