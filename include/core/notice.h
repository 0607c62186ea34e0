/* What a source has to say of itself with its next commit, made into events when that is built. */
#ifndef CORE_NOTICE_H
#define CORE_NOTICE_H

#include "core/ports.h"

struct arena;
struct silence_list;

struct notice {
    enum event_type type;
    enum severity severity;
    char *summary;
    char *extra_json; /* further members of data */
};

struct notice_list {
    struct notice *items;
    size_t count;
};

/* extra may be NULL: no further members. */
void notice_add(struct notice_list *list, enum event_type type, const char *summary,
                const struct text *extra);
void notice_clear(struct notice_list *list);

struct notice_context {
    const struct config *config;
    const struct silence_list *silences; /* NULL: none */
    const char *source_name;
    uint64_t sweep; /* 0: not from a sweep */
    int64_t now_wall_ms;
};

/* Numbers from *sequence + 1 on and moves it; everything made lives in arena. */
struct new_event *notice_compose(const struct notice_list *list,
                                 const struct notice_context *context, uint64_t *sequence,
                                 struct arena *arena);

#endif
