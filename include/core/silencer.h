/* The silences of a monitor: kept in the store, true only once they are durable. */
#ifndef CORE_SILENCER_H
#define CORE_SILENCER_H

#include "core/silence.h"

struct silencer;

/* id: of the silence that was added or ended; NULL unless STATUS_OK. */
typedef void silenced_fn(void *arg, enum status status, const char *id, const char *detail);

struct silencer *silencer_create(struct store_port store);
/* Values of other modules are left alone. A list that cannot be read is told in the log, and
 * nothing is silenced. */
void silencer_restore(struct silencer *silencer, const struct stored_value *value);

/* What is known, ended ones too for a while; valid until the next call from the loop. The silencer
 * may be NULL: none. */
const struct silence_list *silencer_list(const struct silencer *silencer);

/* One change at a time. Anything but STATUS_OK: nothing was begun, and on_done does not come.
 * STATUS_BUSY: another change is being written; STATUS_FULL: SILENCES_MAX of them are there. */
enum status silencer_add(struct silencer *silencer, const struct json *document,
                         int64_t now_wall_ms, silenced_fn *on_done, void *arg,
                         struct failure *why) MUST_CHECK;
/* STATUS_NOT_FOUND: no such silence, or it has ended. */
enum status silencer_end(struct silencer *silencer, const char *id, int64_t now_wall_ms,
                         silenced_fn *on_done, void *arg, struct failure *why) MUST_CHECK;

/* Forgets those that ended long ago, unless another change is being written. */
void silencer_tidy(struct silencer *silencer, int64_t now_wall_ms);

bool silencer_is_idle(const struct silencer *silencer);
void silencer_destroy(struct silencer *silencer); /* requires idle */

#endif
