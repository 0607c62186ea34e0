/* What a sweep sets aside until it is committed or dropped, source by source: the encoded orders
 * that store_codec.h makes. Little of it waits in memory, much of it in a table that nobody else
 * sees. On the store thread. */
#ifndef EDGE_STORE_STAGING_H
#define EDGE_STORE_STAGING_H

#include "store_database.h"

/* Copies the order; what a failed transaction added is in doubt and has to be forgotten. */
void staging_add(struct database *database, const char *source_name, struct span order);
bool staging_exists(const struct database *database, const char *source_name);

typedef void staging_visit_fn(struct database *database, struct span order, void *arg);
/* In the order of staging_add; the bytes live until visit returns. */
void staging_visit(struct database *database, const char *source_name, staging_visit_fn *visit,
                   void *arg);

void staging_forget(struct database *database, const char *source_name); /* outside transactions */
void staging_fini(struct database *database);

#endif
