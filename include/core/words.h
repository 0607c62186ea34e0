/* Every word that a person reads. Each language is one file, words_XX.c. */
#ifndef CORE_WORDS_H
#define CORE_WORDS_H

#include "core/config.h"

/* "Mon 12 Jan 09:00" / "lun. 12 janv. 09:00"; a day: "Mon 12 Jan". Year shown when not near_year.
 */
void words_add_date(struct text *out, struct date date, const struct zone *zone,
                    enum language language, int near_year);
/* The event in one line without its order: "appointment moved by +5 days". */
void words_add_event(struct text *out, enum event_type type, enum language language);
void words_add_field(struct text *out, const char *field_name, enum language language);

#endif
