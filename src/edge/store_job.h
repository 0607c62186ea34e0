/* Private to store*.c: the database that the store thread owns, and the jobs it is given. */
#ifndef EDGE_STORE_JOB_H
#define EDGE_STORE_JOB_H

#include "core/arena.h"
#include "edge/store.h"

#include "store_database.h"

struct job;
typedef void job_run_fn(struct database *database, struct job *job);
typedef void job_done_fn(struct job *job);

/* Asked on the loop thread, run on the store thread, told on the loop thread. It lives in its arena
 * with copies of all it was asked with and all it answers. */
struct job {
    struct job *next;
    struct arena *arena;
    job_run_fn *run;   /* inside a transaction, whose end fills status and detail */
    job_run_fn *ended; /* on the store thread after it, NULL: nothing to do */
    job_done_fn *done; /* calls on_done with the result */
    bool may_join;     /* may share its transaction with its neighbours: it cannot fail alone */
    bool is_brief;     /* the answer before it waits for this one's: one wake for both */
    bool goes_on;      /* set by run: not done yet, to be run again after those that wait */
    enum status status;
    const char *detail;
    void *arg;
};

/* A zeroed job of this size, which begins with struct job. */
struct job *job_create(size_t size, job_run_fn *run, job_done_fn *done, void *arg);
void store_ask(struct store *store, struct job *job);

/* A job that answers with its status alone. */
struct write_job {
    struct job job;
    store_done_fn *on_done;
};
struct write_job *write_job_create(size_t size, job_run_fn *run, store_done_fn *on_done, void *arg);

#endif
