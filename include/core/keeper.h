/* Keeps what is known within its age: old events and their personal data go, in small steps. */
#ifndef CORE_KEEPER_H
#define CORE_KEEPER_H

#include "core/ports.h"

struct keeper;
struct silencer;

struct keeper_options {
    struct store_port store;
    struct silencer *silencer; /* borrowed; NULL: none */
    int64_t keep_ms;           /* events older than this may go */
};

struct keeper *keeper_create(const struct keeper_options *options);
void keeper_keep(struct keeper *keeper, int64_t keep_ms); /* from the next step on */
/* Asks for the next step when it is due. Returns the mono ms of the next call. */
int64_t keeper_turn(struct keeper *keeper, struct instant now);
void keeper_stop(struct keeper *keeper);
bool keeper_is_idle(const struct keeper *keeper);
void keeper_destroy(struct keeper *keeper); /* requires idle */

#endif
