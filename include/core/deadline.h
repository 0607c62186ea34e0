/* Events that time causes: reminders, overdue commitments, stalled orders. */
#ifndef CORE_DEADLINE_H
#define CORE_DEADLINE_H

#include "core/classify.h"
#include "core/ports.h"

struct deadline_list {
    struct deadline *items;
    size_t count;
};

/* Everything that time will cause if the order stays as it is. What was already told, or had passed
 * before it was known, is not among it. */
void deadline_plan(const struct source_config *source, const struct record *record,
                   const struct history *history, struct arena *arena, struct deadline_list *out);

struct deadline_context {
    const struct source_config *source;
    const struct record *record;
    struct history *history;
    int64_t now_wall_ms;
    struct arena *arena;
};

/* A deadline has come. Notes in the history that it was handled, so that deadline_plan gives it no
 * more. False: it no longer applies, or came so late that it would mislead. */
bool deadline_come(const struct deadline_context *context, const struct deadline *deadline,
                   struct finding *out);

#endif
