/* Recorded events through a configuration that did not send them: who would have got what and when.
 * Pure. Events are taken as they were recorded; receivers answer at once. */
#ifndef CORE_REPLAY_H
#define CORE_REPLAY_H

#include "core/silence.h"

struct replay;

/* Both are borrowed; silences hold at the time of each event, ended ones too. */
struct replay *replay_create(const struct config *config, const struct silence_list *silences);
void replay_destroy(struct replay *replay); /* NULL is fine */

/* One event as the API gives it; in any order. STATUS_INVALID: it is none. */
enum status replay_add(struct replay *replay, struct span event, struct failure *why) MUST_CHECK;

/* {"events": how many, "deliveries": [{time, sink, message, event, type, …}], "silenced": […],
 * "unrouted": […]}: deliveries by the time they would leave, those of one message with the same
 * number. Once, after the last event. */
void replay_write(struct replay *replay, struct text *out);

#endif
