#include "core/keeper.h"

#include "core/log.h"
#include "core/silencer.h"

#include <stdlib.h>

/* A step takes the store some milliseconds: between two of them it has time for all else. */
#define STEP_MS 200
#define PASS_MS_MIN 1000
#define PASS_MS_MAX INT64_C(3600000)
#define RETRY_MS 60000

/* A clock that was set is not believed at once: it may be set right again, and what was deleted by
 * it would not come back. */
#define JUMP_MS 60000
#define DOUBT_MS INT64_C(600000)

struct keeper {
    struct keeper_options options;
    int64_t due_mono_ms;
    int64_t wall_ahead_ms; /* of the monotonic clock */
    bool has_begun, is_asking, is_stopping, has_answer;
    enum status status;
    struct forgotten step, pass; /* of the answer; since the pass began */
};

struct keeper *keeper_create(const struct keeper_options *options)
{
    struct keeper *keeper = alloc(sizeof *keeper);
    keeper->options = *options;
    return keeper;
}

void keeper_keep(struct keeper *keeper, int64_t keep_ms)
{
    keeper->options.keep_ms = keep_ms;
}

void keeper_destroy(struct keeper *keeper)
{
    CHECK(keeper == NULL || keeper_is_idle(keeper));
    free(keeper);
}

void keeper_stop(struct keeper *keeper)
{
    keeper->is_stopping = true;
}

bool keeper_is_idle(const struct keeper *keeper)
{
    return !keeper->is_asking;
}

static void on_forgot(void *arg, enum status status, const char *detail,
                      const struct forgotten *what)
{
    struct keeper *keeper = arg;
    (void)detail; /* the store tells of its troubles itself */
    keeper->is_asking = false;
    keeper->has_answer = true;
    keeper->status = status;
    keeper->step = *what;
}

static void end_pass(struct keeper *keeper)
{
    const struct forgotten *pass = &keeper->pass;
    if (pass->event_count != 0) {
        LOG_INFO("forgotten", log_number("events", (int64_t)pass->event_count),
                 log_number("deliveries", (int64_t)pass->delivery_count),
                 log_number("orders", (int64_t)pass->order_count));
    }
    keeper->pass = (struct forgotten){0};
}

/* A tenth of the age, so that what is kept for a short time goes in time too. */
static int64_t pass_ms(const struct keeper *keeper)
{
    int64_t tenth_ms = keeper->options.keep_ms / 10;
    tenth_ms = tenth_ms > PASS_MS_MIN ? tenth_ms : PASS_MS_MIN;
    return tenth_ms < PASS_MS_MAX ? tenth_ms : PASS_MS_MAX;
}

static void take_answer(struct keeper *keeper, struct instant now)
{
    keeper->has_answer = false;
    if (keeper->status != STATUS_OK) {
        keeper->due_mono_ms = now.mono_ms + RETRY_MS;
        return;
    }
    keeper->pass.event_count += keeper->step.event_count;
    keeper->pass.delivery_count += keeper->step.delivery_count;
    keeper->pass.order_count += keeper->step.order_count;
    keeper->due_mono_ms = now.mono_ms + (keeper->step.is_done ? pass_ms(keeper) : STEP_MS);
    if (keeper->step.is_done) {
        end_pass(keeper);
    }
}

static void watch_clock(struct keeper *keeper, struct instant now)
{
    int64_t ahead_ms = now.wall_ms - now.mono_ms;
    int64_t jump_ms = ahead_ms - keeper->wall_ahead_ms;
    if (!keeper->has_begun) {
        keeper->has_begun = true;
        keeper->due_mono_ms = now.mono_ms;
    } else if (jump_ms > JUMP_MS || jump_ms < -JUMP_MS) {
        int64_t doubted_mono_ms = now.mono_ms + DOUBT_MS;
        keeper->due_mono_ms =
            keeper->due_mono_ms > doubted_mono_ms ? keeper->due_mono_ms : doubted_mono_ms;
    } else {
        return; /* drift adds up, until it is more than a minute */
    }
    keeper->wall_ahead_ms = ahead_ms;
}

int64_t keeper_turn(struct keeper *keeper, struct instant now)
{
    const struct store_port *store = &keeper->options.store;
    if (store->forget_events == NULL) {
        return INSTANT_NEVER;
    }
    watch_clock(keeper, now);
    if (keeper->has_answer) {
        take_answer(keeper, now);
    }
    if (keeper->is_asking || keeper->is_stopping) {
        return INSTANT_NEVER;
    }
    if (keeper->due_mono_ms > now.mono_ms) {
        return keeper->due_mono_ms;
    }
    if (keeper->options.silencer != NULL) {
        silencer_tidy(keeper->options.silencer, now.wall_ms);
    }
    keeper->is_asking = true;
    store->forget_events(store->self, now.wall_ms - keeper->options.keep_ms, on_forgot, keeper);
    return INSTANT_NEVER;
}
