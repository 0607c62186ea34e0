/* What one receiver's tickets are called, over restarts: a book, and its changes for the store. */
#ifndef CORE_TICKET_MEMORY_H
#define CORE_TICKET_MEMORY_H

#include "core/ports.h"
#include "core/ticket.h"

struct ticket_memory;

/* Reads what the store knows of this sink's tickets; synchronous, before the first turn. store
 * NULL: nothing. */
enum status ticket_memory_open(const char *sink_name, const struct store_port *store,
                               struct ticket_memory **out, struct failure *why) MUST_CHECK;
void ticket_memory_close(struct ticket_memory *memory);                           /* NULL is fine */
const struct ticket_book *ticket_memory_book(const struct ticket_memory *memory); /* NULL of NULL */

/* Changes that the outcome of a delivery carries to the store. Lives in arena. */
struct ticket_news {
    struct stored_value *values;
    size_t count, capacity;
};

/* The request for this ticket was accepted. id: as the answer had it, "" if it had none. */
void ticket_memory_note(struct ticket_memory *memory, const struct ticket *ticket, const char *id,
                        struct arena *arena, struct ticket_news *news);
/* The receiver does not know this ticket, somebody deleted it: as if it had never been opened.
 * False: nobody knew of one there. NULL memory is fine. */
bool ticket_memory_lose(struct ticket_memory *memory, const struct ticket *ticket,
                        struct arena *arena, struct ticket_news *news);
/* The store has forgotten the order, tickets and all. */
void ticket_memory_erase(struct ticket_memory *memory, const char *source_name,
                         const char *order_id); /* NULL memory is fine */
void ticket_memory_forget(struct ticket_memory *memory, const char *order_prefix,
                          struct arena *arena, struct ticket_news *news);

#endif
