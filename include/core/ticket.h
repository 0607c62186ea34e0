/* Which ticket an event belongs to, and what is to happen to it: for receivers that keep tickets.
 */
#ifndef CORE_TICKET_H
#define CORE_TICKET_H

#include "core/event.h"

struct arena;

enum ticket_action { TICKET_OPEN, TICKET_UPDATE, TICKET_CLOSE, TICKET_REOPEN };

struct ticket {
    const char *key;       /* stable: SOURCE/ORDER/held, …/overdue, …/missed/APPT, …/order */
    const char *condition; /* held, overdue, missed, order; source, sink, test */
    enum ticket_action action;
    const char *id; /* as the receiver named it; NULL: not known */
};

/* What is remembered of the tickets at one receiver. Texts are copied. */
struct ticket_book;

struct ticket_entry {
    const char *key;
    const char *id; /* "": the receiver gave none */
    bool is_open;
};

#define TICKET_BOOK_COUNT_MAX 100000 /* further ones are opened and not remembered */
#define TICKET_ID_BYTES_MAX 256

struct ticket_book *ticket_book_create(void);
void ticket_book_destroy(struct ticket_book *book); /* NULL is fine */
/* NULL: not known. Valid until the next set or forget. */
const struct ticket_entry *ticket_book_find(const struct ticket_book *book, const char *key);
/* The next one whose key begins with prefix; after NULL: the first. */
const struct ticket_entry *ticket_book_next(const struct ticket_book *book, const char *prefix,
                                            const char *after);
void ticket_book_set(struct ticket_book *book, const struct ticket_entry *entry);
void ticket_book_forget(struct ticket_book *book, const char *key);

/* An entry as the store keeps it, and back; false: it is not what ticket_entry_add wrote. */
struct text;
void ticket_entry_add(struct text *out, const struct ticket_entry *entry);
bool ticket_book_restore(struct ticket_book *book, const char *key, struct span value);

#define TICKET_COUNT_MAX 16

/* The tickets that an event touches; they live in arena. With a book, the end of an order closes
 * what is open of it, and a condition that is back reopens its ticket; the end of what has no
 * ticket touches none, unless it is a warning or worse by itself. Without a book (NULL) each event
 * has a single ticket, by its type alone. */
size_t ticket_plan(const struct ticket_book *book, const struct event *event, struct arena *arena,
                   struct ticket out[static TICKET_COUNT_MAX]);
/* What the keys of one order's tickets begin with. */
const char *ticket_order_prefix(const struct event *event, struct arena *arena);
/* The order has left for good: nothing of it needs to be remembered once its tickets are closed. */
bool ticket_is_last(const struct event *event);
const char *ticket_action_name(enum ticket_action action);

#endif
