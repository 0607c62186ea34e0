/* Durable state in SQLite: one thread, one connection, asked asynchronously (design.md section 5).
 */
#ifndef EDGE_STORE_H
#define EDGE_STORE_H

#include "core/histogram.h"
#include "core/ports.h"

struct uv_loop_s;
struct store;

/* For each source, which sinks keep its retained state. */
struct state_sink {
    const char *source_name, *sink_name;
    uint64_t shape; /* of what is published (mirror_shape); another one: all of it again */
};

struct store_options {
    struct uv_loop_s *uv;
    const char *path; /* its folder must exist; ":memory:" for a throw-away store */
    const struct state_sink *state_sinks;
    size_t state_sink_count;
};

/* Failures of the port: STATUS_FULL while the disk is full, over by itself when there is room;
 * STATUS_UNAVAILABLE and STATUS_CORRUPT after store_has_failed. */

/* Takes the lock, verifies, migrates, starts the thread. STATUS_BUSY: another daemon has it;
 * STATUS_CORRUPT: damaged, with its name and what to do; STATUS_INVALID: made by a newer version,
 * untouched. */
enum status store_open(const struct store_options *options, struct store **out,
                       struct failure *why) MUST_CHECK;
struct store_port store_port(struct store *store);
/* Other pairs from here on, as by store_open. All or nothing: unless STATUS_OK they are as before.
 */
void store_change_state_sinks(struct store *store, const struct state_sink *pairs, size_t count,
                              store_done_fn *on_done, void *arg);
/* The disk failed or the file is damaged: nothing is written any more and every answer says why.
 * The process is to stop (exit 70); the next start checks the file. */
bool store_has_failed(const struct store *store);
/* Rises while the store works. An answer may have to wait for a large commit: a watchdog that waits
 * for one is fed as long as this rises. */
uint64_t store_progress(const struct store *store);
/* How long the commits of what was written took, since the start; self is the store. */
void store_read_commits(void *self, struct histogram *out);
/* Finishes what was asked, closes the file, joins the thread; then on_closed, from the loop. Frees
 * store. */
void store_close(struct store *store, closed_fn *on_closed, void *arg);

#endif
