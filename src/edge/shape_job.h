/* What the shape helper is asked and what it answers, as bytes for its pipe. Pure. */
#ifndef EDGE_SHAPE_JOB_H
#define EDGE_SHAPE_JOB_H

#include "core/text.h"

#define SHAPE_PROGRAM_BYTES_MAX ((size_t)64 << 10)
#define SHAPE_OUTPUT_BYTES_MAX ((size_t)256 << 10)

struct shape_job {
    struct span program; /* jq */
    struct span input;   /* {"event":{…},"context":{"ticket":…,"settings":…,"sink":…}} */
};

/* The first byte of an answer; the rest is the output as JSON, or what is wrong. */
enum shape_answer_kind {
    SHAPE_OUTPUT = 'o',
    SHAPE_NOTHING = 'n', /* no output, or null */
    SHAPE_FAILED = 'f',
    SHAPE_NO_PROGRAM = 'p', /* it does not compile */
};

void shape_job_encode(const struct shape_job *job, struct text *out);
bool shape_job_decode(struct span bytes, struct shape_job *out); /* borrows bytes */

#endif
