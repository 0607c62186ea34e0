#include "core/notice.h"

#include "core/arena.h"
#include "core/route.h"

#include <stdlib.h>

void notice_add(struct notice_list *list, enum event_type type, const char *summary,
                const struct text *extra)
{
    list->items = alloc_resize(list->items, list->count + 1, sizeof *list->items);
    list->items[list->count++] =
        (struct notice){.type = type,
                        .severity = event_type_severity(type),
                        .summary = alloc_text(summary),
                        .extra_json = extra != NULL ? alloc_text(text_cstr(extra)) : NULL};
}

void notice_clear(struct notice_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].summary);
        free(list->items[i].extra_json);
    }
    free(list->items);
    *list = (struct notice_list){0};
}

static void compose_one(const struct notice *notice, const struct notice_context *context,
                        uint64_t sequence, struct arena *arena, struct new_event *out)
{
    struct event_facts facts = {
        .type = notice->type,
        .severity = notice->severity,
        .source_name = context->source_name,
        .sequence = sequence,
        .wall_ms = context->now_wall_ms,
        .sweep = context->sweep,
        .summary = notice->summary,
        .extra_json = span_of(notice->extra_json),
    };
    event_compose(&facts, arena, &out->event);
    struct route_facts route = {.event = &out->event, .sweep = context->sweep};
    struct route_context routing = {.config = context->config,
                                    .silences = context->silences,
                                    .now_wall_ms = context->now_wall_ms};
    route_event(&routing, &route, arena, out);
}

struct new_event *notice_compose(const struct notice_list *list,
                                 const struct notice_context *context, uint64_t *sequence,
                                 struct arena *arena)
{
    struct new_event *events = arena_array(arena, list->count, sizeof *events);
    for (size_t i = 0; i < list->count; i++) {
        compose_one(&list->items[i], context, ++*sequence, arena, &events[i]);
    }
    return events;
}
