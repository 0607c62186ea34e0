/* What calendars should know after a mail, out of its stories. */
#ifndef CORE_MESSAGE_CALENDAR_H
#define CORE_MESSAGE_CALENDAR_H

#include "core/message.h"
#include "message_story.h"

/* stories are oldest first for each order: the last one of an appointment counts. */
void message_add_appointments(struct message *message, const struct telling *telling,
                              const struct story *stories, size_t count);

#endif
