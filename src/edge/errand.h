/* Work that blocks for as long as the world likes, in a thread of its own that may be left behind:
 * nothing waits for a name server, not even the end of the process. */
#ifndef EDGE_ERRAND_H
#define EDGE_ERRAND_H

#include "core/base.h"

struct uv_loop_s;
struct errand;

struct errand_steps {
    void (*work)(void *job);    /* in the thread: the job is its alone until on_done */
    void (*on_done)(void *job); /* once, from the loop, unless the errand was left behind */
    void (*drop)(void *job);    /* it was left behind: frees the job, in the thread or at once */
};

/* steps must be static. NULL: there is no thread to be had. */
struct errand *errand_start(struct uv_loop_s *uv, const struct errand_steps *steps, void *job);
/* Before on_done, which does not come any more. From here on the job is dropped at any time, so
 * it must not hold handles of the loop. */
void errand_leave(struct errand *errand);

#endif
