/* Message bytes: GMime makes every header and body; nothing from upstream gets there unencoded. */
#ifndef EDGE_MIME_H
#define EDGE_MIME_H

#include "core/message.h"

struct mime_calendar {
    struct span body; /* a finished text/calendar body, UTF-8 */
    const char *method;
};

/* The sink's from and to must be addresses that passed mime_check_mailbox. Output is CRLF, 7-bit,
 * lines of at most 998. The first calendar is an alternative, further ones are attached. */
struct mime_facts {
    const struct message *message;
    const struct sink_config *sink;
    int64_t date_wall_ms;
    const struct mime_calendar *calendars;
    size_t calendar_count;
};

enum status mime_compose(const struct mime_facts *facts, struct text *out,
                         struct failure *why) MUST_CHECK;
/* Takes "Name <a@b.example>" or a bare address apart; refuses controls, groups, lists and what is
 * no address. address gets the bare one. */
enum status mime_check_mailbox(const char *mailbox, struct text *address,
                               struct failure *why) MUST_CHECK;

#endif
