#include "mqtt_rota.h"

#include "core/retry.h"

/* A connection that did not even hold so long counts as another failed attempt: two clients with
 * one client_id throw each other out for ever, and 3.1.1 does not say so. */
#define STEADY_MS 10000
#define LOGIN_WAIT_MS_MIN 30000
#define WAIT_MS_MIN 100
#define TAKE_OVER_WAIT_MS_MIN 5000
#define SHORT_COUNT_MAX 3
#define TAKE_OVER_MEMORY_MS 1800000

/* A console waits for the present: after an outage of any length it has it within seconds. */
static const struct retry_policy reconnect_policy = {.first_ms = 1000, .cap_ms = 5000};
static const struct retry_policy login_policy = {.first_ms = 60000, .cap_ms = 300000};
/* Whoever took the session over may be the one that is wanted: it is left alone, longer each time.
 */
static const struct retry_policy take_over_policy = {.first_ms = 10000, .cap_ms = 900000};

void mqtt_rota_up(struct mqtt_rota *rota, int64_t now_mono_ms)
{
    rota->up_mono_ms = now_mono_ms;
}

static int64_t next_round(struct mqtt_rota *rota, const struct mqtt_loss *loss)
{
    rota->index = 0;
    rota->round_count++;
    const struct retry_policy *policy = loss->is_login_refused ? &login_policy : &reconnect_policy;
    return retry_delay_ms(policy, rota->round_count,
                          loss->is_login_refused ? LOGIN_WAIT_MS_MIN : WAIT_MS_MIN, &rota->random);
}

/* Not every broker says so, and 3.1.1 cannot. But a broker that died refuses the next attempt,
 * which comes at once; one that takes our login again and again, and closes soon after, has another
 * client of our id. */
static bool is_contended(struct mqtt_rota *rota, const struct mqtt_loss *loss, int64_t held_ms)
{
    bool is_short = loss->was_logged_in && held_ms < STEADY_MS && !loss->is_by_message;
    rota->short_count = is_short ? rota->short_count + 1 : 0;
    return loss->is_taken_over || rota->short_count >= SHORT_COUNT_MAX;
}

int64_t mqtt_rota_down(struct mqtt_rota *rota, const struct mqtt_loss *loss, int64_t now_mono_ms)
{
    CHECK(rota->broker_count != 0 && rota->index < rota->broker_count);
    int64_t held_ms = loss->was_up ? now_mono_ms - rota->up_mono_ms : 0;
    if (held_ms >= STEADY_MS) {
        rota->round_count = 0;
        rota->loss_count = 0;
    }
    rota->loss_count++;
    rota->take_overs = held_ms >= TAKE_OVER_MEMORY_MS ? 0 : rota->take_overs;
    rota->is_contended = is_contended(rota, loss, held_ms);
    if (rota->is_contended) {
        rota->round_count++;
        rota->take_overs++;
        return retry_delay_ms(&take_over_policy, rota->take_overs, TAKE_OVER_WAIT_MS_MIN,
                              &rota->random);
    }
    if (loss->was_logged_in) {
        rota->index = 0;
        rota->round_count++;
        return 0;
    }
    if (rota->index + 1 == rota->broker_count) {
        return next_round(rota, loss);
    }
    rota->index++;
    return WAIT_MS_MIN;
}
