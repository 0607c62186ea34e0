/* The judge outside the daemon: it knows what truly happened, hears every durable write and every
 * receipt, and ends the run at the first broken promise. */
#ifndef SIM_ORACLE_H
#define SIM_ORACLE_H

#include "core/config.h"
#include "tests/sim/sim.h"
#include "tests/sim/sim_sinks.h"
#include "tests/sim/sim_store.h"
#include "tests/sim/sim_upstream.h"

struct oracle_order { /* what was last made durable of an order */
    struct oracle_order *next;
    const char *id;
    struct span canonical;
    uint64_t sequence;
    bool has_left;
    int64_t written_mono_ms;
    const char *told_status, *told_step; /* what the latest event said, or the baseline */
    int64_t waits_since_wall_ms;         /* another one may come back; 0: none does */
};

struct oracle_identity { /* a change and the id that it got */
    struct oracle_identity *next;
    const char *change;
    char id[33];
};

struct oracle_slot;   /* an appointment at its present start */
struct oracle_moment; /* a mail of a digest or of quiet hours that was taken */

struct oracle {
    struct sim *sim;
    struct sim_store *store;
    const struct sim_upstream *upstream;
    const struct config *config;
    struct arena *arena;
    struct oracle_order *orders;
    struct oracle_identity *identities;
    bool *received; /* by row id - 1 */
    size_t received_count;
    uint64_t change_count; /* events of orders that time alone did not cause */
    uint64_t duplicate_count;
    struct oracle_slot *slots;
    struct oracle_moment *moments;
    int64_t wall_max_ms;     /* the latest that the wall clock ever showed */
    int64_t clock_offset_ms; /* wall less mono, as long as nobody sets the clock */
    bool has_clock_jumped;
    bool is_once; /* `run --once` sends its digests at its end, at whatever hour */
};

void oracle_init(struct oracle *oracle, struct sim_store *store,
                 const struct sim_upstream *upstream, const struct config *config);
void oracle_fini(struct oracle *oracle);
struct sim_store_watch oracle_store_watch(struct oracle *oracle);
struct sim_sink_watch oracle_sink_watch(struct oracle *oracle);

/* Everything has been quiet for long: all is delivered or parked, and all is known. */
void oracle_check_end(struct oracle *oracle);
/* In weather that has long been fair: what was tried in vain is tried again. */
void oracle_check_waits(const struct oracle *oracle, int64_t calm_since_mono_ms);
bool oracle_is_settled(const struct oracle *oracle); /* nothing pending, the truth is known */
void oracle_check_topics(struct oracle *oracle, const struct sim_sink *sink);

/* oracle_settle.c: a status that is told later, or came back, where the source has a `settle`. */
void oracle_judge_status(const struct oracle *oracle, struct oracle_order *order,
                         const struct staged_order *staged, const struct record *after);
bool oracle_waits(const struct oracle *oracle, const char **order_id); /* one is not told yet */

/* oracle_silence.c: the deliveries of an event that became durable. */
void oracle_judge_reach(struct oracle *oracle, const struct new_event *news);

/* oracle_net.c: a mail of several events, which are those that are durable. */
void oracle_judge_mail(struct oracle *oracle, const struct delivery *delivery,
                       const struct event *events);

/* oracle_moment.c: such a mail is taken. */
void oracle_judge_moment(struct oracle *oracle, const struct delivery *delivery);

/* oracle_orders.c: a durable order against its events, its past, and the truth. */
void oracle_judge_order(struct oracle *oracle, const struct staged_order *staged);
bool oracle_knows_truth(const struct oracle *oracle, const char **wrong_id);

/* oracle_time.c: what time causes and puts off. */
void oracle_watch_clock(struct oracle *oracle); /* after every step of the world */
void oracle_judge_time(struct oracle *oracle, const struct new_event *news);
void oracle_judge_hour(struct oracle *oracle, const char *sink_name,
                       const struct delivery *delivery); /* at which it is sent */
void oracle_note_slots(struct oracle *oracle, const char *order_id, const struct record *record);
void oracle_check_reminders(struct oracle *oracle); /* at the end, in fair weather */

#endif
