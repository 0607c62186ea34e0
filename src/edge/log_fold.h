/* Which lines of the log are worth writing again: what repeats itself is counted instead. */
#ifndef EDGE_LOG_FOLD_H
#define EDGE_LOG_FOLD_H

#include "core/log.h"

#define FOLD_KINDS_MAX 64
#define FOLD_TELLS 3                   /* lines of one kind in full, then they are counted */
#define FOLD_WINDOW_MS INT64_C(600000) /* for so long since the first one */

/* Lines with one event, about one source or sink, for one reason. Zero: a free place. */
struct fold_kind {
    uint64_t key;
    int64_t since_mono_ms;
    uint32_t told, folded;
    enum log_level level;
    char event[48], source[72], sink[72];
};

struct log_fold { /* all zero at start */
    struct fold_kind kinds[FOLD_KINDS_MAX];
};

/* Writes "repeated N times" for a kind whose window is over, or whose place is needed. */
typedef void fold_tell_fn(const struct fold_kind *kind, int64_t now_mono_ms);

/* False: the line is counted and not to be written. */
bool fold_admits(struct log_fold *fold, enum log_level level, const char *event,
                 const struct log_field *fields, int64_t now_mono_ms, fold_tell_fn *tell);
/* Tells what is due; is_last: all of it. */
void fold_turn(struct log_fold *fold, int64_t now_mono_ms, bool is_last, fold_tell_fn *tell);

#endif
