/* Finished text that is to live as long as an arena. */
#ifndef CORE_KEEP_H
#define CORE_KEEP_H

#include "core/arena.h"
#include "core/text.h"

/* Moves the bytes into the arena and releases the text. The text must be whole: nothing was over
 * its ceiling. The bytes are followed by a NUL; empty text gives a span of size 0. */
struct span keep_text(struct text *text, struct arena *arena);

#endif
