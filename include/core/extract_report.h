/* What a profile makes of one element and by which candidate: for those who write profiles. */
#ifndef CORE_EXTRACT_REPORT_H
#define CORE_EXTRACT_REPORT_H

#include "core/extract.h"

struct extract_line {
    const char *field;   /* as in data.order; appointment.status and the like, one each */
    const char *pointer; /* the candidate that gave a value; NULL: none did */
    const char *value;   /* NULL with it */
};

struct extract_report {
    const struct extract_line *lines;
    size_t line_count;
    const struct novelty *novelties;
    size_t novelty_count;
};

/* All of *out lives in arena. Statuses as extract_order. */
enum status extract_report(const struct extractor *extractor, struct span element,
                           struct arena *arena, struct extract_report *out,
                           struct failure *why) MUST_CHECK;
/* The same of an element of the appointments' own collection; statuses as extract_appointment. */
enum status extract_report_appointment(const struct extractor *extractor, struct span element,
                                       struct arena *arena, struct extract_report *out,
                                       struct failure *why) MUST_CHECK;

#endif
