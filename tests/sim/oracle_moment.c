/* What leaves for people at one moment, the time of a digest or the end of quiet hours, is one
 * mail. */
#include "core/arena.h"
#include "tests/sim/oracle.h"

#include <inttypes.h>

struct oracle_moment {
    struct oracle_moment *next;
    const char *lane;
    int64_t delivery_id;
};

void oracle_judge_moment(struct oracle *oracle, const struct delivery *delivery)
{
    /* A clock set back shows the moment twice; and what a night's mail had to leave behind follows
     * it, for that is no digest: there is no next one. */
    bool is_night = delivery->bundle[0] == 'q';
    if (oracle->has_clock_jumped || (is_night && oracle->store->has_cut)) {
        return;
    }
    for (const struct oracle_moment *past = oracle->moments; past != NULL; past = past->next) {
        if (text_equal(past->lane, delivery->lane) && past->delivery_id != delivery->id) {
            sim_violation(oracle->sim,
                          "two mails at one moment: %s leaves as %" PRId64 " and again as %" PRId64,
                          delivery->lane, past->delivery_id, delivery->id);
        }
    }
    struct oracle_moment *moment = arena_alloc(oracle->arena, sizeof *moment);
    *moment = (struct oracle_moment){.next = oracle->moments,
                                     .lane = sim_copy_text(oracle->arena, delivery->lane),
                                     .delivery_id = delivery->id};
    oracle->moments = moment;
}
