#include "core/keep.h"

struct span keep_text(struct text *text, struct arena *arena)
{
    CHECK(text->status == STATUS_OK);
    struct span bytes = text_span(text);
    struct span kept = {.data = arena_text(arena, bytes), .size = bytes.size};
    text_fini(text);
    return kept;
}
