/* One webhook format at work: events in, its output back, through a helper of its own. */
#ifndef EDGE_SHAPE_H
#define EDGE_SHAPE_H

#include "core/ports.h"

struct uv_loop_s;
struct shape;

enum shape_outcome {
    SHAPE_MADE,    /* output holds its JSON */
    SHAPE_EMPTY,   /* the program gave nothing for this event */
    SHAPE_BROKEN,  /* it does not compile */
    SHAPE_REFUSED, /* it failed or took too long: again would be the same */
    SHAPE_LATER,   /* no process, or closing */
};

struct shape_result {
    enum shape_outcome outcome;
    struct span output;
    const char *detail; /* one clean line */
};

typedef void shape_done_fn(void *arg, const struct shape_result *result);

/* Events leave as they are: no program is needed. */
bool shape_is_native(const char *format);
/* Reads the program of a format: its name or a path, as webhook_config.format has it. */
enum status shape_read_program(const char *format, struct text *program,
                               struct failure *why) MUST_CHECK;

struct shape *shape_create(struct uv_loop_s *uv, const char *format, struct span program);
/* Events wait for their turn; input is copied: {"event":…,"context":…}. */
void shape_start(struct shape *shape, struct span input, shape_done_fn *on_done, void *arg);
void shape_close(struct shape *shape, closed_fn *on_closed, void *arg); /* frees */

#endif
