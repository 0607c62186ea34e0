#include "core/due_clock.h"

#define SLEEP_MAX_MS 60000
#define JUMP_MS 1000         /* less than this is slewing, not a jump */
#define JUMP_OF_AGE_MS 60000 /* so far forward, and ages are no longer what was waited */
#define PATIENCE_MAX_MS HOUR_MS

void due_clock_init(struct due_clock *clock, const struct retry_policy *policy)
{
    *clock = (struct due_clock){.policy = policy};
}

/* After a start or a jump forward, what looks old may never have been tried for long. */
static void be_patient(struct due_clock *clock)
{
    int64_t give_up_ms = clock->policy->give_up_ms;
    clock->patient_until_mono_ms =
        clock->now.mono_ms + (give_up_ms < PATIENCE_MAX_MS ? give_up_ms : PATIENCE_MAX_MS);
}

bool due_clock_turn(struct due_clock *clock, struct instant now)
{
    struct instant before = clock->now;
    clock->now = now;
    if (!clock->has_turned) {
        clock->has_turned = true;
        be_patient(clock);
        return false;
    }
    int64_t jump_ms = (now.wall_ms - before.wall_ms) - (now.mono_ms - before.mono_ms);
    if (jump_ms >= JUMP_OF_AGE_MS) {
        be_patient(clock);
    }
    if (jump_ms <= -JUMP_MS) {
        clock->has_gone_back = true;
        clock->jumped_until_mono_ms = now.mono_ms + SERVER_HINT_MAX_MS;
    }
    return jump_ms >= JUMP_MS || jump_ms <= -JUMP_MS;
}

bool due_clock_see(struct due_clock *clock, int64_t wall_ms)
{
    if (wall_ms < clock->now.wall_ms + JUMP_MS ||
        clock->now.mono_ms < clock->jumped_until_mono_ms) {
        return false;
    }
    clock->has_gone_back = true;
    clock->jumped_until_mono_ms = clock->now.mono_ms + SERVER_HINT_MAX_MS;
    return true;
}

int64_t due_clock_hint(struct due_clock *clock, struct instant at, int64_t hint_ms)
{
    int64_t capped_ms = hint_ms < SERVER_HINT_MAX_MS ? hint_ms : SERVER_HINT_MAX_MS;
    if (at.mono_ms + capped_ms > clock->hint_until_mono_ms) {
        clock->hint_until_mono_ms = at.mono_ms + capped_ms;
    }
    return capped_ms;
}

/* After the wall clock went back, what was written for the old time would come too late. Then only
 * a wait that a receiver asked for in our hearing may be longer than our own law. */
int64_t due_clock_horizon_wall_ms(const struct due_clock *clock)
{
    int64_t longest_ms = SERVER_HINT_MAX_MS;
    if (clock->now.mono_ms < clock->jumped_until_mono_ms) {
        longest_ms = clock->hint_until_mono_ms - clock->now.mono_ms;
    }
    int64_t cap_ms = clock->policy->cap_ms;
    return clock->now.wall_ms + (longest_ms > cap_ms ? longest_ms : cap_ms) + JUMP_MS;
}

bool due_clock_has_expired(const struct due_clock *clock, int64_t since_wall_ms, struct instant at)
{
    return at.wall_ms - since_wall_ms >= clock->policy->give_up_ms &&
           at.mono_ms >= clock->patient_until_mono_ms;
}

int64_t due_clock_look_again_mono_ms(const struct due_clock *clock)
{
    return clock->now.mono_ms + SLEEP_MAX_MS;
}

int64_t due_clock_wake_mono_ms(const struct due_clock *clock, int64_t due_wall_ms)
{
    if (due_wall_ms == INSTANT_NEVER) {
        return INSTANT_NEVER;
    }
    int64_t wait_ms = due_wall_ms - clock->now.wall_ms;
    if (wait_ms > SLEEP_MAX_MS) {
        return due_clock_look_again_mono_ms(clock);
    }
    return clock->now.mono_ms + (wait_ms > 0 ? wait_ms : 0);
}
