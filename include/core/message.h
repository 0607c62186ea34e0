/* How a delivery reads as a mail: the only place that composes sentences. Pure. */
#ifndef CORE_MESSAGE_H
#define CORE_MESSAGE_H

#include "core/ports.h"

/* What a calendar should know of one appointment after this mail. */
struct message_appointment {
    const char *source_name, *order_id, *appointment_id; /* together they make its UID */
    uint32_t sequence;                                   /* rises with every change */
    int64_t revised_wall_ms;                             /* 0: with the message that tells of it */
    bool is_cancelled, is_confirmed;
    const char *start, *end; /* canonical dates; NULL if unknown or unreadable */
    const char *summary, *location, *description; /* cleaned; location may be NULL */
};

struct message {
    struct text subject;    /* UTF-8, one line, cleaned, no encoding yet */
    struct text plain;      /* LF lines, at most 72 columns where words allow */
    struct text html;       /* a whole document, escaped, no remote content */
    struct text message_id; /* EVENTID.SINK@HOST without angle brackets */
    struct text root_id;    /* the conversation's fixed root, without angle brackets */
    struct text event_ids;  /* all ids, space-separated: X-Orderwatch-Event */
    bool is_critical;
    const struct zone *zone; /* in which its times are shown; borrowed from the configuration */
    struct arena *arena;     /* of the appointments */
    const struct message_appointment *appointments;
    size_t appointment_count;
};

#define MESSAGE_APPOINTMENTS_MAX 50

void message_init(struct message *message);
void message_fini(struct message *message);
/* For a single event, a bundle of one order, or a digest. STATUS_CORRUPT: an event cannot be read.
 */
enum status message_compose(const struct sink_config *sink, const struct config *config,
                            const struct delivery *delivery, int64_t now_wall_ms,
                            struct message *out, struct failure *why) MUST_CHECK;

#endif
