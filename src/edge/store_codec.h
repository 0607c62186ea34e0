/* A staged order as bytes: how it travels to the store thread and waits in the staging table. Only
 * this process reads what it wrote. */
#ifndef EDGE_STORE_CODEC_H
#define EDGE_STORE_CODEC_H

#include "core/arena.h"
#include "core/ports.h"

void codec_encode_order(const struct staged_order *order, struct text *out);
void codec_encode_event(const struct new_event *event, struct text *out);
/* Texts and spans of what is decoded point into bytes; its arrays live in the arena. */
struct staged_order codec_decode_order(struct span bytes, struct arena *arena);
struct new_event codec_decode_event(struct span bytes, struct arena *arena);

#endif
