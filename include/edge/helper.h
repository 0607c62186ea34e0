/* Helper processes: what may block, hang or abort runs in a child that can be killed. A job goes in
 * and a result comes out, each length-prefixed, over a pipe. The child is this executable as
 * `orderwatch helper NAME`; it has no database, no environment, and only the secrets of its job. */
#ifndef EDGE_HELPER_H
#define EDGE_HELPER_H

#include "core/ports.h"

struct uv_loop_s;
struct helper;

struct helper_result {
    enum status status; /* STATUS_UNAVAILABLE: it died, or was killed at its deadline */
    bool has_run;       /* a child had the job: what went wrong may be the job's own doing */
    struct span result;
    const char *detail;
};

typedef void helper_done_fn(void *arg, const struct helper_result *result);

#define HELPER_JOB_BYTES_MAX (32u << 20)

/* One child at a time, started when there is a job and kept for the next one. */
struct helper *helper_create(struct uv_loop_s *uv, const char *name);
/* One job at a time: requires helper_is_idle. The job is copied. */
void helper_start(struct helper *helper, struct span job, int64_t deadline_ms,
                  helper_done_fn *on_done, void *arg);
bool helper_is_idle(const struct helper *helper);
void helper_close(struct helper *helper, closed_fn *on_closed, void *arg); /* kills; frees */

/* Inside the child: reads jobs from stdin, calls work, writes results, until end of input. */
typedef void helper_work_fn(struct span job, struct text *result);
int helper_serve(helper_work_fn *work);

int helper_mail_main(void);  /* libesmtp */
int helper_shape_main(void); /* libjq */

#endif
