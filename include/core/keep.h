/* Finished text that is to live as long as an arena. */
#ifndef CORE_KEEP_H
#define CORE_KEEP_H

#include "core/arena.h"
#include "core/text.h"

/* Moves the bytes into the arena and releases the text. The text must be whole: nothing was over
 * its ceiling. The bytes are followed by a NUL; empty text gives a span of size 0. */
struct span keep_text(struct text *text, struct arena *arena);

/* Copies; NULL stays NULL. */
struct span keep_span(struct arena *arena, struct span bytes);
const char *keep_string(struct arena *arena, const char *text);
struct event;
struct event keep_event(struct arena *arena, const struct event *event);

#endif
