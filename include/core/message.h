/* How a delivery reads as a mail: the only place that composes sentences. Pure. */
#ifndef CORE_MESSAGE_H
#define CORE_MESSAGE_H

#include "core/ports.h"

struct message {
    struct text subject;    /* UTF-8, one line, cleaned, no encoding yet */
    struct text plain;      /* LF lines, at most 72 columns where words allow */
    struct text html;       /* a whole document, escaped, no remote content */
    struct text message_id; /* EVENTID.SINK@HOST without angle brackets */
    struct text root_id;    /* the conversation's fixed root, without angle brackets */
    struct text event_ids;  /* all ids, space-separated: X-Orderwatch-Event */
    bool is_critical;
};

void message_init(struct message *message);
void message_fini(struct message *message);
/* For a single event, a bundle of one order, or a digest. STATUS_CORRUPT: an event cannot be read.
 */
enum status message_compose(const struct sink_config *sink, const struct config *config,
                            const struct delivery *delivery, int64_t now_wall_ms,
                            struct message *out, struct failure *why) MUST_CHECK;

#endif
