/* A CloudEvents object that orderwatch sent, read back: for asking what would become of it. */
#ifndef CORE_EVENT_DOCUMENT_H
#define CORE_EVENT_DOCUMENT_H

#include "core/event.h"
#include "core/record.h"

struct event_document {
    struct event event;   /* without json and personal */
    struct record record; /* data.order; a sink's `fields` may have taken members away */
    bool has_record;
};

/* Everything in *out lives in arena. STATUS_INVALID: not an event of ours; why says what is wrong
 * and what is accepted. */
enum status event_document_read(struct span bytes, struct arena *arena, struct event_document *out,
                                struct failure *why) MUST_CHECK;

#endif
