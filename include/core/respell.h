/* What is known of an order against what the API says now, before they are compared: what only
 * looks otherwise in the answer is no change. */
#ifndef CORE_RESPELL_H
#define CORE_RESPELL_H

#include "core/record.h"

struct arena;
struct zone;

/* What after only spells otherwise becomes what before has: another kind or number of blanks, and a
 * day given as its midnight, in UTC or in the zone. Statuses are left to status_text_same. */
void respell_record(const struct record *before, struct record *after, const struct zone *zone,
                    struct arena *arena);

/* Appointments that have no ids of their own keep those that they were given, whatever comes or
 * goes beside them: by what they say, by their start, and the latest of those that are left by the
 * latest that is missing, which moved. What is new gets a number that was not used. */
void respell_nameless(const struct record *before, struct record *after, struct arena *arena);

#endif
