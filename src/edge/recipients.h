/* Who of a mail's recipients has an end, over all attempts: nobody gets a repeat because of
 * another. Pure. */
#ifndef EDGE_RECIPIENTS_H
#define EDGE_RECIPIENTS_H

#include "core/ports.h"

struct arena;

enum recipient_state { RECIPIENT_OPEN, RECIPIENT_DONE, RECIPIENT_REFUSED };

struct recipient {
    const char *address; /* bare */
    enum recipient_state state;
    const char *words; /* the server's latest, cleaned; "" if none */
};

struct recipients {
    struct recipient *all;
    size_t count;
    struct arena *arena; /* of the words */
};

/* progress: what recipients_add_progress wrote after an earlier attempt, or "". Who is not in it
 * is open; what it says of somebody who is no recipient any more is forgotten. When nobody is open,
 * the mail was parked and is retried: those who refused are open again. */
void recipients_init(struct recipients *recipients, const char *const *addresses, size_t count,
                     const char *progress, struct arena *arena);
size_t recipients_open_count(const struct recipients *recipients);
/* By the SMTP reply to the recipient: 2yz done, 5yz refused, all else leaves it open. */
void recipients_answer(struct recipients *recipients, struct recipient *recipient, int code,
                       const char *words);
void recipients_add_progress(const struct recipients *recipients, struct text *out);
/* Accepted or rejected when all have an end, try later before. detail names whom it concerns. */
enum send_outcome recipients_outcome(const struct recipients *recipients, struct text *detail);

#endif
