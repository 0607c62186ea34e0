#include "core/keep.h"

#include "core/event.h"

struct span keep_text(struct text *text, struct arena *arena)
{
    CHECK(text->status == STATUS_OK);
    struct span bytes = text_span(text);
    struct span kept = {.data = arena_text(arena, bytes), .size = bytes.size};
    text_fini(text);
    return kept;
}

struct span keep_span(struct arena *arena, struct span bytes)
{
    return (struct span){.data = arena_text(arena, bytes), .size = bytes.size};
}

const char *keep_string(struct arena *arena, const char *text)
{
    return text != NULL ? arena_text(arena, span_of(text)) : NULL;
}

struct event keep_event(struct arena *arena, const struct event *event)
{
    struct event copy = *event;
    copy.source_name = keep_string(arena, event->source_name);
    copy.sink_name = keep_string(arena, event->sink_name);
    copy.order_id = keep_string(arena, event->order_id);
    copy.appointment_id = keep_string(arena, event->appointment_id);
    copy.json = keep_span(arena, event->json);
    copy.personal = keep_span(arena, event->personal);
    return copy;
}
