/* Dues are written by the wall clock and waited for by the monotonic one: what a jump between the
 * two means for retries and for giving up. Pure. */
#ifndef CORE_DUE_CLOCK_H
#define CORE_DUE_CLOCK_H

#include "core/config.h"

#define SERVER_HINT_MAX_MS DAY_MS /* a receiver may ask for no longer wait than this */

struct due_clock {
    const struct retry_policy *policy; /* borrowed */
    struct instant now;                /* of the latest turn */
    bool has_turned;
    bool has_gone_back;            /* the wall clock, while something was waiting */
    int64_t patient_until_mono_ms; /* before this, age alone parks nothing */
    int64_t hint_until_mono_ms;    /* the longest wait that a receiver asked for ends */
    int64_t jumped_until_mono_ms;  /* dues written before a jump back may still be around */
};

void due_clock_init(struct due_clock *clock, const struct retry_policy *policy);
bool due_clock_turn(struct due_clock *clock, struct instant now); /* true: the wall clock jumped */
/* Something was written at wall_ms. True: that is to come, so the clock went back in an earlier
 * life, and the horizon is another now. */
bool due_clock_see(struct due_clock *clock, int64_t wall_ms);
int64_t due_clock_hint(struct due_clock *clock, struct instant at, int64_t hint_ms); /* capped */
int64_t due_clock_horizon_wall_ms(const struct due_clock *clock);
bool due_clock_has_expired(const struct due_clock *clock, int64_t since_wall_ms, struct instant at);
int64_t due_clock_look_again_mono_ms(const struct due_clock *clock); /* the wall may jump */
/* When due_wall_ms comes or is to be looked at again; INSTANT_NEVER stays so. */
int64_t due_clock_wake_mono_ms(const struct due_clock *clock, int64_t due_wall_ms);

#endif
