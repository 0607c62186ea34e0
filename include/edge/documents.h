/* The status page and the description of the API: files of share_folder(), read once at start. */
#ifndef EDGE_DOCUMENTS_H
#define EDGE_DOCUMENTS_H

#include "core/surface.h"

struct documents;

/* One that cannot be read is told in the log and left out: nothing else stops without it. */
struct documents *documents_load(void);
const struct surface_document *documents_list(const struct documents *documents, size_t *count);
void documents_destroy(struct documents *documents); /* NULL is fine */

#endif
