#include "core/settle.h"

#include "core/config.h"

static void wait_for(const struct record *told, int64_t now_wall_ms, struct pending_status *out)
{
    *out = (struct pending_status){.since_wall_ms = now_wall_ms,
                                   .status = told->fields[ORDER_STATUS],
                                   .step = told->fields[ORDER_STEP],
                                   .completed_date = told->fields[ORDER_COMPLETED_DATE],
                                   .kind = told->kind};
}

void settle_rewind(const struct history *history, struct record *record)
{
    const struct pending_status *pending = &history->pending;
    if (pending->since_wall_ms == 0) {
        return;
    }
    record->fields[ORDER_STATUS] = pending->status;
    record->fields[ORDER_STEP] = pending->step;
    record->fields[ORDER_COMPLETED_DATE] = pending->completed_date;
    record->kind = pending->kind;
}

/* The window begins with the first move and ends, however often the status moves in it: a status
 * that never rests is told all the same. A clock that was set back ends it too. */
static bool is_over(const struct source_config *source, const struct pending_status *pending,
                    int64_t now_wall_ms)
{
    return now_wall_ms < pending->since_wall_ms ||
           now_wall_ms - pending->since_wall_ms >= source->settle_ms;
}

bool settle_judge(const struct source_config *source, const struct record *told,
                  int64_t now_wall_ms, struct history *history, struct diff *diff)
{
    struct pending_status *pending = &history->pending;
    bool has_moved = diff->status.count != 0;
    if (pending->since_wall_ms == 0) {
        if (has_moved && source->settle_ms != 0) {
            wait_for(told, now_wall_ms, pending);
            diff->status = (struct change_list){0};
        }
        return false;
    }
    if (has_moved && !is_over(source, pending, now_wall_ms)) {
        diff->status = (struct change_list){0};
        return false;
    }
    *pending = (struct pending_status){0};
    return !has_moved;
}

bool settle_come(const struct source_config *source, const struct record *after,
                 int64_t now_wall_ms, struct history *history, struct arena *arena,
                 struct finding *out)
{
    struct pending_status *pending = &history->pending;
    if (pending->since_wall_ms == 0 || !is_over(source, pending, now_wall_ms)) {
        return false;
    }
    struct record told = *after;
    settle_rewind(history, &told);
    *pending = (struct pending_status){0};
    struct diff diff;
    diff_records(&told, after, arena, &diff);
    struct classify_context context = {.source = source,
                                       .before = &told,
                                       .after = after,
                                       .diff = &diff,
                                       .history = history,
                                       .arena = arena};
    struct finding_list findings;
    classify_changed(&context, &findings);
    if (findings.count == 0) {
        return false;
    }
    *out = findings.items[0]; /* nothing but the status is another one */
    return true;
}
